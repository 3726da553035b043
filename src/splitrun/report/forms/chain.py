"""The audit chain: its entries as they are read, and what a verification found."""

from __future__ import annotations

from collections.abc import Iterable
from json import loads

from splitrun.store.chain.entry import Entry
from splitrun.store.verification import Verification

__all__ = ["log_form", "verification_form"]


def log_form(entries: Iterable[Entry], last: int) -> dict[str, object]:
    """Write entries in the form `splitrun.audit-log/1`.

    Args:
        entries: The oldest first.
        last: The number of the chain's last entry.
    """
    return {"form": "splitrun.audit-log/1", "last": last, "entries": [loads(one.line()) for one in entries]}


def verification_form(found: Verification) -> dict[str, object]:
    """Write what was found in the form `splitrun.verification/1`."""
    return {
        "form": "splitrun.verification/1",
        "fine": found.fine,
        "registry": found.registry,
        "entries": found.entries,
        "rows": found.rows,
        "behind": found.behind,
        "backwards": found.backwards,
        "found": found.found,
        "faults": [{"kind": one.kind.value, "entry": one.number, "says": one.says} for one in found.faults],
    }

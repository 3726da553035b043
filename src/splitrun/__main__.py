"""`python -m splitrun` and the `splitrun` command."""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]

NEEDED = (
    "alembic",
    "cryptography",
    "duckdb",
    "narwhals",
    "numpy",
    "pyarrow",
    "pydantic",
    "rfc8785",
    "rich",
    "ruamel.yaml",
    "scipy",
    "sqlalchemy",
    "sqlglot",
    "typer",
)


def missing() -> list[str]:
    """Name the packages of the platform that are not installed."""
    absent = []
    for name in NEEDED:
        try:
            found = find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            absent.append(name)
    return absent


def main() -> None:
    """Run the command line; where the platform's packages are absent, say how to get them."""
    absent = missing()
    if absent:
        sys.stderr.write(
            f"splitrun: the command line needs {', '.join(absent)}, not installed here; "
            "run: pip install 'splitrun[platform]'\n"
        )
        raise SystemExit(1)
    from splitrun.cli.app import run  # noqa: PLC0415 - loaded only when its packages are there

    run()


if __name__ == "__main__":
    main()

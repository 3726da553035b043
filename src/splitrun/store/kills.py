"""Flags that were switched off in an emergency: a signed file beside the registry, whatever that can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode
from msgspec.json import format as indented

from splitrun.errors import StoreError
from splitrun.store.chain.head import whole
from splitrun.store.chain.ring import KeyFiles, holds
from splitrun.store.lock import in_turn

__all__ = ["Kill", "KillFile", "Kills"]

FORM: Literal["splitrun.kills/1"] = "splitrun.kills/1"


class Kill(Struct, frozen=True, forbid_unknown_fields=True):
    """A flag that was switched off, or switched on again."""

    flag: str
    environment: str
    reason: str
    actor: str
    at: str
    """UTC, ISO 8601."""
    verb: Literal["kill", "unkill"] = "kill"


class Kills(Struct, frozen=True, forbid_unknown_fields=True):
    """What is switched off, and what of it the audit chain has not been told."""

    project: str
    standing: tuple[Kill, ...] = ()
    untold: tuple[Kill, ...] = ()
    """In the order it happened; written into the chain as soon as the registry can be written."""

    def off(self, environment: str) -> frozenset[str]:
        """Flags that are switched off in an environment."""
        return frozenset(one.flag for one in self.standing if one.environment == environment)


class Signed(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    form: Literal["splitrun.kills/1"]
    body: Kills
    key: str
    signature: str
    """Ed25519 over the body as compact JSON, base64."""


@dataclass(slots=True)
class Desired:
    """The kills while they are changed."""

    kills: Kills


class KillFile:
    """The kills of a project.

    Args:
        path: `kills.json` in the state folder.
        keys: Keys that sign it, and whose signatures hold.
        project: Whose they are.
    """

    def __init__(self, path: Path, keys: KeyFiles, project: str) -> None:
        self.path, self.keys, self.project = path, keys, project

    def read(self) -> Kills:
        """Read what is switched off.

        Raises:
            StoreError: The file is none of ours, of another project, or its signature does not hold.
        """
        try:
            said = decode(self.path.read_bytes(), type=Signed)
        except FileNotFoundError:
            return Kills(self.project)
        except (OSError, MsgspecError, RecursionError) as error:
            raise StoreError(
                f"{self.path} is no file of kills ({error}); switch the flags off again"
            ) from error
        public = {one.name: one.public for one in self.keys.listed()}
        known = said.key in public and holds(public[said.key], said.signature, signed(said.body))
        if not known or said.body.project != self.project:
            raise StoreError(
                f"{self.path} is not signed by a key of this project; it is not obeyed; look who wrote it, "
                "move it away, and switch the flags off again"
            )
        return said.body

    @contextmanager
    def changing(self) -> Iterator[Desired]:
        """Change what is switched off, alone and whole; nothing is written where nothing was changed.

        Raises:
            StoreError: What is there cannot be read, no key may sign, or nothing can be written.
        """
        try:
            with in_turn(self.path.with_suffix(".lock")):
                before = self.read()
                wanted = Desired(before)
                yield wanted
                if wanted.kills != before:
                    self.write(wanted.kills)
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error.strerror}); look at disk and rights"
            ) from error

    def write(self, kills: Kills) -> None:
        """Sign and write.

        Raises:
            StoreError: No key may sign.
            OSError: Nothing can be written.
        """
        signer = self.keys.signer(None)
        document = Signed(FORM, kills, signer.name, signer.signature(signed(kills)))
        whole(self.path, indented(encode(document), indent=2).decode() + "\n")


def signed(kills: Kills) -> bytes:
    """The bytes that the signature is over."""
    return encode({"form": FORM, "kills": kills}, order="deterministic")

"""Look at the machine that Splitrun runs on, and say what would not work."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from splitrun import __version__

__all__ = ["PACKAGES", "Examination", "doctor", "versions"]

PACKAGES = (
    "duckdb",
    "numpy",
    "scipy",
    "pyarrow",
    "narwhals",
    "sqlglot",
    "pydantic",
    "ruamel.yaml",
    "msgspec",
)
"""What a readout depends on; their versions stand in its lineage."""

OPTIONAL = ("pandas", "polars", "ibis-framework", "google-re2")
"""What some calls need and most do not."""

KNOWN_SLOT = "ba7816bf"
"""First digits of SHA-256 of `abc` (FIPS 180-4, appendix B.1)."""

LEAST = 256 * 2**20
"""Bytes of room that a project's disk should have: a log of the spool, and what a compaction writes anew."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One thing that was looked at."""

    name: str
    fine: bool
    says: str
    """What was found; where it is not fine, with what to do."""


def versions() -> tuple[tuple[str, str], ...]:
    """The versions that a readout was made with, Python first."""
    return (
        ("python", platform.python_version()),
        ("splitrun", __version__),
        *((name, version(name)) for name in PACKAGES),
    )


def python() -> Examination:
    """Is this Python new enough?"""
    fine = sys.version_info >= (3, 11)
    return Examination(
        "python", fine, f"{platform.python_version()}" + ("" if fine else "; install Python 3.11 or newer")
    )


def package(name: str, *, needed: bool) -> Examination:
    """Is a package installed?"""
    try:
        return Examination(name, fine=True, says=version(name))
    except PackageNotFoundError:
        remedy = (
            "run: pip install 'splitrun[platform]'"
            if needed
            else f"not installed; only needed for {name} itself"
        )
        return Examination(name, fine=not needed, says=remedy)


def engine() -> Examination:
    """Does DuckDB run, lock itself down, and hash as everywhere else?"""
    try:
        with duckdb.connect(
            config={"enable_external_access": "false", "lock_configuration": "true"}
        ) as session:
            row = session.execute("SELECT sha256('abc')").fetchone()
    except duckdb.Error as error:
        return Examination("engine", fine=False, says=f"DuckDB does not run: {error}; reinstall duckdb")
    fine = row is not None and str(row[0]).startswith(KNOWN_SLOT)
    return Examination(
        "engine", fine, "DuckDB runs locked down" if fine else "DuckDB's sha256 is off; reinstall duckdb"
    )


def zones() -> Examination:
    """Are the time zones of the world known here?"""
    try:
        ZoneInfo("Europe/Berlin")
    except (KeyError, OSError):
        return Examination("time zones", fine=False, says="not to be found; run: pip install tzdata")
    return Examination("time zones", fine=True, says="known")


def scratch() -> Examination:
    """Can temporary files be written?"""
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"splitrun")
    except OSError as error:
        return Examination(
            "temporary files", fine=False, says=f"{error}; set TMPDIR to a folder that can be written"
        )
    return Examination("temporary files", fine=True, says=tempfile.gettempdir())


def room(place: Path, least: int = LEAST) -> Examination:
    """Is there room on the disk of a folder?"""
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Examination("disk", fine=False, says=f"{place} cannot be looked at ({error})")
    says, fine = f"{free / 2**30:.1f} GiB free on the disk of the folder", free >= least
    return Examination("disk", fine, says if fine else f"{says}; make room there")


def memory() -> Examination:
    """How much memory and how many cores are there?"""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    found = f"{pages / 2**30:.0f} GiB, " if pages else ""
    return Examination("machine", fine=True, says=f"{found}{os.cpu_count()} cores, {platform.platform()}")


def encoding() -> Examination:
    """Can the terminal show the bars?"""
    name = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    fine = name.replace("-", "") == "utf8"
    return Examination("terminal", fine=True, says=name if fine else f"{name}; bars are drawn in ASCII")


def doctor(place: Path = Path()) -> tuple[Examination, ...]:
    """Examine everything, in the order in which a person would mend it.

    Args:
        place: A folder of the project, whose disk has to have room.
    """
    looks: tuple[Callable[[], Examination], ...] = (python, engine, zones, scratch)
    return (
        *(look() for look in looks),
        room(place),
        memory(),
        encoding(),
        *(package(name, needed=True) for name in PACKAGES),
        *(package(name, needed=False) for name in OPTIONAL),
    )

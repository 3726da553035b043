"""Files that a plan names: found inside the folders allowed, looked at once, told apart by their bytes."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from splitrun.errors import DataError, EngineError

__all__ = ["Sheet", "digest", "found", "sheet"]

CHUNK = 1 << 20
HEAD = 1 << 16
"""A header is looked for in the first 64 kB."""
DELIMITERS = (",", ";", "\t", "|")
WILDCARDS = frozenset("*?[")


def found(key: str, named: str, roots: Sequence[Path], *, many: bool = False) -> tuple[Path, ...]:
    """Find the file that a source names, or the files that a pattern matches, in their order by name.

    Raises:
        EngineError: It lies outside the folders that may be read, through `..` or a link.
        DataError: There is no such file.
    """
    if not roots:
        raise EngineError(f"{key}: no folder may be read, so {named!r} may not; name a folder to the engine")
    places = [root / named for root in roots]
    if many and WILDCARDS & set(named):
        matched = [path for root in roots for path in _matches(key, root, named)]
    else:
        for place in places:
            _check_inside(key, named, place, roots)
        matched = [place for place in places if place.is_file()][:1]
        if not matched and any(place.exists() and not place.is_dir() for place in places):
            raise DataError(f"{key}: {named!r} is not a regular file; save its rows in a file and name that")
        if not matched and any(place.exists() for place in places):
            raise DataError(f"{key}: {named!r} is a folder; name a file, or a pattern like {named}/*.parquet")
    for place in matched:
        _check_inside(key, named, place, roots)
    if not matched:
        raise DataError(
            f"{key}: there is no file {named!r} in {_listed(roots)}; check the name or the folder"
        )
    return tuple(sorted({place.resolve() for place in matched}))


def _matches(key: str, root: Path, pattern: str) -> Iterator[Path]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise EngineError(
            f"{key}: the pattern {pattern!r} leads outside {_listed([root])}; write it from that folder on"
        )
    yield from (path for path in root.glob(pattern) if path.is_file())


def _check_inside(key: str, named: str, place: Path, roots: Sequence[Path]) -> None:
    real = place.resolve()
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise EngineError(
            f"{key}: {named!r} lies outside {_listed(roots)}; move the file there or allow its folder"
        )


def _listed(roots: Sequence[Path]) -> str:
    return ", ".join(str(root) for root in roots)


def digest(paths: Sequence[Path]) -> str:
    """The SHA-256 of a file's bytes; of several files, that of their digests in order."""
    sums = []
    for path in paths:
        with path.open("rb") as file:
            sums.append(hashlib.file_digest(file, "sha256").hexdigest())
    return f"sha256:{sums[0] if len(sums) == 1 else hashlib.sha256(''.join(sums).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What must be known of a CSV before its rows are read."""

    header: tuple[str, ...]
    delimiter: str
    open_quote: bool
    """An odd number of quotes: one is never closed, or stands inside a cell."""
    lines: int
    """Lines, blank ones left out."""


def sheet(key: str, path: Path) -> Sheet:
    """Read a CSV's header and count its lines.

    Raises:
        DataError: It is empty, its header is no text, or two columns have the same name.
    """
    head, quotes, lines = _scanned(key, path)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{key}: {path.name} is written in UTF-16; save it as UTF-8")
    if not head.strip(b"\xef\xbb\xbf \r\n"):
        raise DataError(f"{key}: {path.name} is empty; it needs a header and at least one row")
    delimiter, header = _header(key, path, head)
    twins = sorted({name for name in header if sum(name.lower() == other.lower() for other in header) > 1})
    if twins:
        raise DataError(
            f"{key}: {path.name} has columns of the same name ({', '.join(twins)}); "
            "give each a name of its own"
        )
    return Sheet(header=header, delimiter=delimiter, open_quote=quotes % 2 == 1, lines=lines)


def _scanned(key: str, path: Path) -> tuple[bytes, int, int]:
    quotes = lines = 0
    head = last = b""
    try:
        with _opened(path) as file:
            while chunk := file.read(CHUNK):
                head = head or chunk[:HEAD]
                quotes += chunk.count(b'"')
                text = last + chunk.replace(b"\r", b"")
                lines += text.count(b"\n") - text.count(b"\n\n")
                last = text[-1:] if text[-1:] == b"\n" else b""
                # a newline carried over was counted with its own chunk
                lines -= 1 if text[:1] == b"\n" and len(text) > len(chunk.replace(b"\r", b"")) else 0
    except (OSError, EOFError) as error:
        raise DataError(f"{key}: {path.name} cannot be read ({error}); check the file") from None
    return head, quotes, lines + (0 if last == b"\n" else 1)


def _opened(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.open(path, "rb"))  # type: ignore[arg-type,type-var,unused-ignore]  # reads like a raw stream
    return path.open("rb")


def _header(key: str, path: Path, head: bytes) -> tuple[str, tuple[str, ...]]:
    cut = head if len(head) < HEAD else head[: head.rfind(b"\n") + 1]
    try:
        text = cut.decode("utf-8-sig", errors="replace")
        line = cut.replace(b"\r", b"\n").split(b"\n", 1)[0]
        line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{key}: the header of {path.name} is not UTF-8; save the file as UTF-8") from None
    best: tuple[str, tuple[str, ...]] = (",", ())
    for delimiter in DELIMITERS:
        row = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
        if len(row) > len(best[1]):
            best = (delimiter, tuple(row))
    return best

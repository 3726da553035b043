"""Gzipped bodies, unpacked no further than may be taken."""

from __future__ import annotations

import zlib

from splitrun.collect.codes import Code, Refused
from splitrun.collect.limits import BATCH_BYTES

__all__ = ["too_large", "unpacked"]


def unpacked(body: bytes, most: int = BATCH_BYTES) -> bytes | Refused:
    """Unpack a gzipped body, and no more of it than may be taken.

    Args:
        body: As it came.
        most: Bytes that it may have unpacked.
    """
    stream = zlib.decompressobj(wbits=31)
    try:
        out = stream.decompress(body, most + 1)
    except zlib.error as error:
        return Refused(Code.ENCODING, f"the body is not gzip ({error}); send it as its Content-Encoding says")
    if len(out) > most:
        return too_large(most)
    if not stream.eof or stream.unused_data:
        return Refused(Code.ENCODING, "the gzip stream is cut off or followed by more; send one whole stream")
    return out


def too_large(most: int) -> Refused:
    """Refuse a body for its size."""
    return Refused(
        Code.TOO_LARGE, f"the batch has more than {most:,} bytes; send fewer events at once", status=413
    )

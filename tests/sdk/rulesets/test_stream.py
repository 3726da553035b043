from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitrun.sdk.rulesets.stream import LINE_BYTES, Stream


class Pieces:
    """A stream that comes in these pieces and then ends."""

    def __init__(self, *pieces: bytes, status: int = 200) -> None:
        self.pieces, self.status = list(pieces), status

    def chunk(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def interrupt(self) -> None:
        self.pieces = []

    def close(self) -> None:
        self.pieces = []


def heard(stream: Stream) -> list[str]:
    said: list[str] = []
    while not said or said[-1] not in {"ended", "refused"}:
        said.append(stream.next().kind)
    return said


TEXT = (
    b": hello\r\n\r\nid: 7\nevent: ruleset\ndata: x\n\n"
    b"retry: 1500\rdata: y\r\revent: other\ndata: z\n\ndata\n"
)


@given(cuts=st.lists(st.integers(1, len(TEXT) - 1), max_size=20))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts)), len(TEXT)]
    stream = Stream(Pieces(*(TEXT[a:b] for a, b in pairwise(edges))), None)

    said = heard(stream)

    assert said == ["opened", "alive", "changed", "changed", "alive", "ended"]
    assert (stream.last, stream.retry) == ("7", 1.5)


def test_an_id_of_an_earlier_connection_stays_until_there_is_a_newer_one() -> None:
    stream = Stream(Pieces(b"id: a\0b\n\n:\n"), "5")

    assert heard(stream) == ["opened", "alive", "ended"]
    assert stream.last == "5"


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "refused"), (501, "refused"), (503, "ended"), (0, "ended")]
)
def test_only_a_server_without_the_address_is_not_listened_to_again(status: int, kind: str) -> None:
    assert heard(Stream(Pieces(b"data: x\n\n", status=status), None)) == [kind]


def test_a_line_without_an_end_ends_the_stream() -> None:
    pieces = [b"x" * 1_000 for _ in range(10 * LINE_BYTES // 1_000)]
    source = Pieces(*pieces)

    assert heard(Stream(source, None)) == ["opened", "ended"]
    assert len(source.pieces) > len(pieces) / 2

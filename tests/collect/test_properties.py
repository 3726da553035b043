from __future__ import annotations

import pyarrow as pa

from splitrun.collect.properties import Declared, parted
from splitrun.terms.tree import Kind


def columns(written: list[bytes], declared: Declared) -> dict[str, list[object]]:
    return pa.table(dict(parted(written, declared))).to_pydict()


def test_declared_properties_get_columns_and_the_rest_stays_json() -> None:
    written = [b'{"amount": 5, "plan": "pro", "x": [1]}', b'{"amount": "5"}', b"{}"]

    found = columns(written, {"amount": Kind.NUMBER, "plan": Kind.TEXT, "gift": Kind.BOOLEAN})

    assert found["p_amount"] == [5.0, None, None]
    assert found["p_plan"] == ["pro", None, None]
    assert found["p_gift"] == [None, None, None]
    assert found["properties"] == ['{"x":[1]}', '{"amount":"5"}', None]


def test_without_declarations_properties_stay_as_they_came() -> None:
    found = columns([b'{ "b": 1.0, "a": 2 }', b"{}"], {})

    assert found["properties"] == ['{ "b": 1.0, "a": 2 }', None]

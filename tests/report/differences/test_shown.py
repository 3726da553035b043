from __future__ import annotations

from splitrun.plan.difference.difference import Difference
from splitrun.report.differences.shown import About, difference_as_lines, difference_as_markdown
from tests.plan.difference.shop import FILES, changed, found, replaced

SHOP = About("shop", "sqlite:///a.db")


def test_text_of_files_cannot_break_the_table_of_a_pull_request() -> None:
    one = changed("title: A shorter checkout", 'title: "a | b </td><script>`x`[y](z)"', None)

    (row,) = [line for line in difference_as_markdown(one, SHOP) if line.startswith("| ~")]

    assert row == (
        "| ~ | experiment `checkout` | title: A shorter checkout -\\> a \\| b "
        "\\</td\\>\\<script\\>\\`x\\`\\[y\\](z) |  |"
    )


def test_notes_stand_below_the_table_and_many_fields_are_counted() -> None:
    columns = ", ".join(f"p{number}: 1" for number in range(20))
    one = found(FILES, replaced("colour: red", f"colour: red, {columns}"), ("checkout", "staging", "running"))
    noted = changed("csv: orders.csv", "csv: purchases.csv")

    assert "and 8 more" in "\n".join(difference_as_markdown(one, SHOP))
    last = difference_as_markdown(noted, SHOP)[-1]
    assert last.startswith("- note: checkout is running in staging: source 'orders' as it is sealed stays")


def test_no_difference_is_said() -> None:
    assert difference_as_markdown(Difference(()), SHOP) == ["### Splitrun: no differences in `shop`"]
    assert difference_as_lines(Difference(()), SHOP) == [
        "no differences: the registry of 'shop' says what the files say"
    ]

"""What sums give away, worked out by hand."""

from __future__ import annotations

from splitrun.govern.cells.suppression import Grid, hidden
from splitrun.govern.cells.system import Order, Place, Range, Sum, ranges, solved

A, B, C, D = (Place("s", name) for name in "abcd")


def test_one_unknown_of_a_sum_is_solved_and_two_are_not() -> None:
    whole = Sum({A: 1, B: 1, C: 1}, (10,))

    assert solved({A}, [whole]) == {A}
    assert solved({A, B}, [whole]) == frozenset()


def test_sums_that_tell_nothing_alone_are_solved_together() -> None:
    # a + b = 7, b + c = 5, a + c = 6: a = 4, b = 3, c = 2; d is in none of them with a factor of its own
    pairs = {(A, B): 7, (B, C): 5, (A, C): 6, (C, A): 6}
    sums = [Sum(dict.fromkeys(pair, 1), (total,)) for pair, total in pairs.items()]

    assert solved({A, B, C, D}, sums) == {A, B, C}


def test_bounds_of_counts_are_narrowed_by_the_sums_they_are_in() -> None:
    # a + b = 7 with a at most 3; b - c - d = 0 with c known to be 4
    sums = [({A: 1, B: 1}, 7), ({B: 1, C: -1, D: -1}, 0)]

    found = ranges({A: 3, B: 100, D: 100}, {C: 4}, sums)

    assert found == {A: Range(0, 3), B: Range(4, 7), D: Range(0, 3)}


def test_a_level_with_few_units_is_hidden_with_the_next_larger_one() -> None:
    now = {A: (4, 30), B: (50, 60), C: (20, 25), D: (70, 80)}
    grid = Grid((144, 195), now, (Sum(dict.fromkeys(now, 1), (144, 195)),))

    assert hidden(grid, 10).places == {A, C}
    assert hidden(grid, 4).places == frozenset()
    assert hidden(grid, 1).places == frozenset()


def test_a_level_is_hidden_that_would_leave_fewer_than_may_be_shown_beside_it() -> None:
    # nobody in a and 9 in b: together 9, so that neither could be 10
    now = {A: (0, 40), B: (9, 40), C: (30, 40)}
    grid = Grid((39, 120), now, (Sum(dict.fromkeys(now, 1), (39, 120)),))

    assert hidden(grid, 10).places == {A, B, C}


def test_a_segment_of_one_level_is_the_whole_and_hides_nothing() -> None:
    assert hidden(Grid((3, 4), {A: (3, 4)}, (Sum({A: 1}, (3, 4)),)), 10).places == frozenset()


def test_a_level_that_has_changed_by_few_units_is_hidden_at_the_next_look() -> None:
    now = {A: (53, 61), B: (80, 90), C: (70, 70)}
    then = {A._replace(look=1): (50, 61), B._replace(look=1): (60, 60), C._replace(look=1): (70, 70)}
    grid = Grid(
        (203, 221),
        now,
        (Sum(dict.fromkeys(now, 1), (203, 221)), Sum(dict.fromkeys(then, 1), (180, 191))),
        orders=tuple(Order(one._replace(look=1), one) for one in now),
        past=then,
    )

    gone = hidden(grid, 10).places

    assert A in gone
    assert len(gone) > 1
    same = Grid((200, 221), {**now, A: (50, 61)}, grid.sums, grid.orders, past=then)
    assert not hidden(same, 10).places

"""What failed together is mixed before it is tried again."""

from __future__ import annotations

from workers.turns import turn

HALF = 50


def order(tries: int) -> list[int]:
    return sorted(range(2 * HALF), key=lambda number: turn({"id": number, "attempts": tries}))


def test_what_is_new_is_tried_in_its_order_and_before_what_failed() -> None:
    rows = [
        {"id": 3, "attempts": 1},
        {"id": 1, "attempts": 4},
        {"id": 9, "attempts": 0},
        {"id": 2, "attempts": 1},
    ]
    assert [row["id"] for row in sorted(rows, key=turn)] == [9, 2, 3, 1]
    assert order(1) == list(range(2 * HALF))


def test_what_failed_together_is_mixed_anew_at_each_try() -> None:
    """Else those behind one at which a shop always fails would wait behind it for ever."""
    tries = [order(number) for number in range(2, 16)]
    assert len({tuple(each) for each in tries}) == len(tries)
    for number in range(2 * HALF):
        assert {each.index(number) < HALF for each in tries} == {True, False}
    assert order(2) == order(2)

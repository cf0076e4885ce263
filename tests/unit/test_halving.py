"""What fails alone fails alone, and a shop that fails at everything is not asked for each thing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.halving import MOST_IN_A_ROW, SLOW, ask_each, ask_in_halves, list_failed, require_some
from loyalty.pushes import OneFailed, OneTooSlow, PushError


class Shop:
    """Answers whatever it is asked for, unless that holds one of some things."""

    def __init__(self, *bad: int, why: type[OneFailed] = OneFailed) -> None:
        self.bad, self.why, self.asked = set(bad), why, 0

    def __call__(self, things: Sequence[int]) -> list[int]:
        self.asked += 1
        if self.bad & set(things):
            raise self.why("no", permanent=False, reason="unreachable")
        return list(things)

    def one(self, thing: int) -> int:
        return self([thing])[0]


def test_what_is_answered_is_asked_for_once() -> None:
    shop = Shop()
    assert ask_in_halves(shop, range(200)) == (list(range(200)), [])
    assert shop.asked == 1


@pytest.mark.parametrize("bad", [(0,), (199,), (70, 71, 72, 73, 74), (3, 50, 120, 198)])
def test_only_what_fails_alone_fails(bad: tuple[int, ...]) -> None:
    shop = Shop(*bad)
    answers, failed = ask_in_halves(shop, range(200))
    assert sorted(answers) == [each for each in range(200) if each not in bad]
    assert sorted(list_failed(failed)) == list(bad)
    assert all(len(some) == 1 for some, _ in failed)
    require_some(range(200), failed)


def test_a_shop_that_fails_at_everything_is_not_asked_for_each_thing() -> None:
    shop = Shop(*range(200))
    answers, failed = ask_in_halves(shop, range(200))
    assert (answers, sum(len(some) for some, _ in failed)) == ([], 200)
    assert shop.asked <= 2 * MOST_IN_A_ROW + 1
    with pytest.raises(OneFailed):
        require_some(range(200), failed)


@pytest.mark.parametrize("count", [0, 1, 2, 8])
def test_things_that_all_fail_by_themselves_are_to_blame_themselves(count: int) -> None:
    things = range(count)
    _, failed = ask_in_halves(Shop(*things), things)
    assert sorted(list_failed(failed)) == list(things)
    require_some(things, failed)


def test_a_refusal_of_the_whole_shop_is_asked_once() -> None:
    calls: list[int] = []

    def refuse(things: Sequence[int]) -> list[int]:
        calls.append(len(things))
        raise PushError("no", permanent=False, reason="limit")

    with pytest.raises(PushError):
        ask_in_halves(refuse, range(200))
    assert calls == [200]


def test_for_nothing_nobody_is_asked() -> None:
    shop = Shop()
    assert (ask_in_halves(shop, []), ask_each(shop.one, []), shop.asked) == (([], []), ({}, {}), 0)


@pytest.mark.parametrize("bad", [0, 77, 199])
def test_one_that_takes_too_long_fails_alone(bad: int) -> None:
    answers, failed = ask_in_halves(Shop(bad, why=OneTooSlow), range(200))
    assert (len(answers), list_failed(failed)) == (199, [bad])


def test_a_shop_that_hangs_is_asked_a_few_times_only() -> None:
    shop = Shop(*range(200), why=OneTooSlow)
    assert len(list_failed(ask_in_halves(shop, range(200))[1])) == 200
    assert shop.asked <= 2 * (MOST_IN_A_ROW // SLOW) + 1


@pytest.mark.parametrize(
    ("why", "most"), [(OneFailed, MOST_IN_A_ROW + 1), (OneTooSlow, MOST_IN_A_ROW // SLOW + 1)]
)
def test_each_is_asked_for_until_too_many_failed_in_a_row(why: type[OneFailed], most: int) -> None:
    shop = Shop(*range(10, 60), why=why)
    answers, failed = ask_each(shop.one, range(100))
    assert (list(answers), list(failed)) == (list(range(10)), list(range(10, 100)))
    assert shop.asked == 10 + most


def test_single_failures_end_nothing() -> None:
    shop = Shop(*range(0, 100, 2))
    answers, failed = ask_each(shop.one, range(100))
    assert (list(answers), list(failed)) == (list(range(1, 100, 2)), list(range(0, 100, 2)))

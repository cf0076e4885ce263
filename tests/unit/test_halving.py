"""What fails alone fails alone, and a shop that fails at everything is not asked for each thing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors import halving
from connectors.halving import MOST_IN_A_ROW, SECONDS_LOST, ask_each, ask_in_halves, list_failed, require_some
from loyalty.pushes import OneFailed, PushError


class Shop:
    """Answers whatever it is asked for, unless that holds one of some things, over which it thinks for some time."""

    def __init__(self, *bad: int, seconds: float = 0) -> None:
        self.bad, self.seconds, self.now, self.asked = set(bad), seconds, 0.0, 0

    def __call__(self, things: Sequence[int]) -> list[int]:
        self.asked += 1
        if self.bad & set(things):
            self.now += self.seconds
            raise OneFailed("no", permanent=False, reason="unreachable")
        self.now += 1
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


@pytest.mark.parametrize("bad", [(0,), (10, 60, 110, 160), tuple(range(200))])
def test_a_shop_that_hangs_is_left_in_time_and_the_rest_fails_unasked(
    monkeypatch: pytest.MonkeyPatch, bad: tuple[int, ...]
) -> None:
    shop = Shop(*bad, seconds=20)
    monkeypatch.setattr(halving, "monotonic", lambda: shop.now)
    answers, failed = ask_in_halves(shop, range(200))
    assert sorted([*answers, *list_failed(failed)]) == list(range(200))
    assert set(bad) <= set(list_failed(failed))
    assert shop.now <= SECONDS_LOST + 20 + shop.asked


def test_each_is_asked_for_until_a_shop_has_hung_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(*range(10, 60, 2), seconds=20)
    monkeypatch.setattr(halving, "monotonic", lambda: shop.now)
    answers, failed = ask_each(shop.one, range(100))
    assert (list(answers), list(failed)) == ([*range(10), 11, 13, 15], [10, 12, 14, *range(16, 100)])


def test_each_is_asked_for_until_too_many_failed_in_a_row() -> None:
    shop = Shop(*range(10, 60))
    answers, failed = ask_each(shop.one, range(100))
    assert (list(answers), list(failed)) == (list(range(10)), list(range(10, 100)))
    assert shop.asked == 10 + MOST_IN_A_ROW + 1


def test_single_failures_end_nothing() -> None:
    shop = Shop(*range(0, 100, 2))
    answers, failed = ask_each(shop.one, range(100))
    assert (list(answers), list(failed)) == (list(range(1, 100, 2)), list(range(0, 100, 2)))

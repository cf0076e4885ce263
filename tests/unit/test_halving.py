"""What fails alone fails alone, and a shop that fails at everything is not asked for each thing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.halving import MOST_IN_A_ROW, ask_in_halves, list_failed, require_some
from loyalty.pushes import OneFailed, PushError


class Shop:
    """Answers whatever it is asked for, unless that holds one of some things."""

    def __init__(self, *bad: int) -> None:
        self.bad, self.asked = set(bad), 0

    def __call__(self, things: Sequence[int]) -> list[int]:
        self.asked += 1
        if self.bad & set(things):
            raise OneFailed("no", permanent=False, reason="unreachable")
        return list(things)


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

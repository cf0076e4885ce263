"""What is told of rules of expiry that lie ahead: when, to whom and in which words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import LONG_AGO, make_program
from folding import DAY, HOUR
from ladders import instant

from loyalty.engine.announcement import announced_starts, announcement_text, switch_warning
from loyalty.engine.comparison import Loss
from loyalty.programs.program import Versions

NOW = instant("2026-03-20T04:00")
START = instant("2026-04-29T04:00")
MOMENT = timedelta(microseconds=1)
NONE: dict[str, Any] = {}
LOT = {"mode": "lot", "after": {"months": 12}}
HALF = {"mode": "inactivity", "after": {"months": 6}}
YEAR = {"mode": "inactivity", "after": {"months": 12}}
SHORTER = [
    (NONE, HALF), (LOT, HALF), (YEAR, HALF), (YEAR, LOT), (YEAR, {**YEAR, "round_up_to": "month"}),
]  # fmt: skip
HARMLESS = [(NONE, LOT), (LOT, NONE), (YEAR, NONE), (YEAR, YEAR), (LOT, {**LOT, "after": {"days": 1}})]


def versions(*expiry: dict[str, Any], starts: tuple[datetime, ...] = (LONG_AGO, START)) -> Versions:
    both = zip(expiry, starts, strict=True)
    return Versions(
        tuple(make_program(number, start, expiry=mode) for number, (mode, start) in enumerate(both, 1))
    )


@pytest.mark.parametrize(("old", "new"), SHORTER)
@pytest.mark.parametrize(("now", "ahead"), [(NOW, [START]), (START - MOMENT, [START]), (START, [])])
def test_rules_that_may_shorten_lives_are_announced_until_they_begin(
    old: dict[str, Any], new: dict[str, Any], now: datetime, ahead: list[datetime]
) -> None:
    assert announced_starts(versions(old, new), now) == ahead


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_rules_that_shorten_nothing_are_not_announced(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert announced_starts(versions(old, new), NOW) == []


def test_a_first_version_is_not_announced() -> None:
    assert announced_starts(versions(HALF, starts=(START,)), NOW) == []


def test_each_version_ahead_is_compared_with_the_one_before_it() -> None:
    three = versions(NONE, YEAR, HALF, starts=(LONG_AGO, START, START + DAY))
    assert announced_starts(three, NOW) == [START, START + DAY]


@pytest.mark.parametrize(
    ("loss", "english", "chinese"),
    [
        (
            Loss(30, 0, None),
            "The expiry of your points changes on 2026-04-29: 30 points expire that day",
            "積分的到期規則將於2026-04-29變更:您有30積分將於當日失效",
        ),
        (
            Loss(0, 70, instant("2026-09-10T16:00")),
            "The expiry of your points changes on 2026-04-29: 70 points expire sooner than before, the first of them"
            " after 2026-09-10",
            "積分的到期規則將於2026-04-29變更:您有70積分會提早到期,最早的可用到2026-09-10",
        ),
        (
            Loss(30, 70, instant("2026-09-10T16:00")),
            "The expiry of your points changes on 2026-04-29: 30 points expire that day; 70 points expire sooner than"
            " before, the first of them after 2026-09-10",
            "積分的到期規則將於2026-04-29變更:您有30積分將於當日失效;您有70積分會提早到期,最早的可用到2026-09-10",
        ),
    ],
)  # fmt: skip
def test_a_member_reads_amounts_and_the_last_day_of_his_points(
    loss: Loss, english: str, chinese: str
) -> None:
    text = announcement_text(loss, make_program(2, START, expiry=HALF), START)
    assert (text["en"], text["zh-TW"]) == (english, chinese)
    assert "到期规则将于2026-04-29变更" in text["zh-CN"]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(0), "no announcement"),
        (HOUR - MOMENT, "no announcement"),
        (HOUR, "Days until then: 1;"),
        (DAY, "Days until then: 1;"),
        (DAY + MOMENT, "Days until then: 2;"),
        (40 * DAY, "Days until then: 40;"),
    ],
)
def test_publishing_says_whether_members_can_still_be_told(left: timedelta, said: str) -> None:
    program = make_program(2, START, expiry=HALF)
    [warning] = switch_warning(versions(NONE, starts=(LONG_AGO,)), program, START - left)
    assert warning.path == "/expiry"
    assert said in warning.message["en"]
    assert set(warning.message) == {"zh-TW", "zh-CN", "en"}


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_publishing_says_nothing_of_rules_that_shorten_nothing(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    known = versions(old, starts=(LONG_AGO,))
    assert list(switch_warning(known, make_program(2, START, expiry=new), NOW)) == []


def test_publishing_a_first_version_says_nothing_of_announcements() -> None:
    assert list(switch_warning(Versions(()), make_program(1, START, expiry=HALF), NOW)) == []

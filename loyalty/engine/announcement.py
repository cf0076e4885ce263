"""What members and merchants are told of rules of expiry that take effect later; law: exact amounts, three languages,
no clock, no database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from loyalty.clock import local_date
from loyalty.engine.comparison import Loss
from loyalty.engine.expiring import may_shorten
from loyalty.programs.ladder import Text
from loyalty.programs.lint import Notice
from loyalty.programs.program import LANGUAGES, Program, Versions, text_in
from loyalty.tiers.holding import MOMENT

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_BEGINS = {
    "zh-TW": "{points}的到期規則將於{start}變更",
    "zh-CN": "{points}的到期规则将于{start}变更",
    "en": "The expiry of your {points} changes on {start}",
}
_DYING = {
    "zh-TW": "您有{amount}{points}將於當日失效",
    "zh-CN": "您有{amount}{points}将于当日失效",
    "en": "{amount} {points} expire that day",
}
_EARLIER = {
    "zh-TW": "您有{amount}{points}會提早到期,最早的可用到{last}",
    "zh-CN": "您有{amount}{points}会提早到期,最早的可用到{last}",
    "en": "{amount} {points} expire sooner than before, the first of them after {last}",
}
_JOINS = {"zh-TW": (":", ";"), "zh-CN": (":", ";"), "en": (": ", "; ")}
_TOO_LATE = {
    "zh-TW": "這個版本會讓已發出的積分提早到期,但很快就生效,來不及事先通知會員。",
    "zh-CN": "这个版本会让已发出的积分提早到期,但很快就生效,来不及事先通知会员。",
    "en": "Points already given may die sooner, and so soon that no announcement to members is possible.",
}
_IN_TIME = {
    "zh-TW": "這個版本會讓已發出的積分提早到期;{days}天後生效,在那之前會通知受影響的會員一次。",
    "zh-CN": "这个版本会让已发出的积分提早到期;{days}天后生效,在那之前会通知受影响的会员一次。",
    "en": "Points already given may die sooner. Days until then: {days}; each member concerned gets one notice before.",
}


def announced_starts(versions: Versions, now: datetime) -> list[datetime]:
    """Return the instants ahead, in order, at which points that members hold may get earlier dates."""
    found = {
        new.effective_from
        for old, new in pairwise(versions.programs)
        if new.effective_from > now and may_shorten(old.expiry, new.expiry)
    }
    return sorted(found)


def announcement_text(loss: Loss, program: Program, start: datetime) -> Text:
    """Return what a member is told of a loss under a program from `start`; days are the account's own."""
    begins = local_date(start, program.time_zone).isoformat()
    return {language: _sentence(language, loss, program, begins) for language in LANGUAGES}


def _sentence(language: str, loss: Loss, program: Program, begins: str) -> str:
    points, parts = text_in(program.points_name, language), []
    if loss.dying:
        parts.append(_DYING[language].format(amount=loss.dying, points=points))
    if loss.first_at is not None:
        last = local_date(loss.first_at - MOMENT, program.time_zone).isoformat()
        parts.append(_EARLIER[language].format(amount=loss.earlier, points=points, last=last))
    colon, semicolon = _JOINS[language]
    return _BEGINS[language].format(points=points, start=begins) + colon + semicolon.join(parts)


def switch_warning(known: Versions, program: Program, now: datetime) -> Iterator[Notice]:
    """Say whether members can still be told when a program that follows these versions lets points die sooner.

    The job that tells them runs each hour.
    """
    old = known.at(program.effective_from)
    if old is None or not may_shorten(old.expiry, program.expiry):
        return
    left = program.effective_from - now
    texts = _TOO_LATE if left < HOUR else _IN_TIME
    days = -(-left // DAY)
    yield Notice("/expiry", {language: text.format(days=days) for language, text in texts.items()})

"""Which members a dated automation means now: found by the database, page by page; law: each occasion once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.clock import day_end, day_start, local_date
from loyalty.engine import codec
from loyalty.engine.commands import Source
from loyalty.engine.tiering import present_tier
from loyalty.ledger.repository import list_ending_lots
from loyalty.members.birthdays import list_birthdays
from loyalty.members.repository import list_members, list_tiers_ending
from loyalty.orders.repository import list_lapsed
from loyalty.programs.automations import Automation, OncePer, Trigger, When
from loyalty.programs.program import Program, Versions
from loyalty.programs.segments import Criterion
from loyalty.rewards.repository import list_ending_coupons

DAY = timedelta(days=1)
LOOK_BACK = 31
"""So many days of downtime are caught up with."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """A dated rule of the program in force, and since when it has been in force without a break."""

    source: Source
    key: str
    trigger: Trigger
    when: When
    conditions: tuple[Criterion, ...]
    once_per: OncePer
    since: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A member whom a rule means, the occasion, and what messages may tell of it."""

    member: UUID
    occasion: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look: the rules in force at an instant, after a member's id, at most so many members."""

    program: Program
    now: datetime
    after: UUID
    limit: int

    @property
    def today(self) -> date:
        """Return the local date."""
        return local_date(self.now, self.program.time_zone)


def dated_rules(versions: Versions, now: datetime) -> list[Rule]:
    """Return the rules that time causes, with the birthday rewards of the tiers as one."""
    program = versions.at(now)
    if program is None:
        return []
    rules = [
        _rule(versions, automation, now)
        for automation in program.automations
        if not automation.trigger.is_folded
    ]
    if any(tier.benefits.birthday_reward for tier in program.tiers):
        since = _in_force_since(versions, now, _gives_birthday_rewards)
        rules.append(Rule(Source.BIRTHDAY, "reward", Trigger.BIRTHDAY, When(), (), OncePer.YEAR, since))
    return rules


def _rule(versions: Versions, automation: Automation, now: datetime) -> Rule:
    def has_it(program: Program) -> bool:
        known = program.automation(automation.key)
        return known is not None and known.trigger is automation.trigger

    return Rule(
        Source.AUTOMATION,
        automation.key,
        automation.trigger,
        automation.when,
        automation.conditions,
        automation.once_per,
        _in_force_since(versions, now, has_it),
    )


def _gives_birthday_rewards(program: Program) -> bool:
    return any(tier.benefits.birthday_reward for tier in program.tiers)


def _in_force_since(versions: Versions, now: datetime, has_it: Callable[[Program], bool]) -> datetime:
    since = now
    for program in reversed([program for program in versions.programs if program.effective_from <= now]):
        if not has_it(program):
            break
        since = program.effective_from
    return since


def find(connection: Connection, rule: Rule, search: Search) -> list[Found]:
    """Return the next members by id whom a rule means now, whether it was run for them or not."""
    return list(_FINDERS[rule.trigger](connection, rule, search))


def _occasion(rule: Rule, search: Search, cause: str) -> str:
    return rule.once_per.occasion(cause, search.now, search.program.time_zone)


def _lapsed(connection: Connection, rule: Rule, search: Search) -> Iterator[Found]:
    """Whose last order was so many local days ago, and became so old while the rule was in force."""
    tz, days = search.program.time_zone, rule.when.days
    until = day_end(search.today - days * DAY, tz)
    first = max(search.today - LOOK_BACK * DAY, local_date(rule.since, tz)) - days * DAY
    for row in list_lapsed(connection, day_start(first, tz), until, search.after, search.limit):
        cause = row["at"].isoformat()
        yield Found(row["member_id"], _occasion(rule, search, cause), {"days": days, "date": cause})


def _birthdays(connection: Connection, rule: Rule, search: Search) -> Iterator[Found]:
    """Whose birthday, less the days before, was today or on a day while the rule was in force and nobody looked."""
    days = _birthdays_of(rule, search)
    for row in list_birthdays(connection, days, search.after, search.limit):
        occasion = "once" if rule.once_per is OncePer.MEMBER else str(row["year"])
        yield Found(row["member_id"], occasion, {"days": rule.when.days})


def _birthdays_of(rule: Rule, search: Search) -> list[dict[str, Any]]:
    """Return the days of birth meant; who was born on 29 February celebrates on the 28th in common years."""
    tz, found = search.program.time_zone, []
    first = max(search.today - LOOK_BACK * DAY, local_date(rule.since, tz))
    for back in range((search.today - first).days + 1):
        told = search.today - back * DAY
        day, until = told + rule.when.days * DAY, day_end(told, tz)
        found.append({"month": day.month, "day": day.day, "year": day.year, "until": until})
        if (day.month, day.day) == (2, 28) and (day + DAY).month == 3:
            found.append({"month": 2, "day": 29, "year": day.year, "until": until})
    return found


def _ending(rule: Rule, search: Search) -> datetime:
    return day_end(search.today + rule.when.days * DAY, search.program.time_zone)


def _points(connection: Connection, rule: Rule, search: Search) -> Iterator[Found]:
    until = _ending(rule, search)
    for row in list_ending_lots(connection, search.now, until, search.after, search.limit):
        cause = row["at"].isoformat()
        data = {"expiring": row["points"], "date": cause, "days": rule.when.days}
        yield Found(row["member_id"], _occasion(rule, search, cause), data)


def _coupons(connection: Connection, rule: Rule, search: Search) -> Iterator[Found]:
    until = _ending(rule, search)
    for row in list_ending_coupons(connection, search.now, until, search.after, search.limit):
        data = {"code": row["code"], "date": row["at"].isoformat(), "days": rule.when.days}
        yield Found(row["member_id"], _occasion(rule, search, row["cause"]), data)


def _tiers(connection: Connection, rule: Rule, search: Search) -> Iterator[Found]:
    """Whose tier ends soon, whether he has done enough to keep it or not."""
    until = _ending(rule, search)
    ids = list_tiers_ending(connection, search.now, until, search.after, search.limit)
    for row in list_members(connection, ids):
        key, ends = present_tier(codec.member_state(row), search.program)
        if ends is None or not search.now < ends <= until or (rule.when.tiers and key not in rule.when.tiers):
            continue
        cause = ends.isoformat()
        data = {"subject": key, "date": cause, "days": rule.when.days}
        yield Found(row["id"], _occasion(rule, search, f"{key}:{cause}"), data)


_FINDERS: dict[Trigger, Callable[[Connection, Rule, Search], Iterator[Found]]] = {
    Trigger.BIRTHDAY: _birthdays,
    Trigger.INACTIVE_FOR: _lapsed,
    Trigger.POINTS_EXPIRING: _points,
    Trigger.COUPON_EXPIRING: _coupons,
    Trigger.TIER_EXPIRING: _tiers,
}


def is_searched(rule: Rule) -> bool:
    """Return whether the database finds whom the rule means; entering and leaving segments are noted as they happen."""
    return rule.trigger in _FINDERS

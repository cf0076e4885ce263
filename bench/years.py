"""A simulated store: orders, refunds, late arrivals, commands and new rules, day after day, with the daily jobs.

The same life lived with other habits (every job twice, or whole weeks without any) must end in the same figures.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from bench.dumps import Rows, dump
from bench.merchants import Merchant, open_merchant
from bench.orders import TOPIC, order_data
from loyalty.accounts.service import next_command_number
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import AdjustPoints, Command, RecordActivity, SetTier, TagMember, TierBy
from loyalty.engine.publishing import publish_program
from loyalty.engine.verify import verify_ledger
from loyalty.inbox.repository import accept
from workers.draining import drain_account
from workers.reminding import send_reminders
from workers.runtime import Runtime
from workers.settling import close_tier_periods, expire_points

START = datetime(2023, 1, 1, 16, tzinfo=UTC)
"""Midnight in Taipei."""
DAY = timedelta(days=1)
DAYS_OF_A_PROGRAM = 110
DAYS_OF_A_MONTH = 30
PRICE = 10


@dataclass(frozen=True, slots=True)
class Years:
    """How large the life is, and the seed of all its chances."""

    members: int
    days: int
    orders_a_day: int
    seed: int


@dataclass(frozen=True, slots=True)
class Habit:
    """How the jobs are run: how often a day, and whether every third week without any."""

    name: str
    times: int = 1
    weeks_off: bool = False

    def is_off(self, day: int) -> bool:
        """Return whether no job runs on a day."""
        return self.weeks_off and day // 7 % 3 == 2


HABITS = (Habit("daily"), Habit("twice", times=2), Habit("weeks off", weeks_off=True))


@dataclass(slots=True)
class Life:
    """What arrives on which day: (source, body) pairs; made once, lived several times."""

    arrivals: dict[int, list[tuple[str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    commands: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))


def make_life(plan: Years) -> Life:
    """Return the same life for the same plan."""
    rng, life, number = random.Random(plan.seed), Life(), 0
    for day in range(plan.days):
        for _ in range(plan.orders_a_day):
            number += 1
            _place_order(rng, life, plan, day, number)
        for _ in range(2):
            kind = rng.choice(("give", "take", "mark", "gold", "end", "invite", "activity", "tag"))
            life.commands[day].append((1 + rng.randrange(plan.members), kind))
    return life


def _place_order(rng: random.Random, life: Life, plan: Years, day: int, number: int) -> None:
    at = START + day * DAY + timedelta(seconds=rng.randrange(86400))
    lines = [(PRICE, rng.randrange(1, 150)) for _ in range(rng.randrange(1, 4))]
    order = order_data(number, 1 + int(plan.members * rng.random() ** 2), lines, at)
    late = rng.choice((0, 0, 0, 0, 0, 0, 1, 3, 20))
    for _ in range(rng.choice((1, 1, 1, 2))):
        life.arrivals[day + late].append(("webhook", order))
    fate, after = rng.random(), day + late + rng.randrange(1, 40)
    changed = START + after * DAY + timedelta(seconds=rng.randrange(3600))
    if fate < 0.05:
        life.arrivals[after].append(("webhook", _modified(order, changed, status="cancelled")))
    elif fate < 0.2:
        refund = _refund(rng, number, order, changed - timedelta(days=rng.randrange(0, after - day)))
        life.arrivals[after].append(("fetch", _answer(order, changed, [refund])))
        if rng.random() < 0.2:
            life.arrivals[after + 2].append(("fetch", _answer(order, changed + 2 * DAY, [])))


def _modified(order: Mapping[str, Any], at: datetime, **more: Any) -> dict[str, Any]:
    wall = at.strftime("%Y-%m-%dT%H:%M:%S")
    return {**order, "date_modified": wall, "date_modified_gmt": wall, **more}


def _answer(order: Mapping[str, Any], at: datetime, refunds: list[dict[str, Any]]) -> dict[str, Any]:
    named = [{"id": refund["id"]} for refund in refunds]
    return {"id": order["id"], "order": _modified(order, at, refunds=named), "refunds": refunds}


def _refund(rng: random.Random, number: int, order: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return a refund by amount, or of the first line."""
    refund: dict[str, Any] = {
        "id": 10_000_000 + number, "date_created_gmt": at.strftime("%Y-%m-%dT%H:%M:%S"), "line_items": [],
        "shipping_lines": [], "fee_lines": [],
    }  # fmt: skip
    line = order["line_items"][0]
    if rng.random() < 0.5:
        return {**refund, "amount": str(int(order["total"]) * rng.choice((1, 2, 4)) // 4)}
    named = {
        "quantity": -line["quantity"], "total": f"-{line['total']}", "total_tax": "0",
        "meta_data": [{"key": "_refunded_item_id", "value": str(line["id"])}],
    }  # fmt: skip
    return {**refund, "amount": line["total"], "line_items": [named]}


def programs() -> Iterator[dict[str, Any]]:
    """Yield the programs that follow each other, for ever."""
    number = 0
    while True:
        yield _document(number)
        number += 1


def _document(number: int) -> dict[str, Any]:
    harder = number % 3
    ladder = [
        {"key": "regular", "name": {"en": "Regular"}},
        _tier("silver", 1500 + 500 * harder, 800, "1.2"),
        _tier("gold", 4000 + 1000 * harder, 3000, "1.5"),
    ]
    expiries = (
        {"mode": "lot", "after": {"months": 5}, "remind_days": [30, 7]},
        {"mode": "inactivity", "after": {"days": 60}, "remind_days": [7]},
        {"mode": "lot", "after": {"months": 3}, "round_up_to": "month"},
    )
    policy = {
        "validity": {"months": 4}, "grace_days": 7 * (number % 2), "notice_days": [14],
        "downgrade": ("recalculate", "one_step")[number % 2], "on_refund": ("period_end", "at_once")[number % 2],
        "on_change": ("keep", "recalculate")[number // 2 % 2], "window": {"kind": "rolling", "months": 6},
    }  # fmt: skip
    return {
        "points_name": {"en": "points"}, "tiers": ladder, "tier_policy": policy, "expiry": expiries[number % 3],
        "earning": {"pending_days": 7 * (number % 2)},
    }  # fmt: skip


def _tier(key: str, enter: int, keep: int, multiplier: str) -> dict[str, Any]:
    return {
        "key": key, "name": {"en": key}, "benefits": {"multiplier": multiplier},
        "enter": {"any": [{"metric": "spend", "at_least": str(enter)}, {"metric": "activity", "at_least": 6}]},
        "keep": {"any": [{"metric": "spend", "at_least": str(keep)}]},
    }  # fmt: skip


@dataclass(slots=True)
class Store:
    """One account that lives a life with a habit; `complaints` are what was not as it must be."""

    runtime: Runtime
    merchant: Merchant
    habit: Habit
    complaints: list[str] = field(default_factory=list)
    documents: Iterator[dict[str, Any]] = field(default_factory=programs)

    def live(self, life: Life) -> dict[str, Rows]:
        """Live every day, then catch up; return the promised figures."""
        last = max(life.arrivals) + 1
        for day in range(last):
            self._spend_day(life, day)
            if day % DAYS_OF_A_MONTH == DAYS_OF_A_MONTH - 1 and not self.habit.is_off(day):
                self._check(START + (day + 1) * DAY)
        end = START + last * DAY
        self._run_jobs(end)
        self._check(end)
        return dump(self.runtime, self.merchant.account, [end])

    def _spend_day(self, life: Life, day: int) -> None:
        noon, evening = START + day * DAY + DAY / 2, START + (day + 1) * DAY
        if day % DAYS_OF_A_PROGRAM == DAYS_OF_A_PROGRAM - 1:
            self._publish(noon)
        for customer, kind in life.commands[day]:
            self._command(customer, kind, noon)
        self._deliver(life, day, evening)
        drain_account(self.runtime, self.merchant.account, now=evening)
        for _ in range(self.habit.times):
            if not self.habit.is_off(day):
                self._run_jobs(evening)

    def _publish(self, noon: datetime) -> None:
        account = self.merchant.account
        with self.runtime.database.transaction(account) as connection:
            publish_program(
                connection,
                account,
                next(self.documents),
                effective_from=noon + DAY,
                now=noon,
                actor="simulation",
            )

    def _deliver(self, life: Life, day: int, evening: datetime) -> None:
        account, store = self.merchant.account, self.merchant.store
        with self.runtime.database.transaction(account) as connection:
            for number, (source, body) in enumerate(life.arrivals[day]):
                raw = json.dumps(body).encode()
                topic = TOPIC if source == "webhook" else "fetch.order"
                accept(
                    connection, account, store, key=hashlib.sha256(f"{day}/{number}".encode() + raw).digest(),
                    source=source, topic=topic, delivery_id=f"{day}-{number}", body=raw,
                    observed_at=evening if source == "fetch" else None,
                )  # fmt: skip

    def _command(self, customer: int, kind: str, at: datetime) -> None:
        account = self.merchant.account
        found = text("select member_id from member_identities where value = :value")
        with self.runtime.database.transaction(account) as connection:
            member = connection.execute(found, {"value": f"1:{customer}"}).scalar_one_or_none()
            if member is None:
                return
            command = _command(kind, next_command_number(connection), at)
            carry_out(connection, self.runtime.book(connection, account, set()), member, command, at)

    def _run_jobs(self, now: datetime) -> None:
        for job in (expire_points, close_tier_periods, send_reminders):
            job(self.runtime, self.merchant.account, now)

    def _check(self, now: datetime) -> None:
        """Prove the ledger from nothing, and that nobody was forgotten by the jobs."""
        account = self.merchant.account
        with self.runtime.database.transaction(account) as connection:
            found = verify_ledger(connection, account, rebuild=True).differences
            due = connection.execute(
                text("select (select count(*) from members where tier_due <= :now)"
                     " + (select count(*) from lots where expires_at <= :now and remaining > 0)"), {"now": now}
            ).scalar_one()  # fmt: skip
        if found or due:
            first = found[0] if found else ""
            self.complaints.append(
                f"{self.habit.name} at {now:%F}: {len(found)} differences, {due} due {first}"
            )


def _command(kind: str, number: int, at: datetime) -> Command:
    if kind in ("give", "take", "mark"):
        return AdjustPoints(number, at, -150 if kind == "take" else 200, "by hand", kind == "mark", "staff")
    if kind in ("gold", "invite"):
        by = TierBy.OVERRIDE if kind == "gold" else TierBy.INVITATION
        return SetTier(number, at, by, "gold" if kind == "gold" else "silver", at + 45 * DAY, kind, "staff")
    if kind == "end":
        return SetTier(number, at, TierBy.OVERRIDE, None, None, kind, "staff")
    if kind == "tag":
        return TagMember(number, at, (f"tag{number % 5}",), (f"tag{number % 3}",), kind, "staff")
    return RecordActivity(number, at, "review", str(number), 2, False, kind, "staff")


def live_with_habits(
    runtime: Runtime, plan: Years, tell: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Live the same life with each habit in an account of its own; return what was not as it must be, the ends
    compared with that of the daily habit. `tell` hears of each habit when it is done: ten years take a while.
    """
    life, complaints, ends = make_life(plan), [], []
    for habit in HABITS:
        store = Store(runtime, open_merchant(runtime, _document(0)), habit)
        ends.append(store.live(life))
        others = [
            f"{habit.name}: other {part} than daily" for part in ends[0] if ends[-1][part] != ends[0][part]
        ]
        complaints += [*store.complaints, *others]
        tell(f"{habit.name}: {len(store.complaints) + len(others)} complaints")
    return complaints

"""The example programs of docs/examples: a month of a coffee bar and of a drugstore (S104, S105); statements add up."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from builders import make_woo_order
from receiving import Desk, make_desk

from loyalty.accounts.service import next_command_number
from loyalty.engine.apply import carry_out
from loyalty.engine.book import load_book
from loyalty.engine.commands import RecordActivity
from loyalty.programs.document import check_document
from loyalty.programs.lint import lint
from loyalty.reports.standing import read_standings
from loyalty.reports.statements import list_entries
from workers.automating import run_automations
from workers.draining import drain_account
from workers.runtime import Runtime
from workers.settling import close_tier_periods, expire_points

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
OPENING = datetime(2026, 3, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
GUESTS = 30
WHOLE = 10**6


class Month:
    """Thirty days of a shop: who comes, what he spends, who takes part, who brings something back."""

    def __init__(self, runtime: Runtime, name: str, amounts: tuple[int, int], visits: int) -> None:
        self.random = Random(name)
        self.runtime, self.amounts, self.visits = runtime, amounts, visits
        self.document = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
        self.desk: Desk = make_desk(runtime, self.document)
        self.orders: dict[int, dict[str, Any]] = {}
        self.now = OPENING

    def live(self) -> None:
        """Let thirty days go by."""
        for day in range(30):
            for _ in range(self.visits):
                self.now += timedelta(minutes=self.random.randint(1, 40))
                self.visit(day)
            drain_account(self.runtime, self.desk.shop.account, now=self.now)
            if day % 7 == 5:
                self.take_part(day)
            if day == 3:
                self.note_birthdays()
            self.now = OPENING + (day + 1) * DAY
            self.jobs()

    def visit(self, day: int) -> None:
        """Somebody buys, the loyal more often; sometimes an order is brought back."""
        if day > 5 and self.random.random() < 0.05:
            order = self.orders[self.random.choice(list(self.orders))]
            order |= {"status": "refunded", "date_modified_gmt": self.stamp()}
        else:
            number = len(self.orders) + 100
            customer = min(self.random.randint(1, GUESTS), self.random.randint(1, GUESTS))
            total = str(self.random.randint(*self.amounts))
            order = make_woo_order(number, total, customer_id=customer)
            order |= dict.fromkeys(("date_paid_gmt", "date_modified_gmt", "date_created_gmt"), self.stamp())
            order["billing"] = {**order["billing"], "email": f"c{customer}@example.test"}
            self.orders[number] = order
        self.desk.deliver(order)

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S")

    def take_part(self, day: int) -> None:
        """Some members come to the lecture."""
        members = [row["id"] for row in self.desk.rows("select id from members where enrolled order by key")]
        for member in self.random.sample(members, min(5, len(members))):
            with self.desk.connect() as connection:
                book = load_book(connection, self.runtime.vault, self.desk.shop.account)
                number = next_command_number(connection)
                command = RecordActivity(number, self.now, "lecture", f"{day}", 5, True, "lecture", "staff")
                carry_out(connection, book, member, command, self.now)

    def note_birthdays(self) -> None:
        """Everybody was born in March, on a day of his own."""
        self.desk.rows(
            "update members set birth_month = 3, birth_day = 1 + abs(hashtext(key)) % 31,"
            f" birthday_noted_at = '{self.now}' returning id"
        )

    def jobs(self) -> None:
        for job in (expire_points, close_tier_periods, run_automations):
            job(self.runtime, self.desk.shop.account, self.now)

    def check_statements(self) -> int:
        """Every running balance runs and ends at what the lots hold; every line has its words. Return the lines."""
        lines = 0
        account = self.desk.shop.account
        with self.desk.connect() as connection:
            ids = [row["id"] for row in self.desk.rows("select id from members where joined_at is not null")]
            for standing in read_standings(connection, account, ids, self.now):
                entries = list_entries(connection, account, standing.id, None, WHOLE)[::-1]
                running = 0
                for entry in entries:
                    running += entry["points"]
                    assert entry["balance_after"] == running
                    assert all(entry["reason"][language].strip() for language in ("zh-TW", "zh-CN", "en"))
                balance = standing.balance
                assert running == balance.available + balance.pending
                lines += len(entries)
        return lines

    def count(self, what: str) -> Counter[str]:
        """How often the rules gave something, by key."""
        return Counter(row["key"] for row in self.desk.rows(what))


COUPONS = "select reward_key as key from coupons"
MESSAGES = "select target as key from messages"
BONUSES = "select explanation->>'key' as key from ledger_entries where reason = 'bonus'"


@pytest.mark.parametrize("name", ["cafe", "drugstore"])
def test_the_examples_say_nothing_that_is_not_acted_on(name: str) -> None:
    document = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert [notice.path for notice in lint(check_document(document)) if "benefits" in notice.path] == []


def test_s104_a_month_of_the_coffee_bar(runtime: Runtime) -> None:
    month = Month(runtime, "cafe", amounts=(60, 400), visits=25)
    month.live()
    assert month.check_statements() > 500
    bonuses, messages, coupons = month.count(BONUSES), month.count(MESSAGES), month.count(COUPONS)
    members = month.desk.rows("select count(*) as n from members where joined_at is not null")[0]["n"]
    assert bonuses["welcome"] == messages["welcome"] == members
    assert bonuses["learnt"] > 10
    assert coupons["free-coffee"] == messages["tenth-cup"] > 10
    assert messages["tasting"] > 5
    born = month.desk.rows("select count(*) as n from members where birth_day between 4 and 30")[0]["n"]
    assert coupons["birthday-cake"] == born
    assert len({row["tier_key"] for row in month.desk.figures()}) == 3
    assert month.desk.differences() == []


def test_s105_a_month_of_the_drugstore(runtime: Runtime) -> None:
    month = Month(runtime, "drugstore", amounts=(150, 2500), visits=8)
    month.live()
    assert month.check_statements() > 200
    campaigns = month.count(
        "select jsonb_array_elements_text(explanation->'campaigns') as key from ledger_entries"
        " where jsonb_typeof(explanation->'campaigns') = 'array'"
    )
    assert campaigns["member-day"] > 5
    assert campaigns["skin-care"] > 0
    bonuses, messages, coupons = month.count(BONUSES), month.count(MESSAGES), month.count(COUPONS)
    assert bonuses["lecture"] == messages["health"] > 10
    vips = month.desk.rows(
        "select count(*) as n from tier_periods where tier_key = 'vip' and reason = 'reached'"
    )
    assert coupons["vip-200"] == vips[0]["n"] > 0
    assert coupons["come-back"] == messages["come-back"] > 0
    assert coupons["birthday-100"] + coupons["birthday-300"] > 10
    assert month.desk.differences() == []

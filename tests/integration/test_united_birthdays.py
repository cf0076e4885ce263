"""Dated rules of members who are one person: one birthday counts for all of them, and no occasion is answered twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk
from sqlalchemy import event

from loyalty.engine.book import load_book
from loyalty.engine.merging import merge_members, undo_merge
from loyalty.engine.work import Word
from workers.automating import run_automations
from workers.draining import drain_account
from workers.runtime import Runtime

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
GIFT = {"key": "gift", "trigger": "birthday", "actions": [{"kind": "points", "points": 100}]}
WORD = Word("the same person", "staff")


def noon(text: str) -> datetime:
    """Noon of a day in Taipei."""
    return datetime.fromisoformat(f"{text}T04:00:00+00:00")


@dataclass(slots=True)
class People:
    """Customers of a shop by their number there, who are merged and freed."""

    desk: Desk
    runtime: Runtime

    def id(self, number: int) -> UUID:
        (row,) = self.desk.rows(f"select id from members where key = 'customer:1:{number}'")
        found: UUID = row["id"]
        return found

    def born(self, number: int, month: int, day: int, noted_at: datetime = PAID) -> None:
        self.desk.rows(
            f"update members set birth_month = {month}, birth_day = {day}, birthday_noted_at = '{noted_at}'"
            f" where key = 'customer:1:{number}' returning id"
        )

    def merge(self, survivor: int, other: int, at: datetime) -> int:
        with self.desk.connect() as connection:
            book = load_book(connection, self.runtime.vault, self.desk.shop.account)
            return merge_members(connection, book, self.id(survivor), self.id(other), WORD, at)[0]

    def undo(self, survivor: int, number: int, at: datetime) -> None:
        with self.desk.connect() as connection:
            book = load_book(connection, self.runtime.vault, self.desk.shop.account)
            undo_merge(connection, book, self.id(survivor), number, WORD, at)

    def run(self, *days: str) -> list[int]:
        return [run_automations(self.runtime, self.desk.shop.account, noon(day)) for day in days]

    def gifts(self) -> list[tuple[str, str]]:
        """Who was given something, by the number in the shop, and for which year."""
        rows = self.desk.rows(
            "select split_part(members.key, ':', 3) as who, data->>'occasion' as year from commands"
            " join members on members.id = member_id where kind = 'run' order by number"
        )
        return [(row["who"], row["year"]) for row in rows]


def make_people(runtime: Runtime, count: int = 2, **rule: Any) -> People:
    """So many customers who paid 1000 each, numbered from 1."""
    desk = make_desk(runtime, make_document(automations=[{**GIFT, **rule}]))
    for number in range(1, count + 1):
        desk.deliver(make_woo_order(20 + number, customer_id=number))
    drain_account(runtime, desk.shop.account, now=PAID + DAY)
    return People(desk, runtime)


@pytest.fixture
def people(runtime: Runtime) -> People:
    return make_people(runtime, 4)


def test_a_day_that_only_the_merged_one_told_brings_the_survivor_his_gift(people: People) -> None:
    people.born(2, 5, 10)
    people.merge(1, 2, noon("2026-05-01"))
    assert people.run("2026-05-09", "2026-05-10", "2026-05-11", "2027-05-10", "2027-05-11") == [0, 1, 0, 1, 0]
    assert people.gifts() == [("1", "2026"), ("1", "2027")]
    assert people.desk.differences() == []


def test_the_survivors_own_day_goes_before_the_merged_ones(people: People) -> None:
    people.born(1, 6, 1, noted_at=PAID + DAY)
    people.born(2, 5, 10)
    people.merge(1, 2, noon("2026-05-01"))
    assert people.run("2026-05-10", "2026-06-01", "2026-06-02") == [0, 1, 0]


@pytest.mark.parametrize(("second", "third", "day"), [(0, 1, "2026-05-10"), (1, 0, "2026-07-20")])
def test_of_two_merged_ones_the_day_that_was_noted_first_counts(
    people: People, second: int, third: int, day: str
) -> None:
    people.born(2, 5, 10, noted_at=PAID + second * DAY)
    people.born(3, 7, 20, noted_at=PAID + third * DAY)
    for other in (2, 3):
        people.merge(1, other, noon("2026-05-01"))
    told = dict(zip(("2026-05-10", "2026-07-20"), people.run("2026-05-10", "2026-07-20"), strict=True))
    assert told == {"2026-05-10": 0, "2026-07-20": 0} | {day: 1}


def test_of_two_days_noted_at_the_same_instant_that_of_the_lower_id_counts(people: People) -> None:
    first, second = sorted((2, 3), key=people.id)
    people.born(first, 5, 10)
    people.born(second, 7, 20)
    for other in (second, first):
        people.merge(1, other, noon("2026-05-01"))
    assert people.run("2026-05-10", "2026-07-20") == [1, 0]


def test_through_a_chain_of_merges_the_last_one_has_the_first_ones_day(people: People) -> None:
    people.born(4, 5, 10)
    for survivor, other in ((3, 4), (2, 3), (1, 2)):
        people.merge(survivor, other, noon("2026-05-01"))
    assert people.run("2026-05-10", "2026-05-11") == [1, 0]
    assert people.gifts() == [("1", "2026")]
    assert people.desk.differences() == []


@pytest.mark.parametrize(
    ("today", "times"), [("2027-02-27", 0), ("2027-02-28", 1), ("2028-02-28", 0), ("2028-02-29", 1)]
)
def test_a_merged_ones_29_february_is_kept_on_28_in_common_years(
    people: People, today: str, times: int
) -> None:
    people.born(2, 2, 29)
    people.merge(1, 2, noon("2026-05-01"))
    assert people.run(today) == [times]


@pytest.mark.parametrize("first", [1, 2])
def test_who_got_the_years_gift_before_the_merge_brings_no_second_one(people: People, first: int) -> None:
    people.born(first, 4, 2)
    people.born(3 - first, 9, 3)
    assert people.run("2026-04-02") == [1]
    people.merge(1, 2, noon("2026-05-01"))
    assert people.run("2026-09-03", "2027-04-02", "2027-09-03") == ([0, 1, 0] if first == 1 else [0, 0, 1])
    assert people.gifts() == [(str(first), "2026"), ("1", "2027")]
    assert people.desk.differences() == []


def test_the_gift_of_somebody_merged_through_another_counts_too(people: People) -> None:
    people.born(3, 4, 2)
    people.born(1, 9, 3)
    assert people.run("2026-04-02") == [1]
    people.merge(2, 3, noon("2026-05-01"))
    people.merge(1, 2, noon("2026-05-02"))
    assert people.run("2026-09-03", "2027-09-03") == [0, 1]


def test_two_who_both_had_their_gift_keep_both_and_have_one_from_then_on(people: People) -> None:
    people.born(1, 4, 2)
    people.born(2, 4, 20)
    assert people.run("2026-04-02", "2026-04-20") == [1, 1]
    people.merge(1, 2, noon("2026-05-01"))
    assert sum(people.desk.entries()) == 4 * 1000 + 2 * 100
    assert people.run("2027-04-02", "2027-04-20") == [1, 0]


def test_the_tiers_birthday_reward_is_the_persons_once_a_year_too(runtime: Runtime) -> None:
    gold = {"key": "gold", "name": {"en": "Gold"}, "benefits": {"birthday_reward": "gift"}}
    reward = {"key": "gift", "kind": "fixed_discount", "amount": "100"}
    desk = make_desk(runtime, make_document(tiers=[gold], rewards=[reward]))
    for number in (1, 2):
        desk.deliver(make_woo_order(20 + number, customer_id=number))
    drain_account(runtime, desk.shop.account, now=PAID + DAY)
    people = People(desk, runtime)
    people.born(2, 4, 2)
    assert people.run("2026-04-02") == [1]
    people.merge(1, 2, noon("2026-04-03"))
    assert people.run("2026-04-04", "2027-04-02") == [0, 1]
    assert desk.rows("select count(*) as coupons from coupons") == [{"coupons": 2}]
    assert desk.differences() == []


def test_once_per_member_is_once_per_person(runtime: Runtime) -> None:
    people = make_people(runtime, once_per="member")
    people.born(2, 4, 2)
    assert people.run("2026-04-02") == [1]
    people.merge(1, 2, noon("2026-05-01"))
    assert people.run("2027-04-02") == [0]


def test_undoing_gives_each_his_own_day_again(people: People) -> None:
    people.born(1, 9, 3)
    people.born(2, 5, 10)
    number = people.merge(1, 2, noon("2026-05-01"))
    assert people.run("2026-05-10") == [0]
    people.undo(1, number, noon("2026-08-01"))
    assert people.run("2026-09-03", "2027-05-10", "2027-09-03") == [1, 1, 1]
    assert people.gifts() == [("1", "2026"), ("2", "2027"), ("1", "2027")]
    assert people.desk.differences() == []


def test_after_undoing_the_gift_of_the_one_does_not_count_for_the_other(people: People) -> None:
    people.born(2, 4, 2)
    assert people.run("2026-04-02") == [1]
    number = people.merge(1, 2, noon("2026-05-01"))
    people.undo(1, number, noon("2026-05-02"))
    people.born(1, 9, 3)
    assert people.run("2026-09-03") == [1]


def test_what_was_given_while_merged_stays_with_the_survivor(people: People) -> None:
    people.born(2, 5, 10)
    number = people.merge(1, 2, noon("2026-05-01"))
    assert people.run("2026-05-10") == [1]
    people.undo(1, number, noon("2026-08-01"))
    assert people.run("2026-08-02", "2027-05-10") == [0, 1]
    assert people.gifts() == [("1", "2026"), ("2", "2027")]
    assert people.desk.differences() == []


def test_a_merge_after_days_of_downtime_is_caught_up_with_once(people: People) -> None:
    people.born(2, 5, 10)
    people.merge(1, 2, noon("2026-05-12"))
    assert people.run("2026-05-13", "2026-05-14") == [1, 0]


def test_jobs_beside_a_merge_give_one_gift(people: People) -> None:
    people.born(2, 5, 10)
    at = noon("2026-05-10")
    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(run_automations, people.runtime, people.desk.shop.account, at) for _ in range(8)]
        pool.submit(people.merge, 1, 2, at).result()
        done = sum(job.result() for job in jobs)
    done += sum(people.run("2026-05-11", "2026-05-12"))
    assert done == 1
    assert len(people.gifts()) == 1
    assert people.desk.differences() == []


def test_another_occasion_of_who_is_merged_is_not_answered_again(runtime: Runtime) -> None:
    rule = {**GIFT, "trigger": "inactive_for", "when": {"days": 30}}
    desk = make_desk(runtime, make_document(automations=[rule]))
    desk.deliver(make_woo_order(21, customer_id=1, date_paid_gmt="2026-02-01T04:00:00"))
    desk.deliver(make_woo_order(22, customer_id=2))
    drain_account(runtime, desk.shop.account, now=PAID + DAY)
    people = People(desk, runtime)
    assert people.run("2026-04-09") == [1]
    assert [who for who, _ in people.gifts()] == ["2"]
    people.merge(1, 2, noon("2026-04-10"))
    assert people.run("2026-04-10") == [0]


@pytest.fixture
def guests(runtime: Runtime) -> People:
    """Two customers with a coupon each from their orders."""
    coupon = {"key": "ten", "kind": "fixed_discount", "amount": "10", "valid_days": 31}
    gives = {"key": "paid", "trigger": "order_paid", "actions": [{"kind": "coupon", "reward": "ten"}]}
    ends = {**GIFT, "key": "ends", "trigger": "coupon_expiring", "when": {"days": 3}}
    desk = make_desk(runtime, make_document(automations=[gives, ends], rewards=[coupon]))
    for number in (1, 2):
        desk.deliver(make_woo_order(20 + number, customer_id=number))
    drain_account(runtime, desk.shop.account, now=PAID + DAY)
    desk.rows("update coupons set state = 'issued', expires_at = '2026-04-10T04:00:00Z' returning id")
    return People(desk, runtime)


def test_a_coupon_of_who_is_merged_is_told_to_who_stands_for_him(guests: People) -> None:
    guests.merge(1, 2, noon("2026-04-01"))
    assert guests.run("2026-04-06", "2026-04-07", "2026-04-08") == [0, 2, 0]
    assert [who for who, _ in guests.gifts()] == ["1", "1"]
    assert guests.desk.differences() == []


def test_a_coupon_that_was_told_before_the_merge_is_not_told_again(guests: People) -> None:
    assert guests.run("2026-04-07") == [2]
    guests.merge(1, 2, noon("2026-04-08"))
    assert guests.run("2026-04-08") == [0]


def test_who_is_freed_is_told_of_his_own_coupon(guests: People) -> None:
    number = guests.merge(1, 2, noon("2026-04-01"))
    guests.undo(1, number, noon("2026-04-02"))
    assert guests.run("2026-04-07") == [2]
    assert sorted(who for who, _ in guests.gifts()) == ["1", "2"]


def statements_of_a_run(people: People, day: str) -> int:
    """How many statements the job takes."""
    seen: list[str] = []
    engine = people.runtime.database.engine

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        people.run(day)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_a_page_takes_as_many_statements_for_ten_united_members_as_for_one(runtime: Runtime) -> None:
    people = make_people(runtime, 22)
    pairs = [(number, number + 11) for number in range(1, 12)]
    for survivor, other in pairs:
        people.merge(survivor, other, noon("2026-05-01"))
        people.born(other, 5 if survivor == 1 else 6, 10)
    people.run("2026-05-02")  # what a process reads once: book, program
    one, many = (statements_of_a_run(people, day) for day in ("2026-05-10", "2026-06-10"))
    assert sorted(int(who) for who, _ in people.gifts()) == [survivor for survivor, _ in pairs]
    assert many == one

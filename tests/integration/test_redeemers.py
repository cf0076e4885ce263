"""Redeemers who are merged, freed, erased, or join by redeeming; and what shops answer about several codes at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from builders import make_document
from counter import EMAIL, REWARDS, Counter
from receiving import make_desk

from bench.dumps import statuses
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.engine.erasing import erase_member
from loyalty.engine.merging import merge_members, undo_merge
from loyalty.engine.redemptions import Wish, redeem_reward
from loyalty.engine.work import Word
from loyalty.errors import NotEnoughPoints
from workers.runtime import Runtime

WORD = Word("the same person", "staff")
HELLO = {"key": "hello", "trigger": "member_joined", "actions": [{"kind": "points", "points": 100}]}


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


class Family(Counter):
    """Amy, and Ben who stands for her for a while."""

    def __init__(self, runtime: Runtime, woo: SandboxShop) -> None:
        super().__init__(runtime, woo)
        self.buy(customer=self.ben)
        (other,) = self.desk.rows(f"select id from members where id <> '{self.member}'")
        self.other = UUID(str(other["id"]))

    def merge(self) -> None:
        with self.desk.connect() as connection:
            book = self._book(connection)
            self.number, _ = merge_members(connection, book, self.other, self.member, WORD, utc_now())

    def part(self) -> None:
        with self.desk.connect() as connection:
            undo_merge(connection, self._book(connection), self.other, self.number, WORD, utc_now())

    def open_code(self) -> None:
        """Let everybody use the only code of the shop."""
        next(iter(self.woo.state.coupons.values()))["email_restrictions"] = []


def test_code_of_a_redeemer_who_is_merged_since_is_paid_whoever_uses_it(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Family(runtime, woo)
    redemption, code = amy.issue()
    amy.merge()
    amy.open_code()
    order = amy.buy(code, customer=woo.add_customer("cid@example.test")["id"])
    assert dict(statuses(runtime, amy.desk.shop.account)).keys() == {"processed"}
    assert (amy.see(redemption)["state"], amy.see(redemption)["order"]["id"]) == ("used", str(order))
    assert amy.incidents() == ["code_used_by_other"]
    assert amy.proves()
    amy.part()
    assert amy.proves()
    amy.turn(order, "cancelled")
    assert (amy.see(redemption)["restored"], amy.balance()) == (100, (100, 0, 0))
    assert amy.proves()


def test_code_that_is_there_stays_paid_by_who_redeemed_when_a_merge_is_undone(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Family(runtime, woo)
    redemption = amy.redeem()
    amy.merge()
    amy.push()
    assert (amy.see(redemption)["state"], amy.proves()) == ("issued", True)
    amy.part()
    assert (amy.see(redemption)["state"], amy.balance()) == ("issued", (0, 0, 0))
    assert amy.proves()


def test_redemption_that_was_cancelled_while_merged_stays_cancelled(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Family(runtime, woo)
    redemption, code = amy.issue()
    amy.merge()
    amy.cancel(redemption)
    amy.push()
    assert amy.see(redemption)["state"] == "cancelled"
    amy.part()
    amy.push()
    assert (amy.see(redemption)["state"], amy.balance(), amy.is_live(code)) == (
        "cancelled",
        (100, 0, 0),
        False,
    )
    assert amy.proves()


def test_joining_by_redeeming_does_not_pay_with_what_joining_gives(
    runtime: Runtime, woo: SandboxShop
) -> None:
    desk = make_desk(runtime, make_document(rewards=REWARDS, automations=[HELLO]), woo)
    customer = woo.add_customer(EMAIL)
    desk.deliver(customer, "customer.created")
    desk.drain()
    member = desk.rows("select id from members")[0]["id"]
    with desk.connect() as connection:
        book = runtime.book(connection, desk.shop.account, set())
    with pytest.raises(NotEnoughPoints), desk.connect() as connection:
        redeem_reward(connection, book, member, Wish("talk"), utc_now(), "amy")
    assert desk.entries() == []


def test_erased_member_gets_what_is_held_for_a_code_and_nobody_makes_it(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo, 150)
    redemption = amy.redeem()
    assert amy.balance() == (50, 100, 0)
    with amy.desk.connect() as connection:
        erase_member(connection, amy._book(connection), amy.member, WORD, utc_now())
    amy.push()
    assert (amy.balance(), amy.coupons(), amy.see(redemption)["state"]) == ((150, 0, 0), [], "expired")
    assert amy.proves()


def test_codes_that_are_cancelled_together_are_not_made_again_in_between(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo, 200)
    both = [amy.issue()[0], amy.issue()[0]]
    for redemption in both:
        amy.cancel(redemption)
    amy.push()
    assert [amy.see(each)["state"] for each in both] == ["cancelled", "cancelled"]
    assert amy.desk.rows("select count(*) as n from pushes where kind = 'put_coupon'") == [{"n": 2}]
    assert (amy.balance(), amy.proves()) == ((200, 0, 0), True)


def test_whoever_looks_sees_unused_points_come_back_before_any_job_runs(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo, 150)
    redemption, _ = amy.issue()
    end = amy.see(redemption)["ends_at"]
    assert (amy.balance(end - timedelta.resolution), amy.balance(end)) == ((50, 0, 0), (150, 0, 0))

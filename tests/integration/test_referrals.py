"""Bring a friend: paid once his first order has outlived its return days, never for oneself, never beyond limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk

from loyalty.engine.book import load_book
from loyalty.engine.people import enrol
from loyalty.engine.referring import ReferralRefused, claim, decide_review, personal_code
from loyalty.errors import Invalid
from loyalty.members.identity import Identity
from workers.automating import run_automations
from workers.draining import drain_account
from workers.runtime import Runtime

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
DUE = datetime(2026, 3, 24, 16, tzinfo=UTC)
"""Midnight in Taipei after the 14th day that follows the order's."""
MOMENT = timedelta(microseconds=1)
HUNDRED = {"kind": "points", "points": 100}
FRIEND = {"kind": "coupon", "reward": "gift"}
REFERRAL: dict[str, Any] = {"referrer": [HUNDRED], "friend": [FRIEND], "hold_days": 14}
GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "50"}


def desk_for(runtime: Runtime, **referral: Any) -> Desk:
    """A shop that pays for friends; its earning is off, so that only referrals move points."""
    document = make_document(
        earning={"points_per_unit": "0"}, rewards=[GIFT], referral={**REFERRAL, **referral}
    )
    return make_desk(runtime, document)


def member(desk: Desk, customer: int) -> UUID:
    """The member of a customer, enrolled when there is none."""
    identity = Identity("customer", f"1:{customer}")
    with desk.connect() as connection:
        return enrol(connection, desk.shop.account, [identity])[identity].id


def bring(
    desk: Desk, friend: int = 8, by: int = 7, device: str = "", code: str = "", at: datetime = PAID - DAY
) -> Any:
    with desk.connect() as connection:
        book = load_book(connection, desk.runtime.vault, desk.shop.account)
        code = code or personal_code(connection, book, member(desk, by))
    with desk.connect() as connection:
        return claim(connection, book, code, member(desk, friend), device, at)


def buy(desk: Desk, customer: int = 8, id: int = 25, at: datetime = PAID, **more: Any) -> None:
    billing = {
        "first_name": "F", "last_name": str(customer), "email": f"c{customer}@example.test", "phone": "",
        "country": "TW", "state": "", "address_1": f"Road {customer}", "city": "Taipei", "postcode": "100",
    }  # fmt: skip
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S")
    order = make_woo_order(id, customer_id=customer, date_paid_gmt=stamp, date_modified_gmt=stamp)
    desk.deliver({**order, "billing": billing, "customer_ip_address": f"203.0.113.{customer}", **more})
    drain_account(desk.runtime, desk.shop.account, now=at)


def refund(desk: Desk, at: datetime, id: int = 25) -> None:
    buy(desk, id=id, status="refunded", date_modified_gmt=at.strftime("%Y-%m-%dT%H:%M:%S"))


def status(desk: Desk) -> list[str]:
    return [row["status"] for row in desk.rows("select status from referrals order by id")]


def advance(desk: Desk, at: datetime) -> int:
    return run_automations(desk.runtime, desk.shop.account, at)


@pytest.mark.parametrize(("at", "points"), [(DUE - MOMENT, []), (DUE, [100]), (DUE + 9 * DAY, [100])])
def test_both_are_paid_once_the_order_has_outlived_its_return_days(
    runtime: Runtime, at: datetime, points: list[int]
) -> None:
    desk = desk_for(runtime)
    bring(desk)
    buy(desk)
    advance(desk, PAID + DAY)
    assert status(desk) == ["pending"]
    advance(desk, at)
    advance(desk, at)
    assert desk.entries() == points
    assert len(desk.rows("select id from coupons")) == len(points)
    assert desk.differences() == []


def test_u88_nobody_is_paid_without_a_purchase_or_for_a_refunded_one(runtime: Runtime) -> None:
    desk = desk_for(runtime)
    bring(desk)
    advance(desk, DUE)
    assert status(desk) == ["claimed"]
    buy(desk)
    advance(desk, PAID + DAY)
    refund(desk, PAID + 5 * DAY)
    advance(desk, DUE)
    assert (status(desk), desk.entries()) == (["claimed"], [])


def test_the_next_order_counts_when_the_first_was_refunded(runtime: Runtime) -> None:
    desk = desk_for(runtime)
    bring(desk)
    buy(desk)
    advance(desk, PAID + DAY)
    refund(desk, PAID + 5 * DAY)
    advance(desk, PAID + 6 * DAY)
    buy(desk, id=26, at=PAID + 10 * DAY)
    advance(desk, PAID + 11 * DAY)
    advance(desk, DUE + 10 * DAY)
    assert (status(desk), desk.entries()) == (["completed"], [100])


def test_what_was_paid_is_taken_back_when_the_order_is_refunded_later(runtime: Runtime) -> None:
    desk = desk_for(runtime)
    bring(desk)
    buy(desk)
    advance(desk, PAID + DAY)
    advance(desk, DUE)
    refund(desk, DUE + DAY)
    advance(desk, DUE + 2 * DAY)
    assert (status(desk), desk.entries()) == (["reversed"], [100, -100])
    assert desk.rows("select state from coupons") == [{"state": "cancelled"}]
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("same", "kind"),
    [({"billing": {"address_1": "road 7", "city": "TAIPEI", "postcode": "100"}}, "address"),
     ({"customer_ip_address": "203.0.113.7"}, "ip"), ({"billing": {"email": "c.7+x@example.test"}}, "email")],
)  # fmt: skip
def test_u88_one_person_in_two_roles_goes_to_review(
    runtime: Runtime, same: dict[str, Any], kind: str
) -> None:
    desk = desk_for(runtime)
    buy(desk, customer=7, id=20, at=PAID - 5 * DAY)
    bring(desk)
    own = {"first_name": "F", "last_name": "8", "email": "c8@example.test", "phone": "", "country": "TW", "state": "",
           "address_1": "Road 8", "city": "Tainan", "postcode": "700"}  # fmt: skip
    buy(desk, **{**same, "billing": {**own, **same.get("billing", {})}})
    advance(desk, PAID + DAY)
    (row,) = desk.rows("select status, reason from referrals")
    assert (row["status"], kind in row["reason"]) == ("review", True)
    advance(desk, DUE)
    assert desk.entries() == []


def test_u88_the_same_device_goes_to_review_and_a_person_decides(runtime: Runtime) -> None:
    desk = desk_for(runtime)
    bring(desk, friend=7, by=9, device="phone-1")
    bring(desk, friend=8, by=7, device="phone-1")
    buy(desk)
    advance(desk, PAID + DAY)
    (row,) = desk.rows("select id, status from referrals where status = 'review'")
    with desk.connect() as connection:
        decide_review(connection, row["id"], accept=True, reason="a family", reviewer="staff")
    advance(desk, DUE)
    assert desk.entries() == [100]


def test_what_gives_people_away_is_kept_as_digests_only(runtime: Runtime) -> None:
    desk = desk_for(runtime)
    buy(desk)
    kept = " ".join(row["trace"] for row in desk.rows("select trace from referral_traces"))
    assert {part.partition(":")[0] for part in kept.split()} == {"address", "email", "ip"}
    assert "example" not in kept
    assert "203.0.113" not in kept


def test_nobody_brings_himself_twice_or_who_has_bought(runtime: Runtime) -> None:
    desk = desk_for(runtime)
    buy(desk, customer=9, id=30)
    bring(desk)
    assert bring(desk)["status"] == "claimed"
    for friend, by in ((7, 7), (8, 9), (9, 7)):
        with pytest.raises(ReferralRefused):
            bring(desk, friend=friend, by=by)
    with pytest.raises(Invalid):
        bring(desk, code="unknown")


@pytest.mark.parametrize(("limit", "completed"), [({"per_month": 2}, 2), ({"lifetime": 1}, 1), ({}, 3)])
def test_limits_hold_beside_each_other(runtime: Runtime, limit: dict[str, int], completed: int) -> None:
    desk = desk_for(runtime, **limit)
    for number, friend in enumerate((8, 9, 10)):
        bring(desk, friend=friend)
        buy(desk, customer=friend, id=40 + number)
    advance(desk, PAID + DAY)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: advance(desk, DUE), range(3)))
    assert status(desk).count("completed") == completed
    assert sum(desk.entries()) == 100 * completed
    assert status(desk).count("refused") == 3 - completed


def test_an_order_below_the_minimum_does_not_count(runtime: Runtime) -> None:
    desk = desk_for(runtime, minimum_order="1001")
    bring(desk)
    buy(desk)
    advance(desk, PAID + DAY)
    advance(desk, DUE)
    assert (status(desk), desk.entries()) == (["claimed"], [])

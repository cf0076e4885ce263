"""Failures of other systems with money that is earned: credit that refunds forget, and types that get mixed up."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from builders import make_document, make_woo_order, woo_body
from receiving import Desk, make_desk
from sqlalchemy import text

from loyalty.accounts.service import next_command_number
from loyalty.clock import utc_now
from loyalty.credit.reasons import CreditCause, credit_reason
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import Command, Ending, EndRedemption, RedeemReward
from loyalty.engine.credit_commands import make_credit_code
from loyalty.engine.ending import cancel_redemption
from loyalty.errors import NotPermitted
from loyalty.inbox.repository import accept
from loyalty.members.repository import mark_all_for_refold
from workers.draining import refold_account
from workers.runtime import Runtime

TEN = {"percent": "10"}
MONEY = [{"key": "money", "kind": "store_credit", "points": 600, "amount": "60"}]
ALLOW, FLOOR = {"negative_balance": "allow"}, {"negative_balance": "floor"}
REFUNDED = "2026-03-12T04:00:00"


def make_credit_desk(runtime: Runtime, **parts: Any) -> Desk:
    """An account in dollars and cents with an order of 1,000."""
    document = make_document(**{"cash_back": TEN, "rewards": MONEY, **parts})
    desk = make_desk(runtime, document, currency="USD", decimals=2)
    tell(desk)
    return desk


def tell(desk: Desk, id: int = 25, refunds: tuple[str, ...] = (), **more: Any) -> None:
    """Let the shop say how an order stands, when it is asked: with these refunds by amount."""
    made = [
        {"id": id * 100 + place, "date_created_gmt": REFUNDED, "amount": amount, "line_items": []}
        for place, amount in enumerate(refunds)
    ]
    told = make_woo_order(id, currency="USD", **more) | {"refunds": [{"id": one["id"]} for one in made]}
    body = woo_body({"id": str(id), "order": told, "refunds": made, "products": None})
    asked = utc_now()
    key = hashlib.sha256(body + str(asked).encode()).digest()
    with desk.connect() as connection:
        accept(
            connection, desk.shop.account, desk.shop.store.id,
            key=key, source="fetch", topic="fetch.order", delivery_id="d", body=body, observed_at=asked,
        )  # fmt: skip
    desk.drain()
    refold_account(desk.runtime, desk.shop.account)


def obey(desk: Desk, command: Command) -> None:
    """Carry out a command for the only member."""
    with desk.connect() as connection:
        next_command_number(connection)
        book = desk.runtime.book(connection, desk.shop.account, set())
        member = connection.execute(text("select id from members")).scalar_one()
        carry_out(connection, book, member, command, command.accepted_at)


def redeem(desk: Desk, number: int = 1) -> None:
    obey(desk, RedeemReward(number, utc_now(), "money", "store_credit", 600, "", 0, None, "redeemed", "api"))


def spend(desk: Desk, amount: str, id: int = 26) -> None:
    """Let an order of 200 use a code of so much."""
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        member = connection.execute(text("select id from members")).scalar_one()
        store = desk.shop.store.id
        made = make_credit_code(connection, book, member, Decimal(amount), store, utc_now(), "api")
    tell(desk, id, **paid_with(id, made.code, amount))


def paid_with(id: int, code: str, amount: str, status: str = "processing") -> dict[str, Any]:
    """Of an order: that a code took so much off its 200."""
    line = make_woo_order(id, "200")["line_items"][0]
    left = f"{200 - Decimal(amount):f}"
    coupon = {"id": 1, "code": code, "discount": amount, "discount_tax": "0", "meta_data": []}
    now = f"{utc_now():%Y-%m-%dT%H:%M:%S}"
    dates = dict.fromkeys(("date_created_gmt", "date_paid_gmt", "date_modified_gmt"), now)
    return {
        "total": left,
        "line_items": [{**line, "total": left}],
        "coupon_lines": [coupon],
        "status": status,
    } | dates


def credit(desk: Desk) -> Decimal:
    """The balance of the only member, which the ledger proves."""
    assert desk.differences() == []
    found: Decimal = desk.rows("select credit from members")[0]["credit"]
    return found


def lines(desk: Desk) -> list[tuple[str, str, str]]:
    """Every credit entry: kind, amount and the reason's code."""
    rows = desk.rows("select kind, amount, reason from credit_entries order by sequence")
    return [(row["kind"], f"{row['amount']:.2f}", row["reason"]) for row in rows]


def test_s5_points_tiers_paid_membership_and_cash_back_of_one_order_are_labelled_apart(
    runtime: Runtime,
) -> None:
    tiers = [
        {"key": "regular", "name": {"en": "Regular"}},
        {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "900"}]}},
        {"key": "plus", "name": {"en": "Plus"}},
    ]
    plus = {"key": "club", "match": {"product_ids": ["11"]}, "tier": "plus", "term": {"months": 12}}
    desk = make_credit_desk(runtime, tiers=tiers, memberships=[plus], cash_back={"percent": "2"})
    points = desk.rows("select kind, points, reason, cause from ledger_entries")
    assert points == [{"kind": "accrual", "points": 1000, "reason": "awarded", "cause": "order:1:25:award"}]
    assert lines(desk) == [("cash_back", "20.00", "cash_back")]
    periods = desk.rows("select tier_key, reason from tier_periods order by number")
    assert [(row["tier_key"], row["reason"]) for row in periods][-1] == ("plus", "membership")
    assert {row["tier_key"] for row in periods} >= {"regular", "plus"}
    assert credit(desk) == 20


def test_u22_a_refund_voids_the_unspent_credit_of_its_order(runtime: Runtime) -> None:
    desk = make_credit_desk(runtime)
    tell(desk, refunds=("250",))
    assert credit(desk) == 75
    tell(desk, refunds=("250", "750"))
    assert lines(desk) == [
        ("cash_back", "100.00", "cash_back"), ("reversal", "-25.00", "reversed"), ("reversal", "-75.00", "reversed"),
    ]  # fmt: skip
    assert credit(desk) == 0


@pytest.mark.parametrize(("policy", "balance"), [(ALLOW, "-60"), (FLOOR, "0")], ids=["allow", "floor"])
def test_u22_what_was_spent_of_it_becomes_negative_or_is_forgiven(
    runtime: Runtime, policy: dict[str, str], balance: str
) -> None:
    desk = make_credit_desk(runtime, refunds=policy, cash_back={"percent": "10", "minimum_order": "900"})
    spend(desk, "60")
    assert credit(desk) == 40
    tell(desk, refunds=("1000",))
    assert credit(desk) == Decimal(balance)
    kinds = [kind for kind, *_ in lines(desk)]
    assert kinds == ["cash_back", "spend", "reversal", *(["forgiveness"] if policy is FLOOR else [])]


@pytest.mark.parametrize("policy", [ALLOW, FLOOR], ids=["allow", "floor"])
def test_u22_a_deleted_refund_gives_it_again_and_cancels_what_was_forgiven(
    runtime: Runtime, policy: dict[str, str]
) -> None:
    desk = make_credit_desk(runtime, refunds=policy, cash_back={"percent": "10", "minimum_order": "900"})
    spend(desk, "60")
    tell(desk, refunds=("1000",))
    tell(desk)
    assert credit(desk) == 40


@pytest.mark.parametrize(("policy", "balance"), [(ALLOW, "-60"), (FLOOR, "0")], ids=["allow", "floor"])
def test_u22_a_redeemed_credit_that_is_taken_back_behaves_the_same(
    runtime: Runtime, policy: dict[str, str], balance: str
) -> None:
    desk = make_credit_desk(runtime, refunds=policy, cash_back={})
    redeem(desk)
    assert credit(desk) == 60
    spend(desk, "60")
    obey(desk, EndRedemption(3, utc_now(), 1, Ending.CANCELLED, "mistake", "staff"))
    assert credit(desk) == Decimal(balance)
    assert desk.figures()[0]["points_sum"] == 1000 + 140


@pytest.mark.parametrize("policy", [ALLOW, FLOOR], ids=["allow", "floor"])
def test_u22_redeemed_credit_that_is_set_aside_only_staff_takes_back(
    runtime: Runtime, policy: dict[str, str]
) -> None:
    desk = make_credit_desk(runtime, refunds=policy, cash_back={})
    redeem(desk)
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        member = connection.execute(text("select id from members")).scalar_one()
        make_credit_code(connection, book, member, Decimal(60), desk.shop.store.id, utc_now(), "api")
    with pytest.raises(NotPermitted, match="only staff"):
        cancel(desk)
    assert (credit(desk), desk.figures()[0]["points_sum"]) == (60, 400)
    cancel(desk, by_staff=True)
    assert desk.figures()[0]["points_sum"] == 1000
    assert desk.differences() == []


@pytest.mark.parametrize("policy", [ALLOW, FLOOR], ids=["allow", "floor"])
def test_u22_redeemed_credit_that_is_there_whole_is_taken_back(
    runtime: Runtime, policy: dict[str, str]
) -> None:
    desk = make_credit_desk(runtime, refunds=policy, cash_back={})
    redeem(desk)
    cancel(desk)
    assert (credit(desk), desk.figures()[0]["points_sum"]) == (0, 1000)


def cancel(desk: Desk, *, by_staff: bool = False) -> None:
    """Take the only redemption back."""
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        redemption = connection.execute(text("select id from redemptions")).scalar_one()
        cancel_redemption(connection, book, redemption, "no more", utc_now(), "api", by_staff=by_staff)


def test_u14_a_refund_gives_credit_back_and_never_pays_it_out(runtime: Runtime) -> None:
    """An order of 200 paid with 60 of credit and 140 in money: half of the money back brings 30 of credit."""
    desk = make_credit_desk(runtime)
    spend(desk, "60")
    code = desk.rows("select code from coupons")[0]["code"]
    order = paid_with(26, code, "60")
    before = credit(desk)
    tell(desk, 26, ("70",), **order)
    earned = Decimal("7")  # a tenth of the 70 that were given back
    assert credit(desk) == before + 30 - earned
    tell(desk, 26, ("70", "70"), **order)
    assert credit(desk) == before + 60 - 2 * earned
    assert desk.rows("select state from coupons") == [{"state": "cancelled"}]


def test_u16_a_cancelled_order_returns_all_the_credit_it_used_once(runtime: Runtime) -> None:
    desk = make_credit_desk(runtime, cash_back={"percent": "10", "minimum_order": "900"})
    spend(desk, "60")
    code = desk.rows("select code from coupons")[0]["code"]
    for _ in range(3):
        tell(desk, 26, **paid_with(26, code, "60", status="cancelled"))
    assert credit(desk) == 100
    assert [kind for kind, *_ in lines(desk)] == ["cash_back", "spend", "return"]


def test_u40_every_credit_balance_can_be_thrown_away_and_computed_again(runtime: Runtime) -> None:
    desk = make_credit_desk(runtime)
    redeem(desk)
    spend(desk, "45.50")
    before, entries = credit(desk), lines(desk)
    with desk.connect() as connection:
        connection.execute(text("update members set head = '{}', credit = null"))
        mark_all_for_refold(connection)
    refold_account(desk.runtime, desk.shop.account)
    assert (credit(desk), lines(desk)) == (before, entries)


def test_what_was_tampered_with_is_seen(runtime: Runtime) -> None:
    desk = make_credit_desk(runtime)
    with desk.connect() as connection:
        connection.execute(text("update members set credit = credit + 1"))
    assert {each.what for each in desk.differences()} == {"sum of credit", "credit"}


@pytest.mark.parametrize(
    "code",
    [
        "cash_back", "cash_back_again", "reversed", "forgiven", "forgiveness_cancelled", "bought",
        "purchase_cancelled", "purchase_forgiven", "spent", "spend_forgiven", "returned", "adjusted", "re_rated",
        "merged", "unmerged", "unheard_of",
    ],
)  # fmt: skip
def test_every_reason_is_a_sentence_in_three_languages(code: str) -> None:
    name = {"zh-TW": "禮", "zh-CN": "礼", "en": "Gift"}
    found = credit_reason(CreditCause(code, Decimal("-12.5"), "25", "why", name), "USD", 2)
    assert set(found) == {"zh-TW", "zh-CN", "en"}
    assert all("12.50" in text and "{" not in text for text in found.values())
    assert len(set(found.values())) > 1

"""Redemptions from the wish to the code in the shop, its use, and the way back, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from counter import DAY, REWARDS, Counter

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.errors import (
    Invalid,
    LoyaltyError,
    NotEnoughPoints,
    NotPermitted,
    RedemptionEnded,
    RewardNotAvailable,
)
from loyalty.stores.service import set_state
from workers.runtime import Runtime


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def test_reward_is_held_until_the_shop_has_its_code(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo, 150)
    asked = amy.redeem()
    assert (asked["state"], asked["coupon"], amy.balance()) == ("requested", None, (50, 100, 0))
    amy.push()
    seen = amy.see(asked)
    assert (seen["state"], seen["coupon"]["code"], amy.balance()) == ("issued", amy.code(asked), (50, 0, 0))
    (coupon,) = amy.coupons()
    assert (coupon["amount"], coupon["usage_limit"], coupon["email_restrictions"]) == (
        "50.00",
        1,
        ["amy@example.test"],
    )
    assert amy.desk.entries() == [150, -100]
    assert amy.proves()


@pytest.mark.parametrize(
    ("points", "reward", "error"),
    [(99, "off", NotEnoughPoints), (100, "nothing", RewardNotAvailable), (100, "any", Invalid)],
)
def test_refused_wish_changes_nothing(
    runtime: Runtime, woo: SandboxShop, points: int, reward: str, error: type[LoyaltyError]
) -> None:
    amy = Counter(runtime, woo, points)
    with pytest.raises(error) as refused:
        amy.redeem(reward)
    if error is NotEnoughPoints:
        assert refused.value.attributes["told"] == {"refusals": ["not_enough_points"], "missing": 1}
    assert (amy.balance(), amy.coupons(), amy.desk.entries()) == ((points, 0, 0), [], [points])


def test_use_is_learnt_from_the_order_whatever_the_case_of_its_code(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    order = amy.buy(code)
    seen = amy.see(redemption)
    assert (seen["state"], seen["order"]["id"], amy.balance()) == ("used", str(order), (0, 0, 0))
    assert amy.desk.rows("select state, used_by from coupons") == [{"state": "used", "used_by": f"1:{order}"}]
    assert amy.proves()


def test_partial_refunds_give_back_their_share_and_disable_the_code(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    _, code = amy.issue()
    order = amy.buy(code)
    assert woo.order(order)["total"] == "410"
    first = amy.refund(order, 205)
    assert (amy.balance()[0], amy.is_live(code)) == (50, False)
    amy.refund(order, 123)
    assert amy.balance()[0] == 80
    woo.delete_refund(order, first)
    amy.tell(order)
    assert amy.balance()[0] == 30
    assert amy.proves()


def test_cancelled_order_gives_points_back_and_the_reopened_code_is_disabled(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    order = amy.buy(code)
    amy.turn(order, "cancelled")
    assert (amy.see(redemption)["restored"], amy.balance()[0], amy.is_live(code)) == (100, 100, False)
    amy.turn(order, "processing")
    assert (amy.see(redemption)["state"], amy.balance()[0]) == ("used", 0)
    assert amy.proves()


def test_policy_none_keeps_points_and_leaves_the_reopened_code_usable(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo, refunds={"restore_redeemed": "none"})
    redemption, code = amy.issue()
    amy.turn(amy.buy(code), "cancelled")
    assert (amy.balance()[0], amy.is_live(code)) == (0, True)
    order = amy.buy(code)
    assert (amy.see(redemption)["order"]["id"], amy.incidents(), amy.balance()[0]) == (str(order), [], 0)
    assert amy.proves()


def test_member_cancels_and_gets_his_points_once_the_code_is_out_of_use(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    amy.cancel(redemption)
    assert (amy.see(redemption)["state"], amy.balance()[0]) == ("cancelling", 0)
    amy.push()
    assert (amy.see(redemption)["state"], amy.balance()[0], amy.is_live(code)) == ("cancelled", 100, False)
    with pytest.raises(RedemptionEnded):
        amy.cancel(redemption)
    assert amy.proves()


def test_cancel_before_the_code_was_made_makes_none(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    amy.cancel(redemption)
    amy.push()
    assert (amy.see(redemption)["state"], amy.balance(), amy.coupons()) == ("cancelled", (100, 0, 0), [])
    assert amy.desk.entries() == [100]
    assert amy.proves()


def test_code_that_an_unseen_order_uses_is_not_cancelled_and_serves_that_order(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    order = woo.check_out((amy.product, 1), customer=amy.amy, email="amy@example.test", coupons=[code])["id"]
    amy.cancel(redemption)
    amy.push()
    assert (amy.see(redemption)["state"], amy.see(redemption)["failure"]) == ("issued", "in_use")
    amy.tell(order)
    assert (amy.see(redemption)["state"], amy.balance()[0]) == ("used", 0)
    assert amy.proves()


@pytest.mark.parametrize(("minutes", "state", "available"), [(29, "held", 0), (31, "expired", 100)])
def test_checkout_hold_is_released_after_30_minutes(
    runtime: Runtime, woo: SandboxShop, minutes: int, state: str, available: int
) -> None:
    amy = Counter(runtime, woo)
    now = utc_now()
    redemption = amy.redeem("any", now, points=100, checkout=True)
    amy.push()
    assert amy.see(redemption)["state"] == "held"
    later = now + timedelta(minutes=minutes)
    amy.pass_time(later)
    assert (amy.see(redemption)["state"], amy.balance(later)[0]) == (state, available)
    assert amy.is_live(amy.code(redemption)) is (state == "held")
    assert amy.proves()


def test_variable_discount_brings_what_is_to_pay_to_exactly_nothing(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo, 1000)
    redemption, code = amy.issue("any", amount="400", checkout=True)
    order = woo.place_order((amy.product, 1), customer=amy.amy, email="amy@example.test", coupons=[code])[
        "id"
    ]
    amy.tell(order)
    assert (redemption["points"], woo.order(order)["total"]) == (800, "0")
    assert (amy.see(redemption)["state"], amy.balance()) == ("used", (200, 0, 0))
    assert amy.proves()


def test_other_system_spends_what_is_held_for_it_once(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem("partner")
    assert amy.balance() == (0, 100, 0)
    amy.capture(redemption)
    amy.capture(redemption)
    assert (amy.see(redemption)["state"], amy.balance(), amy.desk.entries()) == (
        "used",
        (0, 0, 0),
        [100, -100],
    )
    assert amy.proves()


def test_what_another_system_used_only_staff_takes_back(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem("partner")
    amy.capture(redemption)
    with pytest.raises(NotPermitted, match="only staff"):
        amy.cancel(redemption)
    assert (amy.see(redemption)["state"], amy.balance()) == ("used", (0, 0, 0))
    amy.cancel(redemption, by_staff=True)
    assert (amy.see(redemption)["state"], amy.balance()) == ("cancelled", (100, 0, 0))
    assert amy.proves()


@pytest.mark.parametrize("is_made", [False, True])
def test_code_in_a_shop_that_was_disconnected_is_given_up_by_staff(
    runtime: Runtime, woo: SandboxShop, is_made: bool
) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    if is_made:
        amy.push()
    with amy.desk.connect() as connection:
        set_state(connection, amy.desk.shop.store.id, "disconnected")
    runtime.books.clear()
    amy.cancel(redemption)
    amy.push()
    assert (amy.see(redemption)["state"], amy.balance()[0]) == ("cancelling", 0)
    amy.cancel(redemption, by_staff=True)
    assert amy.balance() == (100, 0, 0)
    assert amy.see(redemption)["state"] in ("cancelled", "failed")
    with pytest.raises(RedemptionEnded):
        amy.cancel(redemption, by_staff=True)
    with amy.desk.connect() as connection:
        set_state(connection, amy.desk.shop.store.id, "connected")
    amy.push()
    woo.now = lambda: utc_now() + timedelta(minutes=1)
    assert not amy.is_live(amy.code(redemption))
    assert (amy.balance(), amy.proves()) == ((100, 0, 0), True)


def test_hold_for_another_system_that_ended_is_not_captured(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem("partner")
    with pytest.raises(RedemptionEnded):
        amy.capture(redemption, redemption["hold_until"])
    assert amy.balance(redemption["hold_until"]) == (100, 0, 0)


def test_unused_code_returns_its_points_at_its_end(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption, _ = amy.issue()
    end = amy.see(redemption)["ends_at"]
    amy.pass_time(end - timedelta(seconds=1))
    assert amy.balance(end - timedelta(seconds=1))[0] == 0
    amy.pass_time(end)
    assert (amy.see(redemption)["state"], amy.balance(end)[0]) == ("expired", 100)
    assert amy.desk.rows("select state from coupons") == [{"state": "expired"}]
    assert amy.proves()


def test_code_of_somebody_else_is_paid_by_whom_it_was_made_for_and_told(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    stored = next(iter(woo.state.coupons.values()))
    stored["email_restrictions"] = []
    order = amy.buy(code, customer=amy.ben)
    seen = amy.see(redemption)
    assert (seen["state"], seen["order"]["id"], amy.incidents()) == (
        "used",
        str(order),
        ["code_used_by_other"],
    )
    amy.turn(order, "cancelled")
    assert amy.balance()[0] == 100
    assert amy.proves()


def test_redemption_whose_points_came_back_with_a_refund_gives_its_place_back(
    runtime: Runtime, woo: SandboxShop
) -> None:
    once = {**REWARDS[0], "stock": 1, "per_member": 1}
    amy = Counter(runtime, woo, rewards=[once])
    order = amy.buy(amy.issue()[1])
    with pytest.raises(RewardNotAvailable):
        amy.redeem()
    amy.turn(order, "cancelled")
    assert amy.redeem()["state"] == "requested"
    assert amy.proves()


def test_stock_and_uses_are_judged_when_it_is_redeemed(runtime: Runtime, woo: SandboxShop) -> None:
    few = {"key": "few", "kind": "service", "points": 10, "stock": 2}
    often = {"key": "often", "kind": "service", "points": 10, "per_member": {"uses": 1, "period": "day"}}
    amy = Counter(runtime, woo, rewards=[*REWARDS, few, often])
    first = amy.redeem("few")
    amy.redeem("few")
    with pytest.raises(RewardNotAvailable) as refused:
        amy.redeem("few")
    assert refused.value.attributes["told"] == {"refusals": ["out_of_stock"]}
    amy.cancel(first)
    amy.redeem("few")
    amy.redeem("often")
    with pytest.raises(RewardNotAvailable):
        amy.redeem("often")
    assert amy.redeem("often", utc_now() + DAY)["state"] == "issued"
    assert amy.proves()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"amount": "500"}, ["amount"]),
        ({"usage_limit": 3}, ["uses"]),
        ({"email_restrictions": []}, ["email"]),
        ({"date_expires": "2099-01-01T00:00:00", "minimum_amount": "9"}, ["expires_at", "minimum_subtotal"]),
        ({"description": "for Amy"}, []),
    ],
)
def test_code_that_the_merchant_changed_in_the_shop_is_shown(
    runtime: Runtime, woo: SandboxShop, change: dict[str, Any], named: list[str]
) -> None:
    amy = Counter(runtime, woo)
    amy.issue()
    coupon = amy.coupons()[0]
    changed = woo.call("PUT", f"coupons/{coupon['id']}", change)
    for _ in range(2):
        amy.desk.deliver(changed, "coupon.updated")
        amy.desk.drain()
        amy.desk.read_again()
    found = amy.desk.rows("select kind, data from incidents")
    assert [(row["kind"], sorted(row["data"]["changed"])) for row in found] == [
        ("coupon_changed", named)
    ] * bool(named)
    assert amy.proves()


@pytest.mark.parametrize("force", ["true", "false"])
def test_code_that_the_merchant_deleted_in_the_shop_is_shown(
    runtime: Runtime, woo: SandboxShop, force: str
) -> None:
    amy = Counter(runtime, woo)
    amy.issue()
    number = amy.coupons()[0]["id"]
    woo.call("DELETE", f"coupons/{number}", query={"force": force})
    for id in (number, 99999):
        amy.desk.deliver({"id": id}, "coupon.deleted")
    amy.desk.drain()
    amy.desk.read_again()
    assert amy.incidents() == ["coupon_deleted"]
    assert amy.proves()


def test_what_we_do_to_a_code_ourselves_is_no_incident(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    amy.cancel(redemption)
    amy.push()
    amy.desk.deliver(woo.coupon(code) or {}, "coupon.updated")
    amy.desk.drain()
    amy.desk.read_again()
    assert amy.incidents() == []


def test_wish_of_an_earlier_time_takes_nothing_that_a_later_one_holds(
    runtime: Runtime, woo: SandboxShop
) -> None:
    """Two requests at once: the one that came first is accepted last, and is folded before the other."""
    amy = Counter(runtime, woo)
    now = utc_now() + timedelta(seconds=2)
    first = amy.redeem(at=now)
    with pytest.raises(NotEnoughPoints):
        amy.redeem(at=now - timedelta(seconds=1))
    amy.push(at=now + timedelta(seconds=1))
    assert (amy.see(first)["state"], amy.balance(now + DAY)) == ("issued", (0, 0, 0))
    assert amy.proves()

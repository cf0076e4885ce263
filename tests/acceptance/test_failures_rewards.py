"""Failures of other systems around rewards: points and codes lost, doubled, or alive where they must not be."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from builders import make_program
from counter import REWARDS, Counter

from connectors.woocommerce.sandbox import SandboxShop
from connectors.woocommerce.sandbox.errors import RestError
from loyalty.clock import utc_now
from loyalty.errors import RewardNotAvailable
from loyalty.rewards.eligibility import price
from workers.draining import drain_account
from workers.runtime import Runtime

PENNIES = [{"key": "any", "kind": "variable_discount", "points": 1, "amount": "0.05"}]


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.mark.parametrize("status", ["pending", "on-hold"])
def test_u7_order_whose_payment_expires_gives_its_points_back_exactly_once(
    runtime: Runtime, woo: SandboxShop, status: str
) -> None:
    """Under duplicate and concurrent expiry, whether or not the shop counted the order meanwhile."""
    amy = Counter(runtime, woo)
    redemption, code = amy.issue("any", points=100, checkout=True)
    order = amy.buy(code, paid=False)
    amy.turn(order, status)
    later = redemption["hold_until"] + timedelta(minutes=1)
    woo.now = lambda: later
    woo.set_status(order, "cancelled")
    for _ in range(2):
        amy.desk.deliver(woo.order(order))
    with ThreadPoolExecutor(4) as pool:
        account = amy.desk.shop.account
        list(pool.map(lambda _: drain_account(runtime, account, now=later), range(4)))
        list(pool.map(lambda _: amy.pass_time(later), range(2)))
    amy.pass_time(later)
    assert amy.balance(later) == (100, 0, 0)
    assert sum(amy.desk.entries()) == 100
    assert not amy.is_live(code)
    assert amy.proves()


def test_u9_cart_whose_payment_is_tried_again_burns_once(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo, 1000)
    redemption, code = amy.issue("any", points=100, checkout=True)
    amy.turn(amy.buy(code, paid=False), "failed")
    paid = amy.buy(code)
    assert (amy.see(redemption)["order"]["id"], amy.see(redemption)["uses"]) == (str(paid), 1)
    assert amy.desk.entries() == [1000, -100]
    assert amy.proves()


@pytest.mark.parametrize(
    ("policy", "points", "usable"), [("proportional", 100, False), ("full", 100, False), ("none", 0, True)]
)
def test_u12_cancelled_order_restores_points_or_the_code_never_neither_never_both(
    runtime: Runtime, woo: SandboxShop, policy: str, points: int, usable: bool
) -> None:
    amy = Counter(runtime, woo, refunds={"restore_redeemed": policy})
    _, code = amy.issue()
    amy.turn(amy.buy(code), "cancelled")
    assert (amy.balance()[0], amy.is_live(code)) == (points, usable)
    assert amy.proves()


def test_u13_old_code_fails_once_its_points_are_restored(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    _, code = amy.issue()
    order = amy.buy(code)
    amy.refund(order, woo.order(order)["total"])
    amy.turn(order, "cancelled")
    assert (amy.balance()[0], amy.is_live(code)) == (100, False)
    with pytest.raises(RestError):
        amy.buy(code)


@pytest.mark.parametrize("refunds", [["137"], ["350"], ["100", "100", "150"], ["1", "349"]])
def test_u14_cash_and_restored_points_are_never_worth_more_than_what_was_paid(
    runtime: Runtime, woo: SandboxShop, refunds: list[str]
) -> None:
    """100 points took 50 off: what comes back of them grows with the money that comes back, and never is money."""
    amy = Counter(runtime, woo)
    _, code = amy.issue()
    order = woo.place_order((amy.product, 1), customer=amy.amy, email="amy@example.test", coupons=[code])[
        "id"
    ]
    amy.tell(order)
    cash = 0
    for amount in refunds:
        amy.refund(order, amount)
        cash += int(amount)
        assert amy.balance()[0] == 100 * cash // 350
        assert cash + Decimal("0.5") * amy.balance()[0] <= 400
    assert amy.proves()


def test_u15_redemption_of_a_deleted_reward_can_be_cancelled(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    amy.publish(rewards=REWARDS[1:])
    amy.cancel(redemption)
    amy.push()
    assert (amy.see(redemption)["state"], amy.balance()[0], amy.is_live(code)) == ("cancelled", 100, False)
    assert amy.proves()


def test_u16_refund_of_one_line_restores_the_share_of_that_line(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    _, code = amy.issue()
    tea = woo.add_product(price=600)["id"]
    order = woo.place_order(
        (amy.product, 1), (tea, 1), customer=amy.amy, email="amy@example.test", coupons=[code]
    )
    amy.tell(order["id"])
    line = order["line_items"][1]
    woo.refund(order["id"], lines=[{"id": line["id"], "quantity": 1, "refund_total": line["total"]}])
    amy.tell(order["id"])
    share = Decimal(line["total"]) / Decimal(order["total"])
    assert amy.balance()[0] == int(100 * share) == 60
    assert amy.proves()


def test_u52_77_points_at_5_cents_each_are_3_85(runtime: Runtime) -> None:
    reward = make_program(rewards=PENNIES).rewards[0]
    assert price(reward, 2, points=77, amount=None) == (77, Decimal("3.85"))
    with SandboxShop("USD", 2) as woo:
        amy = Counter(runtime, woo, rewards=PENNIES)
        redemption, _ = amy.issue("any", points=77)
        assert (redemption["amount"], amy.coupons()[0]["amount"], amy.balance()[0]) == ("3.85", "3.85", 23)


@pytest.mark.parametrize(
    ("currency", "decimals", "amount"), [("TWD", 0, "3"), ("JPY", 0, "3"), ("USD", 2, "3.85")]
)
def test_u54_redeeming_works_in_shops_that_do_not_round(
    runtime: Runtime, currency: str, decimals: int, amount: str
) -> None:
    with SandboxShop(currency, decimals) as woo:
        amy = Counter(runtime, woo, rewards=PENNIES)
        redemption, code = amy.issue("any", points=77)
        assert (redemption["amount"], Decimal(amy.coupons()[0]["amount"])) == (amount, Decimal(amount))
        order = woo.place_order((amy.product, 1), customer=amy.amy, email="amy@example.test", coupons=[code])
        assert Decimal(order["total"]) == 400 - Decimal(amount)
        amy.tell(order["id"])
        assert (amy.see(redemption)["state"], amy.balance()[0]) == ("used", 23)


def test_u59_two_rewards_on_one_order_are_two_entries(runtime: Runtime, woo: SandboxShop) -> None:
    both = [
        {**REWARDS[0], "combinable": True},
        {**REWARDS[0], "key": "more", "points": 30, "combinable": True},
    ]
    amy = Counter(runtime, woo, 200, rewards=both)
    codes = [amy.issue(reward["key"])[1] for reward in both]
    order = amy.buy(*codes)
    assert amy.desk.entries() == [200, -100, -30]
    amy.turn(order, "cancelled")
    assert (amy.balance()[0], sorted(amy.desk.entries()[3:])) == (200, [30, 100])
    assert amy.proves()


def test_u62_archived_or_exhausted_reward_refuses_when_it_is_redeemed(
    runtime: Runtime, woo: SandboxShop
) -> None:
    few = {"key": "few", "kind": "fixed_discount", "points": 10, "amount": "5", "stock": 1}
    amy = Counter(runtime, woo, 1000, rewards=[few])
    redemption, code = amy.issue("few")
    with pytest.raises(RewardNotAvailable) as exhausted:
        amy.redeem("few")
    assert exhausted.value.attributes["told"] == {"refusals": ["out_of_stock"]}
    amy.publish(rewards=[{**few, "stock": None, "archived": True}])
    with pytest.raises(RewardNotAvailable) as archived:
        amy.redeem("few", utc_now())
    assert archived.value.attributes["told"] == {"refusals": ["archived"]}
    assert amy.is_live(code)
    amy.buy(code)
    assert (amy.see(redemption)["state"], amy.desk.entries()) == ("used", [1000, -10])
    assert amy.proves()

"""Coupons that were given and used, and are free again since their order died: they live while their cause does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from counter import EMAIL, Counter
from ladders import ladder, tier

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from workers.runtime import Runtime

GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "100"}
GOLD = ladder(tier("gold", "1500", entry_reward="gift"))


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


class Giving(Counter):
    """Amy, whom an order makes gold; the coupon for it is used on an order that a guest placed with her address."""

    def __init__(self, runtime: Runtime, woo: SandboxShop) -> None:
        super().__init__(runtime, woo, points=0, tiers=GOLD, rewards=[GIFT])
        self.cause = self.buy(quantity=3)
        self.given = str(self.coupon()["code"])
        self.use = self.buy(self.given, customer=0)
        assert self.coupon()["state"] == "used"

    def coupon(self) -> dict[str, object]:
        (row,) = self.desk.rows("select code, state, member_id from coupons")
        return row


def test_it_is_withdrawn_when_its_cause_went_before_its_use(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Giving(runtime, woo)
    amy.turn(amy.cause, "cancelled")
    assert amy.coupon()["state"] == "used"
    amy.turn(amy.use, "cancelled")
    amy.fold()
    amy.push()
    assert (amy.coupon()["state"], amy.is_live(amy.given)) == ("cancelled", False)
    assert amy.proves()


def test_it_is_withdrawn_in_the_batch_that_brings_its_owner_too(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Giving(runtime, woo)
    amy.turn(amy.cause, "cancelled")
    woo.set_status(amy.use, "cancelled")
    order = woo.check_out((amy.product, 1), customer=amy.amy, email=EMAIL)["id"]
    amy.desk.deliver({"id": order})
    amy.desk.deliver({"id": amy.use})
    amy.desk.drain()
    amy.desk.read_again()
    amy.push()
    assert (amy.coupon()["state"], amy.is_live(amy.given)) == ("cancelled", False)
    assert amy.proves()


def test_the_order_of_the_two_makes_no_difference(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Giving(runtime, woo)
    amy.turn(amy.use, "cancelled")
    assert (amy.coupon()["state"], amy.is_live(amy.given)) == ("issued", True)
    amy.turn(amy.cause, "cancelled")
    assert (amy.coupon()["state"], amy.is_live(amy.given)) == ("cancelled", False)
    assert amy.proves()


def test_it_lives_on_while_its_cause_stands(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Giving(runtime, woo)
    amy.turn(amy.use, "cancelled")
    amy.fold()
    assert (amy.coupon()["state"], amy.is_live(amy.given)) == ("issued", True)
    assert amy.proves()


def test_one_that_an_edit_takes_off_is_withdrawn_too(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Giving(runtime, woo)
    amy.turn(amy.cause, "cancelled")
    later = (utc_now() + timedelta(hours=1)).isoformat()[:19]
    amy.desk.deliver({**woo.order(amy.use), "coupon_lines": [], "date_modified_gmt": later})
    amy.desk.drain()
    assert amy.coupon()["state"] == "issued"
    amy.fold()
    assert amy.coupon()["state"] == "cancelled"
    assert amy.proves()


def test_one_order_that_dies_frees_nothing_for_which_another_one_is_paid(
    runtime: Runtime, woo: SandboxShop
) -> None:
    """A buyer whose payment failed orders again with the same code, and both are heard of together."""
    amy = Giving(runtime, woo)
    woo.set_status(amy.use, "cancelled")
    again = woo.check_out((amy.product, 1), email=EMAIL, coupons=[amy.given.upper()])["id"]
    for order in (amy.use, again):
        amy.desk.deliver({"id": order})
    amy.desk.drain()
    amy.desk.read_again()
    assert amy.coupon()["state"] == "used"
    assert amy.desk.rows("select used_by from coupons") == [{"used_by": f"1:{again}"}]
    amy.turn(again, "cancelled")
    assert amy.coupon()["state"] == "issued"
    assert amy.proves()

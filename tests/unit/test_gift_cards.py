"""Gift cards that members have for points: paid once, spent in parts, and what they pay earns nothing (RULES §3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, make_order, make_program, make_versions
from folding import DAY, HOUR, SOON, balance, make_file, make_member, moved

from loyalty.commerce import OrderSnapshot, OrderState
from loyalty.engine.commands import Command, Ending, EndRedemption, RedeemReward
from loyalty.engine.decide import refold
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import OrderRef
from loyalty.errors import Invalid
from loyalty.ledger.lots import Balance
from loyalty.programs.catalogue import is_offered
from loyalty.rewards.coupon import coupon_terms
from loyalty.rewards.redemption import RedemptionState
from loyalty.tenders import Tender

CODE = "lr2222222222"
CARD = {"key": "card", "kind": "gift_card", "points": 60, "amount": "6.005"}
REDEEMED = NOON + 2 * HOUR


def asked() -> RedeemReward:
    return RedeemReward(1, REDEEMED, "card", "gift_card", 60, "", 1, None, "")


def ended(ending: Ending, number: int = 2, after: timedelta = HOUR) -> Command:
    return EndRedemption(number, REDEEMED + after, 1, ending, "")


def paying(id: str, card: str, after: timedelta = DAY, total: str = "40", **more: Any) -> OrderSnapshot:
    """An order of which the card paid so much."""
    tenders = (Tender("gift_card", Decimal(card), "9", CODE),)
    return replace(make_order(id, total, at=REDEEMED + after, **more), tenders=tenders)


def live(
    *users: OrderSnapshot, commands: list[Command] | None = None, until: datetime = SOON, **program: Any
) -> MemberState:
    """The member after an order of 100, a card for 60 of its points, and orders that the card paid a part of."""
    state = make_member(make_file(make_order("1")), commands=commands or [asked(), ended(Ending.CAPTURED)])
    used = [OrderFile(OrderRef(1, each.external_id), each, laurel_codes=frozenset([CODE])) for each in users]
    state.orders |= {file.ref.key: file for file in used}
    state.code_users = {1: used} if used else {}
    return refold(state, make_versions(rewards=[CARD], **program), until)


def test_card_never_ends_whatever_passes() -> None:
    state = live(until=REDEEMED + 4000 * DAY)
    assert (state.redemptions[1].state, state.redemptions[1].ends_at) == (RedemptionState.CAPTURED, None)
    assert moved(state) == [100, -60]


def test_card_is_money_in_the_coins_of_the_account() -> None:
    program = make_program(rewards=[CARD], decimals=2, currency="USD")
    terms = coupon_terms(program.rewards[0], program, NOON)
    assert (terms.kind, terms.amount, terms.expires_at) == ("gift_card", Decimal("6.00"), None)


@pytest.mark.parametrize(("paid", "earned"), [("0.01", 39), ("10", 30), ("39.99", 0), ("40", 0), ("50", 0)])
def test_u56_what_the_card_paid_of_an_order_earns_nothing(paid: str, earned: int) -> None:
    assert moved(live(paying("2", paid))) == [100, -60] + [earned] * (earned > 0)


def test_other_cards_are_money() -> None:
    order = paying("2", "40")
    other = replace(order, tenders=(Tender("gift_card", Decimal(40), "77"),))
    state = make_member(make_file(make_order("1")), make_file(other))
    assert moved(refold(state, make_versions(), SOON)) == [100, 40]


def test_several_orders_are_paid_with_one_card_and_points_were_paid_once() -> None:
    state = live(paying("2", "4"), paying("3", "2", 2 * DAY))
    assert moved(state) == [100, -60, 36, 38]
    assert list(state.redemptions[1].uses) == ["1:2", "1:3"]


def test_refund_gives_its_money_to_the_card_and_no_points_back() -> None:
    state = live(paying("2", "20", state=OrderState.REFUNDED), refunds={"restore_redeemed": "full"})
    assert sum(moved(state)) == 40
    assert state.redemptions[1].restored == 0


def test_card_of_a_dead_order_is_paid_still_and_may_be_taken_back() -> None:
    dead = paying("2", "20", state=OrderState.DEAD)
    assert sum(moved(live(dead))) == 40
    back = [asked(), ended(Ending.CAPTURED), ended(Ending.CANCELLED, 3, 40 * DAY)]
    assert balance(live(dead, commands=back, until=REDEEMED + 50 * DAY), REDEEMED + 50 * DAY).available == 100


def test_card_that_an_order_uses_is_not_taken_back() -> None:
    back = [asked(), ended(Ending.CAPTURED), ended(Ending.CANCELLED, 3, 2 * DAY)]
    state = live(paying("2", "4"), commands=back)
    assert (state.redemptions[1].state, sum(moved(state))) == (RedemptionState.CAPTURED, 76)


def test_u22_use_that_is_seen_after_the_card_was_taken_back_is_paid_and_a_dead_one_is_not() -> None:
    back = [asked(), ended(Ending.CAPTURED), ended(Ending.CANCELLED, 3, 2 * HOUR)]
    assert balance(live(paying("2", "40"), commands=back)) == Balance(40, 0, 0, 0)
    dead = live(paying("2", "40", state=OrderState.DEAD), commands=back)
    assert (dead.redemptions[1].state, balance(dead).available) == (RedemptionState.CANCELLED, 100)


def test_release_frees_the_points_of_a_card_that_the_shop_does_not_make() -> None:
    state = live(commands=[asked(), ended(Ending.RELEASED)])
    assert balance(state) == Balance(100, 0, 0, 0)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"valid_days": 30}, "valid_days"), ({"minimum_subtotal": "5"}, "minimum_subtotal"),
        ({"combinable": True}, "combinable"), ({"products": {"product_ids": ["1"]}}, "products"),
    ],
)  # fmt: skip
def test_card_has_no_terms_of_a_coupon(parts: dict[str, Any], name: str) -> None:
    with pytest.raises(Invalid) as caught:
        make_program(rewards=[CARD | parts])
    assert list(caught.value.fields) == [f"/rewards/0/{name}"]


@pytest.mark.parametrize(
    ("platforms", "is_so"),
    [((), False), (("woocommerce", "till"), False), (("woocommerce", "shopify"), True)],
)
def test_cards_are_offered_where_a_shop_keeps_them(platforms: tuple[str, ...], is_so: bool) -> None:
    assert is_offered("gift_card", frozenset(platforms)) is is_so
    assert is_offered("fixed_discount", frozenset(platforms))

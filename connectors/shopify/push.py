"""Carries out commands in a Shopify store, many in a request; every failure is the outcome of its own command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from connectors.shopify.client import Shopify
from connectors.shopify.coupons import put_coupons
from connectors.shopify.disabling import disable_coupons
from connectors.shopify.gift_cards import KIND, disable_gift_cards, put_gift_cards
from connectors.shopify.members import mark_orders, set_member_tiers
from connectors.shopify.store_credit import add_store_credit
from loyalty.pushes import (
    AddStoreCredit,
    DisableCoupon,
    MarkOrder,
    PushCommand,
    PushError,
    PushReceipt,
    PutCoupon,
    SetMemberTier,
)

Outcome = PushReceipt | PushError
Handler = Callable[[Shopify, Sequence[Any]], list[Outcome]]
AT_ONCE = 50
"""Commands that share the fate of their requests."""


def push(shop: Shopify, commands: Sequence[PushCommand]) -> list[Outcome]:
    """Return one outcome per command, in order; commands of one kind that follow each other share requests."""
    outcomes: list[Outcome] = []
    for handler, run in groupby(commands, key=_handler):
        several = list(run)
        for start in range(0, len(several), AT_ONCE):
            outcomes += _carry_out(handler, shop, several[start : start + AT_ONCE])
    return outcomes


def _handler(command: PushCommand) -> Handler:
    """Return what carries a command out; a gift card is no discount, though it is a coupon to us."""
    if isinstance(command, PutCoupon | DisableCoupon) and command.kind == KIND:
        return put_gift_cards if isinstance(command, PutCoupon) else disable_gift_cards
    return HANDLERS[type(command)]


def _carry_out(handler: Handler, shop: Shopify, commands: Sequence[PushCommand]) -> list[Outcome]:
    try:
        return handler(shop, commands)
    except PushError as error:
        return [error] * len(commands)


HANDLERS: dict[type[PushCommand], Handler] = {
    PutCoupon: put_coupons,
    DisableCoupon: disable_coupons,
    AddStoreCredit: add_store_credit,
    SetMemberTier: set_member_tiers,
    MarkOrder: mark_orders,
}

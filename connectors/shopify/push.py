"""Carries out commands in a Shopify store, many in a request; every failure is the outcome of its own command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from connectors.shopify.client import Shopify
from connectors.shopify.coupons import put_coupons
from connectors.shopify.disabling import disable_coupons
from connectors.shopify.members import mark_orders, set_member_tiers
from loyalty.pushes import (
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
    for kind, run in groupby(commands, key=type):
        several = list(run)
        for start in range(0, len(several), AT_ONCE):
            outcomes += _carry_out(HANDLERS[kind], shop, several[start : start + AT_ONCE])
    return outcomes


def _carry_out(handler: Handler, shop: Shopify, commands: Sequence[PushCommand]) -> list[Outcome]:
    try:
        return handler(shop, commands)
    except PushError as error:
        return [error] * len(commands)


HANDLERS: dict[type[PushCommand], Handler] = {
    PutCoupon: put_coupons,
    DisableCoupon: disable_coupons,
    SetMemberTier: set_member_tiers,
    MarkOrder: mark_orders,
}

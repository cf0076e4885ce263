"""Carries out commands in a WooCommerce store, in batches; every failure is the outcome of its own command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from connectors.http import Door
from connectors.woocommerce.api import batch, chunks, item_refusal
from connectors.woocommerce.coupons import disable_coupons, put_coupons
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
SERVICE = "laurel_service"
"""The meta data key of orders; without `_` in front, so that the merchant sees it at the order."""
TIER = "laurel_tier"
"""The meta data key of customers under which their tier stands."""
Handler = Callable[[Door, str, Sequence[Any]], list[Outcome]]


def push(door: Door, time_zone: str, commands: Sequence[PushCommand]) -> list[Outcome]:
    """Return one outcome per command, in order; commands of one kind that follow each other share a batch."""
    outcomes: list[Outcome] = []
    for kind, run in groupby(commands, key=type):
        for chunk in chunks(list(run)):
            outcomes += _carry_out(HANDLERS[kind], door, time_zone, chunk)
    return outcomes


def set_member_tiers(door: Door, time_zone: str, commands: Sequence[SetMemberTier]) -> list[Outcome]:
    """Write the tiers as meta data of the customers, as WooCommerce knows no customer tags; raises PushError."""
    return _write_meta(door, "customers", [(each.customer_id, _tier_meta(each)) for each in commands])


def mark_orders(door: Door, time_zone: str, commands: Sequence[MarkOrder]) -> list[Outcome]:
    """Write the words as meta data of the orders; raises PushError. The shop tells of each as of any other change."""
    return _write_meta(
        door, "orders", [(each.order_id, {SERVICE: ",".join(each.words)}) for each in commands]
    )


def refuse_store_credit(_door: Door, _time_zone: str, commands: Sequence[AddStoreCredit]) -> list[Outcome]:
    """Return a permanent PushError for each: WooCommerce keeps no store credit."""
    refusal = PushError("WooCommerce has no store credit.", permanent=True, reason="rejected")
    return [refusal] * len(commands)


def _write_meta(door: Door, path: str, wanted: Sequence[tuple[str, Mapping[str, str]]]) -> list[Outcome]:
    """Set meta data of things by their ids, in one batch; what stands under other keys stays."""
    items = [
        {"id": int(each), "meta_data": [{"key": key, "value": value} for key, value in meta.items()]}
        for each, meta in wanted
        if each.isdigit()
    ]
    answers = iter(batch(door, path, "update", items) if items else ())
    unknown = PushError("The id is no number.", permanent=True, reason="rejected")
    return [_outcome(next(answers)) if each.isdigit() else unknown for each, _ in wanted]


def _carry_out(
    handler: Handler, door: Door, time_zone: str, commands: Sequence[PushCommand]
) -> list[Outcome]:
    try:
        return handler(door, time_zone, commands)
    except PushError as error:
        return [error] * len(commands)


def _tier_meta(command: SetMemberTier) -> dict[str, str]:
    # Keys that begin with _ are dropped without a word on customers (v2 customers controller:137).
    return {
        TIER: command.tier_key,
        "laurel_tier_name": command.tier_name,
        "laurel_benefits": ",".join(command.benefits),
    }


def _outcome(answer: dict[str, Any] | PushError) -> Outcome:
    if isinstance(answer, PushError):
        return answer
    return item_refusal(answer["error"]) if "error" in answer else PushReceipt(str(answer.get("id", "")))


HANDLERS: dict[type[PushCommand], Handler] = {
    PutCoupon: put_coupons,
    DisableCoupon: disable_coupons,
    AddStoreCredit: refuse_store_credit,
    SetMemberTier: set_member_tiers,
    MarkOrder: mark_orders,
}

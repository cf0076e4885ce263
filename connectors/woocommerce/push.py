"""Carries out commands in a WooCommerce store, in batches; every failure is the outcome of its own command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from connectors.http import Door
from connectors.woocommerce.api import batch, chunks, item_refusal
from connectors.woocommerce.coupons import disable_coupons, put_coupons
from loyalty.pushes import DisableCoupon, PushCommand, PushError, PushReceipt, PutCoupon, SetMemberTier

Outcome = PushReceipt | PushError
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
    known = [command for command in commands if command.customer_id.isdigit()]
    answers = iter(
        batch(door, "customers", "update", [_tier_update(command) for command in known]) if known else ()
    )
    unknown = PushError("The customer id is no number.", permanent=True, reason="rejected")
    return [
        _tier_outcome(next(answers)) if command.customer_id.isdigit() else unknown for command in commands
    ]


def _carry_out(
    handler: Handler, door: Door, time_zone: str, commands: Sequence[PushCommand]
) -> list[Outcome]:
    try:
        return handler(door, time_zone, commands)
    except PushError as error:
        return [error] * len(commands)


def _tier_update(command: SetMemberTier) -> dict[str, Any]:
    # Keys that begin with _ are dropped without a word on customers (v2 customers controller:137).
    meta = {
        "laurel_tier": command.tier_key,
        "laurel_tier_name": command.tier_name,
        "laurel_benefits": ",".join(command.benefits),
    }
    return {
        "id": int(command.customer_id),
        "meta_data": [{"key": key, "value": value} for key, value in meta.items()],
    }


def _tier_outcome(answer: dict[str, Any]) -> Outcome:
    return item_refusal(answer["error"]) if "error" in answer else PushReceipt(str(answer.get("id", "")))


HANDLERS: dict[type[PushCommand], Handler] = {
    PutCoupon: put_coupons,
    DisableCoupon: disable_coupons,
    SetMemberTier: set_member_tiers,
}

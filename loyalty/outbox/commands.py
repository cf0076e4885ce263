"""Commands to a shop as JSON, and back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty.pushes import (
    AddStoreCredit,
    DisableCoupon,
    MarkOrder,
    PostWebhook,
    PushCommand,
    PutCoupon,
    SetMemberTier,
)

_KINDS: dict[type[PushCommand], str] = {
    PutCoupon: "put_coupon",
    DisableCoupon: "disable_coupon",
    AddStoreCredit: "add_store_credit",
    SetMemberTier: "set_member_tier",
    MarkOrder: "mark_order",
    PostWebhook: "post_webhook",
}


def command_data(command: PushCommand) -> dict[str, Any]:
    """Return a command as JSON data."""
    if isinstance(command, PutCoupon):
        return _coupon_data(command)
    if isinstance(command, DisableCoupon):
        return _disabling_data(command)
    if isinstance(command, AddStoreCredit):
        return _credit_data(command)
    if isinstance(command, MarkOrder):
        return {"order_id": command.order_id, "words": list(command.words)}
    if isinstance(command, PostWebhook):
        return {"url": command.url, "event_id": command.event_id, "data": dict(command.data)}
    return {
        "customer_id": command.customer_id,
        "tier_key": command.tier_key,
        "tier_name": command.tier_name,
        "benefits": list(command.benefits),
        "points": command.points,
        "progress": command.progress,
    }


def _coupon_data(command: PutCoupon) -> dict[str, Any]:
    return {
        "code": command.code,
        "kind": command.kind,
        "amount": str(command.amount),
        "minimum_subtotal": str(command.minimum_subtotal),
        "expires_at": command.expires_at.isoformat() if command.expires_at else None,
        "email": command.email,
        "description": command.description,
        "free_shipping": command.free_shipping,
        "reusable": command.reusable,
        "product_ids": list(command.product_ids),
        "category_ids": list(command.category_ids),
        "combinable": command.combinable,
        "customer_id": command.customer_id,
        "currency": command.currency,
    }


def _disabling_data(command: DisableCoupon) -> dict[str, Any]:
    return {
        "code": command.code,
        "at": command.at.isoformat(),
        "kind": command.kind,
        "external_id": command.external_id,
    }


def _credit_data(command: AddStoreCredit) -> dict[str, Any]:
    return {
        "reference": command.reference,
        "customer_id": command.customer_id,
        "email": command.email,
        "amount": str(command.amount),
        "currency": command.currency,
        "since": command.since.isoformat(),
        "known": list(command.known),
    }


def command_kind(command: PushCommand) -> str:
    """Return the word under which a command is stored."""
    return _KINDS[type(command)]


def read_command(kind: str, data: dict[str, Any]) -> PushCommand:
    """Return the command that `command_data` wrote."""
    if kind == "put_coupon":
        expires_at = datetime.fromisoformat(data["expires_at"]) if data["expires_at"] else None
        amounts = {name: Decimal(data[name]) for name in ("amount", "minimum_subtotal")}
        scope = {name: tuple(data.get(name, ())) for name in ("product_ids", "category_ids")}
        return PutCoupon(**{**data, **amounts, **scope, "expires_at": expires_at})
    if kind == "disable_coupon":
        return DisableCoupon(**{**data, "at": datetime.fromisoformat(data["at"])})
    if kind == "add_store_credit":
        since, known = datetime.fromisoformat(data["since"]), tuple(data["known"])
        return AddStoreCredit(**{**data, "amount": Decimal(data["amount"]), "since": since, "known": known})
    if kind == "mark_order":
        return MarkOrder(data["order_id"], tuple(data["words"]))
    if kind == "post_webhook":
        return PostWebhook(**data)
    return SetMemberTier(**{**data, "benefits": tuple(data.get("benefits", ()))})

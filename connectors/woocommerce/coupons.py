"""Puts coupons into a WooCommerce store and takes them out of use again; repeats change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.http import Door
from connectors.woocommerce.api import API, batch, error_code, expect, item_refusal, objects, one_object
from connectors.woocommerce.mark import MARKER, is_ours
from loyalty.clock import zone
from loyalty.pushes import DisableCoupon, PushError, PushReceipt, PutCoupon

Json = dict[str, Any]
Outcome = PushReceipt | PushError
KINDS = {"fixed_discount": "fixed_cart", "percent_discount": "percent", "free_shipping": "fixed_cart"}
EXISTS = "woocommerce_rest_coupon_code_already_exists"
CENT = Decimal("0.01")
SECOND = timedelta(seconds=1)
SAFELY_PAST = timedelta(days=1)
"""Far enough back that neither a slow clock nor a wrong zone of the shop leaves a disabled code valid."""


def put_coupons(door: Door, time_zone: str, commands: Sequence[PutCoupon]) -> list[Outcome]:
    """Make the coupons in one batch and settle each answer; raises PushError when the batch fails as a whole."""
    wanted = [coupon_content(command, time_zone) for command in commands]
    sent = [each for each in wanted if isinstance(each, dict)]
    answers = iter(batch(door, "coupons", "create", sent) if sent else ())
    return [_settle(door, each, next(answers)) if isinstance(each, dict) else each for each in wanted]


def disable_coupons(door: Door, time_zone: str, commands: Sequence[DisableCoupon]) -> list[Outcome]:
    """Let the codes end in the past, in one batch; raises PushError when the shop cannot be asked."""
    found = [_find(door, command.code) for command in commands]
    updates = [
        {"id": coupon["id"], "date_expires": _wall_time(command.at - SAFELY_PAST, time_zone)}
        for coupon, command in zip(found, commands, strict=True)
        if coupon and is_ours(coupon)
    ]
    answers = iter(batch(door, "coupons", "update", updates) if updates else ())
    return [_disabled(coupon, answers) for coupon in found]


def coupon_content(command: PutCoupon, time_zone: str) -> Json | PushError:
    """Return the coupon as WooCommerce takes it, or why it must not be made: without an e-mail it serves everybody."""
    if command.kind not in KINDS:
        return PushError(
            f"WooCommerce has no coupon of kind {command.kind}.", permanent=True, reason="rejected"
        )
    if not command.email.strip():
        return PushError("A coupon needs the member's e-mail.", permanent=True, reason="rejected")
    return {
        "code": command.code,
        "discount_type": KINDS[command.kind],
        "amount": f"{command.amount:f}",
        "individual_use": True,
        # A null is skipped on write (v2 coupons controller): 0 and the empty date take off what stood there.
        "usage_limit": 0 if command.reusable else 1,
        "usage_limit_per_user": 0 if command.reusable else 1,
        "free_shipping": command.free_shipping,
        # Only the site-local date is read on write; date_expires_gmt is ignored and the coupon would never end.
        "date_expires": _last_second(command.expires_at, time_zone) if command.expires_at else "",
        "email_restrictions": [command.email.strip().lower()],
        "minimum_amount": f"{command.minimum_subtotal:f}",
        "description": command.description,
        "meta_data": [{"key": MARKER, "value": command.code}],
    }


def _settle(door: Door, wanted: Json, answer: Json) -> Outcome:
    try:
        if "error" not in answer:
            return _confirm(door, wanted, answer)
        if error_code(answer["error"]) == EXISTS:
            return _adopt(door, wanted)
        return item_refusal(answer["error"])
    except PushError as error:
        return error


def _adopt(door: Door, wanted: Json) -> PushReceipt:
    """The code is there already: by an earlier try of ours, disabled since, or made by somebody else."""
    coupon = _find(door, wanted["code"])
    if coupon is None:
        raise PushError("The code vanished while we looked.", permanent=False, reason="unreachable")
    if is_same(wanted, coupon):
        return PushReceipt(str(coupon["id"]))
    if not is_ours(coupon):
        raise PushError("The code belongs to a coupon that is not ours.", permanent=True, reason="rejected")
    answer = door.call("PUT", f"{API}/coupons/{coupon['id']}", payload=wanted)
    return _confirm(door, wanted, one_object(expect(answer)))


def _confirm(door: Door, wanted: Json, stored: Json) -> PushReceipt:
    """WooCommerce drops an e-mail that it finds invalid; such a coupon serves everybody and must not live."""
    if is_same(wanted, stored):
        return PushReceipt(str(stored["id"]))
    expect(door.call("DELETE", f"{API}/coupons/{stored.get('id')}", params={"force": "true"}))
    raise PushError("The shop stored the coupon otherwise than asked.", permanent=True, reason="rejected")


def is_same(wanted: Json, stored: Json) -> bool:
    """Return whether a stored coupon gives what was asked, to the same person, as often and as long."""
    plain = ("discount_type", "individual_use", "free_shipping")
    endless = ("usage_limit", "usage_limit_per_user", "date_expires")
    return (
        str(stored.get("code", "")).lower() == wanted["code"].lower()
        and all(stored.get(key) == wanted[key] for key in plain)
        and all((stored.get(key) or None) == (wanted[key] or None) for key in endless)
        and all(_cents(stored.get(key)) == _cents(wanted[key]) for key in ("amount", "minimum_amount"))
        and [str(email).lower() for email in stored.get("email_restrictions") or ()]
        == wanted["email_restrictions"]
    )


def _disabled(coupon: Json | None, answers: Any) -> Outcome:
    if coupon is None:
        return PushReceipt()
    if not is_ours(coupon):
        return PushError("The code belongs to a coupon that is not ours.", permanent=True, reason="rejected")
    answer = next(answers)
    if "error" in answer:
        return item_refusal(answer["error"])
    return PushReceipt(str(coupon["id"]), uses=int(answer.get("usage_count") or 0))


def _find(door: Door, code: str) -> Json | None:
    rows = objects(expect(door.get(f"{API}/coupons", {"code": code})))
    return next(
        (row for row in rows if str(row.get("code", "")).lower() == code.lower() and "id" in row), None
    )


def _cents(value: Any) -> Decimal | None:
    """WooCommerce states coupon amounts with two decimals, whatever the currency."""
    try:
        return Decimal(str(value)).quantize(CENT)
    except InvalidOperation:
        return None


def _last_second(expires_at: datetime, time_zone: str) -> str:
    """WooCommerce refuses a coupon when now > date_expires, in whole seconds."""
    whole = expires_at.replace(microsecond=0)
    return _wall_time(whole if whole < expires_at else whole - SECOND, time_zone)


def _wall_time(instant: datetime, time_zone: str) -> str:
    return instant.astimezone(zone(time_zone)).strftime("%Y-%m-%dT%H:%M:%S")

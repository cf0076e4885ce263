"""Puts coupons into a WooCommerce store and takes them out of use again; repeats change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import partial
from typing import Any

from connectors.halving import ask_each
from connectors.http import Door
from connectors.woocommerce.api import API, batch, error_code, expect, item_refusal, objects, one_object
from connectors.woocommerce.mark import MARKER, is_ours
from loyalty.clock import zone
from loyalty.pushes import DisableCoupon, OneFailed, PushError, PushReceipt, PutCoupon

Json = dict[str, Any]
Outcome = PushReceipt | PushError
KINDS = {
    "fixed_discount": "fixed_cart",
    "percent_discount": "percent",
    "free_shipping": "fixed_cart",
    "free_product": "percent",
}
EXISTS = "woocommerce_rest_coupon_code_already_exists"
CENT = Decimal("0.01")
AMOUNTS = ("amount", "minimum_amount")
SECOND = timedelta(seconds=1)
SAFELY_PAST = timedelta(days=1)
"""Far enough back that neither a slow clock nor a wrong zone of the shop leaves a disabled code valid."""


def put_coupons(door: Door, time_zone: str, commands: Sequence[PutCoupon]) -> list[Outcome]:
    """Make the coupons in one batch and settle each answer; raises PushError when the batch fails as a whole."""
    wanted = [coupon_content(command, time_zone) for command in commands]
    sent = [each for each in wanted if isinstance(each, dict)]
    answers = batch(door, "coupons", "create", sent) if sent else []
    settled, failed = ask_each(lambda it: _settle(door, sent[it], answers[it]), range(len(sent)))
    outcomes = iter([failed.get(it) or settled[it] for it in range(len(sent))])
    return [next(outcomes) if isinstance(each, dict) else each for each in wanted]


def disable_coupons(door: Door, time_zone: str, commands: Sequence[DisableCoupon]) -> list[Outcome]:
    """Let the codes end in the past, in one batch; raises PushError when the shop cannot be asked."""
    coupons, failed = ask_each(partial(_find, door), dict.fromkeys(command.code for command in commands))
    found = [failed.get(command.code) or coupons.get(command.code) for command in commands]
    updates = [
        {"id": coupon["id"], "date_expires": _wall_time(command.at - SAFELY_PAST, time_zone)}
        for coupon, command in zip(found, commands, strict=True)
        if isinstance(coupon, dict) and is_ours(coupon)
    ]
    answers = iter(batch(door, "coupons", "update", updates) if updates else ())
    return [_disabled(coupon, answers) for coupon in found]


def coupon_content(command: PutCoupon, time_zone: str) -> Json | PushError:
    """Return the coupon as WooCommerce takes it, or why it must not be made."""
    refusal = _why_not(command)
    if refusal is not None:
        return refusal
    return {
        "code": command.code,
        **_scope(command),
        "amount": f"{command.amount:f}",
        "individual_use": not command.combinable,
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


def _why_not(command: PutCoupon) -> PushError | None:
    """Return why a coupon must not be made: what WooCommerce cannot store as asked would give more, or to others."""
    if command.kind not in KINDS:
        return _refused(f"WooCommerce has no coupon of kind {command.kind}.", "rejected")
    if not command.email.strip():
        return _refused("A coupon needs the member's e-mail.", "rejected")
    if command.kind == "free_product" and not command.product_ids:
        return _refused("The free product is not named.", "rejected")
    if command.product_ids and command.category_ids:
        # It would ask for an item of each list, and then serve the items of either (class-wc-discounts.php).
        return _refused("A coupon is bound to products or to categories, not to both.", "configuration")
    strange = [each for each in (*command.product_ids, *command.category_ids) if not _is_id(each)]
    if strange:
        return _refused(f"WooCommerce has no product or category {', '.join(strange)}.", "configuration")
    return None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) > 0


def _refused(message: str, reason: str) -> PushError:
    return PushError(message, permanent=True, reason=reason)


def _scope(command: PutCoupon) -> Json:
    """Return what a coupon takes its discount from.

    `fixed_cart` asks for one of its products, but takes its amount from the whole cart; `fixed_product` takes it from
    every piece of them, so that one piece must be the limit (class-wc-discounts.php).
    """
    is_bound = bool(command.product_ids or command.category_ids)
    takes_from_pieces = command.kind == "fixed_discount" and is_bound
    one_piece = takes_from_pieces or command.kind == "free_product"
    return {
        "discount_type": "fixed_product" if takes_from_pieces else KINDS[command.kind],
        "product_ids": sorted({int(each) for each in command.product_ids}),
        "product_categories": sorted({int(each) for each in command.category_ids}),
        "limit_usage_to_x_items": 1 if one_piece else 0,
    }


def _settle(door: Door, wanted: Json, answer: Json | PushError) -> Outcome:
    if isinstance(answer, PushError):
        return answer
    try:
        if "error" not in answer:
            return _confirm(door, wanted, answer)
        if error_code(answer["error"]) == EXISTS:
            return _adopt(door, wanted)
        return item_refusal(answer["error"])
    except OneFailed:
        raise
    except PushError as error:
        return error


def _adopt(door: Door, wanted: Json) -> PushReceipt:
    """The code is there already: by an earlier try of ours, disabled since, or made by somebody else."""
    coupon = _find(door, wanted["code"])
    if coupon is None:
        raise PushError("The code vanished while we looked.", permanent=False, reason="unreachable")
    if is_same(wanted, coupon) and _shows_in_cents(wanted):
        return PushReceipt(str(coupon["id"]))
    if not is_ours(coupon):
        raise _refused("The code belongs to a coupon that is not ours.", "rejected")
    if _is_used_up(wanted, coupon):
        raise _refused("The code was given and used already, for something else.", "rejected")
    answer = door.call("PUT", f"{API}/coupons/{coupon['id']}", payload=wanted)
    return _confirm(door, wanted, one_object(expect(answer)))


def _is_used_up(wanted: Json, stored: Json) -> bool:
    """Return whether a code was given for something else, and used as often as it shall serve: nobody would have
    anything of it. One that differs by its end only was disabled, and is still whose it was.
    """
    is_used = 0 < wanted["usage_limit"] <= int(stored.get("usage_count") or 0)
    return is_used and not is_same({**wanted, "date_expires": stored.get("date_expires")}, stored)


def _confirm(door: Door, wanted: Json, stored: Json) -> PushReceipt:
    """WooCommerce drops an e-mail that it finds invalid; such a coupon serves everybody and must not live."""
    if is_same(wanted, stored):
        return PushReceipt(str(stored["id"]))
    expect(door.call("DELETE", f"{API}/coupons/{stored.get('id')}", params={"force": "true"}))
    raise _refused("The shop stored the coupon otherwise than asked.", "rejected")


def is_same(wanted: Json, stored: Json) -> bool:
    """Return whether a stored coupon gives what was asked, for the same, to the same person, as often and as long.

    Amounts are compared to the cent: the shop states no more of them.
    """
    plain = ("discount_type", "individual_use", "free_shipping")
    endless = ("usage_limit", "usage_limit_per_user", "limit_usage_to_x_items", "date_expires")
    lists = ("product_ids", "product_categories")
    return (
        str(stored.get("code", "")).lower() == wanted["code"].lower()
        and all(stored.get(key) == wanted[key] for key in plain)
        and all((stored.get(key) or None) == (wanted[key] or None) for key in endless)
        and all(_cents(stored.get(key)) == _cents(wanted[key]) for key in AMOUNTS)
        and all(
            {str(each) for each in stored.get(key) or ()} == {str(each) for each in wanted[key]}
            for key in lists
        )
        and [str(email).lower() for email in stored.get("email_restrictions") or ()]
        == wanted["email_restrictions"]
    )


def _disabled(coupon: Json | PushError | None, answers: Iterator[Json | PushError]) -> Outcome:
    if coupon is None:
        return PushReceipt()
    if isinstance(coupon, PushError):
        return coupon
    if not is_ours(coupon):
        return _refused("The code belongs to a coupon that is not ours.", "rejected")
    answer = next(answers)
    if isinstance(answer, PushError):
        return answer
    if "error" in answer:
        return item_refusal(answer["error"])
    return PushReceipt(str(coupon["id"]), uses=int(answer.get("usage_count") or 0))


def _find(door: Door, code: str) -> Json | None:
    rows = objects(expect(door.get(f"{API}/coupons", {"code": code})))
    return next(
        (row for row in rows if str(row.get("code", "")).lower() == code.lower() and "id" in row), None
    )


def _shows_in_cents(wanted: Json) -> bool:
    """Return whether the shop's answer proves the amounts; dinars have a third decimal, which it keeps untold."""
    return all(Decimal(wanted[key]) == _cents(wanted[key]) for key in AMOUNTS)


def _cents(value: Any) -> Decimal | None:
    """WooCommerce keeps coupon amounts as they are, but states two decimals, whatever the currency, rounded half up."""
    try:
        return Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)
    except InvalidOperation:
        return None


def _last_second(expires_at: datetime, time_zone: str) -> str:
    """WooCommerce refuses a coupon when now > date_expires, in whole seconds."""
    whole = expires_at.replace(microsecond=0)
    return _wall_time(whole if whole < expires_at else whole - SECOND, time_zone)


def _wall_time(instant: datetime, time_zone: str) -> str:
    return instant.astimezone(zone(time_zone)).strftime("%Y-%m-%dT%H:%M:%S")

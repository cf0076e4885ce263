"""Puts discounts with one code each into a Shopify store and takes them out of use again; repeats change nothing.

A personal code is a discount of its own: `usageLimit` counts per code, and binding to a customer is per discount. There
is no key against repetition: a code is unique in a shop, and one that is taken is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.shopify.buyers import find_buyers
from connectors.shopify.client import Shopify
from connectors.shopify.ids import gid, is_number, tail
from connectors.shopify.mark import is_ours
from connectors.shopify.refusals import TAKEN, codes, refusal_of, refused, user_errors, user_refusal
from connectors.shopify.terms import BASIC, Terms, discount_input, mended_input, stored_terms, wanted_terms
from connectors.values import money
from loyalty.pushes import PushError, PushReceipt, PutCoupon

Json = dict[str, Any]
Outcome = PushReceipt | PushError
KINDS = frozenset({"fixed_discount", "percent_discount", "free_product", "free_shipping"})
MADE, LOOKED_UP, ASKED = 25, 20, 8
"""How many are made, looked up and read at once until the shop has told what they cost."""
MOST_ITEMS = 100
"""Products or collections that one discount may name."""
CREATE = {
    True: ("put_basic", "discountCodeBasicCreate"),
    False: ("put_free_shipping", "discountCodeFreeShippingCreate"),
}
MEND = {
    True: ("mend_basic", "discountCodeBasicUpdate"),
    False: ("mend_free_shipping", "discountCodeFreeShippingUpdate"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A code with what it shall give."""

    code: str
    terms: Terms

    @property
    def is_basic(self) -> bool:
        """Return whether it is made by the mutation of amounts and percents."""
        return self.terms.kind == BASIC


@dataclass(frozen=True, slots=True)
class Stored:
    """A discount of ours that has the code of what is wanted, and gives something else."""

    wanted: Wanted
    node_id: str
    terms: Terms

    @property
    def is_mendable(self) -> bool:
        """Return whether a change makes it what is wanted: its kind cannot be changed."""
        return self.terms.kind == self.wanted.terms.kind


def put_coupons(shop: Shopify, commands: Sequence[PutCoupon]) -> list[Outcome]:
    """Make the coupons, many in a request, and settle each answer: each has the outcome of its own requests."""
    refusals = {command.code: why for command in commands if (why := _why_not(command)) is not None}
    sound = [command for command in commands if command.code not in refusals]
    customers, prices = find_buyers(shop, sound), _prices(shop, sound)
    outcomes: dict[str, Outcome] = dict(refusals)
    wanted: list[Wanted] = []
    for command, customer in zip(sound, customers, strict=True):
        made = _wanted(command, customer, prices)
        if isinstance(made, PushError):
            outcomes[command.code] = made
        else:
            wanted.append(made)
    outcomes |= _make(shop, wanted)
    return [outcomes[command.code] for command in commands]


def _why_not(command: PutCoupon) -> PushError | None:
    """Return why a coupon must not be made: what Shopify cannot store as asked would give more, or to others."""
    if command.kind not in KINDS:
        return refused(f"Shopify has no discount of kind {command.kind}.", "rejected")
    if not command.email.strip() and not command.customer_id:
        return refused("A coupon needs the member's e-mail.", "rejected")
    if command.kind == "free_product" and not command.product_ids:
        return refused("The free product is not named.", "rejected")
    if command.free_shipping and command.kind != "free_shipping":
        return refused("A discount of Shopify frees shipping or takes off money, not both.", "configuration")
    if command.product_ids and command.category_ids:
        return refused("A discount is bound to products or to collections, not to both.", "configuration")
    if max(len(command.product_ids), len(command.category_ids)) > MOST_ITEMS:
        return refused(f"A discount of Shopify names at most {MOST_ITEMS} products.", "configuration")
    strange = [each for each in (*command.product_ids, *command.category_ids) if not is_number(each)]
    if strange:
        return refused(f"Shopify has no product or collection {', '.join(strange)}.", "configuration")
    return None


def _prices(shop: Shopify, commands: Sequence[PutCoupon]) -> dict[str, Decimal] | PushError:
    """Return the price of the dearest variant of each product that is given away, or why there is none.

    Neither 100 percent nor an amount on each piece ends with the first piece; the price of one piece does.
    """
    named = {each for it in commands if it.kind == "free_product" for each in it.product_ids}
    try:
        found = shop.nodes("product_prices", [gid("Product", each) for each in sorted(named)], LOOKED_UP)
    except PushError as error:
        return error
    return {
        tail(each): money(row["priceRangeV2"]["maxVariantPrice"]["amount"])
        for each, row in found.items()
        if row is not None
    }


def _wanted(
    command: PutCoupon, customer: str | PushError, prices: Mapping[str, Decimal] | PushError
) -> Wanted | PushError:
    if isinstance(customer, PushError):
        return customer
    if isinstance(prices, PushError):
        if command.kind == "free_product":
            return prices
        prices = {}
    price = max((prices[each] for each in command.product_ids if each in prices), default=Decimal(0))
    if command.kind == "free_product" and not price:
        return refused("The free product is gone, or has no price.", "configuration")
    return Wanted(command.code, wanted_terms(command, customer, price))


def _make(shop: Shopify, wanted: Sequence[Wanted]) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    taken: list[Wanted] = []
    for is_basic, (file, field) in CREATE.items():
        some = [each for each in wanted if each.is_basic is is_basic]
        rows = [{"discount": discount_input(each.terms, each.code)} for each in some]
        for each, payload in zip(some, shop.each(file, field, rows, MADE), strict=True):
            if isinstance(payload, dict) and TAKEN in codes(user_errors(payload)):
                taken.append(each)
            else:
                outcomes[each.code] = _settle(shop, each, payload)
    return outcomes | _adopt(shop, taken)


def _settle(shop: Shopify, wanted: Wanted, payload: Any) -> Outcome:
    """Return what became of a discount that was made or mended; one stored otherwise than asked must not live."""
    try:
        errors = user_errors(payload)
    except PushError as error:
        return error
    if errors:
        return refusal_of(errors)
    node = payload.get("codeDiscountNode")
    if node is None:
        return PushError("The shop does not tell what it stored.", permanent=False, reason="unreachable")
    if stored_terms(node["codeDiscount"]) == wanted.terms:
        return PushReceipt(tail(node["id"]))
    return _delete(shop, node["id"]) or refused(
        "The shop stored the coupon otherwise than asked.", "rejected"
    )


def _delete(shop: Shopify, node_id: str) -> PushError | None:
    """Delete a discount; return why that failed, so that it is tried again: the code is ours to be mended then."""
    (payload,) = shop.each("delete_discount", "discountCodeDelete", [{"id": node_id}], 1)
    return user_refusal(payload)


def _adopt(shop: Shopify, taken: Sequence[Wanted]) -> dict[str, Outcome]:
    """The codes are there already: by an earlier try of ours, disabled since, or made by somebody else."""
    found = find_discounts(shop, [each.code for each in taken])
    known = [_look_at(each, node) for each, node in zip(taken, found, strict=True)]
    outcomes = {each.code: one for each, one in zip(taken, known, strict=True) if not isinstance(one, Stored)}
    ours = [each for each in known if isinstance(each, Stored)]
    return outcomes | _mend(shop, ours) | _clear(shop, ours)


def _look_at(wanted: Wanted, node: Json | PushError | None) -> Outcome | Stored:
    """Return what becomes of a code that is taken, or the discount of ours to be changed."""
    if isinstance(node, PushError):
        return node
    if node is None:
        return PushError("The code vanished while we looked.", permanent=False, reason="unreachable")
    if not is_ours(node["codeDiscount"], wanted.code):
        return refused("The code belongs to a discount that is not ours.", "rejected")
    stored = stored_terms(node["codeDiscount"])
    if stored == wanted.terms:
        return PushReceipt(tail(node["id"]))
    if _is_used_up(wanted, stored, node["codeDiscount"]):
        return refused("The code was given and used already, for something else.", "rejected")
    # A discount keeps its kind, and another one would begin to count its uses anew: only who has no limit may have it.
    if stored is None or (stored.kind != wanted.terms.kind and wanted.terms.uses is not None):
        return refused("The code belongs to a discount of another kind.", "rejected")
    return Stored(wanted, node["id"], stored)


def _is_used_up(wanted: Wanted, stored: Terms | None, discount: Json) -> bool:
    """Return whether a code was given for something else, and used as often as it shall serve: nobody would have
    anything of it. One that differs by its end only was disabled, and is still whose it was.
    """
    uses = wanted.terms.uses
    if uses is None or int(discount.get("asyncUsageCount") or 0) < uses:
        return False
    return stored is None or replace(stored, ends=wanted.terms.ends) != wanted.terms


def _mend(shop: Shopify, ours: Sequence[Stored]) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for is_basic, (file, field) in MEND.items():
        some = [each for each in ours if each.is_mendable and each.wanted.is_basic is is_basic]
        rows = [
            {"id": it.node_id, "discount": mended_input(it.wanted.terms, it.terms, it.wanted.code)}
            for it in some
        ]
        for each, payload in zip(some, shop.each(file, field, rows, MADE), strict=True):
            outcomes[each.wanted.code] = _settle(shop, each.wanted, payload)
    return outcomes


def _clear(shop: Shopify, ours: Sequence[Stored]) -> dict[str, Outcome]:
    """Delete the discounts of another kind than is wanted: the next try makes their codes anew."""
    some = [each for each in ours if not each.is_mendable]
    rows = [{"id": each.node_id} for each in some]
    answers = shop.each("delete_discount", "discountCodeDelete", rows, MADE)
    again = PushError("The code is made anew, of another kind.", permanent=False, reason="unreachable")
    return {
        each.wanted.code: user_refusal(answer) or again for each, answer in zip(some, answers, strict=True)
    }


def find_discounts(shop: Shopify, wanted: Sequence[str]) -> list[Json | PushError | None]:
    """Return the discounts of these codes, in order, None for a code that the shop does not have, or why one is not
    known.
    """
    rows = [{"code": code} for code in wanted]
    return shop.each("discount_by_code", "codeDiscountNodeByCode", rows, ASKED)

"""Puts gift cards of a Shopify store into the hands of members, and takes back what nobody has spent of.

A card that was switched off never serves again (giftCardDeactivate), so that one stored otherwise than asked cannot be
mended, and one that a member has begun to spend is his. There is no key against repetition: a code is unique in a shop,
and one that is taken is looked for. The shop states no more of a code than its last four characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.shopify.buyers import find_buyers
from connectors.shopify.client import Shopify
from connectors.shopify.ids import gid, is_number, tail
from connectors.shopify.mark import is_our_card, note_of
from connectors.shopify.refusals import TAKEN, codes, refusal_of, refused, user_errors, user_refusal
from connectors.values import money
from loyalty.pushes import DisableCoupon, PushError, PushReceipt, PutCoupon

Json = dict[str, Any]
Outcome = PushReceipt | PushError
KIND = "gift_card"
CODE = re.compile(r"[A-Za-z0-9]{8,20}")
"""GiftCardCreateInput.code; it is not case sensitive."""
SHOWN = 4
MADE, ASKED = 25, 20
"""How many are made, or looked for, at once until the shop has told what they cost."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A card as it shall be; `customer` is a global id."""

    code: str
    amount: Decimal
    currency: str
    customer: str
    note: str


def put_gift_cards(shop: Shopify, commands: Sequence[PutCoupon]) -> list[Outcome]:
    """Make the cards, many in a request, and settle each answer: each has the outcome of its own requests."""
    refusals = [_why_not(command) for command in commands]
    sound = [command for command, why in zip(commands, refusals, strict=True) if why is None]
    buyers = find_buyers(shop, sound)
    wanted = [
        Wanted(it.code, it.amount, it.currency, buyer, note_of(it.description))
        for it, buyer in zip(sound, buyers, strict=True)
        if isinstance(buyer, str)
    ]
    made = iter(_make(shop, wanted))
    settled = iter([buyer if isinstance(buyer, PushError) else next(made) for buyer in buyers])
    return [why or next(settled) for why in refusals]


def disable_gift_cards(shop: Shopify, commands: Sequence[DisableCoupon]) -> list[Outcome]:
    """Switch the cards off of which nothing was spent; the receipt of another says one use.

    Without the shop's own id a card is looked for by its code; the receipt of one that is not found says so. What the
    shop does not have is fine.
    """
    found = _find(shop, commands)
    own = [card for card in found if isinstance(card, dict) and card["enabled"] and _is_untouched(card)]
    answers = iter(
        shop.each("deactivate_gift_card", "giftCardDeactivate", [{"id": it["id"]} for it in own], MADE)
    )
    gone = {card["id"]: _disabled(next(answers)) for card in own}
    return [_outcome(command, card, gone) for command, card in zip(commands, found, strict=True)]


def _why_not(command: PutCoupon) -> PushError | None:
    """Return why a card must not be made: what Shopify cannot store as asked would give more, or to others."""
    if not CODE.fullmatch(command.code):
        return refused("The code of a gift card has 8 to 20 letters and digits.", "configuration")
    if command.amount <= 0 or not command.currency:
        return refused("A gift card needs an amount of a currency.", "rejected")
    if not command.email.strip() and not is_number(command.customer_id):
        return refused("A gift card needs the member's e-mail.", "rejected")
    if command.expires_at or command.minimum_subtotal or command.product_ids or command.category_ids:
        return refused("A gift card has no end, no minimum and no products.", "configuration")
    return None


def _make(shop: Shopify, wanted: Sequence[Wanted]) -> list[Outcome]:
    rows = [{"card": _input(each)} for each in wanted]
    answers = shop.each("put_gift_card", "giftCardCreate", rows, MADE)
    taken = [each for each, answer in zip(wanted, answers, strict=True) if _is_taken(answer)]
    found = iter(_search(shop, [each.code for each in taken]))
    return [
        _adopt(shop, each, next(found)) if _is_taken(answer) else _settle(shop, each, answer)
        for each, answer in zip(wanted, answers, strict=True)
    ]


def _input(wanted: Wanted) -> Json:
    return {
        "code": wanted.code,
        "initialAmount": {"amount": f"{wanted.amount:f}", "currencyCode": wanted.currency},
        "customerId": wanted.customer,
        "note": wanted.note,
    }


def _is_taken(answer: Any) -> bool:
    return isinstance(answer, dict) and TAKEN in codes(user_errors(answer))


def _settle(shop: Shopify, wanted: Wanted, answer: Any) -> Outcome:
    """Return what became of a card that was made; one stored otherwise than asked must not live."""
    try:
        errors = user_errors(answer)
    except PushError as error:
        return error
    if errors:
        return refusal_of(errors)
    card = answer.get("giftCard")
    if card is None:
        return PushError("The shop does not tell what it stored.", permanent=False, reason="unreachable")
    return PushReceipt(tail(card["id"])) if _is_as_asked(card, wanted) else _undo(shop, card)


def _adopt(shop: Shopify, wanted: Wanted, found: list[Json] | PushError) -> Outcome:
    """The code is there already: by an earlier try of ours, or made by somebody else."""
    if isinstance(found, PushError):
        return found
    if not found:
        # The search lags behind what was made just now.
        return PushError(
            "The shop does not find the card of a taken code.", permanent=False, reason="unreachable"
        )
    ours = [card for card in found if is_our_card(card)]
    asked = next((card for card in ours if _is_as_asked(card, wanted)), None)
    if asked is not None and asked["enabled"]:
        return PushReceipt(tail(asked["id"]))
    if len(ours) == 1 and ours[0]["enabled"]:
        return _undo(shop, ours[0])
    return refused("The code belongs to a gift card that is not ours, or was switched off.", "rejected")


def _is_as_asked(card: Json, wanted: Wanted) -> bool:
    value, customer = card["initialValue"], card.get("customer") or {}
    is_worth = money(value["amount"]) == wanted.amount and value["currencyCode"] == wanted.currency
    return is_worth and customer.get("id") == wanted.customer


def _undo(shop: Shopify, card: Json) -> PushError:
    """Switch a card off that is not as asked, unless it was spent of; a failure of that is tried again."""
    if _is_untouched(card):
        (answer,) = shop.each("deactivate_gift_card", "giftCardDeactivate", [{"id": card["id"]}], 1)
        refusal = user_refusal(answer)
        if refusal is not None:
            return refusal
    return refused("The shop stored the gift card otherwise than asked.", "rejected")


def _find(shop: Shopify, commands: Sequence[DisableCoupon]) -> list[Json | PushError | None]:
    """Return the card of each command: by the shop's own id of it, else by its code."""
    rows = [{"id": gid("GiftCard", it.external_id)} for it in commands if is_number(it.external_id)]
    named = iter(shop.each("gift_card", "giftCard", rows, ASKED))
    searched = [it.code for it in commands if not is_number(it.external_id) and CODE.fullmatch(it.code)]
    found = iter(_search(shop, searched))
    cards: list[Json | PushError | None] = []
    for it in commands:
        if is_number(it.external_id):
            cards.append(next(named))
        else:
            cards.append(_only(next(found)) if CODE.fullmatch(it.code) else None)
    return cards


def _search(shop: Shopify, wanted: Sequence[str]) -> list[list[Json] | PushError]:
    """Return the cards that a search for each code finds and that end as it does."""
    rows = [{"query": each} for each in wanted]
    answers = shop.each("gift_cards_with_code", "giftCards", rows, ASKED)
    return [
        answer if isinstance(answer, PushError) else [card for card in _nodes(answer) if _ends_as(card, code)]
        for code, answer in zip(wanted, answers, strict=True)
    ]


def _nodes(answer: Json | None) -> list[Json]:
    return (answer or {}).get("nodes") or []


def _ends_as(card: Json, code: str) -> bool:
    return str(card["lastCharacters"]).casefold() == code[-SHOWN:].casefold()


def _only(found: list[Json] | PushError) -> Json | PushError | None:
    """Return the one card of ours that a search found; two cannot be told apart."""
    if isinstance(found, PushError):
        return found
    ours = [card for card in found if is_our_card(card)]
    if len(ours) > 1 or (found and not ours):
        return refused("The code belongs to a gift card that is not ours.", "rejected")
    return ours[0] if ours else None


def _is_untouched(card: Json) -> bool:
    """Return whether a card is worth what it was; a merchant may have put more on it, which is not ours to take."""
    return money(card["balance"]["amount"]) == money(card["initialValue"]["amount"])


def _disabled(answer: Any) -> Outcome:
    """What the shop answers counts: a buyer may have spent of the card since it was read."""
    refusal = user_refusal(answer)
    if refusal is not None:
        return refusal
    card = answer.get("giftCard")
    if card is None or card["enabled"]:
        return PushError("The shop does not tell what it stored.", permanent=False, reason="unreachable")
    return PushReceipt(tail(card["id"]), uses=0 if _is_untouched(card) else 1)


def _outcome(command: DisableCoupon, card: Json | PushError | None, gone: Mapping[str, Outcome]) -> Outcome:
    if card is None or isinstance(card, PushError):
        return card or PushReceipt(is_missing=not is_number(command.external_id))
    if card["id"] in gone:
        return gone[card["id"]]
    return PushReceipt(tail(card["id"]), uses=0 if _is_untouched(card) else 1)

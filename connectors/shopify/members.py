"""Tells a shop what its customers and orders are to us: tags for people and rules, metafields of the app for themes.

`customerUpdate` would overwrite every tag, so that ours are added and removed one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.halving import ask_in_halves
from connectors.shopify.client import Shopify
from connectors.shopify.ids import gid
from connectors.shopify.mark import BENEFIT, NAMESPACE, SERVICE, TIER, tag
from connectors.shopify.refusals import refused, user_refusal
from loyalty.pushes import MarkOrder, PushError, PushReceipt, SetMemberTier

Json = dict[str, Any]
Outcome = PushReceipt | PushError
MARKS, CHANGES = 50, 25
"""How many things are read, and changed, at once until the shop has told what they cost."""
TEXT = "single_line_text_field"
TYPES = {"points": "number_integer"}


def set_member_tiers(shop: Shopify, commands: Sequence[SetMemberTier]) -> list[Outcome]:
    """Let customers carry their tiers as tags and metafields; what stands so is left alone. Raises PushError."""
    ids = [_gid("Customer", command.customer_id) for command in commands]
    found, failed = _read(shop, "customer_marks", ids)
    wanted = {each: command for each, command in zip(ids, commands, strict=True) if found.get(each)}
    failed |= _retag(shop, {each: (found[each], _tags(it)) for each, it in wanted.items()}, (TIER, BENEFIT))
    fields = {each: _metafields(it, found[each] or {}) for each, it in wanted.items()}
    failed |= _change(
        shop, "set_metafields", "metafieldsSet",
        {each: {"metafields": [{"ownerId": each, **field} for field in some]} for each, some in fields.items() if some},
    )  # fmt: skip
    return [
        # A customer whom the shop deleted, or merged into another, needs not be told of.
        PushReceipt() if each in found and not found[each] else _outcome(each, found, failed)
        for each in ids
    ]


def mark_orders(shop: Shopify, commands: Sequence[MarkOrder]) -> list[Outcome]:
    """Let orders carry these words as tags, and no others of ours; raises PushError."""
    ids = [_gid("Order", command.order_id) for command in commands]
    found, failed = _read(shop, "order_marks", ids)
    wanted = {
        each: (found[each], {tag(SERVICE, word) for word in command.words})
        for each, command in zip(ids, commands, strict=True)
        if found.get(each)
    }
    failed |= _retag(shop, wanted, (SERVICE,))
    return [_outcome(each, found, failed) for each in ids]


def _read(
    shop: Shopify, file: str, ids: Sequence[str]
) -> tuple[dict[str, Json | None], dict[str, PushError]]:
    """Return what the shop says of these things, and why it says nothing of some; raises PushError."""
    named = sorted({each for each in ids if each})
    parts, failed = ask_in_halves(lambda some: [shop.nodes(file, some, MARKS)], named)
    found = {each: thing for part in parts for each, thing in part.items()}
    return found, {each: why for some, why in failed for each in some}


def shown_tier(customer: Json) -> str:
    """Return the tier that a shop shows of a customer; empty when it shows none, or another by its tags."""
    value = _values(customer).get("tier", "")
    tags = {each for each in customer.get("tags") or () if each.startswith(TIER)}
    # Shopify compares tags without regard to case, and keeps the one that it has.
    return value if {each.casefold() for each in tags} == {tag(TIER, value).casefold()} else ""


def _retag(
    shop: Shopify, wanted: Mapping[str, tuple[Json | None, set[str]]], own: tuple[str, ...]
) -> dict[str, PushError]:
    """Remove every tag of ours that is not wanted and add what is missing; return what failed by the global ids."""
    removed: dict[str, Json] = {}
    added: dict[str, Json] = {}
    for each, (thing, tags) in wanted.items():
        has = {one for one in (thing or {}).get("tags") or () if one.startswith(own)}
        # Shopify compares tags without regard to case.
        folded = {one.casefold() for one in tags}
        if gone := sorted(one for one in has if one.casefold() not in folded):
            removed[each] = {"id": each, "tags": gone}
        if new := sorted(one for one in tags if one.casefold() not in {it.casefold() for it in has}):
            added[each] = {"id": each, "tags": new}
    failed = _change(shop, "remove_tags", "tagsRemove", removed)
    return failed | _change(shop, "add_tags", "tagsAdd", added)


def _change(shop: Shopify, file: str, field: str, rows: Mapping[str, Json]) -> dict[str, PushError]:
    """Carry out a mutation for each of these things; return why it failed for some, by their global ids."""
    answers = shop.each(file, field, list(rows.values()), CHANGES)
    refusals = {each: user_refusal(answer) for each, answer in zip(rows, answers, strict=True)}
    return {each: refusal for each, refusal in refusals.items() if refusal is not None}


def _tags(command: SetMemberTier) -> set[str]:
    return {tag(TIER, command.tier_key), *(tag(BENEFIT, word) for word in command.benefits)}


def _metafields(command: SetMemberTier, customer: Json) -> list[Json]:
    """Return what stands otherwise than it shall; a metafield cannot be empty."""
    known = _values(customer)
    wanted = {
        "tier": command.tier_key,
        "tier_name": command.tier_name,
        "benefits": ",".join(command.benefits),
        **({} if command.points is None else {"points": str(command.points)}),
        **({"progress": command.progress} if command.progress else {}),
    }
    return [
        {"namespace": NAMESPACE, "key": key, "type": TYPES.get(key, TEXT), "value": value or "-"}
        for key, value in wanted.items()
        if known.get(key) != (value or "-")
    ]


def _values(customer: Json) -> dict[str, str]:
    rows = (customer.get("metafields") or {}).get("nodes") or ()
    return {str(row["key"]): str(row["value"]) for row in rows}


def _gid(kind: str, number: str) -> str:
    """Return a global id, empty for what is no number."""
    return gid(kind, number) if number.isascii() and number.isdigit() else ""


def _outcome(each: str, found: Mapping[str, Json | None], failed: Mapping[str, PushError]) -> Outcome:
    if each in failed:
        return failed[each]
    if not found.get(each):
        return refused("The shop does not have it.", "rejected")
    return PushReceipt(each.rpartition("/")[2])

"""The gift cards that paid the orders of a batch: which of them members had for points;
law: what such a card paid earns nothing, other cards are money (RULES §3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard, TypeVar

from sqlalchemy import Connection

from loyalty.commerce import Fact, OrderSnapshot
from loyalty.pushes import DisableCoupon, PushCommand
from loyalty.rewards import repository as rewards
from loyalty.tenders import GIFT_CARD, Tender
from loyalty.values import StoreId

Id = TypeVar("Id")
Codes = dict[tuple[StoreId, str], str]


def name_cards(connection: Connection, facts: Sequence[tuple[Id, Fact]]) -> Sequence[tuple[Id, Fact]]:
    """Return facts whose orders tell the codes of our gift cards; a statement only where any card paid."""
    wanted = {
        (fact.store_id, tender.reference)
        for _, fact in facts
        if isinstance(fact, OrderSnapshot)
        for tender in fact.tenders
        if _is_card(tender)
    }
    if not wanted:
        return facts
    known = rewards.list_cards(connection, {reference for _, reference in wanted})
    codes: Codes = {(store, reference): code for store, reference, code in known}
    return [(each, _named(fact, codes)) for each, fact in facts]


def name_cards_to_disable(connection: Connection, commands: Sequence[PushCommand]) -> list[PushCommand]:
    """Return commands with the shop's own ids of the cards that are to be switched off, as far as they are known."""
    codes = [it.code for it in commands if _lacks_id(it)]
    known = rewards.list_external_ids(connection, codes) if codes else {}
    return [replace(it, external_id=known.get(it.code, "")) if _lacks_id(it) else it for it in commands]


def _lacks_id(command: PushCommand) -> TypeGuard[DisableCoupon]:
    if not isinstance(command, DisableCoupon):
        return False
    return command.kind == GIFT_CARD and not command.external_id


def _is_card(tender: Tender) -> bool:
    return tender.kind == GIFT_CARD and tender.reference != ""


def _named(fact: Fact, codes: Codes) -> Fact:
    if not isinstance(fact, OrderSnapshot) or not fact.tenders:
        return fact
    tenders = (_with_code(it, codes.get((fact.store_id, it.reference), "")) for it in fact.tenders)
    return replace(fact, tenders=tuple(tenders))


def _with_code(tender: Tender, code: str) -> Tender:
    return replace(tender, code=code) if _is_card(tender) else tender

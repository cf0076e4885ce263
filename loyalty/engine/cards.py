"""The gift cards that paid the orders of a batch: which of them members had for points;
law: what such a card paid earns nothing, other cards are money (RULES §3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from loyalty.commerce import Fact, OrderSnapshot
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


def _is_card(tender: Tender) -> bool:
    return tender.kind == GIFT_CARD and tender.reference != ""


def _named(fact: Fact, codes: Codes) -> Fact:
    if not isinstance(fact, OrderSnapshot) or not fact.tenders:
        return fact
    tenders = (_with_code(it, codes.get((fact.store_id, it.reference), "")) for it in fact.tenders)
    return replace(fact, tenders=tuple(tenders))


def _with_code(tender: Tender, code: str) -> Tender:
    return replace(tender, code=code) if _is_card(tender) else tender

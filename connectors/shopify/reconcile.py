"""How orders and customers stand in a shop now, in few fields: what changed lately, and what of ours is still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from connectors.base import SightingPage
from connectors.bodies import load
from connectors.halving import ask_in_halves, require_some
from connectors.shopify.client import Shopify
from connectors.shopify.documents import document
from connectors.shopify.fetch import find_hidden
from connectors.shopify.ids import gid, tail
from connectors.shopify.members import shown_tier
from connectors.shopify.orders import status_of
from connectors.shopify.paging import list_sighted_refunds
from connectors.shopify.refunds import refunds_of
from connectors.shopify.schemas import SIGHTING
from connectors.values import instant
from loyalty.commerce import OrderSighting
from loyalty.errors import MalformedMessage
from loyalty.pushes import PushError

Json = dict[str, Any]
PAGE, SIGHTED, CUSTOMERS = 50, 50, 50
STAMP = "%Y-%m-%dT%H:%M:%SZ"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def read_clock(shop: Shopify) -> datetime:
    """Return the time that Shopify writes on its answers; raises PushError."""
    written = shop.ask(document("clock")).headers.get("Date", "")
    try:
        return parsedate_to_datetime(written).astimezone(UTC)
    except ValueError:
        raise _unreadable("The shop does not say what time it is.") from None


def list_changed(shop: Shopify, since: datetime, cursor: str | None) -> SightingPage:
    """Return a page of the orders changed at an instant or later, oldest change first, and where it goes on.

    Each page begins anew with the last second of the one before, so that no list grows longer than the 25,000 that can
    be paged; only what shares one second is paged.
    """
    start, _, after = (cursor or f"{_second(since)} ").partition(" ")
    asked = {"first": PAGE, "after": after or None, "query": f"updated_at:>='{start}'"}
    found = shop.ask_for("changed_orders", asked)["orders"]
    rows, page = found["nodes"], found["pageInfo"]
    return SightingPage(tuple(_sightings(shop, rows)), _next(rows, page, start))


def _next(rows: Sequence[Json], page: Json, start: str) -> str | None:
    if not page["hasNextPage"] or not rows:
        return None
    last = _second(instant(rows[-1]["updatedAt"]))
    return f"{last} " if last > start else f"{start} {page['endCursor']}"


def sight_orders(shop: Shopify, external_ids: Sequence[str]) -> list[OrderSighting]:
    """Return how these orders stand, without those that are gone; one that is only too old to be shown is told as it
    stood at the beginning of time, so that a copy of it counts. Raises PushError.
    """
    gids = [gid("Order", each) for each in external_ids]
    found = shop.nodes("order_sightings", gids, SIGHTED)
    missing = [tail(each) for each, row in found.items() if row is None]
    hidden = [_unseen(each) for each in sorted(find_hidden(shop, missing))]
    return [*_sightings(shop, [row for row in found.values() if row is not None]), *hidden]


def sight_tiers(shop: Shopify, external_ids: Sequence[str]) -> dict[str, str]:
    """Return the tier of each of these customers by their metafields and tags, empty where there is none, or where
    they differ; raises PushError.
    """
    found = shop.nodes("customer_marks", [gid("Customer", each) for each in external_ids], CUSTOMERS)
    return {tail(each): shown_tier(row) for each, row in found.items() if row is not None}


def _sightings(shop: Shopify, rows: Sequence[Json]) -> list[OrderSighting]:
    """Return how listed orders stand, in their order; one at whose refunds the shop fails is told without them."""
    whole, failed = ask_in_halves(partial(_whole_sightings, shop), rows)
    require_some(rows, failed)
    seen = {each.external_id: each for each in whole}
    return [seen.get(tail(row["id"])) or _partial_sighting(row) for row in rows]


def _whole_sightings(shop: Shopify, rows: Sequence[Json]) -> list[OrderSighting]:
    list_sighted_refunds(shop, rows)
    return [_sighting(row) for row in rows]


def _partial_sighting(row: Json) -> OrderSighting:
    return replace(_sighting({**row, "refunds": []}), is_whole=False)


def _sighting(row: Json) -> OrderSighting:
    """Read an order of a list; raises PushError for one that cannot be read: nothing may be taken for missing."""
    try:
        order = load(SIGHTING, row)
    except MalformedMessage as error:
        raise _unreadable(f"The shop lists an order that cannot be read: {error.message}"[:300]) from None
    refunds = refunds_of(order)
    return OrderSighting(
        external_id=order["id"],
        modified_at=order["updatedAt"],
        status=status_of(order),
        total=order["totalPriceSet"],
        refunds=frozenset((refund.id, refund.amount) for refund in refunds),
    )


def _unseen(order_id: str) -> OrderSighting:
    return OrderSighting(order_id, BEGINNING, "hidden", Decimal(0))


def _second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(STAMP)


def _unreadable(message: str) -> PushError:
    return PushError(message, permanent=False, reason="unreachable")

"""How the fields of GraphQL read the rows of the sandbox shop: sessions, money, and pages with their cursors."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from graphql import GraphQLError, GraphQLSchema

from connectors.shopify.sandbox.state import Json, State, gid, short_text

LARGEST_PAGE = 250
LONGEST_WALK = 25_000
"""So many things of a list can be reached from page to page (https://shopify.dev/docs/api/usage/limits)."""
Resolver = Callable[..., Any]
Fields = Mapping[str, Resolver]
"""By name of a field: what computes it from session, row and arguments."""
Key = Callable[[Json], Any]


@dataclass(frozen=True, slots=True)
class Session:
    """One request: whose rights it has, and in a bulk operation no list is cut to pages."""

    state: State
    scopes: frozenset[str]
    version: str
    schema: GraphQLSchema
    is_bulk: bool = False

    def may(self, scope: str) -> bool:
        """Return whether the token has a scope; write implies read."""
        return scope in self.scopes or scope.replace("read_", "write_", 1) in self.scopes


def amount_of(session: Session, amount: Fraction, currency: str | None = None) -> Json:
    """Return a MoneyV2."""
    return {"amount": short_text(amount), "currencyCode": currency or session.state.options.currency}


def bag(session: Session, order: Json, amount: Fraction) -> Json:
    """Return a MoneyBag: the shop's currency, and what the buyer saw of it."""
    seen = amount * order["rate"]
    currency = order["presentmentCurrencyCode"]
    return {"shopMoney": amount_of(session, amount), "presentmentMoney": amount_of(session, seen, currency)}


def own_id(kind: str) -> Resolver:
    """Return what states the global id of a row."""
    return lambda _session, row: gid(kind, row["id"])


def plain(name: str) -> Resolver:
    """Return what states another key of a row."""
    return lambda _session, row: row[name]


def connect(
    session: Session,
    rows: Sequence[Json],
    key: Key = lambda row: row["id"],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
    **_: Any,
) -> Json:
    """Return a connection of rows sorted by a key; a cursor stays good while rows move, as it names a place in the
    order and not a number of rows. Raises GraphQLError.
    """
    placed = sorted(((_place(key(row), row), row) for row in rows), key=lambda each: each[0], reverse=reverse)
    if session.is_bulk:
        return _page(placed, False, False)
    placed = placed[-LONGEST_WALK:] if first is None else placed[:LONGEST_WALK]
    size = _size(first, last)
    low, high = _read(after), _read(before)
    kept = [each for each in placed if _is_between(each[0], low, high, reverse=reverse)]
    shown = kept[:size] if first is not None else kept[-size:] if size else []
    has_more = len(kept) > len(shown)
    return _page(shown, has_more and first is not None, has_more and first is None)


def listed(rows: Sequence[Json], first: int | None) -> list[Json]:
    """Return the first rows of a plain list."""
    return list(rows if first is None else rows[:first])


def _size(first: int | None, last: int | None) -> int:
    """Return how many are asked for (the texts are Shopify's)."""
    if (first is None) == (last is None):
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    size = first if first is not None else last
    assert size is not None
    if not 0 <= size <= LARGEST_PAGE:
        raise GraphQLError(f"first cannot exceed {LARGEST_PAGE}", extensions={"code": "BAD_REQUEST"})
    return size


def _place(value: Any, row: Json) -> tuple[Any, int]:
    return (value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value, int(row["id"]))


def _page(placed: Sequence[tuple[Any, Json]], has_next: bool, has_previous: bool) -> Json:
    edges = [{"cursor": _write(place), "node": row} for place, row in placed]
    ends = (edges[0]["cursor"], edges[-1]["cursor"]) if edges else (None, None)
    info: Json = {"hasNextPage": has_next, "hasPreviousPage": has_previous}
    info |= {"startCursor": ends[0], "endCursor": ends[1]}
    return {"edges": edges, "nodes": [row for _, row in placed], "pageInfo": info}


def _is_between(place: Any, low: Any, high: Any, *, reverse: bool) -> bool:
    if reverse:
        low, high = high, low
    return (low is None or place > low) and (high is None or place < high)


def _write(place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read(cursor: str | None) -> Any:
    if cursor is None:
        return None
    try:
        return tuple(json.loads(base64.urlsafe_b64decode(cursor)))
    except (binascii.Error, ValueError, TypeError):
        raise GraphQLError("Invalid cursor for current pagination sort.") from None

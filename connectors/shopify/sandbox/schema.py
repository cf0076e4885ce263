"""The schema that the sandbox executes: Shopify's own, pruned, with our rows behind its fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
)

from connectors.shopify.sandbox.fields import Resolver, Session
from connectors.shopify.sandbox.played import MUTATIONS, SCOPES, TYPES
from connectors.shopify.sandbox.state import instant_text, short_text

SDL = Path(__file__).with_name("schema.graphql")
AMOUNT = re.compile(r"-?\d+(\.\d+)?")
DENIED = "https://shopify.dev/api/usage/access-scopes"


@lru_cache(maxsize=1)
def load_schema() -> GraphQLSchema:
    """Return the executable schema; it is the same for every sandbox."""
    schema = build_schema(SDL.read_text(encoding="utf-8"))
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                field.resolve = _resolver(name, field_name)
    _set_scalars(schema)
    return schema


def _resolver(kind: str, name: str) -> Callable[..., Any]:
    known = {**TYPES, "Mutation": MUTATIONS}.get(kind, {}).get(name)
    place = f"{kind}.{name}"
    if known is None:
        return lambda row, info, **_: _read(place, _admitted(place, info), row)
    return lambda row, info, **arguments: _call(known, place, row, info, arguments)


def _call(known: Resolver, place: str, row: Any, info: GraphQLResolveInfo[Any], arguments: Any) -> Any:
    return known(_admitted(place, info), row, **arguments)


def _read(place: str, _session: Session, row: Any) -> Any:
    """Return what a row says; raises GraphQLError rather than answering null for what nobody plays."""
    name = place.rpartition(".")[2]
    if not isinstance(row, dict) or name not in row:
        raise GraphQLError(f"The sandbox does not play {place}.")
    return row[name]


def _admitted(place: str, info: GraphQLResolveInfo[Any]) -> Session:
    """Return the session when its token may read the field; raises GraphQLError, as Shopify does within an HTTP 200."""
    session: Session = info.context
    scope = SCOPES.get(place)
    name = place.rpartition(".")[2]
    if scope is not None and not session.may(scope):
        message = f"Access denied for {name} field. Required access: `{scope}` access scope."
        extra = {
            "code": "ACCESS_DENIED",
            "documentation": DENIED,
            "requiredAccess": f"`{scope}` access scope.",
        }
        raise GraphQLError(message, extensions=extra)
    if place in session.state.withheld:
        message = f"This app is not approved to access the {name} field."
        raise GraphQLError(message, extensions={"code": "ACCESS_DENIED", "documentation": DENIED})
    return session


def _set_scalars(schema: GraphQLSchema) -> None:
    kinds: dict[str, Any] = schema.type_map
    kinds["DateTime"].coerce_output_value = kinds["DateTime"].serialize = _write_instant
    kinds["DateTime"].coerce_input_value = kinds["DateTime"].parse_value = _read_instant
    kinds["Decimal"].coerce_input_value = kinds["Decimal"].parse_value = _read_amount
    for name in ("Decimal", "Money"):
        if name in kinds:
            kinds[name].coerce_output_value = kinds[name].serialize = _write_amount
    kinds["UnsignedInt64"].coerce_output_value = kinds["UnsignedInt64"].serialize = str


def _write_instant(value: Any) -> Any:
    return instant_text(value) if isinstance(value, datetime) else value


def _read_instant(value: Any) -> str:
    """Return an instant as it was given; raises GraphQLError for what is none."""
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError(f"invalid DateTime '{value}'") from None
    return str(value)


def _read_amount(value: Any) -> str:
    """Return an amount as text, given as text or number; raises GraphQLError for what is none."""
    if isinstance(value, bool) or not AMOUNT.fullmatch(str(value)):
        raise GraphQLError(f"invalid Decimal '{value}'")
    return str(value)


def _write_amount(value: Any) -> Any:
    return short_text(value) if isinstance(value, Fraction) else value

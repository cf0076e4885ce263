"""One GraphQL request: parsed, judged by the schema, charged, carried out; every refusal is an HTTP 200."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from connectors.shopify.sandbox import bulk
from connectors.shopify.sandbox.bucket import Bucket
from connectors.shopify.sandbox.cost import Cost
from connectors.shopify.sandbox.fields import Session
from connectors.shopify.sandbox.schema import load_schema
from connectors.shopify.sandbox.state import Json, State

DEAREST = 1000
LONGEST_LIST = 250
LIMITS = "https://shopify.dev/api/usage/rate-limits"


def answer(state: State, bucket: Bucket, scopes: frozenset[str], version: str, given: Json) -> Json:
    """Return the answer to a request of `query`, `variables` and `operationName`."""
    schema = load_schema()
    document, errors = _read(str(given.get("query", "")))
    if document is None or errors:
        return {"errors": list(errors)}
    operation = get_operation_ast(document, given.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    longest = _longest(given.get("variables"))
    if longest > LONGEST_LIST:
        return _too_long(longest)
    cost = Cost(schema, document, operation, given.get("variables"))
    asked = cost.requested()
    if asked > DEAREST:
        return _too_dear(asked)
    if not bucket.take(asked):
        return _throttled(bucket, asked)
    bulk.finish(state)
    session = Session(state, scopes, version, schema)
    told = _execute(schema, document, operation, given, session)
    bulk.finish(state)
    actual = min(asked, cost.actual(told.get("data")))
    bucket.give_back(asked - actual)
    charge = {"requestedQueryCost": asked, "actualQueryCost": actual, "throttleStatus": bucket.status()}
    return told | {"extensions": {"cost": charge}}


def _execute(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    given: Json,
    session: Session,
) -> Json:
    """Carry out a request as one deed."""
    with session.state.action():
        done = execute_sync(
            schema,
            document,
            context_value=session,
            variable_values=given.get("variables") or {},
            operation_name=operation.name.value if operation.name else None,
        )
    told: Json = {"data": done.data} if done.data is not None or not done.errors else {}
    return told | ({"errors": [_told(each) for each in done.errors]} if done.errors else {})


@lru_cache(maxsize=512)
def _read(query: str) -> tuple[DocumentNode | None, tuple[Json, ...]]:
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, (_told(error),)
    return document, tuple(_told(each) for each in validate(load_schema(), document))


def _told(error: GraphQLError) -> Json:
    told: Json = dict(error.formatted)
    cause = error.original_error
    if cause is not None and not isinstance(cause, GraphQLError):
        told |= {"message": f"Internal error: {cause!r}", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    return told


def _longest(value: Any) -> int:
    """Return the size of the longest list among variables."""
    if isinstance(value, dict):
        return max(map(_longest, value.values()), default=0)
    return max(len(value), max(map(_longest, value), default=0)) if isinstance(value, list) else 0


def _too_long(size: int) -> Json:
    message = f"The input array size of {size} is greater than the maximum allowed of {LONGEST_LIST}."
    return {"errors": [{"message": message, "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}}]}


def _too_dear(cost: int) -> Json:
    message = f"Query cost is {cost}, which exceeds the single query max cost limit ({DEAREST})."
    extra = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": DEAREST, "documentation": LIMITS}
    return {"errors": [{"message": message, "extensions": extra}]}


def _throttled(bucket: Bucket, cost: int) -> Json:
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS}}
    charge: dict[str, Any] = {"requestedQueryCost": cost, "actualQueryCost": None}
    return {"errors": [error], "extensions": {"cost": charge | {"throttleStatus": bucket.status()}}}

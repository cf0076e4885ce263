"""Bulk operations of the sandbox shop: the query is truly run over all rows, the answer waits as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute_sync,
    get_named_type,
    is_list_type,
    parse,
    validate,
    visit,
)
from graphql.type import get_nullable_type

from connectors.shopify.sandbox.fields import Fields, Session, connect, own_id
from connectors.shopify.sandbox.state import Json, State, number_of
from connectors.shopify.sandbox.webhooks import emit

MOST_AT_ONCE = 5
MOST_CONNECTIONS = 5
DEEPEST = 2
KEPT = timedelta(days=7)
ENDED = ("COMPLETED", "FAILED")
DENIED = "ACCESS_DENIED"


def run_query(session: Session, _root: Any, query: str, groupObjects: bool = True) -> Json:  # noqa: N803
    """Begin to read everything that a query names; five may run at once."""
    state = session.state
    running = [each for each in state.bulks.values() if status_of(state, each) in ("CREATED", "RUNNING")]
    if len(running) >= MOST_AT_ONCE:
        message = f"A maximum of {MOST_AT_ONCE} bulk queries can be run at once."
        return _refused("OPERATION_IN_PROGRESS", message)
    refusal, document = _judge(session.schema, query)
    if document is None:
        return _refused("INVALID", refusal)
    done = execute_sync(session.schema, document, context_value=replace(session, is_bulk=True))
    failure = _failure(done.errors or ())
    lines = [] if failure else list(_lines(done.data or {}, is_grouped=groupObjects))
    row = _row(state, query, lines) | {"errorCode": failure}
    state.bulks[row["id"]] = row
    return {"bulkOperation": row, "userErrors": []}


def cancel(session: Session, _root: Any, id: str) -> Json:
    """Stop a bulk operation."""
    row = session.state.bulks.get(number_of(id, "BulkOperation") or 0)
    if row is None:
        return {
            "bulkOperation": None,
            "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}],
        }
    if status_of(session.state, row) in ("CREATED", "RUNNING"):
        row["isCanceled"] = True
    return {"bulkOperation": row, "userErrors": []}


def get(session: Session, _root: Any, id: str) -> Json | None:
    """Return a bulk operation."""
    return session.state.bulks.get(number_of(id, "BulkOperation") or 0)


def list_(session: Session, _root: Any, **page: Any) -> Json:
    """List the bulk operations."""
    cut = {name: page[name] for name in ("first", "last", "after", "before", "reverse") if name in page}
    return connect(session, list(session.state.bulks.values()), **cut)


def status_of(state: State, row: Json) -> str:
    """Return how far a bulk operation is, by the shop's clock."""
    if row["isCanceled"]:
        return "CANCELED"
    if state.now() < row["due"]:
        return "RUNNING"
    return "FAILED" if row["errorCode"] else "COMPLETED"


def finish(state: State) -> None:
    """Tell of the bulk operations that ended meanwhile."""
    for row in state.bulks.values():
        if not row["isTold"] and status_of(state, row) in ENDED:
            row["isTold"] = True
            emit(state, "bulk_operations/finish", partial(_payload, state, row))


def result_of(state: State, number: int) -> bytes | None:
    """Return the file of a bulk operation; None when there is none, or none any more."""
    row = state.bulks.get(number)
    if row is None or status_of(state, row) != "COMPLETED" or state.now() > row["due"] + KEPT:
        return None
    return bytes(row["file"])


def _payload(state: State, row: Json) -> Json:
    said: Json = {"admin_graphql_api_id": f"gid://shopify/BulkOperation/{row['id']}"}
    said |= {"completed_at": state.local(row["due"]), "created_at": state.local(row["createdAt"])}
    code, status = row["errorCode"], status_of(state, row)
    return said | {"error_code": code and code.lower(), "status": status.lower(), "type": "query"}


def _row(state: State, query: str, lines: list[Json]) -> Json:
    now = state.now()
    file = "".join(
        f"{json.dumps(each, separators=(',', ':'), ensure_ascii=False)}\n" for each in lines
    ).encode()
    row: Json = {"id": state.new_id(), "type": "QUERY", "query": query, "createdAt": now}
    row |= {"due": now + timedelta(seconds=state.bulk_seconds), "file": file, "isTold": False}
    roots = sum("__parentId" not in each for each in lines)
    return row | {
        "isCanceled": False,
        "objectCount": len(lines),
        "rootObjectCount": roots,
        "partialDataUrl": None,
    }


def _failure(errors: Sequence[GraphQLError]) -> str | None:
    """Return why a bulk operation fails (BulkOperationErrorCode); what it may not read shows only while it runs."""
    if not errors:
        return None
    is_denied = any((each.extensions or {}).get("code") == DENIED for each in errors)
    return DENIED if is_denied else "INTERNAL_SERVER_ERROR"


def _judge(schema: GraphQLSchema, query: str) -> tuple[str, DocumentNode | None]:
    """Return why a query cannot be run in bulk, or its document (shopify.dev, bulk-operations/queries)."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return error.message, None
    errors = validate(schema, document)
    if errors:
        return errors[0].message, None
    seen = _Connections(TypeInfo(schema))
    visit(document, TypeInfoVisitor(seen.info, seen))
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1 or not seen.count:
        return "Bulk queries must contain at least one connection.", None
    if seen.count > MOST_CONNECTIONS:
        return f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.", None
    if seen.deepest > DEEPEST:
        return f"Bulk queries cannot contain connections with a nesting depth greater than {DEEPEST}.", None
    if seen.in_list:
        return (
            "Queries that contain a connection field within a list field are not currently supported.",
            None,
        )
    return "", document


class _Connections(Visitor):
    """Counts the connections of a query, how deep they stand, and whether one stands in a list."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.count = self.deepest = self._depth = self._lists = 0
        self.in_list = False

    def enter_field(self, *_: Any) -> None:
        """Go into a field."""
        kind = self.info.get_type()
        if kind is not None and get_named_type(kind).name.endswith("Connection"):
            self.count += 1
            self._depth += 1
            self.deepest = max(self.deepest, self._depth)
            self.in_list = self.in_list or self._lists > 0
        elif self._is_plain_list():
            self._lists += 1

    def leave_field(self, *_: Any) -> None:
        """Come out of a field."""
        kind = self.info.get_type()
        if kind is not None and get_named_type(kind).name.endswith("Connection"):
            self._depth -= 1
        elif self._is_plain_list():
            self._lists -= 1

    def _is_plain_list(self) -> bool:
        kind, parent = self.info.get_type(), self.info.get_parent_type()
        is_part = parent is not None and parent.name.endswith("Connection")
        return kind is not None and is_list_type(get_nullable_type(kind)) and not is_part


def _lines(data: Json, *, is_grouped: bool) -> Iterator[Json]:
    """Yield the objects; those of a nested connection name their parent and stand apart from it. Without grouping they
    come after all roots, as nothing is promised of their order.
    """
    rows = [row for each in data.values() for row in _rows_of(each)]
    late: list[Json] = []
    for row in rows:
        children = list(_split(row))
        yield children[0]
        if is_grouped:
            yield from children[1:]
        else:
            late += children[1:]
    yield from late


def _split(row: Json, parent: str | None = None) -> Iterator[Json]:
    nested = {key: value for key, value in row.items() if _is_connection(value)}
    own = {key: value for key, value in row.items() if key not in nested}
    yield own if parent is None else own | {"__parentId": parent}
    for value in nested.values():
        for child in _rows_of(value):
            yield from _split(child, str(row.get("id")))


def _is_connection(value: Any) -> bool:
    return isinstance(value, dict) and ("edges" in value or "nodes" in value)


def _rows_of(value: Any) -> list[Json]:
    if not _is_connection(value):
        return []
    return [each["node"] for each in value["edges"]] if "edges" in value else list(value["nodes"])


def _refused(code: str, message: str) -> Json:
    error = {"field": ["query"], "code": code, "message": message}
    return {"bulkOperation": None, "userErrors": [error]}


def _url(session: Session, row: Json) -> str | None:
    if status_of(session.state, row) != "COMPLETED" or not row["objectCount"]:
        return None
    return f"{session.state.base}/bulk/{row['id']}.jsonl"


def _error_code(session: Session, row: Json) -> Any:
    return row["errorCode"] if status_of(session.state, row) == "FAILED" else None


def _completed(session: Session, row: Json) -> Any:
    return row["due"] if status_of(session.state, row) in ENDED else None


BULK_TYPES: dict[str, Fields] = {
    "BulkOperation": {
        "id": own_id("BulkOperation"),
        "status": lambda session, row: status_of(session.state, row),
        "completedAt": _completed,
        "errorCode": _error_code,
        "fileSize": lambda _session, row: len(row["file"]),
        "url": _url,
    }
}

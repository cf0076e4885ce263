"""What every resource of the API shares: strict parameters, cursors, and answers that are given once."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import Request, Response, jsonify, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError
from sqlalchemy import Connection
from webargs.flaskparser import FlaskParser, abort

from loyalty.accounts.idempotency import Answered, begin, keep
from loyalty.accounts.idempotency import Request as Asked
from loyalty.errors import Invalid
from webhook_app.api.questions import NoQuery, RepeatHeaders
from webhook_app.bodies import find_halves
from webhook_app.security import access, requires
from webhook_app.tools import tools

Data = dict[str, Any]
View = TypeVar("View", bound=Callable[..., Any])


class StrictParser(FlaskParser):
    """Refuses unknown query parameters too, which webargs leaves out silently, and bodies that nothing can hold."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:
        """Return what the body says; raises ValidationError for half characters, and 400 for what is no JSON, is too
        deep or has a number of thousands of digits.
        """
        try:
            read = super().load_json(req, schema)
        except (ValueError, RecursionError):
            abort(400, messages={"json": ["Invalid JSON body."]})
        if halves := find_halves(req.get_data(), read):
            raise ValidationError(halves)
        return read


@dataclass(slots=True)
class Writing:
    """The transaction of a request that changes something, and what must be done once it is committed."""

    connection: Connection
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    status: int | None = None
    """Another status of the answer than the usual one."""


class Resource(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A group of routes: each asks for a key of its scope first, then judges parameters, header and body strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def reads(
        self,
        path: str,
        answer: type[Schema] | Data,
        query: type[Schema] = NoQuery,
        *,
        scope: str = "read",
        content_type: str | None = None,
    ) -> Callable[[View], View]:
        """Add a view of GET; it takes the query as its first argument where there is one."""

        def decorate(view: View) -> View:
            described = self.response(200, answer, content_type=content_type)(view)
            described = self.arguments(query, location="query", as_kwargs=query is NoQuery)(described)
            self.route(path)(requires(scope)(described))
            return view

        return decorate

    def asks(self, path: str, answer: type[Schema], body: type[Schema]) -> Callable[[View], View]:
        """Add a view of POST that changes nothing but may take long, hence the scope write; it takes the body."""

        def decorate(view: View) -> View:
            described = self.response(200, answer)(view)
            described = self.arguments(body)(described)
            described = self.arguments(NoQuery, location="query", as_kwargs=True)(described)
            self.route(path, methods=["POST"])(requires("write")(described))
            return view

        return decorate

    def writes(
        self, path: str, answer: type[Schema], *, status: int, scope: str = "write", method: str = "POST",
        body: type[Schema] | None = None, query: type[Schema] = NoQuery, largest: int | None = None,
    ) -> Callable[[View], View]:  # fmt: skip
        """Add a view that changes something: it takes a Writing, then the query and the body where there are any.

        `largest`: how many bytes it takes, where that is more than usual.
        """

        def decorate(view: View) -> View:
            @wraps(view)
            def answered(*args: Any, idempotency_key: str | None, **kwargs: Any) -> Response:
                request.max_content_length = largest or request.max_content_length
                return _once(idempotency_key, status, answer(), lambda it: view(it, *args, **kwargs))

            described = self.response(status, answer)(answered)
            described = self.arguments(RepeatHeaders, location="headers", as_kwargs=True)(described)
            if body is not None:
                described = self.arguments(body)(described)
            described = self.arguments(query, location="query", as_kwargs=query is NoQuery)(described)
            self.route(path, methods=[method])(requires(scope)(described))
            return view

        return decorate


def transaction(*, steady: bool = False) -> AbstractContextManager[Connection]:
    """Open a transaction that sees the account of this request's key; `steady`: as it was at its first statement."""
    return tools().database.transaction(access().account, steady=steady)


def page(rows: Sequence[Any], limit: int, key: Callable[[Any], Any]) -> Data:
    """Return a page of rows that were read one beyond the limit; `next` leads to the row after its last."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return {"data": shown, "next": _encode(str(key(shown[-1]))) if more else None}


def uuid_cursor(cursor: str | None) -> UUID | None:
    """Return the id in a cursor; raises Invalid."""
    return None if cursor is None else _decode(cursor, UUID)


def number_cursor(cursor: str | None) -> int | None:
    """Return the number in a cursor; raises Invalid."""
    return None if cursor is None else _decode(cursor, int)


def text_cursor(cursor: str | None) -> str | None:
    """Return the text in a cursor; raises Invalid."""
    return None if cursor is None else _decode(cursor, str)


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, kind: Callable[[str], Any]) -> Any:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return kind(base64.urlsafe_b64decode(padded.encode()).decode())
    except (ValueError, binascii.Error):
        raise Invalid("The cursor is none of ours.", {"/cursor": ["Unknown cursor."]}) from None


def _once(key: str | None, status: int, schema: Schema, work: Callable[[Writing], Any]) -> Response:
    """Answer with what `work` returns; a request repeated under the same Idempotency-Key gets the kept answer."""
    with transaction() as connection:
        writing = Writing(connection)
        asked = Asked(access().account, key, _sha256()) if key is not None else None
        answer = begin(connection, asked) if asked else None
        if answer is None:
            told = work(writing)
            answer = Answered(writing.status or status, schema.dump(told))
            if asked is not None:
                keep(connection, asked, answer)
    for step in writing.afterwards:
        step()
    response = jsonify(answer.body)
    response.status_code = answer.status
    return response


def _sha256() -> bytes:
    """Return the digest under which the very same request is recognised."""
    asked = f"{request.method} {request.full_path}\n".encode() + request.get_data()
    return hashlib.sha256(asked).digest()


def actor() -> str:
    """Return how the audit log names the caller."""
    return f"api key {access().key_id}"

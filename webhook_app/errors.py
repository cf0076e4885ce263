"""Every refusal as an RFC 9457 problem: what went wrong, for people and for programs, with the path of each field."""

from __future__ import annotations

import re
from typing import Any

import structlog
from flask import Flask, Response, json, request
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestTimeout, TooManyRequests

from loyalty.crypto import Undecryptable
from loyalty.errors import (
    Conflict,
    Invalid,
    LoyaltyError,
    NotFound,
    NotPermitted,
    ProgramNotPublished,
    TooOften,
)
from loyalty.programs.document import flatten_messages
from loyalty.pushes import PushError

MEDIA_TYPE = "application/problem+json"
MINUTE = "60"
"""The window of the limits: who waits so long may call again."""
STATUSES: tuple[tuple[type[LoyaltyError], int], ...] = (
    (NotFound, 404),
    (Invalid, 422),
    (Conflict, 409),
    (NotPermitted, 403),
    (TooOften, 429),
    (ProgramNotPublished, 409),
    (PushError, 502),
    (Undecryptable, 503),
)
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Answer every error in one form; call it after flask-smorest has added its own handlers."""
    app.register_error_handler(LoyaltyError, refusal)
    app.register_error_handler(HTTPException, http_problem)
    app.register_error_handler(ClientDisconnected, incomplete)
    app.register_error_handler(OperationalError, database_away)
    app.register_error_handler(InterfaceError, database_away)
    app.register_error_handler(DataError, unstorable)
    app.register_error_handler(Exception, surprise)


def refusal(error: LoyaltyError) -> Response:
    """Return a refusal of the domain; one that no rule expects of a request is a bad request."""
    status = next((code for kind, code in STATUSES if isinstance(error, kind)), 400)
    words = _WORD.sub(" ", type(error).__name__)
    fields: Any = error.attributes.get("fields")
    told: Any = error.attributes.get("told")
    return problem(
        status,
        f"urn:laurel:{words.lower().replace(' ', '-')}",
        words.capitalize(),
        error.message,
        fields,
        told,
    )


def http_problem(error: HTTPException) -> Response:
    """Return an error of HTTP, or what was found wrong with a request's fields."""
    messages = (getattr(error, "data", None) or {}).get("messages", {})
    fields = {path: texts for place in messages.values() for path, texts in flatten_messages(place).items()}
    detail = "The request has mistakes." if fields else (error.description or error.name)
    response = problem(error.code or 500, "about:blank", error.name, detail, fields)
    for name, value in error.get_headers():
        if name in ("Allow", "WWW-Authenticate", "Retry-After"):
            response.headers[name] = value
    if isinstance(error, TooManyRequests):
        response.headers.setdefault("Retry-After", MINUTE)
    return response


def incomplete(_: ClientDisconnected) -> Response:
    """Return 408: the body did not come, or not in time."""
    return http_problem(RequestTimeout("The body of the request did not come in time."))


def database_away(error: Exception) -> Response:
    """Return 503: the same request may be sent again soon."""
    log.error("database_away", error=type(error).__name__, route=_route())
    response = problem(503, "about:blank", "Service unavailable", "The database does not answer.")
    response.headers["Retry-After"] = "5"
    return response


def unstorable(_: Exception) -> Response:
    """Return 422: a text with a NUL or a number beyond 64 bits, which no rule of a field looks for."""
    return problem(
        422, "about:blank", "Unprocessable content", "The request has a value that cannot be stored."
    )


def surprise(error: Exception) -> Response:
    """Return 500 and write down what nobody foresaw."""
    log.exception("request_failed", route=_route(), exc_info=error)
    return problem(500, "about:blank", "Internal server error", "Something unforeseen went wrong.")


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    fields: dict[str, list[str]] | None = None,
    told: dict[str, Any] | None = None,
) -> Response:
    """Return a problem; `fields` are JSON pointers with their messages, `told` are members of this kind of problem."""
    content: dict[str, Any] = {"type": kind, "title": title, "status": status, "detail": detail}
    content.update(told or {})
    if fields:
        content["errors"] = [
            {"pointer": path, "detail": text} for path, texts in fields.items() for text in texts
        ]
    return Response(json.dumps(content), status=status, content_type=MEDIA_TYPE)


def _route() -> str:
    return request.url_rule.rule if request.url_rule is not None else "none"

"""Who may call what: API keys with scopes, and the headers that keep browsers out of answers meant for programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import ParamSpec, TypeVar, cast

from flask import Flask, Response, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from loyalty.accounts.service import SCOPES, ApiAccess, find_api_access
from webhook_app.tools import SETTINGS, tools
from webhook_app.webhooks import ENDPOINTS as DELIVERIES

P = ParamSpec("P")
R = TypeVar("R")
SCHEME = "bearer"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def requires(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view be called only with an API key of this scope; put it directly below the route."""
    if scope not in SCOPES:
        raise ValueError(f"{scope} is no scope")

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            g.access = _authenticate()
            if scope not in g.access.scopes:
                raise Forbidden(f"The API key has no scope {scope}.")
            return view(*args, **kwargs)

        guarded.__dict__["required_scope"] = scope
        return guarded

    return decorate


def access() -> ApiAccess:
    """Return whose key this request carries."""
    return cast(ApiAccess, g.access)


def given_key() -> str:
    """Return the API key that this request carries, however its scheme is spelled; empty for none."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == SCHEME else ""


def _authenticate() -> ApiAccess:
    key = given_key()
    found = tools().database.single_statement(lambda it: find_api_access(it, key)) if key else None
    if found is None:
        message = "An API key is needed: Authorization: Bearer …"
        raise Unauthorized(message, www_authenticate=WWWAuthenticate("bearer"))
    return found


def register(app: Flask) -> None:
    """Add the security headers to all answers with content, unless they have their own; HTTPS stays required where it
    is public. The receipt of a delivery is empty and goes without them: it is the answer that must be fast.
    """
    headers = dict(HEADERS)
    if app.extensions[SETTINGS].public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"

    @app.after_request
    def add_headers(response: Response) -> Response:
        is_receipt = request.endpoint in DELIVERIES and request.method == "POST"
        if not is_receipt or response.status_code != HTTPStatus.OK:
            for name, value in headers.items():
                response.headers.setdefault(name, value)
        return response

"""How a shop's tokens are had and kept fresh: client credentials, the authorization code grant, or a pasted token.

The credentials of a store are texts: `mode`; `client_id` and `client_secret` of the app (empty: the installation's);
`access_token` with `issued_at` and `expires_at` (empty: it has no end), `refresh_token` with `refresh_expires_at`,
`scopes` as they were granted; `shop`, the myshopify domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from requests import PreparedRequest
from requests.auth import AuthBase

from connectors.base import StoreAccess
from connectors.http import Door
from loyalty.pushes import PushError

CLIENT_CREDENTIALS, CODE, LEGACY = "client_credentials", "authorization_code", "legacy"
TOKEN_PATH = "admin/oauth/access_token"
NEEDED = ("read_orders", "read_products", "write_customers", "write_discounts")
"""Without these orders earn nothing, or nobody is told what he has."""
ASKED = (*NEEDED, "write_orders", "read_returns", "read_customer_merge")
"""What the app asks for: the rest marks orders, and tells of returns and of customers who were merged."""
EARLY = timedelta(minutes=5)
"""A token that ends sooner is had anew: no job holds one for longer."""
HOUR = 3600
"""As long as a token lives of which the shop does not say when it ends though it does (offline access tokens)."""
LONGEST = 10 * 365 * 24 * HOUR
Tokens = dict[str, str]


class WantsJson(AuthBase):
    """Asks for refusals as JSON: an OAuth page answers a browser with HTML."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Name the kind of answer that is wanted."""
        request.headers["Accept"] = "application/json"
        return request


def open_door(url: str, *, allow_private: bool) -> Door:
    """Return the way to the OAuth pages of a shop."""
    return Door(url, auth=WantsJson(), allow_private=allow_private)


def authorize_url(shop_url: str, client_id: str, redirect_uri: str, state: str) -> str:
    """Return where a merchant grants the app what it asks for; `state` comes back with the answer."""
    query = {"client_id": client_id, "scope": ",".join(ASKED), "redirect_uri": redirect_uri, "state": state}
    return f"{shop_url}/admin/oauth/authorize?{urlencode(query)}"


def exchange_code(door: Door, app: Mapping[str, str], code: str, now: datetime) -> Tokens:
    """Return the tokens for the code of a callback, ones that end; raises PushError."""
    return _ask(door, {**_named(app), "code": code, "expiring": "1"}, now, must_end=False)


def ask_for_token(door: Door, app: Mapping[str, str], now: datetime) -> Tokens:
    """Return a token of an app for a shop of its own organisation, which lives a day; raises PushError."""
    return _ask(door, {**_named(app), "grant_type": CLIENT_CREDENTIALS}, now, must_end=True)


def refresh(door: Door, app: Mapping[str, str], refresh_token: str, now: datetime) -> Tokens:
    """Return another pair of tokens; the older one serves until the new one is used. Raises PushError."""
    payload = {**_named(app), "grant_type": "refresh_token", "refresh_token": refresh_token}
    return _ask(door, payload, now, must_end=True)


def is_fresh(access: StoreAccess, now: datetime) -> bool:
    """Return whether the present token serves for some minutes more, or is one that nobody can renew."""
    known = access.credentials
    return known.get("mode") == LEGACY or _serves(known, now + EARLY)


def renew(door: Door, access: StoreAccess, now: datetime) -> Tokens | None:
    """Return other tokens when the present one has ended, ends soon or is missing; None: it serves still.

    Raises PushError when the shop gives none, and when only the merchant can bring new ones.
    """
    known = access.credentials
    if is_fresh(access, now):
        return None
    try:
        return _renew(door, known, now)
    except PushError as error:
        if error.permanent or not _serves(known, now):
            raise
        return None


def missing_scopes(granted: str, wanted: Iterable[str] = NEEDED) -> list[str]:
    """Return what was not granted of what is wanted; to write implies to read."""
    given = {scope.strip() for scope in granted.split(",")}
    given |= {f"read_{scope.removeprefix('write_')}" for scope in given if scope.startswith("write_")}
    return [scope for scope in wanted if scope not in given]


def _renew(door: Door, known: Mapping[str, str], now: datetime) -> Tokens:
    if known.get("mode") == CLIENT_CREDENTIALS:
        return ask_for_token(door, known, now)
    if not known.get("refresh_token") or _is_over(known.get("refresh_expires_at", ""), now):
        raise PushError(
            "The access has ended: open the app in the shop's admin again.",
            permanent=True,
            reason="permission",
        )
    return refresh(door, known, known["refresh_token"], now)


def _serves(known: Mapping[str, str], at: datetime) -> bool:
    return bool(known.get("access_token")) and not _is_over(known.get("expires_at", ""), at)


def _is_over(end: str, now: datetime) -> bool:
    return bool(end) and datetime.fromisoformat(end) <= now


def _named(app: Mapping[str, str]) -> dict[str, str]:
    if not app.get("client_id") or not app.get("client_secret"):
        raise PushError("The app has no id and secret.", permanent=True, reason="configuration")
    return {"client_id": app["client_id"], "client_secret": app["client_secret"]}


def _ask(door: Door, payload: Mapping[str, str], now: datetime, *, must_end: bool) -> Tokens:
    answer = door.call("POST", TOKEN_PATH, payload=payload)
    data = answer.data if isinstance(answer.data, dict) else {}
    if answer.status >= 400:
        why = str(data.get("error", answer.status))[:80]
        raise PushError(f"The shop gave no token: {why}.", permanent=True, reason="permission")
    token, again = _text(data, "access_token"), _text(data, "refresh_token")
    if not token:
        raise PushError("The shop answered no token.", permanent=False, reason="unreachable")
    ends = must_end or bool(again)
    tokens = {
        "access_token": token,
        "issued_at": now.isoformat(),
        "expires_at": _end(data, "expires_in", now, HOUR if ends else None),
        "refresh_token": again,
        "refresh_expires_at": _end(data, "refresh_token_expires_in", now, None) if again else "",
    }
    scopes = _text(data, "scope")
    return tokens | ({"scopes": scopes} if scopes else {})


def _end(data: Mapping[str, Any], name: str, now: datetime, usual: int | None) -> str:
    """Return when a token ends. One that ends at an unknown time must never be kept for one without an end
    (shopify-app-js#3400).
    """
    seconds = data.get(name)
    lasts = min(seconds, LONGEST) if isinstance(seconds, int) and seconds > 0 else usual
    return (now + timedelta(seconds=lasts)).isoformat() if lasts is not None else ""


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""

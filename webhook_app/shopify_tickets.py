"""What is signed while a shop is being connected: the state in a browser's cookie, an invitation into an account."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadSignature, URLSafeTimedSerializer

STATE_SECONDS = 600
INVITED = timedelta(days=7)
_STATE, _INVITATION = "shopify-connect", "shopify-invite"


@dataclass(frozen=True, slots=True)
class Journey:
    """A merchant on the way to his shop and back: `state` comes back with him; `account` is the key of the account
    that his shop joins, empty for one of its own.
    """

    shop: str
    account: str
    state: str


def begin(shop: str, account: str) -> Journey:
    """Return a journey with a state that nobody can guess."""
    return Journey(shop, account, secrets.token_urlsafe(24))


def seal(key: str, journey: Journey) -> str:
    """Return a journey as the text of a cookie."""
    return _text(key, _STATE, [journey.shop, journey.account, journey.state])


def open_sealed(key: str, sealed: str, shop: str, state: str) -> Journey | None:
    """Return the journey of a cookie if it led to this shop with this state, at most ten minutes ago. `state` may have
    bytes that are no text, as `signed_query` leaves them.
    """
    known = _parts(key, _STATE, sealed, STATE_SECONDS)
    given = state.encode("utf-8", "surrogateescape")
    if known is None or known[0] != shop or not hmac.compare_digest(known[2].encode(), given):
        return None
    return Journey(*known)


def invite(key: str, shop: str, account: str) -> str:
    """Return a ticket with which a shop joins an account."""
    return _text(key, _INVITATION, [shop, account])


def invited(key: str, ticket: str) -> tuple[str, str] | None:
    """Return shop and account of a ticket of the last week."""
    known = _parts(key, _INVITATION, ticket, int(INVITED.total_seconds()))
    return (known[0], known[1]) if known else None


def _text(key: str, purpose: str, parts: list[str]) -> str:
    return str(URLSafeTimedSerializer(key, salt=purpose).dumps(parts))


def _parts(key: str, purpose: str, text: str, seconds: int) -> list[str] | None:
    try:
        parts: list[str] = URLSafeTimedSerializer(key, salt=purpose).loads(text, max_age=seconds)
    except BadSignature:
        return None
    return parts

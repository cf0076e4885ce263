"""Tells genuine tokens of a browser from forgeries: App Bridge's session tokens, and those of Shopify's extensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import jwt

from connectors.shopify.signature import shop_domain

LEEWAY = 10
"""Seconds by which clocks may differ (App Bridge, session tokens)."""
CUSTOMER = "gid://shopify/Customer/"
# Only HS256: an algorithm that the token chooses itself would let anybody sign. The clock is an argument here.
_OPTIONS: Any = {
    "require": ["exp", "nbf", "aud", "dest"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class StaffSession:
    """Somebody of a shop's staff in the admin: `user` is Shopify's id of him, `token_id` is this token's own."""

    shop: str
    user: str
    token_id: str


@dataclass(frozen=True, slots=True)
class BuyerSession:
    """Somebody at an extension of a shop's customer accounts or checkout; `customer_id` is empty for who is not
    signed in, or where the app may not know.
    """

    shop: str
    customer_id: str
    token_id: str


def staff_session(token: str, client_id: str, secrets: Sequence[str], now: datetime) -> StaffSession | None:
    """Return whom App Bridge vouches for in a session token, None where it does not."""
    claims = _claims(token, client_id, secrets, now)
    if claims is None:
        return None
    shop, user = _host(claims.get("dest")), claims.get("sub")
    if shop is None or _host(claims.get("iss")) != shop or not isinstance(user, str) or not user:
        return None
    return StaffSession(shop, user, _text(claims.get("jti")))


def buyer_session(token: str, client_id: str, secrets: Sequence[str], now: datetime) -> BuyerSession | None:
    """Return whom an extension's session token vouches for, None where it is not genuine.

    `dest` is the shop with or without `https://`, and `iss` may be missing (customer-account session tokens).
    """
    claims = _claims(token, client_id, secrets, now)
    shop = _host(claims.get("dest")) if claims else None
    if claims is None or shop is None:
        return None
    if "iss" in claims and _host(claims["iss"]) != shop:
        return None
    return BuyerSession(shop, _customer(claims.get("sub")), _text(claims.get("jti")))


def _claims(token: str, client_id: str, secrets: Sequence[str], now: datetime) -> Mapping[str, Any] | None:
    """Return what a token claims that one of the secrets signed for this app and that is in force."""
    found = [claims for secret in secrets if secret and (claims := _opened(token, client_id, secret))]
    return next((claims for claims in found if _is_in_force(claims, now)), None)


def _opened(token: str, client_id: str, secret: str) -> Mapping[str, Any] | None:
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=["HS256"], audience=client_id, options=_OPTIONS
        )
    except (jwt.PyJWTError, ValueError):
        return None
    return claims


def _is_in_force(claims: Mapping[str, Any], now: datetime) -> bool:
    begins, ends = claims["nbf"], claims["exp"]
    if type(begins) is not int or type(ends) is not int:
        return False
    return begins - LEEWAY <= now.timestamp() < ends + LEEWAY


def _host(address: Any) -> str | None:
    """Return the shop that an address names: `https://shop.myshopify.com/admin`, or the bare domain."""
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
    except ValueError:
        return None
    return shop_domain(parts.netloc) if parts.scheme == "https" else None


def _customer(subject: Any) -> str:
    is_customer = isinstance(subject, str) and subject.startswith(CUSTOMER)
    tail = subject.removeprefix(CUSTOMER) if is_customer else ""
    return tail if tail.isascii() and tail.isdigit() else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

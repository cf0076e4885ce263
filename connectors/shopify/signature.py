"""Tells what Shopify sends from forgeries: webhooks, the queries of its OAuth pages, requests through its App Proxy."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

SIGNATURE = "x-shopify-hmac-sha256"
SHOP = "x-shopify-shop-domain"
WEBHOOK_ID = "x-shopify-webhook-id"
PROXY_SECONDS = 90
OAUTH_SECONDS = 24 * 60 * 60
"""As long as Shopify's own libraries take the query of an OAuth page for fresh."""
MOST_PARAMETERS = 100
LONGEST_DOMAIN = 253
# The pattern of the documentation is not anchored at its end: a.myshopify.com.evil.example would pass it.
_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """What the App Proxy vouches for: the shop, and the customer who is signed in there; empty: nobody is."""

    shop: str
    customer_id: str
    path_prefix: str


def is_authentic(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether base64(HMAC-SHA256(body, secret)) fits a secret, in constant time (webhooks/verify-deliveries)."""
    given = _decoded(headers.get(SIGNATURE, ""))
    # No early exit: the time must not say which of the secrets fitted. An empty secret would let anybody sign.
    verdicts = [hmac.compare_digest(_digest(secret, body), given) for secret in secrets if secret]
    return any(verdicts)


def message_key(topic: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return sha256 of the shop and the webhook id, which every retry of one delivery shares (§ X-Shopify-Webhook-Id);
    without an id, of topic and body.
    """
    shop, webhook = headers.get(SHOP, "").lower(), headers.get(WEBHOOK_ID, "")
    parts = [shop.encode("utf-8", "replace"), webhook.encode("utf-8", "replace")]
    if not webhook:
        parts += [topic.encode("utf-8", "replace"), body]
    digest = hashlib.sha256()
    for part in parts:
        # The length first, so that no two different lists run together to the same bytes.
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def shop_domain(given: str) -> str | None:
    """Return the myshopify domain of a shop in small letters; None for anything else."""
    domain = given.lower()
    is_one = given.isascii() and len(domain) <= LONGEST_DOMAIN and _SHOP.fullmatch(domain)
    return domain if is_one else None


def signed_query(secrets: Sequence[str], query: str, now: datetime) -> dict[str, str] | None:
    """Return the parameters of a query that an OAuth page of Shopify signed within a day; None for any other.

    Signed is `k=v` of all parameters but `hmac`, sorted and joined by `&`, as hexadecimal HMAC-SHA256.
    """
    pairs = _pairs(query)
    found = dict(pairs)
    if len(found) != len(pairs) or not _is_fresh(found.get("timestamp", ""), now, OAUTH_SECONDS):
        return None
    given = found.pop("hmac", "")
    signed = "&".join(sorted(_signed_pair(name, value) for name, value in found.items()))
    is_signed = _fits_hex(secrets, _raw(signed), given)
    return found if is_signed and shop_domain(found.get("shop", "")) else None


def proxy_request(secrets: Sequence[str], query: str, now: datetime) -> ProxyRequest | None:
    """Return whom the App Proxy of one shop forwards, at most 90 s ago; None where the signature does not say so.

    Signed is `k=v` of all parameters but `signature`, values of one name joined by `,`, sorted by their bytes and
    joined by nothing, as hexadecimal HMAC-SHA256 (app-proxies/authenticate-app-proxies). A body is never signed.
    """
    values: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        values.setdefault(name, []).append(value)
    given, shops = values.pop("signature", []), values.get("shop", [])
    signed = b"".join(sorted(_raw(f"{name}={','.join(each)}") for name, each in values.items()))
    shop = shop_domain(shops[0]) if len(shops) == 1 else None
    if shop is None or len(given) != 1 or not _fits_hex(secrets, signed, given[0]):
        return None
    if not _is_fresh(_only(values, "timestamp"), now, PROXY_SECONDS):
        return None
    return ProxyRequest(shop, _only(values, "logged_in_customer_id"), _only(values, "path_prefix"))


def _only(values: Mapping[str, list[str]], name: str) -> str:
    """Return the value of a parameter that stands once; of two nobody could tell which one is meant."""
    found = values.get(name, [])
    return found[0] if len(found) == 1 else ""


def _pairs(query: str) -> Pairs:
    """Return the decoded parameters, also the empty ones; none when there are more than anybody needs."""
    try:
        return parse_qsl(
            query, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        return []


def _signed_pair(name: str, value: str) -> str:
    """What separates parameters is escaped as in Shopify's own Python library, so that none can pass for two."""
    name, value = name.replace("%", "%25").replace("=", "%3D"), value.replace("%", "%25")
    return f"{name}={value}".replace("&", "%26")


def _is_fresh(timestamp: str, now: datetime, seconds: int) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(now.timestamp() - int(timestamp)) <= seconds


def _fits_hex(secrets: Sequence[str], signed: bytes, given: str) -> bool:
    sent = _raw(given)
    verdicts = [
        hmac.compare_digest(_digest(secret, signed).hex().encode(), sent) for secret in secrets if secret
    ]
    return any(verdicts)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decoded(header: str) -> bytes:
    """Return the bytes of a base64 header; none for what is not strictly that, such as letters outside of ASCII."""
    try:
        return base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.digest(secret.encode(), signed, "sha256")

"""Tells deliveries of a WooCommerce store from forgeries, pings from messages, and repeats from news."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

SIGNATURE = "x-wc-webhook-signature"
DELIVERY_ID = "x-wc-webhook-delivery-id"
LONGEST_PING = 64
PING = re.compile(rb"webhook_id=[0-9]+")


def is_authentic(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether base64(HMAC-SHA256(body, secret)) fits a secret (class-wc-webhook.php:476), in constant time."""
    given = header(headers, SIGNATURE).encode("utf-8", "replace")
    # No early exit: the time must not say which of the secrets fitted. An empty secret would let anybody sign.
    verdicts = [hmac.compare_digest(_signature(secret, body), given) for secret in secrets if secret]
    return any(verdicts)


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether this is the unsigned form body of a webhook just created (class-wc-webhook.php:627)."""
    return not header(headers, SIGNATURE) and len(body) <= LONGEST_PING and PING.fullmatch(body) is not None


def message_key(topic: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return sha256 of topic, delivery id and body: the delivery id alone repeats within a second (:490)."""
    digest = hashlib.sha256()
    for part in (topic.encode(), header(headers, DELIVERY_ID).encode("utf-8", "replace"), body):
        # The length first, so that no two different triples run together to the same bytes.
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def header(headers: Mapping[str, str], name: str) -> str:
    """Return a header's value whatever the case of its name; empty when it is not there."""
    if name in headers:
        return headers[name]
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _signature(secret: str, body: bytes) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256"))

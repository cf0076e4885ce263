"""Links to content: a token that opens it for a while, and the address with a signature that the shop's server checks;
law: nobody can make one without the account's key, and each ends by itself (S61).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

LIFE = timedelta(minutes=15)
EXPIRES = "laurel_expires"
SIGNATURE = "laurel_signature"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_IDS = 32
_NAMED = _IDS + 8
"""Bytes of a token before its signature: account, redemption, end in seconds."""


class Pass(NamedTuple):
    """What a token says, whether it is signed or not."""

    account: UUID
    redemption: UUID
    ends: int
    """Seconds since 1970."""


def seconds(instant: datetime) -> int:
    """Return an instant as whole seconds since 1970."""
    return (instant - _EPOCH) // _SECOND


def make_token(key: bytes, account: UUID, redemption: UUID, ends_at: datetime) -> str:
    """Return the token that opens the content of a redemption until an instant."""
    named = account.bytes + redemption.bytes + seconds(ends_at).to_bytes(8, "big")
    return base64.urlsafe_b64encode(named + _digest(key, named)).decode()


def read_token(token: str) -> Pass | None:
    """Return what a token says, None for a text that is none; it is not checked yet."""
    raw = _bytes(token)
    if raw is None:
        return None
    account, redemption = UUID(bytes=raw[:16]), UUID(bytes=raw[16:_IDS])
    return Pass(account, redemption, int.from_bytes(raw[_IDS:_NAMED], "big"))


def is_valid(key: bytes, token: str, now: datetime) -> bool:
    """Return whether a token is signed with the account's key and has not ended; in constant time."""
    raw, said = _bytes(token), read_token(token)
    if raw is None or said is None:
        return False
    return hmac.compare_digest(_digest(key, raw[:_NAMED]), raw[_NAMED:]) and seconds(now) < said.ends


def signed_address(secret: bytes, url: str, ends_at: datetime) -> str:
    """Return an address with its end and the HMAC-SHA256 over `<url>|<end>` in its query, for the shop to check."""
    ends = seconds(ends_at)
    signature = hmac.new(secret, f"{url}|{ends}".encode(), hashlib.sha256).hexdigest()
    parts = urlsplit(url)
    added = urlencode({EXPIRES: ends, SIGNATURE: signature})
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def _digest(key: bytes, named: bytes) -> bytes:
    return hmac.new(key, named, hashlib.sha256).digest()


def _bytes(token: str) -> bytes | None:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    return raw if len(raw) == _NAMED + hashlib.sha256().digest_size else None

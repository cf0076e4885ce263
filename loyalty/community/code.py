"""The check-in code of an event; law: deterministic, not guessable without the account's key."""

from __future__ import annotations

import hashlib
import hmac

from loyalty.rewards.coupon import ALPHABET

LENGTH = 8


def check_in_code(key: bytes, event_key: str) -> str:
    """Return 8 characters without look-alikes from HMAC-SHA256(key, `check-in:` + the event's key)."""
    number = int.from_bytes(hmac.new(key, f"check-in:{event_key}".encode(), hashlib.sha256).digest(), "big")
    letters = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "".join(letters)


def is_code(key: bytes, event_key: str, told: str) -> bool:
    """Return whether it is the event's code, in constant time, whatever its case."""
    return hmac.compare_digest(check_in_code(key, event_key).encode(), told.strip().casefold().encode())

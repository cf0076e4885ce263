"""Personal codes and traces; law: deterministic, not guessable, and nothing personal is readable in them."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from loyalty.rewards.coupon import ALPHABET

LENGTH = 8
TRACE_KINDS = ("email", "phone", "address", "ip", "device", "card")


def referral_code(key: bytes, member_key: str) -> str:
    """Return a member's code: 8 characters without look-alikes from HMAC-SHA256(key, `referral:` + member key)."""
    number = int.from_bytes(_digest(key, f"referral:{member_key}"), "big")
    letters = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "".join(letters)


def trace(key: bytes, kind: str, value: str) -> str | None:
    """Return the keyed digest of what may give two roles of one person away; None when it says nothing."""
    plain = _plain(kind, value)
    return f"{kind}:{_digest(key, f'{kind}:{plain}').hex()[:32]}" if plain else None


def _plain(kind: str, value: str) -> str:
    """Return a value so that writings of the same thing are equal: letters and digits; of mail no `+tag` or dots."""
    folded = unicodedata.normalize("NFKC", value).casefold().strip()
    if kind == "email":
        name, _, domain = folded.partition("@")
        return f"{name.partition('+')[0].replace('.', '')}@{domain}" if domain else ""
    return "".join(letter for letter in folded if letter.isalnum())


def _digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

"""How a shop's buyers name themselves; law: a logged-in customer is his customer id, a guest his e-mail (RULES §8),
and whom a till names by our own id is that member.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from loyalty.commerce import Buyer

RESERVED_DOMAINS = ("invalid", "example.invalid", "localhost")
LONGEST_ADDRESS = 254
"""Characters of an address that fit into an SMTP command (RFC 5321, errata 1690)."""
_SIGN = r"""[^\s"(),:;<>@\[\\\]]"""
_PART = rf"{_SIGN}+"
_TYPED = re.compile(rf"{_PART}@[\w-]+(\.[\w-]+)*")
_E164 = re.compile(r"^\+[1-9]\d{6,14}$")
_SEPARATOR = r"[\s().-]"


class Identity(NamedTuple):
    """A name that belongs to one member of an account: kind customer, email or phone; or member, our own id of him."""

    kind: str
    value: str

    def member_key(self) -> str:
        """Return the key of the member whom this identity creates: it comes from content and holds no personal data."""
        if self.kind in ("customer", "member"):
            return f"{self.kind}:{self.value}"
        return f"{self.kind}:{hashlib.sha256(self.value.encode()).hexdigest()[:32]}"

    @property
    def is_guest(self) -> bool:
        """Return whether it names somebody who is not registered in a shop."""
        return self.kind != "customer"


def normal_email(email: str) -> str:
    """Return an e-mail as it is compared: trimmed and case-folded; empty when it identifies nobody."""
    folded = email.strip().casefold()
    _, at, domain = folded.rpartition("@")
    if not at or domain in RESERVED_DOMAINS or domain.endswith(".invalid"):
        return ""
    return folded


def typed_email(email: str) -> str:
    """Return an address that somebody typed as `normal_email` does; empty when nothing can be mailed to it.

    Wider than RFC 5321: there are addresses with two dots in a row, or one before the @ (of docomo.ne.jp).
    """
    normal = normal_email(email)
    fits = len(normal) <= LONGEST_ADDRESS and normal.isprintable() and _TYPED.fullmatch(normal)
    return normal if fits else ""


def normal_phone(phone: str) -> str:
    """Return a phone number in E.164, empty when it is not one."""
    digits = re.sub(_SEPARATOR, "", phone)
    return digits if _E164.match(digits) else ""


def mention(identity: Identity) -> str:
    """Return the pattern, for Python and PostgreSQL, of an address or a phone as a whole in a text in small letters: a
    longer address or number that contains it is another one.
    """
    if identity.kind == "phone":
        return rf"\+{f'{_SEPARATOR}*'.join(identity.value[1:])}(?!\d)"
    return rf"(?<!{_SIGN}){re.escape(identity.value)}(?![\w-]|\.\w)"


def customer_identity(store_number: int, customer_id: str) -> Identity:
    """Return the identity of a shop's registered customer."""
    return Identity("customer", f"{store_number}:{customer_id}")


def buyer_identity(store_number: int, buyer: Buyer) -> Identity | None:
    """Return how a buyer is identified, None when he cannot be."""
    if buyer.member:
        return Identity("member", buyer.member)
    if buyer.customer_id:
        return customer_identity(store_number, buyer.customer_id)
    email = normal_email(buyer.email)
    if email:
        return Identity("email", email)
    phone = normal_phone(buyer.phone)
    return Identity("phone", phone) if phone else None


def email_domain(email: str) -> str:
    """Return the domain of an e-mail, as excluded domains are compared."""
    return normal_email(email).rpartition("@")[2]

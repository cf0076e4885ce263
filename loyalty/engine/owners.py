"""Whose an order is; law: the same statements give it the same owner, in whatever order they arrive (RULES §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loyalty.members.identity import Identity


@dataclass(frozen=True, slots=True)
class Claim:
    """What one statement of an order says of its buyer: the member key of the person it names, and when it was made.

    `identity` is None for a claim that is read back: its member is known already.
    """

    key: str
    at: datetime
    identity: Identity | None = None

    @property
    def is_customer(self) -> bool:
        """Return whether it names a registered customer, or a member by our own id."""
        return self.key.startswith(("customer:", "member:"))


def claim_of(identity: Identity, at: datetime) -> Claim:
    """Return the claim of a statement made at `at`."""
    return Claim(identity.member_key(), at, identity)


def stronger(known: Claim | None, other: Claim | None) -> Claim | None:
    """Return the claim that counts: the newest that names a customer or member, else the oldest that names a guest.

    An order follows the customer id that the shop puts on it; a guest's address that somebody edits moves nothing.
    """
    if known is None or other is None:
        return known or other
    if known.is_customer != other.is_customer:
        return known if known.is_customer else other
    if known.key == other.key and known.at == other.at:
        return known
    first, second = sorted((known, other), key=lambda claim: (claim.at, claim.key))
    return second if known.is_customer else first

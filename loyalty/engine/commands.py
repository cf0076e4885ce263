"""Accepted commands: what staff, an API or a rule told Laurel about a member, each with its number and time;
law: an accepted command never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from loyalty.engine.opening import Opening

Data = dict[str, Any]


class TierBy(StrEnum):
    """On what ground a member holds a tier that his figures did not reach."""

    OVERRIDE = "override"
    """Staff set it: exactly this tier, higher or lower."""
    INVITATION = "invitation"
    """At least this tier."""
    MEMBERSHIP = "membership"
    """Paid for: at least this tier."""


@dataclass(frozen=True, slots=True)
class AdjustPoints:
    """Give (or take, when negative) whole points by hand; `number` counts the account's accepted commands."""

    number: int
    accepted_at: datetime
    points: int
    reason: str
    counts_toward_tier: bool
    actor: str = ""


@dataclass(frozen=True, slots=True)
class SetTier:
    """Hold a member in a tier until an instant (None: without end) by override or invitation; no tier ends that."""

    number: int
    accepted_at: datetime
    by: TierBy
    tier_key: str | None
    until: datetime | None
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class RecordActivity:
    """The member did something: `kind` names it, `score` counts as activity, `is_event` as taking part in an event."""

    number: int
    accepted_at: datetime
    kind: str
    key: str
    """What tells it from others of its kind; the same key is the same activity."""
    score: int
    is_event: bool
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class TagMember:
    """Put tags on a member and take others off."""

    number: int
    accepted_at: datetime
    add: tuple[str, ...]
    remove: tuple[str, ...]
    reason: str
    actor: str = ""


class Source(StrEnum):
    """Whose actions are run."""

    AUTOMATION = "automation"
    BIRTHDAY = "birthday"
    """The birthday reward of the member's tier."""
    REFERRAL = "referral"


@dataclass(frozen=True, slots=True)
class RunActions:
    """Time, or another member, caused what a rule of the program acts on; once for each source, key and occasion."""

    number: int
    accepted_at: datetime
    source: Source
    key: str
    """The automation's, or the side of a referral."""
    occasion: str
    data: Data
    """What messages may tell of it."""
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class UndoActions:
    """What was run for an occasion is withdrawn, as far as it is unused."""

    number: int
    accepted_at: datetime
    source: Source
    key: str
    occasion: str
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class MergeMember:
    """Another member is the same person: what `other` (a member's key) has is this one's from now on."""

    number: int
    accepted_at: datetime
    other: str
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class UnmergeMember:
    """The merge of that number was a mistake: both are folded as if it had never been."""

    number: int
    accepted_at: datetime
    merge: int
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class JoinProgram:
    """The person signed up."""

    number: int
    accepted_at: datetime
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class OpenBalance:
    """Points that the member brings from before Laurel; `key` tells it from his other opening balances."""

    number: int
    accepted_at: datetime
    points: int
    expires_at: datetime | None
    """None: as points that are given by hand."""
    key: str
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ImportMember:
    """All that the member brings from another system; `key` tells it from other imports of him."""

    number: int
    accepted_at: datetime
    opening: Opening
    key: str
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class UndoImport:
    """The import of that number was a mistake: the member is folded as if it had never been."""

    number: int
    accepted_at: datetime
    imported: int
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class RedeemReward:
    """Exchange whole points for a reward of the version in force; its number names the redemption."""

    number: int
    accepted_at: datetime
    reward: str
    kind: str
    points: int
    amount: str
    """Money as a decimal text, of a variable discount or credit; else empty."""
    store: int
    """The number of the store whose code it is; 0: it needs none."""
    hold_until: datetime | None
    """Until when points are held for a use; None: they are captured as soon as the reward is there."""
    reason: str
    actor: str = ""


class Ending(StrEnum):
    """What becomes of a redemption."""

    CAPTURED = "captured"
    """The reward is there: held points are spent."""
    RELEASED = "released"
    """It cannot be had, or was not used: held points are free again."""
    CANCELLED = "cancelled"
    """It is taken back unused: spent points return."""
    FULFILLED = "fulfilled"
    """People carry it out: it no longer ends by itself."""


@dataclass(frozen=True, slots=True)
class EndRedemption:
    """Capture, release or cancel the redemption, or the code of credit, of a number."""

    number: int
    accepted_at: datetime
    redemption: int
    ending: Ending
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class AdjustCredit:
    """Give (or take, when negative) store credit by hand: money of the account's currency as a decimal text."""

    number: int
    accepted_at: datetime
    amount: str
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class SpendCredit:
    """Set store credit aside for a code in a shop, or for the credit that the shop itself keeps of its customer; its
    number names it, and `EndRedemption` ends it.
    """

    number: int
    accepted_at: datetime
    amount: str
    """Money of the account's currency as a decimal text."""
    store: int
    """The number of the store whose code it is."""
    hold_until: datetime | None
    """When the code ends, if nobody used it; None: it is no code, but credit of the shop's own."""
    reason: str
    actor: str = ""


Command = (
    RedeemReward
    | AdjustCredit
    | SpendCredit
    | EndRedemption
    | JoinProgram
    | OpenBalance
    | ImportMember
    | UndoImport
    | AdjustPoints
    | SetTier
    | RecordActivity
    | TagMember
    | MergeMember
    | UnmergeMember
    | RunActions
    | UndoActions
)


def is_undoing(command: Command | None) -> bool:
    """Return whether a command takes back what an earlier one gave or took."""
    if isinstance(command, EndRedemption):
        return command.ending in (Ending.RELEASED, Ending.CANCELLED)
    return isinstance(command, UndoActions | UndoImport)

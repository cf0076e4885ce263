"""Accepted commands: what staff, an API or a rule told Laurel about a member, each with its number and time;
law: an accepted command never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Data = dict[str, Any]


class CommandKind(StrEnum):
    ADJUST = "adjust"
    TIER = "tier"
    ACTIVITY = "activity"
    TAGS = "tags"
    RUN = "run"
    UNDO = "undo"
    MERGE = "merge"
    UNMERGE = "unmerge"
    JOIN = "join"
    OPENING = "opening"


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


Command = (
    JoinProgram
    | OpenBalance
    | AdjustPoints
    | SetTier
    | RecordActivity
    | TagMember
    | MergeMember
    | UnmergeMember
    | RunActions
    | UndoActions
)


_KINDS: dict[type[Command], CommandKind] = {
    AdjustPoints: CommandKind.ADJUST,
    SetTier: CommandKind.TIER,
    RecordActivity: CommandKind.ACTIVITY,
    TagMember: CommandKind.TAGS,
    RunActions: CommandKind.RUN,
    UndoActions: CommandKind.UNDO,
    MergeMember: CommandKind.MERGE,
    UnmergeMember: CommandKind.UNMERGE,
    JoinProgram: CommandKind.JOIN,
    OpenBalance: CommandKind.OPENING,
}


def command_kind(command: Command) -> CommandKind:
    """Return what a command is."""
    return _KINDS[type(command)]


def command_data(command: Command) -> Data:
    """Return what is a command's own, as JSON data."""
    if isinstance(command, AdjustPoints):
        return {"points": command.points, "counts_toward_tier": command.counts_toward_tier}
    if isinstance(command, SetTier):
        until = command.until.isoformat() if command.until else None
        return {"by": command.by.value, "tier": command.tier_key, "until": until}
    if isinstance(command, RecordActivity):
        return {name: getattr(command, name) for name in ("kind", "key", "score", "is_event")}
    if isinstance(command, TagMember):
        return {"add": list(command.add), "remove": list(command.remove)}
    if isinstance(command, RunActions | UndoActions):
        place = {"source": command.source.value, "key": command.key, "occasion": command.occasion}
        return {**place, "data": command.data} if isinstance(command, RunActions) else place
    return _data_of_person(command)


def _data_of_person(command: MergeMember | UnmergeMember | JoinProgram | OpenBalance) -> Data:
    """Return the own part of a command that is about who somebody is."""
    if isinstance(command, MergeMember):
        return {"other": command.other}
    if isinstance(command, UnmergeMember):
        return {"merge": command.merge}
    if isinstance(command, JoinProgram):
        return {}
    end = command.expires_at.isoformat() if command.expires_at else None
    return {"points": command.points, "expires_at": end, "key": command.key}


def read_command(
    kind: str, number: int, accepted_at: datetime, data: Data, reason: str, actor: str
) -> Command:
    """Return the command whose own part `command_data` wrote."""
    if kind == CommandKind.ADJUST:
        return AdjustPoints(number, accepted_at, data["points"], reason, data["counts_toward_tier"], actor)
    if kind == CommandKind.TIER:
        until = datetime.fromisoformat(data["until"]) if data["until"] else None
        return SetTier(number, accepted_at, TierBy(data["by"]), data["tier"], until, reason, actor)
    if kind == CommandKind.ACTIVITY:
        what = data["kind"], data["key"], data["score"], data["is_event"]
        return RecordActivity(number, accepted_at, *what, reason, actor)
    if kind == CommandKind.TAGS:
        return TagMember(number, accepted_at, tuple(data["add"]), tuple(data["remove"]), reason, actor)
    if kind in (CommandKind.RUN, CommandKind.UNDO):
        place = Source(data["source"]), data["key"], data["occasion"]
        if kind == CommandKind.RUN:
            return RunActions(number, accepted_at, *place, data["data"], reason, actor)
        return UndoActions(number, accepted_at, *place, reason, actor)
    return _read_of_person(CommandKind(kind), number, accepted_at, data, reason, actor)


def _read_of_person(
    kind: CommandKind, number: int, accepted_at: datetime, data: Data, reason: str, actor: str
) -> Command:
    """Return a command that is about who somebody is."""
    if kind == CommandKind.MERGE:
        return MergeMember(number, accepted_at, data["other"], reason, actor)
    if kind == CommandKind.UNMERGE:
        return UnmergeMember(number, accepted_at, data["merge"], reason, actor)
    if kind == CommandKind.JOIN:
        return JoinProgram(number, accepted_at, reason, actor)
    end = datetime.fromisoformat(data["expires_at"]) if data["expires_at"] else None
    return OpenBalance(number, accepted_at, data["points"], end, data["key"], reason, actor)

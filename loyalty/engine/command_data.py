"""Accepted commands as JSON, and back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from loyalty.engine.commands import (
    AdjustCredit,
    AdjustPoints,
    Command,
    Data,
    Ending,
    EndRedemption,
    ImportMember,
    JoinProgram,
    MergeMember,
    OpenBalance,
    RecordActivity,
    RedeemReward,
    RunActions,
    SetTier,
    Source,
    SpendCredit,
    TagMember,
    TierBy,
    UndoActions,
    UndoImport,
    UnmergeMember,
)
from loyalty.engine.opening import opening_data, read_opening


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
    IMPORT = "import"
    UNDO_IMPORT = "undo_import"
    REDEEM = "redeem"
    END_REDEMPTION = "end_redemption"
    ADJUST_CREDIT = "adjust_credit"
    SPEND_CREDIT = "spend_credit"


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
    ImportMember: CommandKind.IMPORT,
    UndoImport: CommandKind.UNDO_IMPORT,
    RedeemReward: CommandKind.REDEEM,
    EndRedemption: CommandKind.END_REDEMPTION,
    AdjustCredit: CommandKind.ADJUST_CREDIT,
    SpendCredit: CommandKind.SPEND_CREDIT,
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
    if isinstance(command, RedeemReward | EndRedemption):
        return _data_of_redemption(command)
    if isinstance(command, AdjustCredit | SpendCredit):
        return _data_of_credit(command)
    if isinstance(command, ImportMember | UndoImport):
        return _data_of_import(command)
    return _data_of_person(command)


def _data_of_credit(command: AdjustCredit | SpendCredit) -> Data:
    """Return the own part of a command that is about store credit."""
    if isinstance(command, AdjustCredit):
        return {"amount": command.amount}
    until = command.hold_until.isoformat() if command.hold_until else None
    return {"amount": command.amount, "store": command.store, "hold_until": until}


def _data_of_redemption(command: RedeemReward | EndRedemption) -> Data:
    """Return the own part of a command that is about a reward."""
    if isinstance(command, EndRedemption):
        return {"redemption": command.redemption, "ending": command.ending.value}
    until = command.hold_until.isoformat() if command.hold_until else None
    what = {name: getattr(command, name) for name in ("reward", "kind", "points", "amount", "store")}
    return {**what, "hold_until": until}


def _data_of_import(command: ImportMember | UndoImport) -> Data:
    """Return the own part of a command that is about what somebody brings along."""
    if isinstance(command, UndoImport):
        return {"imported": command.imported}
    return {"key": command.key, "opening": opening_data(command.opening)}


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
    if kind in (CommandKind.REDEEM, CommandKind.END_REDEMPTION):
        return _read_of_redemption(CommandKind(kind), number, accepted_at, data, reason, actor)
    if kind in (CommandKind.ADJUST_CREDIT, CommandKind.SPEND_CREDIT):
        return _read_of_credit(CommandKind(kind), number, accepted_at, data, reason, actor)
    if kind in (CommandKind.IMPORT, CommandKind.UNDO_IMPORT):
        return _read_of_import(CommandKind(kind), number, accepted_at, data, reason, actor)
    return _read_of_person(CommandKind(kind), number, accepted_at, data, reason, actor)


def _read_of_credit(
    kind: CommandKind, number: int, accepted_at: datetime, data: Data, reason: str, actor: str
) -> Command:
    """Return a command that is about store credit."""
    if kind == CommandKind.ADJUST_CREDIT:
        return AdjustCredit(number, accepted_at, data["amount"], reason, actor)
    until = datetime.fromisoformat(data["hold_until"]) if data["hold_until"] else None
    return SpendCredit(number, accepted_at, data["amount"], data["store"], until, reason, actor)


def _read_of_import(
    kind: CommandKind, number: int, accepted_at: datetime, data: Data, reason: str, actor: str
) -> Command:
    """Return a command that is about what somebody brings along."""
    if kind == CommandKind.IMPORT:
        return ImportMember(number, accepted_at, read_opening(data["opening"]), data["key"], reason, actor)
    return UndoImport(number, accepted_at, data["imported"], reason, actor)


def _read_of_redemption(
    kind: CommandKind, number: int, accepted_at: datetime, data: Data, reason: str, actor: str
) -> Command:
    """Return a command that is about a reward."""
    if kind == CommandKind.END_REDEMPTION:
        which = data["redemption"], Ending(data["ending"])
        return EndRedemption(number, accepted_at, *which, reason, actor)
    until = datetime.fromisoformat(data["hold_until"]) if data["hold_until"] else None
    what = data["reward"], data["kind"], data["points"], data["amount"], data["store"]
    return RedeemReward(number, accepted_at, *what, until, reason, actor)


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

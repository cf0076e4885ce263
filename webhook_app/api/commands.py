"""What staff or an API may do to a member: points by hand, a tier, tags, an activity; each is an accepted command."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from loyalty.accounts.service import next_command_number
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine import activities
from loyalty.engine.apply import carry_out
from loyalty.engine.book import load_book
from loyalty.engine.commands import AdjustPoints, Command, RecordActivity, SetTier, TagMember, TierBy
from loyalty.engine.work import MemberWork
from loyalty.errors import Invalid
from loyalty.ledger.entries import EntryDraft
from loyalty.programs.service import load_versions
from loyalty.reports.standing import read_standings
from webhook_app.api.answers import MemberSchema
from webhook_app.api.member_answers import AdjustmentSchema, RecordedSchema, TaggedSchema
from webhook_app.api.parts import Data, Resource, Writing, actor
from webhook_app.api.questions import ActivityRequest, AdjustmentRequest, TagsRequest, TierRequest
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("commands", __name__, description="What may be done to members.")
Build = Callable[[int, Any], Command]
"""Makes the command of a number and a time."""


@blueprint.writes(
    "/members/<uuid:member>/adjustments", AdjustmentSchema, status=201, scope="adjust", body=AdjustmentRequest
)
def adjust(writing: Writing, asked: Data, member: UUID) -> Data:
    """Give or take points by hand."""
    work, command = _obey(writing, member, _adjustment(asked))
    note(
        writing.connection, access().account, actor(), "points.adjusted", str(member),
        number=command.number, points=asked["points"],
    )  # fmt: skip
    return _adjusted(asked, member, work, command)


@blueprint.writes(
    "/members/<uuid:member>/adjustments/preview",
    AdjustmentSchema,
    status=200,
    scope="adjust",
    body=AdjustmentRequest,
)
def preview_adjustment(writing: Writing, asked: Data, member: UUID) -> Data:
    """Tell what an adjustment would do to balance and tier, without doing it."""
    with writing.connection.begin_nested() as savepoint:
        work, command = _obey(Writing(writing.connection), member, _adjustment(asked))
        savepoint.rollback()
    return _adjusted(asked, member, work, command)


def _adjustment(asked: Data) -> Build:
    return lambda number, now: AdjustPoints(number=number, accepted_at=now, actor=actor(), **asked)


def _adjusted(asked: Data, member: UUID, work: MemberWork, command: Command) -> Data:
    moved = _moved(work.drafts, command.number)
    balance = work.state.wallet.balance(command.accepted_at)
    tiers = {"tier_before": work.tier_before, "tier": work.state.tier_key}
    told = {"number": command.number, "member": member, "points": moved, "accepted_at": command.accepted_at}
    return {**asked, **told, **tiers, "balance": balance}


def _moved(drafts: Iterable[EntryDraft], number: int) -> int:
    return sum(draft.points for draft in drafts if draft.cause == f"adjustment:{number}")


@blueprint.writes("/members/<uuid:member>/tier", MemberSchema, status=200, scope="adjust", body=TierRequest)
def set_tier(writing: Writing, asked: Data, member: UUID) -> Any:
    """Hold a member in a tier by override or invitation until an instant; without a tier, end that."""
    account, now = access().account, utc_now()
    program = load_versions(writing.connection, account).at(now)
    if program is not None and asked["tier"] is not None and not program.has_tier(asked["tier"]):
        raise Invalid("There is no tier of that key.", {"/tier": ["There is no tier of that key."]})
    if asked["until"] is not None and asked["until"] <= now:
        raise Invalid("The end must lie ahead.", {"/until": ["Must lie ahead."]})
    by = TierBy(asked["by"])
    _, command = _obey(
        writing, member,
        lambda number, at: SetTier(number, at, by, asked["tier"], asked["until"], asked["reason"], actor()),
    )  # fmt: skip
    told = {"by": by.value, "tier": asked["tier"], "number": command.number}
    note(writing.connection, account, actor(), "tier.set", str(member), **told)
    return read_standings(writing.connection, account, [member], command.accepted_at)[0]


@blueprint.writes("/members/<uuid:member>/tags", TaggedSchema, status=200, body=TagsRequest)
def tag(writing: Writing, asked: Data, member: UUID) -> Data:
    """Put tags on a member and take others off."""
    add, remove = tuple(asked["add"]), tuple(asked["remove"])
    work, command = _obey(
        writing, member, lambda number, at: TagMember(number, at, add, remove, asked["reason"], actor())
    )
    note(
        writing.connection, access().account, actor(), "member.tagged", str(member),
        number=command.number, add=list(add), remove=list(remove),
    )  # fmt: skip
    return {"member": member, "tags": sorted(work.state.tags)}


@blueprint.writes("/activities", RecordedSchema, status=201, body=ActivityRequest)
def record_activity(writing: Writing, asked: Data) -> Data:
    """Record what a member did, once for each kind and key, as often as the program lets it count."""
    book = load_book(writing.connection, tools().vault, access().account)
    done = activities.record_activity(
        writing.connection, book, asked["member"], asked["kind"], asked["key"], utc_now(), actor(),
        score=asked["score"], is_event=asked["event"],
    )  # fmt: skip
    writing.afterwards.append(partial(tools().wake_pushes, access().account, done.pushed))
    return _recorded(done.command, asked["member"])


def _recorded(command: RecordActivity, member: UUID) -> Data:
    return {
        "number": command.number,
        "member": member,
        "kind": command.kind,
        "key": command.key,
        "score": command.score,
        "event": command.is_event,
        "accepted_at": command.accepted_at,
    }


def _obey(writing: Writing, member: UUID, build: Build) -> tuple[MemberWork, Command]:
    """Accept a command and carry it out; pushes that follow are delivered once it is committed."""
    connection, account, now = writing.connection, access().account, utc_now()
    command = build(next_command_number(connection), now)
    book = load_book(connection, tools().vault, account)
    work, stores = carry_out(connection, book, member, command, now)
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    return work, command

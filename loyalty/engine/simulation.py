"""What if other rules held: every member folded twice in memory from what is stored of him; law: writes nothing.

A simulation is the one fold (DESIGN §1) without the save. Each member is folded as if he were the only one, so budgets
that members share are ignored; people are taken to have bought what they bought.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import get_account
from loyalty.engine import codec
from loyalty.engine.comparison import Comparison, Losses, Side
from loyalty.engine.decide import refold
from loyalty.engine.loading import load_histories, make_works
from loyalty.engine.state import MemberState
from loyalty.engine.work import MemberWork
from loyalty.members.repository import list_page
from loyalty.programs.document import Context, build_program
from loyalty.programs.program import Program, Versions
from loyalty.programs.service import load_versions
from loyalty.tiers.holding import MOMENT
from loyalty.values import AccountId

PAGE = 500
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any order."""


class Question(StrEnum):
    """`history`: the candidate always held, from the first order on; `switch`: it takes effect now."""

    HISTORY = "history"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Simulation:
    """The answer to a question at an instant, with the money's currency (ISO 4217) and decimals."""

    question: Question
    at: datetime
    currency: str
    decimals: int
    found: Comparison


def simulate(
    connection: Connection, account: AccountId, document: object, question: Question, now: datetime
) -> Simulation:
    """Fold every member of the account under the versions as published and under a document; raises Invalid.

    The transaction should be `steady`. Members come page by page: each page takes the same few statements, and only
    sums are kept. Budgets of campaigns are ignored: nobody is short because others came first.
    """
    row, versions = get_account(connection), load_versions(connection, account)
    context = Context(row["currency"], row["time_zone"], row["decimals"])
    number = 1 + max((program.version for program in versions.programs), default=0)
    candidate = build_program(document, context, number, now)
    other = supposed(versions, candidate, question)
    until = now + MOMENT
    losses = Losses() if question is Question.SWITCH else None
    found = Comparison(Side(versions.at(until), until), Side(candidate, until), losses)
    for work in _works(connection):
        before, after = refold(work.state, versions, until), refold(_again(work), other, until)
        found.add(work.id, before, after)
    return Simulation(question, now, context.currency, context.decimals, found)


def supposed(versions: Versions, candidate: Program, question: Question) -> Versions:
    """Return the versions with the candidate in place: alone and always, or after those in force up to its start."""
    if question is Question.HISTORY:
        return replace(versions, programs=(replace(candidate, effective_from=ALWAYS),))
    past = (old for old in versions.programs if old.effective_from <= candidate.effective_from)
    return replace(versions, programs=(*past, candidate))


def _works(connection: Connection) -> Iterator[MemberWork]:
    """Yield every member with his history, a page in memory at a time."""
    after: Any = UUID(int=0)
    while rows := list_page(connection, after, PAGE):
        works = make_works(connection, (row for row in rows if row["merged_into"] is None))
        load_histories(connection, works)
        yield from works
        after = rows[-1]["id"]


def _again(work: MemberWork) -> MemberState:
    """Return a member a second time: the same history, and nothing that the first fold may have changed."""
    state = codec.member_state(work.row)
    state.orders, state.commands, state.parts = work.state.orders, work.state.commands, work.state.parts
    state.used_causes = work.state.used_causes
    return state

"""Simulations of random histories: the same rules change nothing, and a switch loses exactly what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from builders import make_program
from folding import make_file, make_member
from histories import LAST, History, documents, histories
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.commerce import OrderDeleted, OrderSnapshot
from loyalty.engine.commands import AdjustPoints
from loyalty.engine.comparison import Comparison, Losses, Side
from loyalty.engine.decide import refold
from loyalty.engine.simulation import Question, supposed
from loyalty.engine.state import MemberState
from loyalty.programs.program import Program, Versions
from loyalty.tiers.holding import MOMENT

MEMBER = UUID(int=1)
inactive = st.sampled_from([10, 200, 330, 1000]).map(lambda n: {"mode": "inactivity", "after": {"days": n}})
changes = st.sampled_from([{}, {"on_change": "recalculate"}, {"on_change": "keep", "validity": {"days": 90}}])
moments = st.sampled_from([0, 20, 400]).map(lambda days: LAST + timedelta(days=days))


def member_of(history: History) -> MemberState:
    """The member with all that the shop and the staff said in the end."""
    snapshots = {each.external_id: each for each in history.statements if isinstance(each, OrderSnapshot)}
    gone = {id: each.observed_at for id, each in history.shop().items() if isinstance(each, OrderDeleted)}
    files = [make_file(order, gone.get(id)) for id, order in snapshots.items()]
    return make_member(
        *files, commands=[each for each in history.statements if isinstance(each, AdjustPoints)]
    )


def compare(
    state: MemberState, old: Versions, candidate: Program, question: Question, now: datetime
) -> Comparison:
    other, until = supposed(old, candidate, question), now + MOMENT
    found = Comparison(Side(old.at(until), until), Side(candidate, until), Losses())
    found.add(MEMBER, refold(state, old, until), refold(state, other, until))
    return found


def sums(side: Side) -> tuple[object, ...]:
    return side.members, side.tiers, side.given, side.outstanding, side.expired, side.debt, side.spend


@given(histories(), moments)
@settings(max_examples=200)
def test_a_switch_to_the_same_rules_changes_nothing(history: History, now: datetime) -> None:
    same = replace(history.versions.programs[-1], version=9, effective_from=now)
    found = compare(member_of(history), history.versions, same, Question.SWITCH, now)
    assert sums(found.before) == sums(found.after)
    assert (found.steps, found.losses) == ({}, Losses())


@given(histories(), moments)
@settings(max_examples=100)
def test_the_only_version_is_its_own_history(history: History, now: datetime) -> None:
    alone = history.versions.programs[0]
    found = compare(member_of(history), Versions((alone,)), alone, Question.HISTORY, now)
    assert sums(found.before) == sums(found.after)


@given(histories(), documents(), st.none() | inactive, changes, moments)
@settings(max_examples=300)
def test_a_switch_loses_what_it_says(
    history: History, document: dict[str, object], expiry: object, policy: dict[str, object], now: datetime
) -> None:
    parts = {**document, "tier_policy": policy, **({"expiry": expiry} if expiry else {})}
    candidate = make_program(9, now, **parts)
    found = compare(member_of(history), history.versions, candidate, Question.SWITCH, now)
    before, after, losses = found.before, found.after, found.losses
    assert losses is not None
    assert (before.given, before.debt, before.spend) == (after.given, after.debt, after.spend)
    assert before.outstanding == after.outstanding + losses.dying_points
    assert after.expired == before.expired + losses.dying_points
    assert 0 <= losses.earlier_points <= after.outstanding
    assert before.members == after.members == sum(after.tiers.values())

"""Random histories of one member: every arrival order ends in the same figures, and the laws hold after every step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from histories import (
    LAST,
    NUMBERS,
    Arrival,
    History,
    arrivals,
    histories,
    one_by_one,
    redeeming_histories,
    time_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import Ledger, Statement

from loyalty.commerce import OrderSnapshot
from loyalty.engine.commands import AdjustPoints, Command, RedeemReward, TagMember
from loyalty.programs.program import Versions

INSTANTS = [LAST + timedelta(days=days) for days in (0, 1, 40, 400)]
EVERY = redeeming_histories() | histories()


def live(history: History, arrival: Arrival) -> Ledger:
    """Take the batches one after the other, none before it could be known, then let everything fall due."""
    ledger, now = Ledger(history.versions), min(time_of(each) for each in history.statements)
    for batch in arrival.batches:
        now = max(now, *(time_of(each) for each in batch))
        ledger.take(batch, now)
        check(ledger, now)
        if ledger.to_read:
            ledger.take(answers(history, ledger), now)
            check(ledger, now)
    ledger.settle(LAST)
    check(ledger, LAST)
    return ledger


def answers(history: History, ledger: Ledger) -> list[Statement]:
    """What the shop says when it is asked, at the very end of all changes; not before there are the codes in it."""
    known = {each.number for each in ledger.commands}
    told = [history.shop()[id] for id in sorted(ledger.to_read)]
    told = [each for each in told if _numbers(each) <= known]
    ledger.to_read -= {each.external_id for each in told}
    return [replace(each, observed_at=LAST) if isinstance(each, OrderSnapshot) else each for each in told]


def _numbers(statement: Statement) -> set[int]:
    return {NUMBERS[use.code] for use in statement.coupons} if isinstance(statement, OrderSnapshot) else set()


def check(ledger: Ledger, now: datetime) -> None:
    """The laws hold, and what is stored is what a fold from nothing gives."""
    ledger.check(now)
    stored, rebuilt = ledger.dump(INSTANTS), ledger.dump_of_fold(INSTANTS, now)
    assert {key: stored[key] for key in rebuilt} == rebuilt


def promised(ledger: Ledger) -> dict[str, object]:
    """What does not depend on the order of arrival; how far back a head remembers may."""
    return {name: part for name, part in ledger.dump(INSTANTS).items() if name != "tally"}


@given(st.data())
@settings(max_examples=600)
def test_every_arrival_order_ends_in_the_same_figures(data: st.DataObject) -> None:
    history = data.draw(EVERY)
    in_order = live(history, one_by_one(history))
    shuffled = live(history, data.draw(arrivals(history)))
    if in_order.allocations or shuffled.allocations:
        shuffled.inject(in_order.allocations, LAST)
        check(shuffled, LAST)

    assert promised(shuffled) == promised(in_order)


@given(EVERY)
@settings(max_examples=300)
def test_a_repeated_statement_changes_nothing(history: History) -> None:
    ledger = live(history, one_by_one(history))
    before, entries = ledger.dump(INSTANTS), len(ledger.entries)
    for statement in history.statements:
        if not isinstance(statement, Command):
            ledger.take([statement], LAST)

    assert ledger.dump(INSTANTS) == before
    assert len(ledger.entries) == entries


@given(st.data())
@settings(max_examples=200)
def test_settling_in_between_changes_nothing(data: st.DataObject) -> None:
    """Jobs may visit a member at any instant, or never."""
    history = data.draw(EVERY)
    visits = data.draw(st.lists(st.integers(0, 300), max_size=6))
    visited, now = Ledger(history.versions), min(time_of(each) for each in history.statements)
    moments = [(now + timedelta(days=days, hours=3), None) for days in visits]
    told = [(time_of(each), each) for each in history.statements]
    for at, statement in sorted([*moments, *told], key=lambda moment: moment[0]):
        visited.take([statement], at) if statement is not None else visited.settle(at)
        check(visited, at)
    visited.settle(LAST)

    assert promised(visited) == promised(unread(history))


def unread(history: History) -> Ledger:
    """Everything as soon as it happens, and nothing is ever asked of the shop."""
    ledger = Ledger(history.versions)
    for statement in history.statements:
        ledger.take([statement], time_of(statement))
    ledger.settle(LAST)
    return ledger


@given(EVERY)
@settings(max_examples=200)
def test_spending_points_moves_no_tier(history: History) -> None:
    """The same life without deductions that count toward no tier, and with rewards that cost nothing: tiers, ends,
    terms and figures are the same. Bonuses aside: whether one can be withdrawn depends on whether it was spent.
    """
    programs = tuple(replace(program, automations=()) for program in history.versions.programs)
    history = replace(history, versions=Versions(programs))
    if any(_is_cut_off(each) for each in history.statements):
        history = replace(
            history, statements=tuple(each for each in history.statements if not _is_cut_off(each))
        )
    thrifty = tuple(_unspent(each) for each in history.statements)
    lives = (live(each, one_by_one(each)) for each in (history, replace(history, statements=thrifty)))
    spent, kept = (each.dump(INSTANTS) for each in lives)
    for part in ("tier", "periods", "head", "metrics", "order_count", "orders"):
        assert spent[part] == kept[part], part
    assert given_coupons(spent) == given_coupons(kept)


def given_coupons(dump: dict[str, Any]) -> list[str]:
    """The live coupons that nobody redeemed."""
    return [cause for cause in dump["coupons"] if not cause.startswith("redemption:")]


def _is_cut_off(statement: Statement) -> bool:
    """Of a deduction that counts toward the tier, `floor` takes only what the balance has."""
    return isinstance(statement, AdjustPoints) and statement.points < 0 and statement.counts_toward_tier


def _unspent(statement: Statement) -> Statement:
    if isinstance(statement, RedeemReward):
        return replace(statement, points=0)
    if not isinstance(statement, AdjustPoints) or statement.points >= 0:
        return statement
    return TagMember(statement.number, statement.accepted_at, (), (), "instead of spending")

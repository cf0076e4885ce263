"""Random histories of one member: every arrival order ends in the same figures, and the laws hold after every step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from histories import LAST, Arrival, History, arrivals, histories, one_by_one, time_of
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import Ledger, Statement

from loyalty.commerce import OrderSnapshot
from loyalty.engine.commands import AdjustPoints

INSTANTS = [LAST + timedelta(days=days) for days in (0, 1, 40, 400)]


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
    """What the shop says when it is asked, at the very end of all changes."""
    told = [history.shop()[id] for id in sorted(ledger.to_read)]
    ledger.to_read.clear()
    return [replace(each, observed_at=LAST) if isinstance(each, OrderSnapshot) else each for each in told]


def check(ledger: Ledger, now: datetime) -> None:
    """The laws hold, and what is stored is what a fold from nothing gives."""
    ledger.check(now)
    stored, rebuilt = ledger.dump(INSTANTS), ledger.dump_of_fold(INSTANTS, now)
    assert {key: stored[key] for key in rebuilt} == rebuilt


@given(st.data())
@settings(max_examples=600)
def test_every_arrival_order_ends_in_the_same_figures(data: st.DataObject) -> None:
    history = data.draw(histories())
    in_order = live(history, one_by_one(history))
    shuffled = live(history, data.draw(arrivals(history)))
    if in_order.allocations or shuffled.allocations:
        shuffled.inject(in_order.allocations, LAST)
        check(shuffled, LAST)

    assert shuffled.dump(INSTANTS) == in_order.dump(INSTANTS)


@given(histories())
@settings(max_examples=300)
def test_a_repeated_statement_changes_nothing(history: History) -> None:
    ledger = live(history, one_by_one(history))
    before, entries = ledger.dump(INSTANTS), len(ledger.entries)
    for statement in history.statements:
        if not isinstance(statement, AdjustPoints):
            ledger.take([statement], LAST)

    assert ledger.dump(INSTANTS) == before
    assert len(ledger.entries) == entries

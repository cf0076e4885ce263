"""A delivery that does not tell when an order was paid changes nothing of what is known of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import make_order

from loyalty.commerce import OrderState
from loyalty.engine.news import is_ambiguous
from loyalty.orders.snapshot import keep_known

PAID = make_order().placed_at
KNOWN = replace(make_order(), paid_at=PAID, completed_at=PAID + timedelta(days=1), observed_at=PAID)
GUESS = replace(
    KNOWN, paid_at=PAID - timedelta(days=3), completed_at=None, observed_at=None, is_partial=True,
    modified_at=KNOWN.modified_at + timedelta(days=60),
)  # fmt: skip


@pytest.mark.parametrize("state", [OrderState.LIVE, OrderState.REFUNDED, OrderState.DEAD])
def test_known_times_of_payment_and_completion_stay(state: OrderState) -> None:
    kept = keep_known(replace(GUESS, state=state), KNOWN)
    assert (kept.paid_at, kept.completed_at, kept.modified_at) == (
        KNOWN.paid_at, KNOWN.completed_at, GUESS.modified_at,
    )  # fmt: skip


def test_an_order_that_is_open_again_is_not_paid() -> None:
    again = replace(GUESS, state=OrderState.OPEN, paid_at=None)
    assert keep_known(again, KNOWN).paid_at is None


def test_what_was_not_known_is_taken_from_the_delivery() -> None:
    assert keep_known(GUESS, replace(KNOWN, paid_at=None)).paid_at == GUESS.paid_at


def test_a_whole_statement_replaces_what_is_known() -> None:
    whole = replace(GUESS, is_partial=False)
    assert keep_known(whole, KNOWN) == whole


def test_the_same_state_told_in_part_contradicts_nothing() -> None:
    same = replace(GUESS, modified_at=KNOWN.modified_at)
    assert not is_ambiguous(same, KNOWN)
    assert is_ambiguous(replace(same, total=same.total + 1), KNOWN)

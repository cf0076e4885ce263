"""Paid memberships: buying the product starts a term in a tier, buying it again extends it (S4);
law: a term is its order's, and goes when the order's line is refunded in full.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from loyalty.clock import day_end, day_start, local_date
from loyalty.commerce import OrderLine, OrderSnapshot
from loyalty.earning.base import line_matches
from loyalty.engine import tiering
from loyalty.engine.state import MemberState, OrderFile
from loyalty.programs.program import Membership, Program
from loyalty.tiers.holding import Term

BY = "membership"


def begin(state: MemberState, file: OrderFile, program: Program, at: datetime) -> None:
    """Start, or extend, the terms that an awarded order paid for."""
    if not program.memberships or file.snapshot is None or not file.rating or not file.rating.counts:
        return
    for membership in program.memberships:
        if any(line_matches(membership.match, line) for line in file.snapshot.lines):
            _add_term(state, membership, file, program, at)


def _add_term(
    state: MemberState, membership: Membership, file: OrderFile, program: Program, at: datetime
) -> None:
    """A term that is bought while another runs, its days of grace included, follows it without a gap."""
    tz, own = program.time_zone, f"{BY}:{membership.key}:"
    running = [term.paid_until for term in state.terms if term.cause.startswith(own) and term.paid_until]
    start = max(running, default=at)
    after = membership.term.after(start, tz)
    paid_until = day_start(local_date(after, tz), tz) if running else day_end(local_date(after, tz), tz)
    until = day_start(local_date(paid_until, tz) + timedelta(days=membership.grace_days), tz)
    term = Term(own + file.ref.key, BY, membership.tier, start, until, paid_until=paid_until)
    tiering.put_term(state, program, term, at)


def end_refunded(state: MemberState, file: OrderFile, program: Program, at: datetime) -> None:
    """End the terms of an order whose membership lines were refunded in full, or that ended."""
    own = [term for term in state.terms if term.by == BY and term.cause.endswith(f":{file.ref.key}")]
    if not own or file.snapshot is None:
        return
    gone = [term for term in own if file.ended or _is_refunded(file.snapshot, file, program, term)]
    if gone:
        state.terms = [term for term in state.terms if term not in gone]
        tiering.follow(state, program, at, f"{BY}_ended")


def _is_refunded(order: OrderSnapshot, file: OrderFile, program: Program, term: Term) -> bool:
    key = term.cause.split(":")[1]
    membership = next((item for item in program.memberships if item.key == key), None)
    if membership is None:
        return file.counts == 0
    lines = [line for line in order.lines if line_matches(membership.match, line)]
    return file.counts == 0 or all(_refunded(order, file, line) for line in lines)


def _refunded(order: OrderSnapshot, file: OrderFile, line: OrderLine) -> bool:
    """Return whether the refunds so far name all of a line: its amount, or its pieces."""
    named = [
        part
        for refund in order.refunds
        if refund.id in file.refund_ids
        for part in refund.lines
        if part.line_id == line.id
    ]
    amount = sum(part.amount for part in named)
    return bool(named) and (
        amount >= line.total + line.total_tax or sum(part.quantity for part in named) >= line.quantity
    )

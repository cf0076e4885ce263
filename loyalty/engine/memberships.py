"""Paid memberships: buying the product starts a term in a tier, buying it again extends it (S4);
law: a term is its order's, and goes when the order's line is refunded in full.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from loyalty.clock import day_end, day_start, local_date
from loyalty.earning.base import line_matches
from loyalty.earning.refunded import what_is_left
from loyalty.engine import tiering
from loyalty.engine.state import MemberState, OrderFile
from loyalty.programs.program import Membership, Program, Versions
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


def end_refunded(
    state: MemberState, file: OrderFile, program: Program, versions: Versions, at: datetime
) -> None:
    """End the terms of an order whose membership lines were refunded in full, or that ended; and what they gave."""
    own = [term for term in state.terms if term.by == BY and term.cause.endswith(f":{file.ref.key}")]
    if not own:
        return
    bought_by = versions.at(file.award_at) if file.award_at else None
    gone = [term for term in own if file.ended or _is_refunded(file, bought_by or program, term)]
    if gone:
        state.terms = [term for term in state.terms if term not in gone]
        _withdraw_rewards(state, file, gone)
        for own_cause in {_membership_of(term) for term in gone}:
            _close_gap(state, own_cause, at, program.time_zone)
        tiering.follow(state, program, at, f"{BY}_ended")


def _is_refunded(file: OrderFile, program: Program, term: Term) -> bool:
    """Return whether nothing is left of the order, or of its lines that the version of its award sells as this."""
    if file.counts == 0:
        return True
    key = term.cause.split(":")[1]
    membership = next((item for item in program.memberships if item.key == key), None)
    if membership is None or file.snapshot is None or file.rating is None:
        return False
    refunds = [refund for refund in file.snapshot.refunds if refund.id in file.refund_ids]
    left = what_is_left(file.snapshot, file.rating.parts, refunds)
    lines = [line for line in file.snapshot.lines if line_matches(membership.match, line)]
    return all(left.factors.get(line.id) == 0 for line in lines)


def _membership_of(term: Term) -> str:
    return f"{BY}:{term.cause.split(':')[1]}:"


def _close_gap(state: MemberState, own: str, at: datetime, tz: str) -> None:
    """Let terms that were paid for and waited begin as soon as the ones before them are over, now at the earliest."""
    free = at
    for term in sorted(
        (term for term in state.terms if term.cause.startswith(own)), key=lambda term: term.start
    ):
        if not term.begun and free < term.start:
            moved = _moved(term, free, at, tz)
            state.terms[state.terms.index(term)] = term = moved
        free = max(free, term.paid_until or free)


def _moved(term: Term, start: datetime, at: datetime, tz: str) -> Term:
    """Return a term with as many days of its own and of grace from an earlier start; a day that has begun is extra."""
    assert term.paid_until is not None
    assert term.until is not None
    first = local_date(start, tz)
    begun_day = 0 if day_start(first, tz) == start else 1
    days = (local_date(term.paid_until, tz) - local_date(term.start, tz)).days + begun_day
    grace = local_date(term.until, tz) - local_date(term.paid_until, tz)
    paid_until = first + timedelta(days=days)
    return term._replace(
        start=start,
        begun=start <= at,
        paid_until=day_start(paid_until, tz),
        until=day_start(paid_until + grace, tz),
    )


def _withdraw_rewards(state: MemberState, file: OrderFile, gone: list[Term]) -> None:
    """Withdraw unused rewards of the entries that the purchase caused (RULES §4)."""
    tiers = {term.tier_key for term in gone}
    for grant in state.grants.values():
        if not grant.judged and grant.granted_at == file.award_at and grant.tier_key in tiers:
            grant.withdrawn = not grant.used

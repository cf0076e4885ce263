"""What happens to a member by itself, with time: lots mature and expire, periods and terms end, versions take effect;
law: each at its own instant, whoever looks and whenever (RULES §2).
"""

from __future__ import annotations

from datetime import datetime

from loyalty.engine import tiering
from loyalty.engine.automating import follow_happenings
from loyalty.engine.expiring import expire, switch_expiry
from loyalty.engine.state import MemberState
from loyalty.engine.timeline import EventKey, Rank
from loyalty.programs.program import Program, Versions

_LAST = "￿"


def settle(state: MemberState, until: datetime, versions: Versions) -> None:
    """Let everything happen that is due up to `until`, in its order: lots first, then rules, tiers and terms."""
    while True:
        lot_due = state.wallet.next_due(until)
        tier_due = next_tier_due(state, versions)
        if tier_due is not None and tier_due <= until and (lot_due is None or tier_due < lot_due[0]):
            _settle_tier(state, tier_due, versions)
            follow_happenings(state, versions)
        elif lot_due is not None:
            at, expires, lot = lot_due
            if expires:
                expire(state, lot, at)
            else:
                state.wallet.pay_debt(lot, at)
            _move_head(state, at, Rank.EXPIRY if expires else Rank.MATURITY)
        else:
            return


def may_change_any_lot(state: MemberState, versions: Versions, until: datetime) -> bool:
    """Return whether what is due up to `until` may change lots that do not die by then: debt is paid by what matures,
    new rules date lots anew.
    """
    following = versions.after(state.rules)
    return state.wallet.debt > 0 or (following is not None and following.effective_from <= until)


def next_tier_due(state: MemberState, versions: Versions) -> datetime | None:
    """Return when the member's tier is judged next, falls, begins or ends by a term, or meets new rules."""
    if state.held is None:
        return None
    following = versions.after(state.rules)
    due = _earlier(state.held.due(), following.effective_from if following else None)
    for term in state.terms:
        due = _earlier(due, term.due())
    return due


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def _settle_tier(state: MemberState, at: datetime, versions: Versions) -> None:
    """Do one thing that is due at an instant: new rules go first, then the holding, then terms."""
    following = versions.after(state.rules)
    if following is not None and following.effective_from <= at:
        _take_effect(state, following, versions, at)
        return
    program = versions.at(at)
    assert program is not None
    assert state.held is not None
    if state.held.due() == at:
        tiering.fall(state, program, at) if state.held.falls_at else tiering.review(state, program, at)
    else:
        tiering.turn_terms(state, program, at)
    _move_head(state, at, Rank.EXPIRY)


def _take_effect(state: MemberState, program: Program, versions: Versions, at: datetime) -> None:
    """Let a version take effect. What arrives later and lies before it must be folded before it: the head moves,
    unless the version changes nothing for members.
    """
    old = versions.numbered(state.rules)
    assert old is not None
    state.rules = program.version
    if old.living() == program.living():
        return
    switch_expiry(state, old.expiry, program, at)
    tiering.change_rules(state, old, program, at)
    _move_head(state, at, Rank.EXPIRY)


def _move_head(state: MemberState, at: datetime, rank: Rank) -> None:
    place = EventKey(at, rank, 0, 0, _LAST)
    state.head = max(state.head, place) if state.head else place

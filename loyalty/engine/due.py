"""What happens to a member by itself, with time: lots mature and expire, periods and terms end, versions take effect;
law: each at its own instant, whoever looks and whenever (RULES §2).
"""

from __future__ import annotations

from datetime import datetime

from loyalty.engine import redeeming, spending, tiering
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
        tier_due, reward_due = next_tier_due(state, versions), next_reward_due(state)
        first = _earlier(tier_due, reward_due)
        if first is not None and first <= until and (lot_due is None or first < lot_due[0]):
            if first == reward_due:
                _settle_reward(state, first, versions)
            else:
                _settle_tier(state, first, versions)
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


def next_reward_due(state: MemberState) -> datetime | None:
    """Return when the next hold of a redemption ends by itself, or the time of an unused code."""
    if not state.redemptions and not state.credit.codes:
        return None
    ends = [redemption.due() for redemption in state.redemptions.values()]
    return min((end for end in (*ends, *state.credit.due()) if end is not None), default=None)


def sources_due(state: MemberState, until: datetime) -> set[str]:
    """Return the causes of the lots to which redemptions give points back that end by an instant."""
    due = (each for each in state.redemptions.values() if (end := each.due()) is not None and end <= until)
    return {source.lot for each in due for charge in each.charges for source in charge.sources}


def _settle_reward(state: MemberState, at: datetime, versions: Versions) -> None:
    """End the redemptions that are due at an instant, in the order of their numbers."""
    program = versions.at(at)
    assert program is not None
    for number in sorted(state.redemptions):
        if state.redemptions[number].due() == at:
            redeeming.fall_due(state, state.redemptions[number], program, at)
    for code in state.credit.codes.values():
        if code.due() == at:
            spending.release(state, code)
    _move_head(state, at, Rank.EXPIRY)


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

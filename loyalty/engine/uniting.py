"""What a merge makes of two members: from its time on one timeline, with what each had by then;
law: nothing is rewritten, so a merge that was undone leaves no trace in any fold (RULES §8).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from loyalty.engine import tiering
from loyalty.engine.expiring import redate_refilled
from loyalty.engine.state import MemberState
from loyalty.ledger.lots import NEVER
from loyalty.programs.program import Program
from loyalty.tiers.holding import Holding

UNIQUE = ("order:", "adjustment:", "opening:", "redemption:", "credit:", "merged:")
"""How causes begin that no two members of an account share."""


def unite(state: MemberState, other: MemberState, program: Program | None, at: datetime) -> None:
    """Let a member have from an instant on what another has then, both settled up to it.

    Points, figures and the past of orders are added up; of tiers the higher stays, and what both reach together
    lifts him at once.
    """
    _name_apart(other)
    _unite_records(state, other)
    state.wallet.unite(other.wallet, at)
    state.credit.unite(other.credit)
    state.tally.unite(other.tally)
    if program is None or (state.joined_at is None and other.joined_at is None):
        return
    tiering.join(state, program, at)
    state.happenings = []  # to be merged is no joining
    redate_refilled(state, program, at)
    if other.joined_at is not None:
        _unite_tiers(state, other, program, at)
    tiering.upgrade(state, program, at)


def united_cause(key: str, cause: str) -> str:
    """Return a cause of the member of this key as it is called in a union, where both may have had the same."""
    expiry, base = ("expiry:", cause[7:]) if cause.startswith("expiry:") else ("", cause)
    if ":" not in base or base.startswith(UNIQUE):
        return cause
    return f"{expiry}merged:{key}:{base}"


def _name_apart(other: MemberState) -> None:
    wallet, key = other.wallet, other.key
    for lot in wallet.lots.values():
        lot.cause = united_cause(key, lot.cause)
    wallet.lots = {lot.cause: lot for lot in wallet.lots.values()}
    wallet.touched = {united_cause(key, cause) for cause in wallet.touched}
    consumed = [
        (united_cause(key, lot), united_cause(key, by), n) for (lot, by), n in wallet.consumed.items()
    ]
    wallet.consumed = defaultdict(int, {(lot, by): points for lot, by, points in consumed})
    for charge in (one for each in other.redemptions.values() for one in each.charges):
        charge.sources = [it._replace(lot=united_cause(key, it.lot)) for it in charge.sources]
    other.movements = [replace(one, cause=united_cause(key, one.cause)) for one in other.movements]


def _unite_records(state: MemberState, other: MemberState) -> None:
    state.orders |= other.orders
    state.order_count += other.order_count
    state.movements += other.movements
    state.changed |= other.changed
    state.tags |= other.tags
    state.is_customer = state.is_customer or other.is_customer or not other.guest
    active = [at for at in (state.last_activity, other.last_activity) if at is not None]
    state.last_activity = max(active, default=None)
    _unite_bonuses(state, other)
    state.live_grants += other.live_grants
    state.redemptions |= other.redemptions
    for cause, grant in other.grants.items():
        grant.owner = grant.owner or other.key
        state.grants[cause] = grant
    for key, given in _rewarded(other).items():
        state.rewarded[key] = max(given, state.rewarded.get(key, given))


def _unite_bonuses(state: MemberState, other: MemberState) -> None:
    """What a rule ran once for is once for both; what it gave to either can still be taken back."""
    state.ran = {**other.ran, **state.ran}
    state.lost = {**other.lost, **state.lost}
    ordered = [(one.last_order_at, one.region) for one in (other, state) if one.last_order_at is not None]
    if ordered:
        state.last_order_at, state.region = max(ordered)
    for bonus in other.bonuses.values():
        bonus.owner = bonus.owner or other.key
        state.bonuses[f"merged:{bonus.owner}:{bonus.cause}"] = bonus


def _rewarded(state: MemberState) -> dict[str, datetime]:
    """Return when the reward of entering each tier was last given to him, or to somebody merged into him."""
    given = dict(state.rewarded)
    for period in state.periods:
        if period.rewarded:
            given[period.tier_key] = max(period.started_at, given.get(period.tier_key, period.started_at))
    return given


def _unite_tiers(state: MemberState, other: MemberState, program: Program, at: datetime) -> None:
    assert state.joined_at is not None
    assert other.joined_at is not None
    assert state.held is not None
    assert other.held is not None
    state.joined_at = min(state.joined_at, other.joined_at)
    if _standing(other.held, program) > _standing(state.held, program):
        state.held = other.held
    is_set = any(term.by == "override" for term in state.terms)
    state.terms += [term for term in other.terms if not (is_set and term.by == "override")]
    tiering.follow(state, program, at, "merged")


def _standing(held: Holding, program: Program) -> tuple[int, datetime]:
    """Return how a holding ranks beside another one: the higher tier, then the one that lasts longer."""
    return program.tier_rank(held.tier_key), held.due() or NEVER

"""How a member's tier follows his figures, his terms and the rules;
law: upgrades at once, with the event that reaches them; ends at their own instant (RULES §6).
"""

from __future__ import annotations

from datetime import datetime

from loyalty.clock import add_months_to_instant
from loyalty.engine.state import Grant, Happening, MemberState, Period
from loyalty.engine.timeline import parse_order_key
from loyalty.programs.automations import Trigger
from loyalty.programs.program import Program, Versions
from loyalty.tiers.holding import (
    MOMENT,
    Holding,
    Judgement,
    Term,
    fallback,
    grace_end,
    hold,
    keep_conditions,
    period_end,
)
from loyalty.tiers.qualification import Metrics, earned_tier, reaches, window_start

REWARD_AGAIN_AFTER_MONTHS = 12
IMPORTED = "imported"
QUIET = ("merged", IMPORTED)
"""For these reasons a tier is brought along: nobody rises, and nothing is won."""


def metrics_at(state: MemberState, program: Program, instant: datetime) -> Metrics:
    """Return the member's figures in the program's window up to and with an instant."""
    return state.tally.sum(_window(state, program, instant), instant)


def _window(state: MemberState, program: Program, instant: datetime) -> datetime | None:
    return window_start(program.tier_policy.window, instant, program.time_zone, state.joined_at)


def judgement_at(state: MemberState, program: Program, instant: datetime) -> Judgement:
    """Return the figures by which a tier is reached at an instant."""
    return Judgement(_window(state, program, instant), instant)


def join(state: MemberState, program: Program, at: datetime) -> None:
    """Make a person a member of the first tier."""
    if state.joined_at is not None:
        return
    first = program.tiers[0].key
    state.joined_at = at
    state.rules = program.version
    state.held = Holding(first, at)
    state.periods.append(Period(first, 1, at, "joined", reason="joined"))
    state.happenings.append(Happening(Trigger.MEMBER_JOINED, at, "joined"))


def upgrade(state: MemberState, program: Program, at: datetime, order_key: str = "") -> None:
    """Lift the member to the highest tier that his figures reach; an upgrade ends any grace."""
    held = _held(state)
    if held.tier_key == program.tiers[-1].key:
        return
    earned = earned_tier(program, metrics_at(state, program, at))
    if program.tier_rank(earned.key) <= program.tier_rank(held.tier_key):
        return
    state.held = hold(program, earned.key, at, judgement_at(state, program, at))
    follow(state, program, at, "reached", order_key)


def _held(state: MemberState) -> Holding:
    assert state.held is not None, "only members have tiers"
    return state.held


def present_tier(state: MemberState, program: Program) -> tuple[str, datetime | None]:
    """Return the tier that counts now and its end: the override, else the highest of what is earned and granted."""
    held = _held(state)
    best, until = held.tier_key, held.due()
    for term in state.terms:
        if not term.begun or not program.has_tier(term.tier_key):
            continue
        if term.by == "override":
            return term.tier_key, term.until
        if program.tier_rank(term.tier_key) > program.tier_rank(best):
            best, until = term.tier_key, term.until
    return best, until


def follow(state: MemberState, program: Program, at: datetime, reason: str, order_key: str = "") -> None:
    """Begin a new period when another tier counts now, and grant the reward of rising into it."""
    key, last = present_tier(state, program)[0], state.periods[-1]
    if key == last.tier_key:
        return
    entry = 1 + max((period.entry for period in state.periods if period.tier_key == key), default=0)
    cause = f"tier:{state.key}:{key}:{entry}"
    rises = program.tier_rank(key) > program.tier_rank(last.tier_key)
    is_won = rises and reason not in QUIET
    reward = program.reward(program.tier(key).benefits.entry_reward or "") if is_won else None
    rewarded = reward is not None and reward.is_given and _may_reward(state, key, at, program)
    state.periods.append(Period(key, entry, at, cause, rewarded, reason))
    judged = reason == "reached"
    if reason not in QUIET:
        change = Happening(Trigger.TIER_CHANGED, at, f"{key}:{entry}", order_key, key, rises, judged)
        state.happenings.append(change)
    if rewarded and reward is not None:
        store = parse_order_key(order_key).store if order_key else 0
        used = cause in state.used_causes
        state.grants[cause] = Grant(
            cause, reward.key, program.version, at, key, store,
            used=used, judged=judged, is_claim=reward.is_claim,
        )  # fmt: skip


def _may_reward(state: MemberState, tier_key: str, at: datetime, program: Program) -> bool:
    """Return whether the tier's reward was not given in the last 12 months, to him or to whom he was merged with."""
    given = [period.started_at for period in state.periods if period.tier_key == tier_key and period.rewarded]
    given += [state.rewarded[tier_key]] if tier_key in state.rewarded else []
    return not given or add_months_to_instant(max(given), REWARD_AGAIN_AFTER_MONTHS, program.time_zone) <= at


def withdraw_unreached(state: MemberState, program: Program, versions: Versions) -> None:
    """Withdraw unused entry rewards whose entry the figures net of all refunds so far no longer reach."""
    for grant in state.grants.values():
        if grant.withdrawn or grant.used or not grant.judged:
            continue
        judged_by = versions.at(grant.granted_at) or program
        tier = judged_by.tier(grant.tier_key)
        if not reaches(tier.enter, metrics_at(state, judged_by, grant.granted_at)):
            grant.withdrawn = True


def reconsider(state: MemberState, program: Program, at: datetime) -> None:
    """After a refund, where refunds count at once: stay while the judgement that opened the period, net of the
    refunds so far, or `enter` over the window now, holds; else fall without grace (RULES §9 (27)).
    """
    held = _held(state)
    if program.tier_policy.on_refund != "at_once" or program.tier_rank(held.tier_key) == 0 or held.falls_at:
        return
    now = metrics_at(state, program, at)
    tier, judged = program.tier(held.tier_key), held.judgement
    if judged is None or reaches(tier.enter, now):
        return
    conditions = keep_conditions(tier) if judged.by_keep else tier.enter
    if reaches(conditions, state.tally.sum(judged.start, judged.until)):
        return
    by_window = judgement_at(state, program, at)
    state.held = hold(program, fallback(program, tier.key, now).key, at, _ground(program, by_window))
    follow(state, program, at, "refunded")


def _ground(program: Program, judgement: Judgement) -> Judgement | None:
    """Return by what a tier fallen to stands: the figures that reach it; one step down stands on none."""
    return (
        None if program.tier_policy.downgrade == "one_step" else Judgement(judgement.start, judgement.until)
    )


def review(state: MemberState, program: Program, at: datetime) -> None:
    """At the end of a period, judge whether the tier is kept by the figures of the period just ended."""
    held = _held(state)
    judgement = Judgement(held.since, at - MOMENT, by_keep=True)
    figures = state.tally.sum(judgement.start, judgement.until)
    if reaches(keep_conditions(program.tier(held.tier_key)), figures):
        state.held = hold(program, held.tier_key, at, judgement)
        _renew(state, at)
        return
    falls_to = fallback(program, held.tier_key, figures).key
    state.held = Holding(held.tier_key, held.since, held.until, judgement, falls_to, grace_end(program, at))


def _renew(state: MemberState, at: datetime) -> None:
    last = state.periods[-1]
    if last.tier_key == _held(state).tier_key:
        state.periods.append(last._replace(started_at=at, rewarded=False, reason="renewed"))


def fall(state: MemberState, program: Program, at: datetime) -> None:
    """At the end of the grace, hold the lower tier that the verdict named."""
    held = _held(state)
    assert held.judgement is not None
    key = (
        held.falls_to
        if held.falls_to and program.has_tier(held.falls_to)
        else _fallback_again(state, program)
    )
    state.held = hold(program, key, at, _ground(program, held.judgement))
    follow(state, program, at, "fell")


def _fallback_again(state: MemberState, program: Program) -> str:
    """Return where the verdict leads by rules that no longer have the tier that it named."""
    held = _held(state)
    assert held.judgement is not None
    figures = state.tally.sum(held.judgement.start, held.judgement.until)
    return fallback(program, held.tier_key, figures).key


def change_rules(state: MemberState, old: Program, program: Program, at: datetime) -> None:
    """When another version takes effect: keep the tier until its period ends, or judge it anew, as it says."""
    if (old.tiers, old.tier_policy) == (program.tiers, program.tier_policy):
        return
    held = _held(state)
    if not program.has_tier(held.tier_key) or program.tier_policy.on_change == "recalculate":
        earned = earned_tier(program, metrics_at(state, program, at)).key
        judgement = Judgement(_window(state, program, at), at)
        state.held = hold(program, earned, at, judgement) if earned != held.tier_key else held
    held = _held(state)
    end = period_end(program, held.tier_key, at) if held.until is None else None
    if end is not None:
        state.held = held._replace(since=at, until=end)
    follow(state, program, at, "rules")


def put_term(state: MemberState, program: Program, term: Term, at: datetime) -> None:
    """Hold the member in a tier for a term, unless it is over; an override takes the place of the one before."""
    begun = term._replace(begun=term.start <= at)
    others = [
        other
        for other in state.terms
        if other.cause != term.cause and (term.by != "override" or other.by != "override")
    ]
    is_over = term.until is not None and term.until <= at
    state.terms = others if is_over else [*others, begun]
    follow(state, program, at, term.by)


def end_term(state: MemberState, program: Program, cause: str, at: datetime) -> None:
    """End the term of a cause, if it runs."""
    over = [term for term in state.terms if term.cause == cause]
    state.terms = [term for term in state.terms if term.cause != cause]
    if over:
        follow(state, program, at, f"{over[0].by}_ended")


def end_terms(state: MemberState, program: Program, at: datetime, by: str) -> None:
    """End every term on a ground."""
    state.terms = [term for term in state.terms if term.by != by]
    follow(state, program, at, f"{by}_ended")


def turn_terms(state: MemberState, program: Program, at: datetime) -> None:
    """Begin and end the terms whose instant has come."""
    over = [term for term in state.terms if term.until is not None and term.until <= at]
    begun = [term for term in state.terms if not term.begun and term.start <= at]
    left = [term for term in state.terms if term not in over]
    state.terms = [term._replace(begun=term.begun or term.start <= at) for term in left]
    follow(state, program, at, f"{over[0].by}_ended" if over and not begun else begun[0].by if begun else "")

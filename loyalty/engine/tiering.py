"""How a member's tier follows his figures; law: upgrades at once, with the event that reaches them (RULES §6)."""

from __future__ import annotations

from datetime import datetime

from loyalty.clock import add_months_to_instant
from loyalty.engine.state import Grant, MemberState, Period
from loyalty.engine.timeline import Event, parse_order_key
from loyalty.programs.program import Program, Versions
from loyalty.tiers.qualification import Metrics, earned_tier, reaches, window_start

REWARD_AGAIN_AFTER_MONTHS = 12
COUPON_KINDS = frozenset({"fixed_discount", "percent_discount"})


def metrics_at(state: MemberState, program: Program, instant: datetime) -> Metrics:
    """Return the member's figures in the program's window up to and with an instant."""
    start = window_start(program.tier_policy.window, instant, program.time_zone, state.joined_at)
    return state.tally.sum(start, instant)


def upgrade(state: MemberState, event: Event, program: Program) -> None:
    """Lift the member to the highest tier that his figures reach, and grant the reward of entering it."""
    if state.tier_key == program.tiers[-1].key:
        return
    earned = earned_tier(program, metrics_at(state, program, event.key.at))
    if program.tier_rank(earned.key) <= program.tier_rank(state.tier_key or ""):
        return
    at = event.key.at
    entry = 1 + sum(period.tier_key == earned.key for period in state.periods)
    reward = program.reward(earned.benefits.entry_reward or "")
    rewarded = (
        reward is not None and reward.kind in COUPON_KINDS and _may_reward(state, earned.key, at, program)
    )
    cause = f"tier:{state.key}:{earned.key}:{entry}"
    state.periods.append(Period(earned.key, entry, at, cause, rewarded))
    if rewarded and reward is not None:
        store = parse_order_key(event.order_key).store if event.order_key else 0
        used = cause in state.used_causes
        state.grants[cause] = Grant(cause, reward.key, program.version, at, earned.key, store, used=used)


def _may_reward(state: MemberState, tier_key: str, at: datetime, program: Program) -> bool:
    """Return whether the tier's reward was not given in the last 12 months."""
    given = [period.started_at for period in state.periods if period.tier_key == tier_key and period.rewarded]
    return not given or add_months_to_instant(given[-1], REWARD_AGAIN_AFTER_MONTHS, program.time_zone) <= at


def withdraw_unreached(state: MemberState, event: Event, program: Program, versions: Versions) -> None:
    """Withdraw unused entry rewards whose entry the figures net of all refunds so far no longer reach."""
    for grant in state.grants.values():
        if grant.withdrawn or grant.used:
            continue
        judged_by = versions.at(grant.granted_at) or program
        tier = judged_by.tier(grant.tier_key)
        if not reaches(tier.enter, metrics_at(state, judged_by, grant.granted_at)):
            grant.withdrawn = True

"""Whether a member may redeem a reward, and what it costs him; law: the list and the moment of redeeming judge alike
(RULES §7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from loyalty.clock import day_start, local_date
from loyalty.errors import Invalid
from loyalty.programs.catalogue import DISCOUNT_KINDS, VARIABLE_DISCOUNT, Reward
from loyalty.programs.program import Program
from loyalty.values import ONE, ZERO, decimal_floor

NOT_REDEEMABLE = "not_redeemable"
NOT_OFFERED = "not_offered"
ARCHIVED = "archived"
NOT_BEGUN = "not_begun"
OVER = "over"
TIER = "tier"
OUT_OF_STOCK = "out_of_stock"
USED_UP = "used_up"
MINIMUM_BALANCE = "minimum_balance"
NOT_ENOUGH_POINTS = "not_enough_points"
DISCOUNT_SHARE = "discount_share"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reward is refused; `missing`: the points that are missing, where points are the reason."""

    code: str
    missing: int | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What the judgement looks at beside the rules."""

    tier_key: str | None
    available: int
    """The member's points that he may spend now; below 0 when he owes some."""
    uses: int
    """His redemptions of the reward that stand, in its period that runs now."""
    taken: int
    """Everybody's redemptions of the reward that stand."""
    now: datetime
    points: int
    """What it would cost him."""
    is_blocked: bool = False
    """Whether no discount is redeemed now, because discounts take too much of the revenue (S65)."""
    is_offered: bool = True
    """Whether a connected shop, or people, can give it."""


def refusals(reward: Reward, program: Program, situation: Situation) -> tuple[Refusal, ...]:
    """Return every reason against redeeming a reward now; none: it may be redeemed."""
    if reward.points is None:
        return (Refusal(NOT_REDEEMABLE),)
    if not situation.is_offered:
        return (Refusal(NOT_OFFERED),)
    return (
        *_against_the_reward(reward, situation),
        *_against_the_member(reward, program, situation),
        *_missing_points(reward, situation),
    )


def _against_the_reward(reward: Reward, situation: Situation) -> Iterator[Refusal]:
    if reward.archived:
        yield Refusal(ARCHIVED)
    if reward.opens is not None and situation.now < reward.opens:
        yield Refusal(NOT_BEGUN)
    if reward.closes is not None and situation.now >= reward.closes:
        yield Refusal(OVER)
    if reward.stock is not None and situation.taken >= reward.stock:
        yield Refusal(OUT_OF_STOCK)
    if situation.is_blocked and reward.kind in DISCOUNT_KINDS:
        yield Refusal(DISCOUNT_SHARE)


def _against_the_member(reward: Reward, program: Program, situation: Situation) -> Iterator[Refusal]:
    if not program.admits(reward, situation.tier_key):
        yield Refusal(TIER)
    if reward.per_member is not None and situation.uses >= reward.per_member.uses:
        yield Refusal(USED_UP)


def _missing_points(reward: Reward, situation: Situation) -> Iterator[Refusal]:
    """Yield what is missing; whoever owes points may have what asks for none."""
    for code, needed in ((MINIMUM_BALANCE, reward.minimum_balance), (NOT_ENOUGH_POINTS, situation.points)):
        if needed and situation.available < needed:
            yield Refusal(code, needed - situation.available)


def period_start(period: str, now: datetime, tz: str) -> datetime | None:
    """Return when the local day, week (from Monday), month or year that contains an instant began; lifetime: None."""
    day = local_date(now, tz)
    if period == "week":
        day -= timedelta(days=day.weekday())
    elif period == "month":
        day = day.replace(day=1)
    elif period == "year":
        day = day.replace(month=1, day=1)
    return day_start(day, tz) if period != "lifetime" else None


def least_price(reward: Reward, program_decimals: int) -> int:
    """Return the fewest points that a reward may be redeemed for: of a variable discount the first step that is worth
    some money; 0 where it has no price.
    """
    if reward.kind != VARIABLE_DISCOUNT:
        return reward.points or 0
    coin = Fraction(1, 10**program_decimals)
    needed = max(Fraction(reward.least or 1), coin * Fraction(ONE, _unit(reward)))
    return (needed * Fraction(1, reward.step)).__ceil__() * reward.step


def price(
    reward: Reward, program_decimals: int, *, points: int | None, amount: Decimal | None
) -> tuple[int, Decimal]:
    """Return what a variable discount costs in points and takes off in money, for points or for an exact amount.

    Money is rounded down to the decimals, points up to the next step that pays the amount. Raises Invalid, path
    `/points` or `/amount`, for both or none, below `min`, above `max`, off `step` or decimals, and what is worth
    nothing.
    """
    if points is not None and amount is None:
        _check_points(reward, points, "/points")
        worth = decimal_floor(points * _unit(reward), program_decimals)
        if not worth:
            raise _mistake("/points", "Must be worth some money.")
        return points, worth
    if amount is None or points is not None:
        raise _mistake("/points", "Either points or an amount must be given.")
    _check_amount(amount, program_decimals)
    whole_steps = (Fraction(amount) * Fraction(1, reward.step) * Fraction(ONE, _unit(reward))).__ceil__()
    needed = whole_steps * reward.step
    _check_points(reward, needed, "/amount")
    return needed, amount


def _unit(reward: Reward) -> Fraction:
    """Return the money that one point is worth."""
    return Fraction(reward.amount or ZERO, reward.points or 1)


def _check_points(reward: Reward, points: int, path: str) -> None:
    least = reward.least or 1
    if points < least:
        raise _mistake(path, f"Must be at least {least} points.")
    if reward.most is not None and points > reward.most:
        raise _mistake(path, f"Must be at most {reward.most} points.")
    if points % reward.step:
        raise _mistake(path, f"Must be in steps of {reward.step} points.")


def _check_amount(amount: Decimal, decimals: int) -> None:
    if not amount.is_finite() or amount <= 0:
        raise _mistake("/amount", "Must be above 0.")
    if decimal_floor(Fraction(amount), decimals) != amount:
        raise _mistake("/amount", f"Must have at most {decimals} decimals.")


def _mistake(path: str, message: str) -> Invalid:
    return Invalid(None, {path: [message]})

"""Hypothesis strategies: what staff, an API or a rule tells Laurel about a member."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from loyalty.engine.commands import (
    AdjustCredit,
    AdjustPoints,
    Command,
    Ending,
    EndRedemption,
    ImportMember,
    RecordActivity,
    RedeemReward,
    RunActions,
    SetTier,
    Source,
    SpendCredit,
    TagMember,
    TierBy,
    UndoActions,
    UndoImport,
)
from loyalty.engine.opening import Figure, Opening, OpeningCredit, OpeningLot, OpeningTier
from loyalty.tiers.holding import Term

POINTS = st.sampled_from([-1000, -120, -7, 1, 60, 500])
TIERS = st.sampled_from([None, "regular", "silver", "silver", "gold", "gold", "black"])
MONEY = st.sampled_from(["-30", "-2.5", "1.25", "8", "40"])
PRICES = st.sampled_from([0, 1, 40, 60, 60, 200])
REDEEMED = st.sampled_from(
    [
        ("off", "fixed_discount", False),
        ("off", "fixed_discount", False),
        ("off", "fixed_discount", False),
        ("any", "variable_discount", True),
        ("talk", "service", False),
        ("partner", "external", True),
    ]
)
"""Rewards with their kinds, and whether points wait for a use."""
TERMS = st.sampled_from([None, 1, 3600, 86400, 20 * 86400, 40 * 86400])
"""Seconds for which a tier is set."""


@st.composite
def commands(draw: Callable[..., Any], first: datetime, gaps: st.SearchStrategy[int]) -> list[Command]:
    """Accepted commands, numbered in the order of their times."""
    seconds = draw(st.lists(st.lists(gaps, max_size=4).map(sum), max_size=4))
    times = sorted(first + timedelta(seconds=each) for each in seconds)
    kinds = st.sampled_from(
        [
            adjust,
            adjust,
            set_tier,
            set_tier,
            record,
            tag,
            run,
            undo,
            buy,
            spend,
            give,
            end_any,
            bring,
            bring,
            undo_import,
        ]
    )
    return [draw(kinds)(draw, number, at) for number, at in enumerate(times, 1)]


@st.composite
def redeeming_commands(
    draw: Callable[..., Any], first: datetime, gaps: st.SearchStrategy[int]
) -> list[Command]:
    """Accepted commands, some of which redeem rewards or make codes of credit, and end these, also twice."""
    seconds = draw(st.lists(st.lists(gaps, max_size=4).map(sum), min_size=1, max_size=6))
    times = sorted(first + timedelta(seconds=each) for each in seconds)
    kinds = st.sampled_from([adjust, redeem, redeem, redeem, spend, give, tag])
    accepted: list[Command] = []
    for number, at in enumerate(times, 1):
        redeemed = [each.number for each in accepted if isinstance(each, RedeemReward | SpendCredit)]
        if redeemed and draw(st.integers(0, 9)) < 6:
            accepted.append(end(draw, number, at, draw(st.sampled_from(redeemed))))
        else:
            accepted.append(draw(kinds)(draw, number, at))
    return accepted


def adjust(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    return AdjustPoints(number, at, draw(POINTS), "because", draw(st.booleans()), "staff")


def set_tier(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    seconds = draw(TERMS)
    until = None if seconds is None else at + timedelta(seconds=seconds)
    by = draw(st.sampled_from([TierBy.OVERRIDE, TierBy.OVERRIDE, TierBy.INVITATION]))
    return SetTier(number, at, by, draw(TIERS), until, "because", "staff")


def record(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    return RecordActivity(
        number, at, "talk", str(number), draw(st.sampled_from([0, 3, 10])), draw(st.booleans()), "", "api"
    )


def tag(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    add, remove = draw(st.sampled_from([(("staff",), ()), (("vip",), ()), ((), ("staff",))]))
    return TagMember(number, at, add, remove, "", "api")


def run(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    return RunActions(number, at, Source.AUTOMATION, "cake", str(number), {}, "birthday", "laurel")


def redeem(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    """Whether the member had the points is not asked: what he lacks is as if an order had gone since."""
    reward, kind, waits = draw(REDEEMED)
    until = at + timedelta(minutes=30) if waits else None
    store = 0 if kind in ("service", "external") else 1
    amount = "5" if kind == "variable_discount" else ""
    return RedeemReward(number, at, reward, kind, draw(PRICES), amount, store, until, "redeemed", "amy")


def end(draw: Callable[..., Any], number: int, at: datetime, redemption: int) -> Command:
    ending = draw(st.sampled_from([Ending.CAPTURED, Ending.CAPTURED, Ending.RELEASED, Ending.CANCELLED]))
    return EndRedemption(number, at, redemption, ending, "answered", "shop")


def undo(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    occasion = str(draw(st.integers(1, max(1, number - 1))))
    return UndoActions(number, at, Source.AUTOMATION, "cake", occasion, "by hand")


def buy(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    return RedeemReward(number, at, "money", "store_credit", 40, "", 0, None, "redeemed", "api")


def give(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    return AdjustCredit(number, at, draw(MONEY), "because", "staff")


def spend(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    seconds = draw(st.sampled_from([1, 86400, 30 * 86400, None]))
    until = at + timedelta(seconds=seconds) if seconds else None
    return SpendCredit(number, at, draw(st.sampled_from(["0.5", "7", "25"])), 1, until, "a code", "api")


def end_any(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    ending = draw(st.sampled_from(list(Ending)))
    return EndRedemption(number, at, draw(st.integers(1, max(1, number - 1))), ending, "", "api")


def bring(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    """All that a member may bring from another system; what is over there is not brought."""
    days = st.sampled_from([None, 1, 20, 40, 400])
    lots = [
        OpeningLot(
            points, at - timedelta(days=draw(st.integers(0, 90))), at + timedelta(days=wait), _after(at, life)
        )
        for points, wait, life in draw(
            st.lists(st.tuples(st.sampled_from([1, 60, 500]), st.just(0), days), max_size=2)
        )
    ]
    lots += [OpeningLot(30, at, at + timedelta(days=10), None)] if draw(st.booleans()) else []
    figures = [
        Figure(
            at - timedelta(days=ago),
            draw(st.sampled_from(["0", "10/3", "120"])),
            1,
            60,
            draw(st.integers(0, 1)),
        )
        for ago in draw(st.lists(st.sampled_from([0, 5, 70, 9000]), max_size=3))
    ]
    key, until = draw(TIERS), _after(at, draw(days))
    opening = Opening(
        lots=tuple(lots),
        debt=draw(st.sampled_from([0, 0, 25])),
        credit=draw(st.sampled_from([(), (OpeningCredit("8"), OpeningCredit("2", at + timedelta(days=3)))])),
        joined_at=draw(st.sampled_from([None, at - timedelta(days=500)])),
        figures=tuple(figures),
        orders=len(figures),
        active_at=draw(st.sampled_from([None, at - timedelta(days=2)])),
        tier=_tier(draw, key, until, at) if key else None,
        terms=(Term("invitation:imported:1", "invitation", key, at, until, begun=True),)
        if key and until
        else (),
        rewarded=(("gold", at - timedelta(days=30)),),
        tags=draw(st.sampled_from([(), ("vip",)])),
    )
    return ImportMember(number, at, opening, str(number), "because", "staff")


def _after(at: datetime, days: int | None) -> datetime | None:
    return None if days is None else at + timedelta(days=days)


def _tier(draw: Callable[..., Any], key: str, until: datetime | None, at: datetime) -> OpeningTier:
    since = at - timedelta(days=draw(st.sampled_from([0, 45, 800])))
    if draw(st.integers(0, 4)) == 0:
        return OpeningTier(key, since, at - timedelta(days=1), "regular", at + timedelta(days=6))
    return OpeningTier(key, since, until)


def undo_import(draw: Callable[..., Any], number: int, at: datetime) -> Command:
    return UndoImport(number, at, draw(st.integers(1, max(1, number - 1))), "a mistake", "staff")

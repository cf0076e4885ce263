"""Advice on a program by the account's own orders: tiers and rewards out of reach (S17, S91); law: writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Connection

from loyalty.accounts.service import get_account
from loyalty.engine.comparison import Side
from loyalty.engine.simulation import Question, simulate
from loyalty.programs.design import list_advice
from loyalty.programs.document import Context, build_program, check_document
from loyalty.programs.lint import Notice, advice, lint
from loyalty.programs.lint_rewards import list_reward_warnings
from loyalty.programs.program import Program
from loyalty.programs.words import named, number, percent
from loyalty.stores.service import list_platforms
from loyalty.values import AccountId

LEAST_ABLE = Fraction(1, 5)
"""So many of the members who joined a year ago should have had the points of the cheapest reward within that year."""
LEAST_REACHING = Fraction(1, 100)
"""So many of all members should have reached a tier."""


@dataclass(frozen=True, slots=True)
class Linted:
    """What does nothing or not what one expects, and advice on the design."""

    warnings: list[Notice]
    advice: list[Notice]


def lint_document(
    connection: Connection, account: AccountId, document: object, now: datetime, *, on_orders: bool
) -> Linted:
    """Judge a document as if it were published now, `on_orders` by the account's past orders too; raises Invalid."""
    checked, row = check_document(document), get_account(connection)
    program = build_program(document, Context(row["currency"], row["time_zone"], row["decimals"]), 1, now)
    found = list_advice(program)
    if on_orders:
        found += list_advice_on_orders(connection, account, document, now)
    return Linted([*lint(checked, list_platforms(connection)), *list_reward_warnings(program)], found)


def list_advice_on_orders(
    connection: Connection, account: AccountId, document: object, now: datetime
) -> list[Notice]:
    """Return advice from folding every member as if the document had always been in force; raises Invalid.

    Nothing without members. It takes as long as a simulation.
    """
    side = simulate(connection, account, document, Question.HISTORY, now).found.after
    if not side.members or side.program is None:
        return []
    return [*_rewards(side, side.program), *_tiers(side, side.program)]


def _rewards(side: Side, program: Program) -> Iterator[Notice]:
    reach = side.reach
    if reach is None or not reach.aged or reach.within_year >= LEAST_ABLE * reach.aged:
        return
    reward = reach.rate.reward
    yield advice(
        "reward_out_of_reach",
        f"/rewards/{program.rewards.index(reward)}/points",
        "依過去的訂單，加入滿一年的 {of} 位會員中只有 {members} 位（{share}）在 12 個月內能兌換最便宜的「{reward}」"
        "（{points} {unit}）；建議至少 {least}。",
        "按过去的订单，加入满一年的 {of} 位会员中只有 {members} 位（{share}）在 12 个月内能兑换最便宜的“{reward}”"
        "（{points} {unit}）；建议至少 {least}。",
        "By past orders only {members} of {of} members who joined a year ago ({share}) could have had the cheapest"
        " reward, {reward} for {points} {unit}, within 12 months; it should be {least} or more.",
        members=number(reach.within_year),
        of=number(reach.aged),
        share=percent(Fraction(reach.within_year, reach.aged)),
        reward=named(reward.name, reward.key),
        points=number(reach.rate.points),
        unit=program.points_name,
        least=percent(LEAST_ABLE),
    )


def _tiers(side: Side, program: Program) -> Iterator[Notice]:
    for rank, tier in enumerate(program.tiers):
        reached = side.reached(rank)
        if rank == 0 or tier.enter is None or reached >= LEAST_REACHING * side.members:
            continue
        yield advice(
            "tier_out_of_reach",
            f"/tiers/{rank}/enter",
            "依過去的訂單，{of} 位會員中只有 {members} 位（{share}）曾達到{tier}；建議至少 {least}。",
            "按过去的订单，{of} 位会员中只有 {members} 位（{share}）曾达到{tier}；建议至少 {least}。",
            "By past orders only {members} of {of} members ({share}) ever reached {tier}; {least} or more should.",
            members=number(reached),
            of=number(side.members),
            share=percent(Fraction(reached, side.members)),
            tier=named(tier.name, tier.key),
            least=percent(LEAST_REACHING),
        )

"""What the rewards of a program cannot do in its currency and its time; law: warns, never refuses."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.programs.catalogue import Reward
from loyalty.programs.lint import Notice, warning
from loyalty.programs.program import Program
from loyalty.programs.words import money, named


def list_reward_warnings(program: Program) -> list[Notice]:
    """Return a warning for each amount finer than the currency, and for each reason why a reward with a price is out of
    everybody's reach from the beginning.
    """
    found: list[Notice] = []
    for index, reward in enumerate(program.rewards):
        if not reward.archived:
            found += _too_fine(program, f"/rewards/{index}", reward)
            found += _out_of_reach(program, f"/rewards/{index}", reward)
    return found


def _too_fine(program: Program, path: str, reward: Reward) -> Iterator[Notice]:
    amount = reward.amount if reward.kind == "fixed_discount" else None
    if amount is not None and (amount * 10**program.decimals).denominator != 1:
        yield warning(
            "finer_than_money", f"{path}/amount",
            "「{name}」的金額 {amount} 比貨幣的最小單位還小，商店會自行進位。",
            "“{name}”的金额 {amount} 比货币的最小单位还小，商店会自行进位。",
            "{name} is worth {amount}, which the currency cannot pay exactly; the shop rounds it up.",
            name=named(reward.name, reward.key), amount=money(amount, program.currency, program.decimals),
        )  # fmt: skip


def _out_of_reach(program: Program, path: str, reward: Reward) -> Iterator[Notice]:
    if reward.points is None:
        return
    name = named(reward.name, reward.key)
    if not any(program.admits(reward, tier.key) for tier in program.tiers):
        yield warning(
            "nobody_may_have", f"{path}/tiers",
            "沒有任何等級可以兌換「{name}」：tiers 所列的等級都低於 from_tier。",
            "没有任何等级可以兑换“{name}”：tiers 所列的等级都低于 from_tier。",
            "No tier may redeem {name}: those of `tiers` lie below `from_tier`.",
            name=name,
        )  # fmt: skip
    if reward.closes is not None and reward.closes <= program.effective_from:
        yield warning(
            "nobody_may_have", f"{path}/until",
            "「{name}」的兌換期間在這些規則生效前就結束了。",
            "“{name}”的兑换期间在这些规则生效前就结束了。",
            "The time of {name} is over before these rules begin.",
            name=name,
        )  # fmt: skip
    if reward.stock == 0:
        yield warning(
            "nobody_may_have", f"{path}/stock",
            "「{name}」的數量是 0，沒有人可以兌換。",
            "“{name}”的数量是 0，没有人可以兑换。",
            "There is no {name} to redeem: its stock is 0.",
            name=name,
        )  # fmt: skip

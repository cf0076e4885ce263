"""What part of the spend returns as store credit, in words."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words import amount, tier_name
from loyalty.programs.terms import NegativeBalance
from loyalty.programs.words import days, number, say


def cash_back(program: Program) -> Iterator[Text]:
    """Yield how much of an order comes back, to whom, and when."""
    rules = program.cash_back
    if not rules.gives:
        return
    yield say(
        "每筆訂單的計算金額回饋 {percent}% 購物金，捨去不足最小貨幣單位的部分。",
        "每笔订单的计算金额返还 {percent}% 购物金，舍去不足最小货币单位的部分。",
        "Of what counts of an order {percent}% comes back as store credit, rounded down to the smallest coin.",
        percent=number(rules.percent),
    )
    for each in rules.tiers:
        yield say(
            "{tier}回饋 {percent}%。", "{tier}返还 {percent}%。", "For {tier} it is {percent}%.",
            tier=tier_name(program, each.tier), percent=number(each.percent),
        )  # fmt: skip
    if rules.minimum_order:
        yield say(
            "訂單金額須達 {money} 才有回饋。", "订单金额须达 {money} 才有返还。",
            "An order brings some from {money} on.", money=amount(program, rules.minimum_order),
        )  # fmt: skip
    yield from _when(program)


def _when(program: Program) -> Iterator[Text]:
    pending = program.earning.pending_days
    if pending:
        yield say(
            "購物金要在 {days}後的當天結束時才能使用，不會過期。",
            "购物金要在 {days}后的当天结束时才能使用，不会过期。",
            "The credit can be used {days} later, from the end of that day, and does not expire.",
            days=days(pending),
        )
    else:
        yield say(
            "購物金馬上可以使用，不會過期。",
            "购物金马上可以使用，不会过期。",
            "The credit can be used at once and does not expire.",
        )
    if program.refunds.negative_balance is NegativeBalance.ALLOW:
        yield say(
            "退款時按比例收回；如果已經用掉，購物金餘額會變成負數。",
            "退款时按比例收回；如果已经用掉，购物金余额会变成负数。",
            "Refunds take it back in proportion; what is spent already makes the credit negative.",
        )
    else:
        yield say(
            "退款時按比例收回；已經用掉的部分不再追討。",
            "退款时按比例收回；已经用掉的部分不再追讨。",
            "Refunds take it back in proportion; what is spent already is forgiven.",
        )

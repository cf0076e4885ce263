"""How orders earn points, how long points live, and what refunds do, in words (S75, S80)."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words import amount, before, end_of, points, products
from loyalty.programs.terms import AwardOn, Discounts, NegativeBalance, Rounding
from loyalty.programs.words import both, days, length, number, say

_ROUNDING = {
    Rounding.FLOOR: ("無條件捨去", "直接舍去", "down"),
    Rounding.HALF_UP: ("四捨五入", "四舍五入", "to the nearest whole number, halves up"),
    Rounding.CEILING: ("無條件進位", "向上进位", "up"),
}
_TAX = {
    None: ("含稅與否依商店標價", "含税与否按商店标价", "with or without tax as the shop shows its prices"),
    True: ("含稅", "含税", "with tax"),
    False: ("未稅", "不含税", "without tax"),
}
_DISCOUNTS = {
    Discounts.DEDUCTED: ("扣除折扣後", "扣除折扣后", "after discounts"),
    Discounts.IGNORED: ("折扣前", "折扣前", "before discounts"),
}
_GIVEN_BACK = {
    "proportional": (
        "訂單退款時，兌換所用的{unit}按退款比例退回。", "订单退款时，兑换所用的{unit}按退款比例退回。",
        "When an order is refunded, the {unit} redeemed for it come back in proportion.",
    ),
    "full": (
        "訂單全額退款時，兌換所用的{unit}全部退回；部分退款不退回。",
        "订单全额退款时，兑换所用的{unit}全部退回；部分退款不退回。",
        "When an order is refunded in full, the {unit} redeemed for it all come back; a part brings none.",
    ),
    "none": (
        "訂單退款時，兌換所用的{unit}不退回。", "订单退款时，兑换所用的{unit}不退回。",
        "When an order is refunded, the {unit} redeemed for it do not come back.",
    ),
}  # fmt: skip


def earning(program: Program) -> Iterator[Text]:
    """Yield how an order earns."""
    if program.paused:
        yield say(
            "目前暫停累積：此期間付款的訂單不會獲得{unit}，但仍計入會員等級。",
            "目前暂停累积：此期间付款的订单不会获得{unit}，但仍计入会员等级。",
            "Earning is paused: orders paid now earn no {unit}, but count toward tiers.",
            unit=program.points_name,
        )
    yield from _rate(program)
    yield from _base(program)
    yield from _products(program)
    yield from _limits(program)
    yield from _when(program)


def _rate(program: Program) -> Iterator[Text]:
    rules, unit = program.earning, program.points_name
    yield say(
        "每消費 {money} 獲得 {n} {unit}。",
        "每消费 {money} 获得 {n} {unit}。",
        "You earn {n} {unit} for each {money} spent.",
        money=amount(program, rules.unit), n=number(rules.points_per_unit), unit=unit,
    )  # fmt: skip
    if rules.whole_units:
        yield say(
            "每筆訂單只計算完整的 {money}，不足的部分不計。", "每笔订单只计算完整的 {money}，不足的部分不计。",
            "Only whole {money} of an order count.", money=amount(program, rules.unit),
        )  # fmt: skip
    else:
        yield say("不足的部分按比例計算。", "不足的部分按比例计算。", "Parts of it count in proportion.")
    yield say(
        "每筆訂單的{unit}合計後取整數一次，小數{how}。", "每笔订单的{unit}合计后取整数一次，小数{how}。",
        "The {unit} of an order are added up and rounded once, {how}.", unit=unit, how=say(*_ROUNDING[rules.rounding]),
    )  # fmt: skip


def _base(program: Program) -> Iterator[Text]:
    base = program.earning.base
    yield say(
        "以{discounts}的商品金額計算，{tax}。", "以{discounts}的商品金额计算，{tax}。",
        "What counts is the price of the products {discounts}, {tax}.",
        discounts=say(*_DISCOUNTS[base.discounts]), tax=say(*_TAX[base.tax]),
    )  # fmt: skip
    items = (
        (base.shipping, ("運費", "运费", "shipping")),
        (base.fees, ("附加費用", "附加费用", "fees")),
        (base.tips, ("小費", "小费", "tips")),
        (base.gift_cards, ("購買的禮物卡", "购买的礼品卡", "gift cards bought")),
        (base.sale_items, ("特價商品", "特价商品", "products on sale")),
    )
    counted = [say(*words) for counts, words in items if counts]
    left_out = [say(*words) for counts, words in items if not counts]
    if counted:
        yield say(
            "同樣計入：{items}。", "同样计入：{items}。", "These count too: {items}.", items=both(counted)
        )
    if left_out:
        yield say(
            "不計入：{items}。", "不计入：{items}。", "These do not count: {items}.", items=both(left_out)
        )


def _products(program: Program) -> Iterator[Text]:
    rules, unit = program.earning, program.points_name
    for rule in rules.product_rules:
        what = products(rule.match)
        if what is not None:
            yield say(
                "購買{what}，獲得 {n} 倍{unit}。",
                "购买{what}，获得 {n} 倍{unit}。",
                "For {what} you earn {n} times the {unit}.",
                what=what, n=number(rule.multiplier), unit=unit,
            )  # fmt: skip
    if len(rules.product_rules) > 1:
        yield say(
            "同一商品符合多項時，取倍數最高的一項。", "同一商品符合多项时，取倍数最高的一项。",
            "Where several of these mean one product, the highest counts.",
        )  # fmt: skip
    excluded = products(rules.excluded)
    if excluded is not None:
        yield say(
            "{what}不能獲得{unit}。",
            "{what}不能获得{unit}。",
            "No {unit} are earned for {what}.",
            what=excluded,
            unit=unit,
        )


def _limits(program: Program) -> Iterator[Text]:
    rules, unit = program.earning, program.points_name
    if rules.minimum_order:
        yield say(
            "訂單金額須達 {money} 才能獲得{unit}。", "订单金额须达 {money} 才能获得{unit}。",
            "An order earns {unit} from {money} on.", money=amount(program, rules.minimum_order), unit=unit,
        )  # fmt: skip
    caps = (
        (rules.caps.per_order, ("每筆訂單", "每笔订单", "An order")),
        (rules.caps.per_day, ("每位會員每天", "每位会员每天", "In a day a member")),
        (rules.caps.per_month, ("每位會員每月", "每位会员每月", "In a month a member")),
    )
    for most, words in caps:
        if most is not None:
            yield say(
                "{whose}最多獲得 {points}。", "{whose}最多获得 {points}。", "{whose} earns at most {points}.",
                whose=say(*words), points=points(program, most),
            )  # fmt: skip


def _when(program: Program) -> Iterator[Text]:
    rules, unit = program.earning, program.points_name
    if rules.award_on is AwardOn.PAID:
        yield say(
            "訂單付款後即獲得{unit}。",
            "订单付款后即获得{unit}。",
            "The {unit} are given when the order is paid.",
            unit=unit,
        )
    else:
        yield say(
            "訂單完成後才獲得{unit}。",
            "订单完成后才获得{unit}。",
            "The {unit} are given when the order is completed.",
            unit=unit,
        )
    if rules.pending_days:
        yield say(
            "獲得的{unit}要在 {days}後的當天結束時才能使用。", "获得的{unit}要在 {days}后的当天结束时才能使用。",
            "They can be used {days} later, from the end of that day.", unit=unit, days=days(rules.pending_days),
        )  # fmt: skip
    else:
        yield say(
            "獲得的{unit}馬上可以使用。", "获得的{unit}马上可以使用。", "They can be used at once.", unit=unit
        )


def expiry(program: Program) -> Iterator[Text]:
    """Yield how long points live, and when one is reminded."""
    rules, unit = program.expiry, program.points_name
    if rules.mode == "none" or rules.after is None:
        yield say("{unit}不會過期。", "{unit}不会过期。", "The {unit} do not expire.", unit=unit)
        return
    parts = {"unit": unit, "after": length(rules.after), "end": end_of(rules.round_up_to)}
    if rules.mode == "lot":
        yield say(
            "每筆{unit}自獲得起 {after}有效，用到期滿{end}結束為止。",
            "每笔{unit}自获得起 {after}有效，用到期满{end}结束为止。",
            "The {unit} of each order live for {after} from when they were given, until the end of that {end}.",
            **parts,
        )  # fmt: skip
    else:
        yield say(
            "連續 {after}沒有獲得或使用{unit}時，全部{unit}在期滿{end}結束時過期。",
            "连续 {after}没有获得或使用{unit}时，全部{unit}在期满{end}结束时过期。",
            "All {unit} expire after {after} without earning or using any, at the end of that {end}.",
            **parts,
        )  # fmt: skip
    if rules.remind_days:
        yield say(
            "到期前 {days}會提醒您。", "到期前 {days}会提醒您。", "You are reminded {days} before.",
            days=before(rules.remind_days),
        )  # fmt: skip


def refunds(program: Program) -> Iterator[Text]:
    """Yield what refunds and cancellations do to points."""
    rules, unit = program.refunds, program.points_name
    yield say(
        "退款或取消的部分，所得的{unit}會收回。", "退款或取消的部分，所得的{unit}会收回。",
        "What is refunded or cancelled loses the {unit} that it earned.", unit=unit,
    )  # fmt: skip
    if rules.negative_balance is NegativeBalance.ALLOW:
        yield say(
            "如果已經用掉，餘額會變成負數，之後獲得的{unit}先抵銷。",
            "如果已经用掉，余额会变成负数，之后获得的{unit}先抵销。",
            "If they are spent already, the balance goes below zero, and the next {unit} make up for it.", unit=unit,
        )  # fmt: skip
    else:
        yield say(
            "如果已經用掉，不足的部分不再追討。",
            "如果已经用掉，不足的部分不再追讨。",
            "If they are spent already, the rest is forgiven.",
        )
    yield say(*_GIVEN_BACK[rules.restore_redeemed], unit=unit)
    if rules.restore_redeemed != "none":
        yield say(
            "退回的{unit}至少還有 {days}可以使用。", "退回的{unit}至少还有 {days}可以使用。",
            "They can then be used for at least {days}.", unit=unit, days=days(rules.restore_min_days),
        )  # fmt: skip

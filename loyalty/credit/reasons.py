"""Why store credit moved, as a sentence in three languages; law: words only, no figure is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from loyalty.programs.ladder import Text
from loyalty.programs.program import LANGUAGES, text_in
from loyalty.programs.words import Part, money, say

Sentence = tuple[str, str, str]
_SENTENCES: Mapping[str, Sentence] = {
    "cash_back": (
        "訂單 {order} 回饋 {money} 購物金",
        "订单 {order} 返还 {money} 购物金",
        "Order {order} brought {money} of store credit",
    ),
    "cash_back_again": (
        "訂單 {order} 重新回饋 {money} 購物金",
        "订单 {order} 重新返还 {money} 购物金",
        "Order {order} brought {money} of store credit again",
    ),
    "reversed": (
        "訂單 {order} 退款或取消，收回 {money} 購物金",
        "订单 {order} 退款或取消，收回 {money} 购物金",
        "Order {order} was refunded or cancelled: {money} of store credit were taken back",
    ),
    "forgiven": (
        "訂單 {order} 收回時購物金不足，免除 {money}",
        "订单 {order} 收回时购物金不足，免除 {money}",
        "The store credit did not cover order {order}: {money} were forgiven",
    ),
    "forgiveness_cancelled": (
        "訂單 {order} 恢復，先前免除的 {money} 扣回",
        "订单 {order} 恢复，先前免除的 {money} 扣回",
        "Order {order} stands again: {money} forgiven before were taken back",
    ),
    "bought": (
        "兌換「{name}」，獲得 {money} 購物金",
        "兑换“{name}”，获得 {money} 购物金",
        "{name} was redeemed: {money} of store credit",
    ),
    "purchase_cancelled": (
        "取消兌換「{name}」，收回 {money} 購物金",
        "取消兑换“{name}”，收回 {money} 购物金",
        "{name} was cancelled: {money} of store credit were taken back",
    ),
    "purchase_forgiven": (
        "取消兌換「{name}」時購物金不足，免除 {money}",
        "取消兑换“{name}”时购物金不足，免除 {money}",
        "The store credit did not cover {name}: {money} were forgiven",
    ),
    "opening": (
        "期初購物金 {money}：{text}",
        "期初购物金 {money}：{text}",
        "Opening balance of {money} of store credit: {text}",
    ),
    "import_undone": (
        "撤銷匯入，購物金 {money} {sign}",
        "撤销导入，购物金 {money} {sign}",
        "An import was undone: {money} of store credit {sign}",
    ),
    "spent": (
        "訂單 {order} 使用 {money} 購物金",
        "订单 {order} 使用 {money} 购物金",
        "Order {order} used {money} of store credit",
    ),
    "sent": (
        "{money} 購物金轉入商店帳戶",
        "{money} 购物金转入商店账户",
        "{money} of store credit went over to the shop's own",
    ),
    "spend_forgiven": (
        "訂單 {order} 使用時購物金不足，免除 {money}",
        "订单 {order} 使用时购物金不足，免除 {money}",
        "The store credit did not cover what order {order} used: {money} were forgiven",
    ),
    "returned": (
        "訂單 {order} 退款，退回 {money} 購物金",
        "订单 {order} 退款，退回 {money} 购物金",
        "Order {order} was refunded: {money} of store credit came back",
    ),
    "adjusted": (
        "商家人工{sign} {money} 購物金：{text}",
        "商家人工{sign} {money} 购物金：{text}",
        "The shop {sign} {money} of store credit by hand: {text}",
    ),
    "re_rated": (
        "訂單 {order} 的情況有變，重新計算後購物金{sign} {money}",
        "订单 {order} 的情况有变，重新计算后购物金{sign} {money}",
        "Order {order} was rated again: {money} of store credit {sign}",
    ),
    "merged": (
        "會員合併，{sign} {money} 購物金",
        "会员合并，{sign} {money} 购物金",
        "Two members were merged: {money} of store credit {sign}",
    ),
    "unmerged": (
        "撤銷會員合併，{sign} {money} 購物金",
        "撤销会员合并，{sign} {money} 购物金",
        "The merge of two members was undone: {money} of store credit {sign}",
    ),
}
_OTHER: Sentence = ("{money} 購物金({code})", "{money} 购物金({code})", "{money} of store credit ({code})")
_WITHOUT_ORDER: Sentence = (
    "重新計算後購物金{sign} {money}",
    "重新计算后购物金{sign} {money}",
    "Store credit was computed again: {money} {sign}",
)
_MOVED: tuple[Sentence, Sentence] = (("轉入", "转入", "came"), ("轉出", "转出", "went"))
_SIGNS: Mapping[str, tuple[Sentence, Sentence]] = {
    "merged": _MOVED,
    "unmerged": _MOVED,
    "import_undone": _MOVED,
    "re_rated": (("增加", "增加", "more"), ("減少", "减少", "less")),
    "adjusted": (("增加", "增加", "added"), ("扣除", "扣除", "took")),
}


@dataclass(frozen=True, slots=True)
class CreditCause:
    """What a sentence names: the reason's code, signed money, the order's number, a person's words, a reward."""

    code: str
    amount: Decimal
    order_number: str = ""
    text: str = ""
    name: Text = field(default_factory=dict)


def credit_reason(cause: CreditCause, currency: str, decimals: int) -> Text:
    """Return the sentence of an entry in every language; an unknown code is shown as it is."""
    sentences = _SENTENCES.get(cause.code, _OTHER)
    if cause.code == "re_rated" and not cause.order_number:
        sentences = _WITHOUT_ORDER
    signs = _SIGNS.get(cause.code)
    sign: Part = say(*signs[cause.amount < 0]) if signs else ""
    named = {language: text_in(cause.name, language) or cause.text for language in LANGUAGES}
    return say(
        *sentences,
        money=money(Fraction(abs(cause.amount)), currency, decimals),
        order=cause.order_number,
        text=cause.text,
        code=cause.code,
        name=named,
        sign=sign,
    )

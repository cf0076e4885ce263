"""Why an entry was posted, as a sentence in three languages; law: words only, no figure is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loyalty.programs.ladder import Text
from loyalty.programs.program import LANGUAGES, text_in

_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "awarded": (
        "訂單 {order} 獲得 {count} {points}",
        "订单 {order} 获得 {count} {points}",
        "Order {order} earned {count} {points}",
    ),
    "awarded_again": (
        "訂單 {order} 重新獲得 {count} {points}",
        "订单 {order} 重新获得 {count} {points}",
        "Order {order} earned {count} {points} again",
    ),
    "reversed": (
        "訂單 {order} 退款或取消,收回 {count} {points}",
        "订单 {order} 退款或取消,收回 {count} {points}",
        "Order {order} was refunded or cancelled: {count} {points} were taken back",
    ),
    "re_rated": (
        "訂單 {order} 的情況有變,重新計算後{sign} {count} {points}",
        "订单 {order} 的情况有变,重新计算后{sign} {count} {points}",
        "Order {order} was rated again: {count} {points} {sign}",
    ),
    "expired": (
        "{count} {points}到期失效",
        "{count} {points}到期失效",
        "{count} {points} expired",
    ),
    "expiry_voided": (
        "訂單 {order} 收回的 {count} {points}先前已到期,不重複扣除",
        "订单 {order} 收回的 {count} {points}先前已到期,不重复扣除",
        "{count} {points} of order {order} had expired before and are not taken twice",
    ),
    "forgiven": (
        "訂單 {order} 收回時餘額不足,免除 {count} {points}",
        "订单 {order} 收回时余额不足,免除 {count} {points}",
        "The balance did not cover order {order}: {count} {points} were forgiven",
    ),
    "forgiveness_cancelled": (
        "訂單 {order} 恢復,先前免除的 {count} {points}扣回",
        "订单 {order} 恢复,先前免除的 {count} {points}扣回",
        "Order {order} stands again: {count} {points} forgiven before were taken back",
    ),
    "merged": (
        "會員合併,{sign} {count} {points}",
        "会员合并,{sign} {count} {points}",
        "Two members were merged: {count} {points} {sign}",
    ),
    "unmerged": (
        "撤銷會員合併,{sign} {count} {points}",
        "撤销会员合并,{sign} {count} {points}",
        "The merge of two members was undone: {count} {points} {sign}",
    ),
    "opening": (
        "期初餘額 {count} {points}:{text}",
        "期初余额 {count} {points}:{text}",
        "Opening balance of {count} {points}: {text}",
    ),
    "opening_debt": (
        "期初欠 {count} {points}:{text}",
        "期初欠 {count} {points}:{text}",
        "{count} {points} were owed before: {text}",
    ),
    "import_undone": (
        "撤銷匯入,{sign} {count} {points}",
        "撤销导入,{sign} {count} {points}",
        "An import was undone: {count} {points} {sign}",
    ),
    "adjusted": (
        "商家人工{sign} {count} {points}:{text}",
        "商家人工{sign} {count} {points}:{text}",
        "The shop {sign} {count} {points} by hand: {text}",
    ),
    "redeemed": (
        "兌換「{name}」使用 {count} {points}",
        "兑换“{name}”使用 {count} {points}",
        "{name}: {count} {points} redeemed",
    ),
    "redemption_cancelled": (
        "取消兌換「{name}」,退回 {count} {points}",
        "取消兑换“{name}”,退回 {count} {points}",
        "{name} was cancelled: {count} {points} came back",
    ),
    "redemption_returned": (
        "「{name}」到期未使用,退回 {count} {points}",
        "“{name}”到期未使用,退回 {count} {points}",
        "{name} ended unused: {count} {points} came back",
    ),
    "redemption_restored": (
        "訂單 {order} 退款,退回兌換「{name}」的 {count} {points}",
        "订单 {order} 退款,退回兑换“{name}”的 {count} {points}",
        "Order {order} was refunded: {count} {points} of {name} came back",
    ),
    "redemption_forgiven": (
        "兌換「{name}」時餘額不足,免除 {count} {points}",
        "兑换“{name}”时余额不足,免除 {count} {points}",
        "The balance did not cover {name}: {count} {points} were forgiven",
    ),
    "bonus": (
        "「{name}」贈送 {count} {points}",
        "「{name}」赠送 {count} {points}",
        "{name}: {count} {points} given",
    ),
    "bonus_withdrawn": (
        "「{name}」的條件不再成立,收回未使用的 {count} {points}",
        "「{name}」的条件不再成立,收回未使用的 {count} {points}",
        "{name} is no longer deserved: {count} unused {points} were taken back",
    ),
}
_OTHER = ("{count} {points}({code})", "{count} {points}({code})", "{count} {points} ({code})")
_WITHOUT_ORDER = (
    "重新計算後{sign} {count} {points}",
    "重新计算后{sign} {count} {points}",
    "Figures were computed again: {count} {points} {sign}",
)
_MOVED = (("轉入", "轉出"), ("转入", "转出"), ("came", "went"))
_SIGNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "merged": _MOVED,
    "unmerged": _MOVED,
    "import_undone": _MOVED,
    "re_rated": (("增加", "減少"), ("增加", "减少"), ("more", "less")),
    "adjusted": (("增加", "扣除"), ("增加", "扣除"), ("added", "took")),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What a sentence names: the reason's code, signed points, the order's number, a person's words or a rule's key."""

    code: str
    points: int
    order_number: str = ""
    text: str = ""
    name: Text = field(default_factory=dict)
    """Of the rule that gave the points."""


def reason_text(cause: Cause, points_name: Text) -> Text:
    """Return the sentence of an entry in every language; an unknown code is shown as it is."""
    sentences = _SENTENCES.get(cause.code, _OTHER)
    if cause.code == "re_rated" and not cause.order_number:
        sentences = _WITHOUT_ORDER
    signs = _SIGNS.get(cause.code, (("", ""),) * len(LANGUAGES))
    values: dict[str, Any] = {
        "count": abs(cause.points), "order": cause.order_number, "text": cause.text, "code": cause.code,
    }  # fmt: skip
    return {
        language: sentence.format(
            **values,
            sign=sign[cause.points < 0],
            points=text_in(points_name, language),
            name=text_in(cause.name, language) or cause.text,
        )
        for language, sentence, sign in zip(LANGUAGES, sentences, signs, strict=True)
    }

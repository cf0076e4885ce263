"""What an incident means, as a sentence in three languages; law: words only, no figure is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from loyalty.programs.ladder import Text
from loyalty.programs.words import both, named, number, percent, say
from loyalty.values import ZERO, exact

DISCOUNT_SHARE = "discount_share"
_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "code_used_again": (
        "訂單 {order} 又用了一次「{reward}」的優惠碼，已再扣 {points} 點。",
        "订单 {order} 又用了一次“{reward}”的优惠码，已再扣 {points} 点。",
        'Order {order} used the code of "{reward}" once more; it was paid again with {points} points.',
    ),
    "code_used_by_other": (
        "訂單 {order} 的買家不是兌換「{reward}」的會員，卻用了他的優惠碼。",
        "订单 {order} 的买家不是兑换“{reward}”的会员，却用了他的优惠码。",
        'Order {order} of somebody else used the code that a member got for "{reward}".',
    ),
    "coupon_changed": (
        "優惠碼 {code}（{reward}）在商店裡被改過：{changed}。",
        "优惠码 {code}（{reward}）在商店里被改过：{changed}。",
        "The coupon {code} ({reward}) was changed in the shop: {changed}.",
    ),
    "coupon_deleted": (
        "優惠碼 {code}（{reward}）在商店裡被刪除了。",
        "优惠码 {code}（{reward}）在商店里被删除了。",
        "The coupon {code} ({reward}) was deleted in the shop.",
    ),
    "redemption_failed": (
        "「{reward}」的兌換沒有完成，商店的回覆是：{failure}",
        "“{reward}”的兑换没有完成，商店的回复是：{failure}",
        'A shop did not carry out what a redemption of "{reward}" needed: {failure}',
    ),
    "credit_used_again": (
        "訂單 {order} 又用了一次購物金的優惠碼，已再扣 {amount}。",
        "订单 {order} 又用了一次购物金的优惠码，已再扣 {amount}。",
        "Order {order} used a code of store credit once more; it took {amount} again.",
    ),
    "credit_code_failed": (
        "商店沒有建立購物金的優惠碼 {code}，購物金已退回：{failure}",
        "商店没有创建购物金的优惠码 {code}，购物金已退回：{failure}",
        "A shop did not make the code {code} of store credit, which is free again: {failure}",
    ),
    "credit_not_sent": (
        "商店沒有收下轉入的購物金，購物金已退回：{failure}",
        "商店没有收下转入的购物金，购物金已退回：{failure}",
        "A shop did not take store credit over, which is free again: {failure}",
    ),
    "credit_maybe_sent": (
        "商店沒有回覆是否收下轉入的購物金，金額仍保留，請重新送出：{failure}",
        "商店没有回复是否收下转入的购物金，金额仍保留，请重新发送：{failure}",
        "A shop never answered whether it took store credit over, which stays set aside; try the push again: {failure}",
    ),
    "shop_not_read": (
        "商店 {store} 拒絕讀取，訂單無法核對，商店的回覆是：{failure}",
        "商店 {store} 拒绝读取，订单无法核对，商店的回复是：{failure}",
        "The shop {store} lets nobody read its orders, so that they cannot be compared: {failure}",
    ),
    "webhooks_restored": (
        "商店 {store} 停用或遺失了 Webhook，已重新設定，錯過的訂單正在補讀：{changed}。",
        "商店 {store} 停用或遗失了 Webhook，已重新设置，错过的订单正在补读：{changed}。",
        "The shop {store} had disabled or lost webhooks; they were put back and what was missed is read: {changed}.",
    ),
    "data_request": (
        "一位顧客透過商店要求查看被保存的個人資料（請求 {request}），請在 30 天內交給他。",
        "一位顾客通过商店要求查看被保存的个人数据（请求 {request}），请在 30 天内交给他。",
        "A customer asked the shop what is stored of him (request {request}); hand it to him within 30 days.",
    ),
    "store_uninstalled": (
        "商店 {store} 移除了應用程式，資料仍保留，優惠碼和等級不再同步。",
        "商店 {store} 卸载了应用，数据仍保留，优惠码和等级不再同步。",
        "The app was taken out of the shop {store}: its data stay, and nothing is told to it any more.",
    ),
    DISCOUNT_SHARE: (
        "最近 {days} 天的折扣占營收的 {share}，超過上限 {limit}%。",
        "最近 {days} 天的折扣占营收的 {share}，超过上限 {limit}%。",
        "In the last {days} days discounts took {share} of the revenue, which is more than {limit}%.",
    ),
}
KINDS = frozenset(_SENTENCES)
_WITHOUT_REVENUE = (
    "最近 {days} 天有折扣，但沒有營收。",
    "最近 {days} 天有折扣，但没有营收。",
    "In the last {days} days there were discounts and no revenue.",
)
_WITHOUT_REWARD = say("會員優惠", "会员优惠", "a member's benefit")
_CHANGED: Mapping[str, Text] = {
    "amount": say("折扣", "折扣", "amount"),
    "minimum_subtotal": say("最低消費", "最低消费", "minimum spend"),
    "email": say("綁定的電子郵件", "绑定的电子邮件", "bound e-mail"),
    "customer": say("綁定的顧客", "绑定的顾客", "bound customer"),
    "uses": say("使用次數", "使用次数", "number of uses"),
    "expires_at": say("到期日", "到期日", "end"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sentence tells: the kind and its data, the name of the reward, the number of the order."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    reward: Text = field(default_factory=dict)
    order: str = ""


def incident_text(facts: Facts) -> Text:
    """Return an incident in words; one of a kind that this release does not know is told by that."""
    if facts.kind not in KINDS:
        return say("事件：{kind}", "事件：{kind}", "Incident: {kind}", kind=facts.kind)
    if facts.kind == DISCOUNT_SHARE:
        return _share_text(facts.data)
    data = facts.data
    changed = [_CHANGED.get(name, named({}, name)) for name in data.get("changed", ())]
    return say(
        *_SENTENCES[facts.kind],
        reward=named(facts.reward, str(data["reward"])) if data.get("reward") else _WITHOUT_REWARD,
        order=facts.order,
        points=number(data.get("points", 0)),
        amount=number(exact(data.get("amount", "0"))),
        code=str(data.get("code", "")),
        changed=both(changed),
        store=str(data.get("store", "")),
        failure=str(data.get("failure", "")),
        request=str(data.get("request", "")),
    )


def _share_text(data: Mapping[str, Any]) -> Text:
    discounts, revenue = exact(data["discounts"]), exact(data["revenue"])
    days = number(data["days"])
    if revenue == ZERO:
        return say(*_WITHOUT_REVENUE, days=days)
    share, limit = percent(Fraction(discounts, revenue)), number(exact(data["percent"]))
    return say(*_SENTENCES[DISCOUNT_SHARE], days=days, share=share, limit=limit)

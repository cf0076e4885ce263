"""How a member's tier came about: his periods with their reasons, and each order that counts now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.errors import NotFound
from loyalty.members.repository import list_members
from loyalty.programs.ladder import Text
from loyalty.programs.program import LANGUAGES, Program, text_in
from loyalty.programs.service import load_versions
from loyalty.reports.standing import names_of_tiers, read_standings
from loyalty.tiers.qualification import window_start
from loyalty.tiers.repository import list_periods
from loyalty.values import AccountId, decimal_floor, exact

Data = dict[str, Any]
_GROUP = "(select id from members where id = :member or merged_into = :member)"
_ORDERS = text(
    "select external_id, number, award_at, version, net_base, points, counted, counts from orders"
    f" where member_id in {_GROUP} and award_at is not null and (award_at = any(:starts)"
    " or ((cast(:since as timestamptz) is null or award_at >= :since) and award_at <= :now)) order by award_at, key"
)
_MARKED = text(
    "select accepted_at as at, cast(sum(entry.points) as bigint) as points from commands"
    f" join ledger_entries entry using (account_id) where commands.member_id in {_GROUP}"
    " and entry.member_id = :member and commands.kind = 'adjust' and cast(data->>'counts_toward_tier' as boolean)"
    " and entry.cause = 'adjustment:' || number group by number, accepted_at order by number"
)
_REASONS = {
    "joined": ("加入會員", "加入会员", "Joined"),
    "order": (
        "訂單 {order} 達到{tier}的門檻",
        "订单 {order} 达到{tier}的门槛",
        "Order {order} reached {tier}",
    ),
    "reached": ("達到{tier}的門檻", "达到{tier}的门槛", "Reached the conditions of {tier}"),
    "renewed": ("保級成功", "保级成功", "Kept for another period"),
    "fell": ("未達保級條件", "未达保级条件", "The conditions to keep the tier were not met"),
    "refunded": ("退款後未達門檻", "退款后未达门槛", "Refunds brought it below the conditions"),
    "merged": ("會員合併", "会员合并", "Members were merged"),
    "imported": ("由其他系統轉入", "由其他系统转入", "Brought along from another system"),
    "rules": ("等級規則變更", "等级规则变更", "The rules changed"),
    "override": ("人工設定", "人工设置", "Set by hand"),
    "override_ended": ("人工設定結束", "人工设置结束", "The tier set by hand ended"),
    "invitation": ("受邀加入", "受邀加入", "By invitation"),
    "invitation_ended": ("邀請資格結束", "邀请资格结束", "The invitation ended"),
    "membership": ("購買付費會員", "购买付费会员", "Bought the membership"),
    "membership_ended": ("付費會員到期", "付费会员到期", "The membership ended"),
}


@dataclass(frozen=True, slots=True)
class _Window:
    start: datetime | None
    now: datetime

    def holds(self, instant: datetime) -> bool:
        return instant <= self.now and (self.start is None or instant >= self.start)


def read_tier(connection: Connection, account: AccountId, member: UUID, now: datetime) -> Data:
    """Return the present tier with history and explanation; raises NotFound."""
    standings = read_standings(connection, account, [member], now)
    if not standings:
        raise NotFound("There is no member of that id.")
    standing, row = standings[0], list_members(connection, [member])[0]
    versions = load_versions(connection, account)
    program = versions.at(now)
    window = _Window(_window_start(program, row["joined_at"], now), now)
    periods = list_periods(connection, member)
    starts = [period["started_at"] for period in periods]
    values = {"member": member, "starts": starts, "since": window.start, "now": now}
    orders = [dict(order) for order in connection.execute(_ORDERS, values).mappings()]
    marked = [dict(item) for item in connection.execute(_MARKED, {"member": member}).mappings()]
    names = names_of_tiers(versions.programs)
    return {
        "tier": standing.tier,
        "progress": standing.progress,
        "history": [_period(dict(period), orders, names) for period in reversed(periods)],
        "explain": _explain(program, window, orders, marked, standing.metrics) if program else None,
    }


def _window_start(program: Program | None, joined_at: datetime | None, now: datetime) -> datetime | None:
    if program is None:
        return now
    return window_start(program.tier_policy.window, now, program.time_zone, joined_at)


def _period(period: Data, orders: list[Data], names: dict[str, Text]) -> Data:
    name = names.get(period["tier_key"], {"en": period["tier_key"]})
    order = next((item["number"] for item in orders if item["award_at"] == period["started_at"]), "")
    reached = period["reason"] in ("reached", "")
    code = "order" if reached and order else period["reason"] or "reached"
    reason = {
        language: sentence.format(order=order, tier=text_in(name, language))
        for language, sentence in zip(LANGUAGES, _REASONS[code], strict=True)
    }
    return {
        "key": period["tier_key"],
        "name": name,
        "since": period["started_at"],
        "until": period["ended_at"],
        "reason": reason,
    }


def _explain(program: Program, window: _Window, orders: list[Data], marked: list[Data], metrics: Any) -> Data:
    counted = [order for order in orders if window.holds(order["award_at"]) and _adds(order)]
    return {
        "window": {
            "kind": str(program.tier_policy.window.kind),
            "from": window.start,
            "until": window.now,
        },
        "program_version": program.version,
        "metrics": metrics,
        "orders": [_order(order, program.decimals) for order in counted],
        "adjustments": [item for item in marked if window.holds(item["at"])],
    }


def _adds(order: Data) -> bool:
    return bool(order["counts"] or order["counted"] or exact(order["net_base"]))


def _order(order: Data, decimals: int) -> Data:
    return {
        "id": order["external_id"],
        "number": order["number"],
        "awarded_at": order["award_at"],
        "net_amount": f"{decimal_floor(exact(order['net_base']), decimals):f}",
        "points": order["counted"],
        "counts_as_order": bool(order["counts"]),
        "program_version": order["version"],
    }

"""What came of every campaign, reward and automation, without anything to set up first (S94)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, text

from loyalty.programs.ladder import Text
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.values import AccountId, decimal_floor

Data = dict[str, Any]
_ORDERS = text(
    "select campaign as key, coalesce(nullif(split_part(net_base, '/', 2), ''), '1') as denominator,"
    " sum(cast(split_part(net_base, '/', 1) as numeric)) as numerator, count(*) as orders, sum(orders.points) as points"
    " from ledger_entries entries join orders on orders.account_id = entries.account_id and orders.key = order_key"
    " cross join lateral jsonb_array_elements_text(explanation->'campaigns') campaign"
    " where entries.reason = 'awarded' group by campaign, denominator"
)
_MEMBERS = text(
    "select campaign as key, count(distinct member_id) as members from ledger_entries entries"
    " cross join lateral jsonb_array_elements_text(explanation->'campaigns') campaign"
    " where entries.reason = 'awarded' group by campaign"
)
_COUPONS = text(
    "select reward_key as key, state, count(*) as coupons from coupons group by reward_key, state order by 1, 2"
)
_BONUSES = text(
    "select explanation->>'key' as key, count(*) filter (where points > 0) as given,"
    " count(distinct member_id) as members, coalesce(sum(points) filter (where points > 0), 0) as points,"
    " coalesce(-sum(points) filter (where points < 0), 0) as withdrawn from ledger_entries"
    " where explanation->>'source' = 'automation' group by 1"
)
_RUNS = text(
    "select data->>'key' as key, count(*) as runs from commands where kind = 'run' and data->>'source' = 'automation'"
    " group by 1"
)
_TOLD = text(
    "select data->>'automation' as key, count(*) filter (where kind = 'message') as messages,"
    " count(*) filter (where kind = 'webhook') as calls from messages group by 1"
)


def read_effects(connection: Connection, account: AccountId, now: datetime) -> Data:
    """Return figures of everything that the program in force has, and of what earlier versions had and was used."""
    versions = load_versions(connection, account)
    return {
        "campaigns": _campaigns(connection, versions, now),
        "rewards": _rewards(connection, versions),
        "automations": _automations(connection, versions),
    }


def _campaigns(connection: Connection, versions: Versions, now: datetime) -> list[Data]:
    found: dict[str, Data] = {}
    spends: dict[str, Fraction] = {}
    for row in connection.execute(_ORDERS).mappings():
        one = found.setdefault(row["key"], {"orders": 0, "points": 0})
        one["orders"] += row["orders"]
        one["points"] += int(row["points"])
        spend = Fraction(row["numerator"]) * Fraction(1, int(row["denominator"]))
        spends[row["key"]] = spends.get(row["key"], Fraction(0)) + spend
    for row in connection.execute(_MEMBERS).mappings():
        found[row["key"]]["members"] = row["members"]
    program = versions.at(now)
    decimals = program.decimals if program else 0
    nothing = {"orders": 0, "points": 0, "members": 0}
    names = _names((one.key, one.name) for each in versions.programs for one in each.campaigns)
    return [
        {
            "key": key, "name": names.get(key, {}), **nothing, **found.get(key, {}),
            "spend": f"{decimal_floor(spends.get(key, Fraction(0)), decimals):f}",
        }
        for key in sorted(names.keys() | found.keys())
    ]  # fmt: skip


def _names(named: Iterable[tuple[str, Text]]) -> dict[str, Text]:
    """Return the newest name of each key."""
    return dict(named)


def _rewards(connection: Connection, versions: Versions) -> list[Data]:
    states: dict[str, dict[str, int]] = {}
    for row in connection.execute(_COUPONS).mappings():
        states.setdefault(row["key"], {})[row["state"]] = row["coupons"]
    names = _names((one.key, one.name) for each in versions.programs for one in each.rewards)
    return [
        {"key": key, "name": names.get(key, {}), "coupons": sum(counts.values()), "by_state": counts}
        for key in sorted(names.keys() | states.keys())
        for counts in [states.get(key, {})]
    ]


def _automations(connection: Connection, versions: Versions) -> list[Data]:
    figures: dict[str, Data] = {}
    for statement in (_BONUSES, _RUNS, _TOLD):
        for row in connection.execute(statement).mappings():
            figures.setdefault(row["key"], {}).update(_plain(row))
    names = _names((one.key, one.name) for each in versions.programs for one in each.automations)
    nothing = dict.fromkeys(("given", "members", "points", "withdrawn", "runs", "messages", "calls"), 0)
    return [
        {**nothing, **figures.get(key, {}), "key": key, "name": names.get(key, {})}
        for key in sorted(names.keys() | {key for key in figures if key})
    ]


def _plain(row: Mapping[Any, Any]) -> Data:
    return {name: int(value) for name, value in row.items() if name != "key"}

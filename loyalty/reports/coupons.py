"""The coupons of an account or of one member, newest first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.accounts.service import get_account
from loyalty.engine.benefits import period_suffix
from loyalty.engine.issuing import LIVE
from loyalty.reports.standing import TierNow
from loyalty.rewards.repository import list_standing_codes
from loyalty.values import decimal_floor, exact

_COUPONS = text(
    "select c.*, o.external_id as order_id, o.number as order_number from coupons c"
    " left join orders o on o.account_id = c.account_id and o.key = c.used_by"
    " where (cast(:member as uuid) is null or c.member_id = :member"
    "   or c.member_id in (select id from members where merged_into = :member))"
    " and (cast(:before as uuid) is null or c.id < :before) order by c.id desc limit :limit"
)


def list_coupons(
    connection: Connection, member: UUID | None, before: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Return coupons below the id `before`; fixed amounts are in the account's decimals, percents as they are."""
    decimals: int = get_account(connection)["decimals"]
    rows = connection.execute(_COUPONS, {"member": member, "before": before, "limit": limit}).mappings()
    return [
        {
            **row,
            "amount": _amount(row["kind"], row["amount"], decimals),
            "minimum_subtotal": _money(row["minimum_subtotal"], decimals),
            "order": {"id": row["order_id"], "number": row["order_number"]} if row["order_id"] else None,
        }
        for row in rows
    ]


def find_standing_code(connection: Connection, member: UUID, tier: TierNow | None) -> dict[str, Any] | None:
    """Return the newest live standing code of a member's present tier period, with the tier's key as `tier`."""
    if tier is None or tier.since is None:
        return None
    suffix, rows = period_suffix(tier.key, tier.since), list_standing_codes(connection, [member])
    live = (row for row in rows if row["state"] in LIVE and row["cause"].endswith(suffix))
    return next(({**row, "tier": tier.key} for row in live), None)


def _amount(kind: str, amount: Decimal, decimals: int) -> str:
    return f"{amount.normalize():f}" if kind == "percent_discount" else _money(amount, decimals)


def _money(amount: Decimal, decimals: int) -> str:
    return f"{decimal_floor(exact(amount), decimals):f}"

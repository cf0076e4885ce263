"""Word of mouth in figures: how many friends members bring, and who brings most (S106)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, text

from loyalty.values import decimal_floor, exact

ADVOCATES = 20
DECIMALS = 4
_COUNTS = text(
    "select (select count(*) from members where enrolled) as members, count(*) as claimed,"
    " count(distinct referrer_id) as inviting, count(*) filter (where status = 'completed') as completed from referrals"
)
_ADVOCATES = text(
    "select referrer_id as member, count(*) as friends, count(*) filter (where status = 'completed') as completed,"
    " array_agg(friends.lifetime_spend) filter (where status = 'completed') as spends"
    " from referrals join members friends on friends.id = friend_id"
    " group by referrer_id order by completed desc, friends desc, referrer_id limit :limit"
)


def read_advocacy(connection: Connection) -> dict[str, Any]:
    """Return counts, K-factor (completed friends by members: invitations by member times conversion) and advocates."""
    counts = dict(connection.execute(_COUNTS).mappings().one())
    members, claimed, completed = (counts[name] for name in ("members", "claimed", "completed"))
    return {
        **counts,
        "invitations_per_member": _ratio(claimed, members) or "0",
        "conversion": _ratio(completed, claimed),
        "k_factor": _ratio(completed, members) or "0",
        "advocates": [
            {**row, "spend": str(sum(map(exact, row["spends"] or ()), Fraction(0)).__floor__())}
            for row in connection.execute(_ADVOCATES, {"limit": ADVOCATES}).mappings()
        ],
    }


def _ratio(part: int, whole: int) -> str | None:
    return f"{decimal_floor(Fraction(part, whole), DECIMALS):f}" if whole else None

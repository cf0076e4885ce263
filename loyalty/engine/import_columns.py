"""The columns of a file of members: the same for what is exported and what is imported; law: one list, one order."""

from __future__ import annotations

import re
from typing import Any

from loyalty.imports.sheets import Names

PERSON = (
    "email", "phone", "name", "region", "role", "registered", "customer_ids", "proven_emails", "proven_phones",
    "birthday", "joined_at",
)  # fmt: skip
BALANCE = ("points", "expires_at", "lots", "debt", "held", "credit", "credit_pending", "credit_held")
FIGURES = (
    "lifetime_spend", "lifetime_orders", "lifetime_points", "figures", "order_count", "last_order_at", "last_active_at",
)  # fmt: skip
TIER = (
    "tier", "tier_since", "tier_until", "tier_falls_to", "tier_falls_at", "terms", "entry_rewards", "tags",
)  # fmt: skip
REFERRALS = ("referral_code", "referred_by", "referral_status", "referred_at")
COLUMNS = (*PERSON, *BALANCE, *FIGURES, *TIER, *REFERRALS)
LOT = ("points", "expires_at", "available_from", "earned_at")
PENDING = ("amount", "usable_from")
FIGURE = ("at", "spend", "orders", "points", "activity", "events")
TERM = ("by", "tier", "start", "until", "paid_until", "cause")
REWARD = ("tier", "at")
PARTS = {"lots": LOT, "credit_pending": PENDING, "figures": FIGURE, "terms": TERM, "entry_rewards": REWARD}
"""What the items of the columns with several consist of."""
LISTS = ("customer_ids", "proven_emails", "proven_phones", "tags")
_ALIASES = {
    "email": (
        "e_mail",
        "email_address",
        "e_mail_address",
        "mail",
        "customer_email",
        "電子郵件",
        "電子信箱",
        "邮箱",
        "信箱",
    ),
    "phone": ("phone_number", "mobile", "電話", "手機", "电话", "手机"),
    "name": ("full_name", "customer_name", "姓名", "會員姓名", "会员姓名"),
    "customer_ids": ("customer_id", "shop_customer_id", "會員編號", "会员编号"),
    "birthday": ("birth_date", "date_of_birth", "birthdate", "生日"),
    "points": ("points_balance", "point_balance", "balance", "點數", "積分", "积分"),
    "expires_at": ("points_expire_at", "points_expiry", "expiry_date", "expires", "到期日"),
    "tier": ("vip_tier", "tier_key", "等級", "等级"),
    "joined_at": ("member_since", "joined", "入會日", "入会日"),
    "lifetime_spend": ("total_spent", "total_spend", "累計消費", "累计消费"),
    "lifetime_orders": ("orders_count", "total_orders"),
    "lifetime_points": ("points_earned", "lifetime_points_earned"),
    "referral_code": ("referral_link", "推薦碼", "推荐码"),
}
NAMES = Names(
    frozenset(COLUMNS),
    {other: name for name, others in _ALIASES.items() for other in others},
    frozenset({"email", "phone", "customer_ids"}),
)


def items_of(value: Any, column: str) -> list[dict[str, str]]:
    """Return the items of a cell such as `100@2027-01-31; 50@never`, or of a list of JSON objects."""
    names = PARTS[column]
    found = value if isinstance(value, list) else re.split(r"[;\n]", str(value))
    return [
        item if isinstance(item, dict) else _item(str(item), names)
        for item in found
        if item and str(item).strip()
    ]


def _item(text: str, names: tuple[str, ...]) -> dict[str, str]:
    parts = [part.strip() for part in text.split("@", len(names) - 1)]
    return {name: part for name, part in zip(names, parts, strict=False) if part}


def texts_of(value: Any) -> list[str]:
    """Return the texts of a cell such as `a; b`, or of a JSON list."""
    found = value if isinstance(value, list) else re.split(r"[;\n]", str(value))
    return [str(text).strip() for text in found if str(text).strip()]


def item_text(item: dict[str, Any], column: str) -> str:
    """Return an item as it stands in a cell; what is not told at its end is left out."""
    parts = ["" if item.get(name) is None else str(item[name]) for name in PARTS[column]]
    return "@".join(parts).rstrip("@")

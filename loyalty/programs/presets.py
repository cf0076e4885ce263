"""Programs ready to publish (S10-S15): ladders by name, with editable defaults for a shop in Taiwan.

Their numbers are starting points, not advice: 1 point per 1 of spend, usable after the seven days of the right of
return, living 12 months to the end of the day; tiers by spend over 12 months, with a coupon at each entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loyalty.errors import NotFound

Document = dict[str, Any]
POINTS_NAME = {"zh-TW": "積分", "zh-CN": "积分", "en": "points"}


@dataclass(frozen=True, slots=True)
class Step:
    """One tier of a preset: its names, from which spend, what to keep it, its multiplier and entry coupon (money)."""

    key: str
    names: tuple[str, str, str]
    spend: int = 0
    keep: int = 0
    multiplier: str = "1"
    coupon: int = 0

    def tier(self) -> Document:
        """Return the tier as the document states it."""
        benefits: Document = {"multiplier": self.multiplier}
        if self.coupon:
            benefits["entry_reward"] = self._reward_key
        tier: Document = {
            "key": self.key,
            "name": dict(zip(POINTS_NAME, self.names, strict=True)),
            "benefits": benefits,
        }
        if self.spend:
            tier["enter"] = {"any": [{"metric": "spend", "at_least": str(self.spend)}]}
        if self.keep:
            tier["keep"] = {"any": [{"metric": "spend", "at_least": str(self.keep)}]}
        return tier

    def reward(self) -> Document | None:
        """Return the coupon of entering the tier, None when there is none."""
        if not self.coupon:
            return None
        name = {"zh-TW": f"折抵{self.coupon}元", "zh-CN": f"抵扣{self.coupon}元", "en": f"{self.coupon} off"}
        return {
            "key": self._reward_key,
            "kind": "fixed_discount",
            "amount": str(self.coupon),
            "minimum_subtotal": str(self.coupon * 5),
            "valid_days": 60,
            "name": name,
        }

    @property
    def _reward_key(self) -> str:
        return f"welcome-{self.key}"


_LADDERS: dict[str, tuple[Step, ...]] = {
    "boyang4": (
        Step("basic", ("基礎會員", "基础会员", "Basic")),
        Step("regular", ("普通會員", "普通会员", "Regular"), 1000, 500, "1.1", 50),
        Step("senior", ("高級會員", "高级会员", "Senior"), 6000, 3000, "1.25", 100),
        Step("vip", ("VIP會員", "VIP会员", "VIP"), 20000, 10000, "1.5", 300),
    ),
    "cards4": (
        Step("regular", ("普通會員", "普通会员", "Regular")),
        Step("silver", ("銀卡會員", "银卡会员", "Silver"), 3000, 1500, "1.2", 50),
        Step("gold", ("金卡會員", "金卡会员", "Gold"), 10000, 6000, "1.5", 100),
        Step("diamond", ("鑽石會員", "钻石会员", "Diamond"), 30000, 18000, "2", 300),
    ),
    "metals4": (
        Step("bronze", ("銅牌會員", "铜牌会员", "Bronze")),
        Step("silver", ("銀牌會員", "银牌会员", "Silver"), 3000, 1500, "1.2", 50),
        Step("gold", ("金牌會員", "金牌会员", "Gold"), 10000, 6000, "1.5", 100),
        Step("platinum", ("白金會員", "白金会员", "Platinum"), 30000, 18000, "2", 300),
    ),
    "cards3": (
        Step("silver", ("銀卡", "银卡", "Silver Card")),
        Step("gold", ("金卡", "金卡", "Gold Card"), 6000, 3000, "1.25", 100),
        Step("platinum", ("白金卡", "白金卡", "Platinum Card"), 20000, 12000, "1.5", 300),
    ),
    "black3": (
        Step("regular", ("普通會員", "普通会员", "Regular")),
        Step("gold", ("金卡", "金卡", "Gold Card"), 6000, 3000, "1.25", 100),
        Step("black", ("黑卡", "黑卡", "Black Card"), 30000, 18000, "2", 500),
    ),
    "steps4": (
        Step("flash", ("閃卡", "闪卡", "Flash Card")),
        Step("silver", ("銀卡", "银卡", "Silver Card"), 3000, 3000, "1.2", 100),
        Step("gold", ("金卡", "金卡", "Gold Card"), 12000, 12000, "1.5", 200),
        Step("black", ("黑卡", "黑卡", "Black Card"), 36000, 36000, "2", 500),
    ),
}


def list_presets() -> list[str]:
    """Return the keys of the presets."""
    return list(_LADDERS)


def get_preset(key: str) -> Document:
    """Return a preset's whole document; raises NotFound."""
    steps = _LADDERS.get(key)
    if steps is None:
        raise NotFound(f"There is no preset {key}; there are {', '.join(_LADDERS)}.", preset=key)
    return {
        "points_name": POINTS_NAME,
        "earning": {"points_per_unit": "1", "unit": "1", "pending_days": 7},
        "expiry": {"mode": "lot", "after": {"months": 12}, "round_up_to": "day", "remind_days": [30, 7]},
        "tiers": [step.tier() for step in steps],
        "tier_policy": {"window": {"kind": "rolling", "months": 12}},
        "rewards": [reward for step in steps if (reward := step.reward()) is not None],
    }

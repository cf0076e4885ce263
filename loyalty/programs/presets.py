"""Programs ready to publish (S10-S15): ladders by name, with editable defaults for a shop in Taiwan.

Their numbers are starting points, not advice: 1 point per 1 of spend, usable after the seven days of the right of
return, living 12 months to the end of the day; 2,500 points buy 50 off; tiers by figures over 12 months, held for
12 months and kept by a rule of their own, with a coupon at each entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loyalty.errors import NotFound
from loyalty.programs.ladder import Text

Document = dict[str, Any]
POINTS_NAME = {"zh-TW": "積分", "zh-CN": "积分", "en": "points"}
ALIASES = {"stevemadden-style": "steps4"}
"""Other names under which merchants ask for a preset."""
YEAR = {"months": 12}
PRIORITY = "priority_support"
_PRICE_OF_A_COUPON = 5
"""A coupon asks for a basket of so many times its worth."""
_FOR_POINTS: Document = {
    "key": "fifty-off",
    "kind": "fixed_discount",
    "points": 2500,
    "amount": "50",
    "minimum_subtotal": "50",
    "valid_days": 60,
    "name": {"zh-TW": "折抵50元", "zh-CN": "抵扣50元", "en": "50 off"},
}


def words(traditional: str, simplified: str, english: str) -> Text:
    """Return a text of the three languages."""
    return dict(zip(POINTS_NAME, (traditional, simplified, english), strict=True))


@dataclass(frozen=True, slots=True)
class Step:
    """One tier: its names, from which figure on (None: none), which keeps it, multiplier, entry coupon (money)."""

    key: str
    names: tuple[str, str, str]
    enter: int | None = None
    keep: int = 0
    multiplier: str = "1"
    coupon: int = 0
    metric: str = "spend"
    service: tuple[str, ...] = ()

    def tier(self) -> Document:
        """Return the tier as the document states it."""
        benefits: Document = {"multiplier": self.multiplier}
        if self.coupon:
            benefits["entry_reward"] = self._reward_key
        if self.service:
            benefits["service"] = list(self.service)
        tier: Document = {"key": self.key, "name": words(*self.names), "benefits": benefits}
        if self.enter is not None:
            tier["enter"], tier["keep"] = self._at_least(self.enter), self._at_least(self.keep)
        return tier

    def _at_least(self, figure: int) -> Document:
        return {"any": [{"metric": self.metric, "at_least": str(figure)}]}

    def reward(self) -> Document | None:
        """Return the coupon of entering the tier, None when there is none."""
        if not self.coupon:
            return None
        money = self.coupon
        return {
            "key": self._reward_key,
            "kind": "fixed_discount",
            "amount": str(money),
            "minimum_subtotal": str(money * _PRICE_OF_A_COUPON),
            "valid_days": 60,
            "name": words(f"折抵{money}元", f"抵扣{money}元", f"{money} off"),
        }

    @property
    def _reward_key(self) -> str:
        return f"welcome-{self.key}"


@dataclass(frozen=True, slots=True)
class Preset:
    """A ladder with what it is for, in words; `led_by` names the metric that lifts members."""

    key: str
    about: Text
    steps: tuple[Step, ...]

    @property
    def led_by(self) -> str:
        """Return the metric of its thresholds."""
        return self.steps[-1].metric

    @property
    def aliases(self) -> list[str]:
        """Return its other names."""
        return [alias for alias, key in ALIASES.items() if key == self.key]

    @property
    def names(self) -> list[Text]:
        """Return the names of its tiers, lowest first."""
        return [words(*step.names) for step in self.steps]

    def document(self) -> Document:
        """Return the whole program, ready to edit and publish."""
        rewards = [reward for step in self.steps if (reward := step.reward()) is not None]
        return {
            "points_name": dict(POINTS_NAME),
            "earning": {"points_per_unit": "1", "unit": "1", "pending_days": 7},
            "expiry": {"mode": "lot", "after": dict(YEAR), "round_up_to": "day", "remind_days": [30, 7]},
            "tiers": [step.tier() for step in self.steps],
            "tier_policy": {
                "window": {"kind": "rolling", "months": 12},
                "validity": dict(YEAR),
                "notice_days": [30, 7],
            },
            "rewards": [{**_FOR_POINTS, "name": dict(_FOR_POINTS["name"])}, *rewards],
        }


_PRESETS = (
    Preset(
        "boyang4",
        words("四級會員，依年度消費升級，門檻由低到高。", "四级会员，按年度消费升级，门槛由低到高。",
              "Four tiers by the spend of a year, with a low first threshold."),
        (
            Step("basic", ("基礎會員", "基础会员", "Basic")),
            Step("regular", ("普通會員", "普通会员", "Regular"), 1000, 500, "1.1", 50),
            Step("senior", ("高級會員", "高级会员", "Senior"), 6000, 3000, "1.25", 100),
            Step("vip", ("VIP會員", "VIP会员", "VIP"), 20000, 10000, "1.5", 300),
        ),
    ),
    Preset(
        "cards4",
        words("普通、銀卡、金卡、鑽石四級，依年度消費升級。", "普通、银卡、金卡、钻石四级，按年度消费升级。",
              "Regular, Silver, Gold and Diamond by the spend of a year."),
        (
            Step("regular", ("普通會員", "普通会员", "Regular")),
            Step("silver", ("銀卡會員", "银卡会员", "Silver"), 3000, 1500, "1.2", 50),
            Step("gold", ("金卡會員", "金卡会员", "Gold"), 10000, 6000, "1.5", 100),
            Step("diamond", ("鑽石會員", "钻石会员", "Diamond"), 30000, 18000, "2", 300),
        ),
    ),
    Preset(
        "metals4",
        words("銅、銀、金、白金四級，依年度消費升級。", "铜、银、金、白金四级，按年度消费升级。",
              "Bronze, Silver, Gold and Platinum by the spend of a year."),
        (
            Step("bronze", ("銅牌會員", "铜牌会员", "Bronze")),
            Step("silver", ("銀牌會員", "银牌会员", "Silver"), 3000, 1500, "1.2", 50),
            Step("gold", ("金牌會員", "金牌会员", "Gold"), 10000, 6000, "1.5", 100),
            Step("platinum", ("白金會員", "白金会员", "Platinum"), 30000, 18000, "2", 300),
        ),
    ),
    Preset(
        "cards3",
        words("銀卡、金卡、白金卡三級，加入即是銀卡。", "银卡、金卡、白金卡三级，加入即是银卡。",
              "Three cards; whoever joins has the first one."),
        (
            Step("silver", ("銀卡", "银卡", "Silver Card")),
            Step("gold", ("金卡", "金卡", "Gold Card"), 6000, 3000, "1.25", 100),
            Step("platinum", ("白金卡", "白金卡", "Platinum Card"), 20000, 12000, "1.5", 300),
        ),
    ),
    Preset(
        "black3",
        words("三級會員，以身分與專屬服務為主，適合買得少、單價高的商店。",
              "三级会员，以身份与专属服务为主，适合买得少、单价高的商店。",
              "Three tiers led by status and service, for shops with rare and dear purchases."),
        (
            Step("regular", ("普通會員", "普通会员", "Regular")),
            Step("gold", ("金卡", "金卡", "Gold Card"), 6000, 3000, "1.25", 100),
            Step("black", ("黑卡", "黑卡", "Black Card"), 30000, 18000, "2", 500, service=(PRIORITY,)),
        ),
    ),
    Preset(
        "steps4",
        words("四級會員，從零門檻的閃卡到高消費的黑卡，每年須達消費標準才能保級。",
              "四级会员，从零门槛的闪卡到高消费的黑卡，每年须达消费标准才能保级。",
              "Four steps from a card without threshold to a black one; each asks for its figure every year."),
        (
            Step("flash", ("閃卡", "闪卡", "Flash Card"), 0),
            Step("silver", ("銀卡", "银卡", "Silver Card"), 3000, 3000, "1.2", 100),
            Step("gold", ("金卡", "金卡", "Gold Card"), 12000, 12000, "1.5", 200),
            Step("black", ("黑卡", "黑卡", "Black Card"), 36000, 36000, "2", 500, service=(PRIORITY,)),
        ),
    ),
    Preset(
        "visits3",
        words("三級會員，依年度訂單數升級，適合常買、單價低的商店。",
              "三级会员，按年度订单数升级，适合常买、单价低的商店。",
              "Three tiers by the number of orders in a year, for shops with frequent and small purchases."),
        (
            Step("newcomer", ("新客會員", "新客会员", "Newcomer")),
            Step("frequent", ("常客會員", "常客会员", "Frequent"), 4, 3, "1.2", 30, "orders"),
            Step("favourite", ("熟客會員", "熟客会员", "Favourite"), 12, 8, "1.5", 60, "orders"),
        ),
    ),
)  # fmt: skip


def all_presets() -> tuple[Preset, ...]:
    """Return the presets."""
    return _PRESETS


def list_presets() -> list[str]:
    """Return the keys of the presets."""
    return [preset.key for preset in _PRESETS]


def find_preset(key: str) -> Preset:
    """Return a preset by its key or another name of it; raises NotFound."""
    wanted = ALIASES.get(key, key)
    for preset in _PRESETS:
        if preset.key == wanted:
            return preset
    known = ", ".join((*list_presets(), *ALIASES))
    raise NotFound(f"There is no preset {key}; there are {known}.", preset=key)


def get_preset(key: str) -> Document:
    """Return a preset's whole document; raises NotFound."""
    return find_preset(key).document()

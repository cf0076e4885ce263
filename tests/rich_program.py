"""A program document with a value at every place that has one."""

from __future__ import annotations

from typing import Any


def name(word: str) -> dict[str, str]:
    return {"zh-TW": f"{word}繁", "zh-CN": f"{word}简", "en": word}


MATCH = {"product_ids": ["11", "9"], "category_ids": ["21"], "skus": ["MUG"], "tags": ["new"]}
RICH: dict[str, Any] = {
    "points_name": {"zh-TW": "積分", "zh-CN": "积分", "en": "points"},
    "enrolment": {"exclude": {"tags": ["staff"], "email_domains": ["laurel.test"]}},
    "earning": {
        "points_per_unit": "3",
        "unit": "2.5",
        "minimum_order": "50",
        "pending_days": 7,
        "excluded": {"skus": ["GIFT"]},
        "product_rules": [
            {"match": MATCH, "multiplier": "3"},
            {"match": {"skus": ["B"]}, "multiplier": "1.25"},
        ],
        "caps": {"per_order": 900, "per_day": 1500, "per_month": 4000},
        "base": {"tax": True},
    },
    "expiry": {"mode": "lot", "after": {"months": 18}, "remind_days": [45, 5]},
    "refunds": {"restore_min_days": 33},
    "tiers": [
        {"key": "regular", "name": name("Regular")},
        {
            "key": "gold",
            "name": name("Gold"),
            "enter": {
                "any": [
                    {"metric": "spend", "at_least": "10000.5"},
                    {"metric": "points", "at_least": 5000},
                    {"metric": "repeat_rate", "at_least": "0.625"},
                ]
            },
            "keep": {
                "all": [
                    {"metric": "orders", "at_least": 4},
                    {"metric": "events", "at_least": 2},
                    {"metric": "activity", "at_least": 70},
                ]
            },
            "benefits": {
                "multiplier": "1.5",
                "entry_reward": "ten-off",
                "birthday_reward": "cake",
                "free_shipping": True,
                "discount_percent": "4.5",
                "service": ["priority_support", "tailor"],
                "early_access": ["spring"],
                "perks": [name("Tea")],
            },
        },
        {"key": "black", "name": name("Black")},
    ],
    "tier_policy": {
        "window": {"kind": "rolling", "months": 13},
        "validity": {"months": 14},
        "grace_days": 16,
        "notice_days": [29, 8],
    },
    "rewards": [
        {
            "key": "ten-off",
            "kind": "fixed_discount",
            "name": name("Ten"),
            "points": 500,
            "amount": "12.5",
            "minimum_subtotal": "77",
            "valid_days": 61,
            "tiers": ["gold"],
            "stock": 300,
            "per_member": {"uses": 6, "period": "month"},
            "unit_cost": "9",
            "terms": name("Not on sale items"),
            "category": "vouchers",
            "from_tier": "gold",
            "minimum_balance": 820,
            "from": "2026-01-05T00:00",
            "until": "2027-03-06T12:30",
            "products": {"product_ids": ["9", "11"]},
        },
        {
            "key": "cake",
            "kind": "sample",
            "name": name("Cake"),
            "amount": "33",
            "points": 40,
            "terms": name("Baked on Sundays"),
        },
        {
            "key": "any",
            "kind": "variable_discount",
            "name": name("Any"),
            "points": 10,
            "amount": "2",
            "min": 200,
            "max": 900,
            "step": 10,
            "products": {"category_ids": ["21"]},
            "combinable": True,
            "terms": name("At the checkout"),
        },
        {
            "key": "tasting",
            "kind": "event_ticket",
            "name": name("Tasting"),
            "points": 15,
            "event": "harvest",
            "terms": name("Bring a glass"),
        },
        {
            "key": "film",
            "kind": "content",
            "name": name("Film"),
            "points": 25,
            "url": "https://film.test",
            "terms": name("For you only"),
        },
        {
            "key": "tailor",
            "kind": "service",
            "name": name("Tailor"),
            "points": 35,
            "terms": name("By appointment"),
            "form": [
                {"key": "size", "label": name("Size"), "kind": "text"},
                {"key": "day", "label": name("Day"), "kind": "date"},
            ],
        },
    ],
    "campaigns": [
        {
            "key": "may",
            "name": name("May"),
            "from": "2026-05-01T00:00",
            "until": "2026-12-08T10:30",
            "multiplier": "2",
            "bonus": 88,
            "scope": {
                **MATCH,
                "tiers": ["gold"],
                "segments": ["big"],
                "regions": ["TW"],
                "channels": ["pos"],
                "member_tags": ["fan"],
            },
            "recurs": {"weekdays": [1, 7], "month_days": [15, 31], "months": [6, 11]},
            "minimum_order": "600",
            "nth_order": 3,
            "holdout_percent": 10,
            "budget": 9000,
            "per_member": 700,
        },
    ],
    "memberships": [
        {
            "key": "plus",
            "name": name("Plus"),
            "match": MATCH,
            "tier": "gold",
            "term": {"months": 15},
            "grace_days": 4,
        },
    ],
    "segments": [
        {
            "key": "big",
            "name": name("Big"),
            "any": [
                {"kind": "tag", "any_of": ["fan"], "none_of": ["rude"]},
                {
                    "kind": "metric",
                    "metric": "spend",
                    "at_least": "800",
                    "below": "90000",
                    "window": {"kind": "rolling", "months": 5},
                },
                {"kind": "days_since", "since": "joined", "at_least": 17, "below": 400},
                {"kind": "date", "from": "2026-01-01T00:00", "until": "2027-02-01T00:00"},
                {"kind": "tier", "any_of": ["gold"]},
                {"kind": "region", "none_of": ["JP"]},
            ],
        },
    ],
    "automations": [
        {
            "key": trigger,
            "name": name(f"On {trigger}"),
            "trigger": trigger,
            "when": when,
            "conditions": [{"kind": "segment", "any_of": ["big"]}],
            "actions": [
                {"kind": "points", "points": 120},
                {"kind": "coupon", "reward": "ten-off"},
                {"kind": "tag", "add": ["a"], "remove": ["b"]},
                {"kind": "webhook", "url": "https://x.test"},
                {"kind": "tier", "tier": "gold", "for": {"days": 19}},
                {"kind": "message", "message": "hi"},
            ],
        }
        for trigger, when in {
            "member_joined": {},
            "order_paid": {"minimum_order": "130"},
            "order_count": {"count": 3},
            "streak": {"months": 4},
            "tier_changed": {"tiers": ["gold"], "direction": "down"},
            "activity_recorded": {"activities": ["review"]},
            "birthday": {"days": 6},
            "points_expiring": {"days": 21},
            "tier_expiring": {"days": 22, "tiers": ["gold"]},
            "coupon_expiring": {"days": 23},
            "inactive_for": {"days": 24},
            "segment_entered": {"segment": "big"},
            "segment_left": {"segment": "big"},
            "referral_completed": {"side": "friend"},
        }.items()
    ]
    + [
        {
            "key": "every",
            "name": name("Every"),
            "trigger": "order_count",
            "when": {"every": 12},
            "actions": [{"kind": "points", "points": 1}],
        },
    ],
    "cash_back": {"percent": "2.5", "tiers": {"gold": "3.75"}, "minimum_order": "66"},
    "referral": {
        "referrer": [{"kind": "points", "points": 210}],
        "friend": [{"kind": "coupon", "reward": "cake"}],
        "hold_days": 15,
        "minimum_order": "95",
        "per_month": 5,
        "lifetime": 44,
    },
    "messages": {"hi": {"subject": name("Hi"), "body": name("Hello {name}")}},
    "limits": {
        "activities": {"review": {"score": 2, "per_day": 3, "per_week": 7, "per_month": 14, "lifetime": 140}},
        "discount_share": {"percent": "12.25", "days": 43, "action": "block"},
        "gross_margin_percent": "37.5",
    },
}
"""A program with a number at every place that has one."""

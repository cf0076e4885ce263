"""Every kind of incident says in three languages what happened."""

from __future__ import annotations

import re
from typing import Any

import pytest

from loyalty.incidents.words import KINDS, Facts, incident_text

DATA: dict[str, dict[str, Any]] = {
    "code_used_again": {"reward": "off", "points": 1200},
    "code_used_by_other": {"reward": "off", "points": 60},
    "coupon_changed": {"reward": "off", "code": "lr2222222222", "changed": ["amount", "email", "uses"]},
    "coupon_deleted": {"reward": "off", "code": "lr2222222222", "changed": []},
    "redemption_failed": {"reward": "off", "failure": "rejected: The shop answered 400."},
    "credit_used_again": {"amount": "1250.5"},
    "credit_code_failed": {"code": "lr2222222222", "failure": "rejected: The shop answered 400."},
    "credit_not_sent": {"failure": "permission: The app may not do this."},
    "credit_maybe_sent": {"failure": "exhausted: The shop does not answer."},
    "shop_not_read": {"store": "shop-1", "failure": "permission: The shop refused our key (401)."},
    "webhooks_restored": {"store": "shop-1", "changed": ["reactivated order.updated", "created order.created"]},
    "data_request": {"store": 1, "request": "9999"},
    "store_uninstalled": {"store": "shop-1"},
    "discount_share": {
        "discounts": "301/2", "revenue": "1000", "percent": "25/2", "days": 30, "action": "block",
    },
}  # fmt: skip
NAME = {"zh-TW": "折抵六元", "zh-CN": "抵扣六元", "en": "Six off"}


def told(kind: str, **data: Any) -> dict[str, str]:
    return incident_text(Facts(kind, {**DATA[kind], **data}, NAME, "1025"))


def test_every_kind_has_data_in_these_tests() -> None:
    assert DATA.keys() == KINDS


@pytest.mark.parametrize("kind", sorted(DATA))
def test_every_sentence_is_complete_in_three_languages(kind: str) -> None:
    text = told(kind)
    assert list(text) == ["zh-TW", "zh-CN", "en"]
    assert not any(re.search(r"[{}]|None|Fraction|  ", words) for words in text.values())
    assert len(set(text.values())) == 3


@pytest.mark.parametrize(
    ("kind", "english"),
    [
        (
            "code_used_again",
            'Order 1025 used the code of "Six off" once more; it was paid again with 1,200 points.',
        ),
        (
            "code_used_by_other",
            'Order 1025 of somebody else used the code that a member got for "Six off".',
        ),
        (
            "coupon_changed",
            "The coupon lr2222222222 (Six off) was changed in the shop: amount, bound e-mail, number of uses.",
        ),
        ("coupon_deleted", "The coupon lr2222222222 (Six off) was deleted in the shop."),
        (
            "redemption_failed",
            'A shop did not carry out what a redemption of "Six off" needed: rejected: The shop answered 400.',
        ),
        (
            "shop_not_read",
            "The shop shop-1 lets nobody read its orders, so that they cannot be compared:"
            " permission: The shop refused our key (401).",
        ),
        (
            "webhooks_restored",
            "The shop shop-1 had disabled or lost webhooks; they were put back and what was missed is read:"
            " reactivated order.updated, created order.created.",
        ),
        ("credit_used_again", "Order 1025 used a code of store credit once more; it took 1,250.5 again."),
        (
            "credit_code_failed",
            "A shop did not make the code lr2222222222 of store credit, which is free again:"
            " rejected: The shop answered 400.",
        ),
        (
            "discount_share",
            "In the last 30 days discounts took 15% of the revenue, which is more than 12.5%.",
        ),
    ],
)
def test_what_it_says_in_english(kind: str, english: str) -> None:
    assert told(kind)["en"] == english


def test_what_it_says_in_chinese() -> None:
    assert told("discount_share")["zh-TW"] == "最近 30 天的折扣占營收的 15%，超過上限 12.5%。"
    assert told("coupon_changed")["zh-TW"] == (
        "優惠碼 lr2222222222（折抵六元）在商店裡被改過：折扣、綁定的電子郵件、使用次數。"
    )


def test_discounts_without_any_revenue_have_no_share() -> None:
    assert told("discount_share", revenue="0")["en"] == (
        "In the last 30 days there were discounts and no revenue."
    )


def test_reward_without_a_name_is_told_by_its_key() -> None:
    assert 'of "off" needed' in incident_text(Facts("redemption_failed", DATA["redemption_failed"]))["en"]


def test_code_that_is_of_no_reward_is_a_benefit() -> None:
    assert (
        "The coupon lr2222222222 (a member's benefit) was deleted" in told("coupon_deleted", reward="")["en"]
    )


def test_kind_of_another_release_is_told_as_it_is() -> None:
    assert incident_text(Facts("moon_fell", {"x": 1}))["en"] == "Incident: moon_fell"

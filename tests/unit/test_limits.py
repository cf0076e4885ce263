"""A merchant's own limits: how they are read, when discounts are too many, and what members are told."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from builders import NOON, make_document, make_program

from loyalty.errors import Invalid
from loyalty.programs.document import check_document
from loyalty.programs.json_schema import program_json_schema
from loyalty.programs.limits import DiscountShare
from loyalty.programs.rules_page import rules_in_words


def limited(**limits: Any) -> dict[str, Any]:
    return {"limits": limits}


def test_limits_that_are_left_out_are_none() -> None:
    program = make_program()
    assert (program.discount_share, program.gross_margin_percent) == (None, None)
    assert make_program(**limited(discount_share=None, gross_margin_percent=None)) == program


def test_limits_are_read_exactly() -> None:
    program = make_program(**limited(discount_share={"percent": "12.25"}, gross_margin_percent="37.5"))
    assert program.discount_share == DiscountShare(Fraction(49, 4), 30, "alert")
    assert program.gross_margin_percent == Fraction(75, 2)


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        ({"discount_share": {}}, "/limits/discount_share/percent"),
        ({"discount_share": {"percent": "0"}}, "/limits/discount_share/percent"),
        ({"discount_share": {"percent": "100.1"}}, "/limits/discount_share/percent"),
        ({"discount_share": {"percent": 15.5}}, "/limits/discount_share/percent"),
        ({"discount_share": {"percent": "15", "days": 0}}, "/limits/discount_share/days"),
        ({"discount_share": {"percent": "15", "days": 367}}, "/limits/discount_share/days"),
        ({"discount_share": {"percent": "15", "action": "stop"}}, "/limits/discount_share/action"),
        ({"discount_share": {"percent": "15", "x": 1}}, "/limits/discount_share/x"),
        ({"gross_margin_percent": "0"}, "/limits/gross_margin_percent"),
        ({"gross_margin_percent": "101"}, "/limits/gross_margin_percent"),
    ],
)
def test_a_mistake_is_told_with_its_path(limits: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_document(make_document(limits=limits))
    assert list(refused.value.fields) == [path]  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("discounts", "revenue", "above"),
    [
        (Fraction("149.99"), Fraction(1000), False),
        (Fraction(150), Fraction(1000), False),
        (Fraction("150.01"), Fraction(1000), True),
        (Fraction(0), Fraction(0), False),
        (Fraction("0.01"), Fraction(0), True),
    ],
)
def test_discounts_are_too_many_only_above_the_limit(
    discounts: Fraction, revenue: Fraction, above: bool
) -> None:
    assert DiscountShare(Fraction(15)).is_above(discounts, revenue) is above


def test_json_schema_describes_the_limits() -> None:
    described = program_json_schema()["properties"]["limits"]["properties"]
    share = described["discount_share"]["anyOf"][0]
    assert share["required"] == ["percent"]
    assert share["properties"]["action"] == {"type": "string", "enum": ["alert", "block"], "default": "alert"}
    assert described["gross_margin_percent"]["default"] is None


def told(action: str) -> list[dict[str, str]]:
    program = make_program(**limited(discount_share={"percent": "15", "action": action}))
    return [each for it in rules_in_words(program, NOON) if it.key == "rewards" for each in it.sentences]


def test_members_are_told_that_discounts_may_pause_and_no_figure() -> None:
    (sentence,) = told("block")
    assert sentence["zh-TW"] == "近期折扣總額過高時，可能暫停兌換折扣。"
    assert not any("15" in text for text in sentence.values())
    assert told("alert") == []

"""Whom something is for: everybody, or one of each that is named."""

from __future__ import annotations

import pytest

from loyalty.community.audience import read_audience
from loyalty.community.code import check_in_code, is_code
from loyalty.community.forms import FORM_NAMES, STATE_NAMES, SUBMISSION_NAMES, Form, State
from loyalty.community.refusals import REASONS
from loyalty.programs.program import LANGUAGES


@pytest.mark.parametrize(
    ("asked", "admitted"),
    [
        ({}, True), ({"tiers": ["gold"]}, True), ({"tiers": ["fan", "gold"]}, True), ({"tiers": ["fan"]}, False),
        ({"segments": ["new"]}, False), ({"segments": ["new", "big"]}, True), ({"tags": ["vip"]}, True),
        ({"tiers": ["gold"], "tags": ["press"]}, False), ({"tiers": ["gold"], "tags": ["vip"]}, True),
    ],
)  # fmt: skip
def test_one_of_each_that_is_named_must_fit(asked: dict[str, list[str]], admitted: bool) -> None:
    assert read_audience(asked).admits("gold", {"big"}, {"vip"}) is admitted


def test_who_has_not_joined_is_in_no_tier() -> None:
    assert not read_audience({"tiers": ["gold"]}).admits(None, set(), set())
    assert read_audience({}).admits(None, set(), set())


def test_the_check_in_code_is_the_events_and_the_accounts_own() -> None:
    key, other = b"k" * 32, b"o" * 32
    codes = {check_in_code(key, "tea"), check_in_code(key, "cake"), check_in_code(other, "tea")}
    assert len(codes) == 3
    assert is_code(key, "tea", f" {check_in_code(key, 'tea').upper()} ")
    assert not is_code(key, "tea", check_in_code(key, "cake"))
    assert not is_code(key, "tea", "名")


def test_every_word_for_people_is_there_in_three_languages() -> None:
    words = [FORM_NAMES[form] for form in Form] + [STATE_NAMES[state] for state in State]
    for text in [*words, *SUBMISSION_NAMES.values(), *REASONS.values()]:
        assert tuple(text) == LANGUAGES
        assert all(text.values())

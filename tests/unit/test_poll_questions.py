"""Answers of polls and surveys: what fits, what is refused where, and how they are counted."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.community.questions import average_text, check_answers, count_answers, read_questions
from loyalty.errors import Invalid

TEXT = {"en": "?"}
OPTIONS = [{"key": key, "text": TEXT} for key in ("tea", "milk", "ice")]
QUESTIONS = read_questions(
    [
        {"key": "drink", "kind": "single", "text": TEXT, "options": OPTIONS},
        {"key": "with", "kind": "multiple", "text": TEXT, "options": OPTIONS, "most": 2, "required": False},
        {"key": "taste", "kind": "scale", "text": TEXT, "low": 0, "high": 10},
        {"key": "words", "kind": "text", "text": TEXT, "required": False},
    ]
)
GOOD = {"drink": "tea", "with": ["milk", "ice"], "taste": 10, "words": "nice"}


def test_what_fits_is_kept_in_the_order_of_the_questions() -> None:
    backwards = dict(reversed(GOOD.items()))
    assert list(check_answers(QUESTIONS, backwards).items()) == list(GOOD.items())
    assert check_answers(QUESTIONS, {"drink": "ice", "taste": 0}) == {"drink": "ice", "taste": 0}


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("drink", "wine"), ("drink", ["tea"]), ("drink", None), ("with", []), ("with", ["tea", "tea"]),
        ("with", ["tea", "milk", "ice"]), ("with", "tea"), ("with", [1]), ("taste", -1), ("taste", 11), ("taste", "5"),
        ("taste", True), ("words", " "), ("words", "x" * 2001), ("more", "x"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(key: str, answer: Any) -> None:
    with pytest.raises(Invalid) as caught:
        check_answers(QUESTIONS, {**GOOD, key: answer})
    assert list(caught.value.attributes["fields"]) == [f"/answers/{key}"]  # type: ignore[call-overload]


def test_what_must_be_answered_is_missed() -> None:
    with pytest.raises(Invalid) as caught:
        check_answers(QUESTIONS, {"words": "hello"})
    assert list(caught.value.attributes["fields"]) == ["/answers/drink", "/answers/taste"]  # type: ignore[call-overload]


def test_results_count_every_option_and_number() -> None:
    answered = {"drink": 3, "taste": 3, "words": 1}
    counted = [
        ("drink", "tea", 2),
        ("drink", "ice", 1),
        ("taste", "10", 2),
        ("taste", "0", 1),
        ("gone", "x", 9),
    ]
    drink, extra, taste, words = count_answers(QUESTIONS, answered, counted)
    assert drink.counts == {"tea": 2, "milk": 0, "ice": 1}
    assert (extra.answered, extra.counts) == (0, {"tea": 0, "milk": 0, "ice": 0})
    assert (len(taste.counts), taste.average) == (11, "6.67")
    assert (words.answered, words.counts, words.average) == (1, {}, None)


@pytest.mark.parametrize(
    ("total", "count", "text"),
    [(10, 3, "3.33"), (20, 3, "6.67"), (1, 8, "0.13"), (5, 1, "5.00"), (0, 4, "0.00")],
)
def test_averages_are_exact_to_the_hundredth(total: int, count: int, text: str) -> None:
    assert average_text(total, count) == text

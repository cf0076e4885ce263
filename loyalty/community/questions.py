"""Questions of polls and surveys, and their answers; law: what does not fit is refused with its place, never bent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from loyalty.errors import Invalid
from loyalty.programs.ladder import Text
from loyalty.values import decimal_floor

LONGEST_TEXT = 2000
_HALF = Fraction(1, 200)
"""Half of the last digit that is shown of an average."""
Answer = str | int | list[str]


class QuestionKind(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    SCALE = "scale"
    TEXT = "text"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Question:
    key: str
    kind: QuestionKind
    text: Text
    options: Mapping[str, Text] = field(default_factory=dict)
    most: int | None = None
    """multiple: how many options at most."""
    low: int = 1
    high: int = 5
    """scale: from `low` to `high`."""
    is_required: bool = True

    def mistake(self, answer: Any) -> str | None:
        """Return what is wrong with an answer."""
        if self.kind is QuestionKind.SCALE:
            fits = (
                isinstance(answer, int) and not isinstance(answer, bool) and self.low <= answer <= self.high
            )
            return None if fits else f"Must be a whole number from {self.low} to {self.high}."
        if self.kind is QuestionKind.TEXT:
            fits = isinstance(answer, str) and 0 < len(answer.strip()) <= LONGEST_TEXT
            return None if fits else f"Must be a text of 1 to {LONGEST_TEXT} characters."
        if self.kind is QuestionKind.SINGLE:
            fits = isinstance(answer, str) and answer in self.options
            return None if fits else "Must be one of the options."
        if self.kind is QuestionKind.DATE:
            return None if _is_date(answer) else "Must be a date such as 2026-12-01."
        return self._mistake_of_many(answer)

    def _mistake_of_many(self, answer: Any) -> str | None:
        if not isinstance(answer, list) or not all(isinstance(it, str) for it in answer):
            return "Must be a list of options."
        if len(set(answer)) != len(answer) or not answer or not set(answer) <= set(self.options):
            return "Must be some of the options, each once."
        return f"Must be {self.most} options at most." if self.most and len(answer) > self.most else None


def _is_date(answer: Any) -> bool:
    try:
        return isinstance(answer, str) and date.fromisoformat(answer).isoformat() == answer
    except ValueError:
        return False


def read_questions(data: Iterable[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Return the questions of JSON data."""
    return tuple(
        Question(
            item["key"],
            QuestionKind(item["kind"]),
            item["text"],
            {option["key"]: option["text"] for option in item.get("options", ())},
            item.get("most"),
            item.get("low", 1),
            item.get("high", 5),
            item.get("required", True),
        )
        for item in data
    )


def check_answers(
    questions: Sequence[Question], answers: Mapping[str, Any], place: str = "answers", asked: str = "question"
) -> dict[str, Answer]:
    """Return the answers in the order of their questions; raises Invalid with the pointer of each mistake, below
    `place`; `asked` names what is asked.
    """
    found: dict[str, list[str]] = {}
    for question in questions:
        if question.key in answers:
            mistake = question.mistake(answers[question.key])
        else:
            mistake = "Must be answered." if question.is_required else None
        if mistake:
            found[f"/{place}/{question.key}"] = [mistake]
    for key in set(answers) - {question.key for question in questions}:
        found[f"/{place}/{key}"] = [f"There is no such {asked}."]
    if found:
        raise Invalid("The answers have mistakes.", dict(sorted(found.items())))
    return {question.key: answers[question.key] for question in questions if question.key in answers}


@dataclass(frozen=True, slots=True)
class Result:
    """How one question was answered: members who did, how many for each option or number, the average of a scale."""

    question: Question
    answered: int
    counts: Mapping[str, int]
    average: str | None


def count_answers(
    questions: Sequence[Question],
    answered: Mapping[str, int],
    counted: Iterable[tuple[str, str, int]],
) -> list[Result]:
    """Return the result of each question: who answered it by key, and (key, value, count) of what was chosen."""
    chosen: dict[str, Counter[str]] = {question.key: Counter() for question in questions}
    for key, value, count in counted:
        if key in chosen:
            chosen[key][value] += count
    return [_result(question, answered.get(question.key, 0), chosen[question.key]) for question in questions]


def _result(question: Question, answered: int, chosen: Mapping[str, int]) -> Result:
    if question.kind is QuestionKind.TEXT:
        return Result(question, answered, {}, None)
    if question.kind is not QuestionKind.SCALE:
        return Result(question, answered, {key: chosen.get(key, 0) for key in question.options}, None)
    numbers = {number: chosen.get(str(number), 0) for number in range(question.low, question.high + 1)}
    given = sum(numbers.values())
    total = sum(number * count for number, count in numbers.items())
    counts = {str(number): count for number, count in numbers.items()}
    return Result(question, answered, counts, average_text(total, given) if given else None)


def average_text(total: int, count: int) -> str:
    """Return total by count as a decimal of two digits, halves rounded up."""
    return str(decimal_floor(Fraction(total, count) + _HALF, 2))

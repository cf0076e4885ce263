"""Ask for many things at once, in halves where the shop fails at one of them; law: what fails alone, fails alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from loyalty.pushes import OneFailed

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")
Failed = list[tuple[Sequence[Thing], OneFailed]]
"""Things at which a shop failed, by why."""
MOST_IN_A_ROW = 12
"""Requests without any answer between them, after which the shop fails at everything and nothing more is halved."""
SECONDS_LOST = 60.0
"""So long requests may fail, all together; then the rest fails unasked: a shop that hangs must not outlive a lease."""


class _Failures:
    """What a shop failed at lately, and for how long in all."""

    def __init__(self) -> None:
        self._in_a_row, self._lost = 0, 0.0
        self.last: OneFailed | None = None

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is asked meanwhile: an answer ends the row, a failure goes on with it."""
        begun = monotonic()
        try:
            yield
        except OneFailed as error:
            self._in_a_row += 1
            self._lost += monotonic() - begun
            self.last = error
            raise
        self._in_a_row = 0

    @property
    def are_too_many(self) -> bool:
        """Whether nothing more is to be asked apart."""
        return self._in_a_row > MOST_IN_A_ROW or self.is_time_over

    @property
    def is_time_over(self) -> bool:
        """Whether nothing more is to be asked at all."""
        return self._lost > SECONDS_LOST


def ask_in_halves(
    ask: Callable[[Sequence[Thing]], list[Answer]], things: Sequence[Thing]
) -> tuple[list[Answer], Failed[Thing]]:
    """Return what was answered, and the things at which the shop failed; what it answers at once is asked for once,
    and for nothing it is not asked.

    Other refusals than those of single things are raised: they are the same for each half (PushError).
    """
    answers: list[Answer] = []
    failed: Failed[Thing] = []
    waiting, failures = deque([things] if things else []), _Failures()
    while waiting:
        some = waiting.popleft()
        if failures.last is not None and failures.is_time_over:
            failed.append((some, failures.last))
            continue
        try:
            with failures.counting():
                answers += ask(some)
        except OneFailed as error:
            middle = len(some) // 2
            if not middle or failures.are_too_many:
                failed.append((some, error))
            else:
                waiting += [some[:middle], some[middle:]]
    return answers, failed


def ask_each(
    ask: Callable[[Thing], Answer], things: Iterable[Thing]
) -> tuple[dict[Thing, Answer], dict[Thing, OneFailed]]:
    """Ask for things that no request may ask for together; return what was answered, and why not where the shop failed.

    Where it failed at too many in a row, or for too long, the rest fails with them. Other refusals are raised
    (PushError).
    """
    answers: dict[Thing, Answer] = {}
    failed: dict[Thing, OneFailed] = {}
    failures = _Failures()
    for each in things:
        if failures.last is not None and failures.are_too_many:
            failed[each] = failures.last
            continue
        try:
            with failures.counting():
                answers[each] = ask(each)
        except OneFailed as error:
            failed[each] = error
    return answers, failed


def require_some(things: Sequence[Thing], failed: Failed[Thing]) -> None:
    """Raise OneFailed where a shop failed at everything before each thing was asked for by itself: then none of them is
    to blame, and all may be asked for later.
    """
    if len(list_failed(failed)) == len(things) and any(len(some) > 1 for some, _ in failed):
        raise failed[0][1]


def list_failed(failed: Failed[Thing]) -> list[Thing]:
    """Return the things at which a shop failed."""
    return [each for some, _ in failed for each in some]

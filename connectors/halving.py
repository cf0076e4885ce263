"""Ask for many things at once, in halves where the shop fails at one of them; law: what fails alone, fails alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from loyalty.pushes import OneFailed, OneTooSlow

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")
Failed = list[tuple[Sequence[Thing], OneFailed]]
"""Things at which a shop failed, by why."""
MOST_IN_A_ROW = 12
"""Requests without any answer between them, after which the shop fails at everything and nothing more is halved."""
SLOW = 4
"""As so many counts a request that took too long: those of a shop that hangs must not outlive the lease of a job."""


def ask_in_halves(
    ask: Callable[[Sequence[Thing]], list[Answer]], things: Sequence[Thing]
) -> tuple[list[Answer], Failed[Thing]]:
    """Return what was answered, and the things at which the shop failed; what it answers at once is asked for once,
    and for nothing it is not asked.

    Other refusals than those of single things are raised: they are the same for each half (PushError).
    """
    answers: list[Answer] = []
    failed: Failed[Thing] = []
    waiting, in_a_row = deque([things] if things else []), 0
    while waiting:
        some = waiting.popleft()
        try:
            answers += ask(some)
            in_a_row = 0
        except OneFailed as error:
            in_a_row += _weight(error)
            middle = len(some) // 2
            if not middle or in_a_row > MOST_IN_A_ROW:
                failed.append((some, error))
            else:
                waiting += [some[:middle], some[middle:]]
    return answers, failed


def ask_each(
    ask: Callable[[Thing], Answer], things: Iterable[Thing]
) -> tuple[dict[Thing, Answer], dict[Thing, OneFailed]]:
    """Ask for things that no request may ask for together; return what was answered, and why not where the shop failed.

    Where it failed at too many in a row, the rest fails with them. Other refusals are raised (PushError).
    """
    answers: dict[Thing, Answer] = {}
    failed: dict[Thing, OneFailed] = {}
    in_a_row, last = 0, None
    for each in things:
        if last is not None and in_a_row > MOST_IN_A_ROW:
            failed[each] = last
            continue
        try:
            answers[each] = ask(each)
            in_a_row = 0
        except OneFailed as error:
            failed[each] = last = error
            in_a_row += _weight(error)
    return answers, failed


def _weight(error: OneFailed) -> int:
    return SLOW if isinstance(error, OneTooSlow) else 1


def require_some(things: Sequence[Thing], failed: Failed[Thing]) -> None:
    """Raise OneFailed where a shop failed at everything before each thing was asked for by itself: then none of them is
    to blame, and all may be asked for later.
    """
    if len(list_failed(failed)) == len(things) and any(len(some) > 1 for some, _ in failed):
        raise failed[0][1]


def list_failed(failed: Failed[Thing]) -> list[Thing]:
    """Return the things at which a shop failed."""
    return [each for some, _ in failed for each in some]

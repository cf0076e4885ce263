"""Ask for many things at once, in halves where the shop fails at one of them; law: what fails alone, fails alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from loyalty.pushes import OneFailed

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")
Failed = list[tuple[Sequence[Thing], OneFailed]]
"""Things at which a shop failed, by why."""
MOST_IN_A_ROW = 12
"""Requests without any answer between them, after which the shop fails at everything and nothing more is halved."""


def ask_in_halves(
    ask: Callable[[Sequence[Thing]], list[Answer]], things: Sequence[Thing]
) -> tuple[list[Answer], Failed[Thing]]:
    """Return what was answered, and the things at which the shop failed; what it answers at once is asked for once.

    Other refusals than those of single things are raised: they are the same for each half (PushError).
    """
    answers: list[Answer] = []
    failed: Failed[Thing] = []
    waiting, in_a_row = deque([things]), 0
    while waiting:
        some = waiting.popleft()
        try:
            answers += ask(some)
            in_a_row = 0
        except OneFailed as error:
            in_a_row += 1
            middle = len(some) // 2
            if not middle or in_a_row > MOST_IN_A_ROW:
                failed.append((some, error))
            else:
                waiting += [some[:middle], some[middle:]]
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

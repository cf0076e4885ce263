"""Work on members in rounds: nobody twice in one of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
LARGEST = 400


def rounds(
    items: Iterable[Item], member: Callable[[Item], Hashable], most: int = LARGEST
) -> Iterator[list[Item]]:
    """Yield items in their order so that no round has two of one member, nor more than so many."""
    waiting = list(items)
    while waiting:
        firsts: dict[Hashable, int] = {}
        for place, item in enumerate(waiting):
            firsts.setdefault(member(item), place)
        taken = set(islice(firsts.values(), most))
        yield [waiting[place] for place in sorted(taken)]
        waiting = [item for place, item in enumerate(waiting) if place not in taken]

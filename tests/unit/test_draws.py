"""Lucky draws: the same winners for the same seed and entrants, the same chance for everybody."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from loyalty.community.sampling import _below, commitment, draw_winners

SEED = bytes(range(16))
ENTRANTS = [f"customer:1:{number}" for number in range(10)]


def seed(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_the_same_seed_and_entrants_give_the_same_winners_for_ever() -> None:
    assert draw_winners(SEED, ENTRANTS, 3) == draw_winners(SEED, ENTRANTS, 3) == [1, 8, 3]


@pytest.mark.parametrize(
    ("entrants", "count", "winners"), [(0, 3, 0), (1, 3, 1), (3, 3, 3), (10, 3, 3), (10, 1, 1)]
)
def test_as_many_win_as_there_are_and_nobody_twice(entrants: int, count: int, winners: int) -> None:
    won = draw_winners(SEED, ENTRANTS[:entrants], count)
    assert len(won) == len(set(won)) == winners
    assert set(won) <= set(range(entrants))


def test_another_seed_or_one_entrant_more_gives_other_winners() -> None:
    entrants = [f"customer:1:{number}" for number in range(1000)]
    drawn = {tuple(draw_winners(seed(number), entrants, 5)) for number in range(50)}
    assert len(drawn) == 50
    assert draw_winners(SEED, entrants, 5) != draw_winners(SEED, [*entrants, "customer:1:1000"], 5)


def test_entrants_cannot_be_joined_into_other_ones_unseen() -> None:
    assert draw_winners(SEED, ["ab", "c", *ENTRANTS], 9) != draw_winners(SEED, ["a", "bc", *ENTRANTS], 9)


def test_everybody_wins_about_as_often() -> None:
    """Chi-square of 7,000 winners over 7 entrants: 22.5 is exceeded once in a thousand by chance."""
    entrants, rounds = ENTRANTS[:7], 7000
    won = Counter(draw_winners(seed(number), entrants, 1)[0] for number in range(rounds))
    expected = rounds // len(entrants)
    assert sum((won[place] - expected) ** 2 for place in range(7)) < 22.5 * expected


def test_each_place_among_the_winners_is_as_open() -> None:
    rounds = 6000
    orders = Counter(tuple(draw_winners(seed(number), ENTRANTS[:3], 3)) for number in range(rounds))
    assert len(orders) == 6
    assert sum((count - 1000) ** 2 for count in orders.values()) < 20.5 * 1000


def test_words_that_would_favour_somebody_are_skipped() -> None:
    words = iter([2**64 - 1, 2**64 - 2, 5])
    assert _below(words, 3) == 2
    assert list(islice(words, 2)) == [5]


def test_the_published_hash_tells_the_seed_apart() -> None:
    assert commitment(SEED).hex() == "be45cb2605bf36bebde684841a28f0fd43c69850a3dce5fedba69928ee3a8991"
    assert commitment(seed(1)) != commitment(SEED)

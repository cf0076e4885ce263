"""Which rewards suit a member by what he bought (S89); law: first what is for the same products, then for the same
categories; what he can pay before what he nearly can; what he cannot have at all comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from loyalty.programs.catalogue import Reward
from loyalty.rewards.eligibility import MINIMUM_BALANCE, NOT_ENOUGH_POINTS, Refusal

AFFORDABLE = 100
NEARLY = 99
ONLY_POINTS = frozenset({MINIMUM_BALANCE, NOT_ENOUGH_POINTS})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Relation(StrEnum):
    """What a reward has to do with something bought."""

    PRODUCT = "product"
    CATEGORY = "category"


_WEIGHT = {Relation.PRODUCT: 400, Relation.CATEGORY: 200}


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of an order: its product (and variation), and the product's categories where they are known."""

    order_key: str
    at: datetime
    product_ids: frozenset[str]
    category_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tie:
    """How a reward is tied to purchases: in how many orders, and when last."""

    relation: Relation
    orders: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reward that may be suggested, with what speaks against it, the points that may be spent and those it needs."""

    reward: Reward
    refusals: tuple[Refusal, ...]
    available: int
    needed: int

    @property
    def is_out_of_reach(self) -> bool:
        """Return whether more than points are missing."""
        return any(refusal.code not in ONLY_POINTS for refusal in self.refusals)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The place of a reward, from 1 on: products weigh 400, categories 200, what can be paid 100, else its share of 99;
    0 is out of reach.
    """

    candidate: Candidate
    rank: int
    score: int
    tie: Tie | None


def find_tie(reward: Reward, purchases: Iterable[Purchase]) -> Tie | None:
    """Return how a reward is tied to what was bought, None: not at all, as one for whole orders."""
    products, categories = reward.products.product_ids, reward.products.category_ids
    bought = list(purchases)
    for relation, found in (
        (Relation.PRODUCT, [each for each in bought if products & each.product_ids]),
        (Relation.CATEGORY, [each for each in bought if categories & each.category_ids]),
    ):
        if found:
            return Tie(relation, len({each.order_key for each in found}), max(each.at for each in found))
    return None


def rank(candidates: Sequence[Candidate], purchases: Sequence[Purchase]) -> list[Suggestion]:
    """Return the candidates as they are suggested, the best first; equals by times and time of purchase, then by price,
    then as in the catalogue.
    """
    tied = [(each, find_tie(each.reward, purchases)) for each in candidates]
    tied.sort(key=lambda it: it[0].needed)
    tied.sort(key=lambda it: it[1].last if it[1] else _LONG_AGO, reverse=True)
    tied.sort(key=lambda it: (it[0].is_out_of_reach, -score(*it), -it[1].orders if it[1] else 0))
    return [
        Suggestion(candidate, place, score(candidate, tie), tie)
        for place, (candidate, tie) in enumerate(tied, 1)
    ]


def score(candidate: Candidate, tie: Tie | None) -> int:
    """Return how well a reward suits."""
    if candidate.is_out_of_reach:
        return 0
    weight = _WEIGHT[tie.relation] if tie else 0
    if not candidate.refusals:
        return weight + AFFORDABLE
    return weight + max(0, candidate.available) * NEARLY // candidate.needed

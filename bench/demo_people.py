"""Who buys what in the demonstration, and what the program owes them, computed order by order."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

PRODUCTS = {"馬克杯 Mug": 500, "烏龍茶 Oolong tea": 240, "托特包 Tote bag": 1600, "茶具組 Tea set": 3000}
MUG, TEA, BAG, SET = PRODUCTS


@dataclass(frozen=True, slots=True)
class Person:
    """A customer with his orders: each a list of (product, quantity)."""

    name: str
    email: str
    registered: bool
    orders: tuple[tuple[tuple[str, int], ...], ...]


PEOPLE = (
    Person("Amy Chen", "amy@example.test", True, (((MUG, 2), (TEA, 5)), ((MUG, 1), (TEA, 4)), ((MUG, 2),))),
    Person("Ben Lin", "ben@example.test", True, (((BAG, 2),),)),
    Person("Carol Wang", "carol@example.test", False, (((TEA, 3),), ((MUG, 1),))),
    Person("Dan Wu", "dan@example.test", True, (((SET, 2),), ((SET, 1), (BAG, 1), (MUG, 1)))),
    Person("Eve Hsu", "eve@example.test", False, (((MUG, 1),),)),
)
REFUNDED = PEOPLE[1]
"""His one order lifts him into a tier with a coupon, and is refunded later."""
REDEEMER = PEOPLE[3]
"""He exchanges points for a reward of the catalogue."""
REWARD = "two-hundred-off"


@dataclass(slots=True)
class Expected:
    """What a member holds when all his orders are counted."""

    points: int = 0
    spend: int = 0
    tier: str = ""
    coupons: list[str] = field(default_factory=list)
    """The amount of each coupon he gets."""


def expect(person: Person, document: dict[str, Any]) -> Expected:
    """Return what the program owes a person: the tier before an order rates it, the order then may lift the tier."""
    tiers = document["tiers"]
    found, place = Expected(tier=tiers[0]["key"]), 0
    for order in person.orders:
        amount = sum(PRODUCTS[product] * quantity for product, quantity in order)
        multiplier = Fraction(tiers[place].get("benefits", {}).get("multiplier", "1"))
        found.points += int(amount * multiplier)
        found.spend += amount
        reached = max(i for i, tier in enumerate(tiers) if found.spend >= _threshold(tier))
        if reached > place:
            place, found.tier = reached, tiers[reached]["key"]
            found.coupons.append(_amount(document, tiers[reached]["benefits"]["entry_reward"]))
    return found


def _threshold(tier: dict[str, Any]) -> int:
    conditions = tier.get("enter", {}).get("any", [])
    return int(conditions[0]["at_least"]) if conditions else 0


def _amount(document: dict[str, Any], reward: str) -> str:
    return str(next(each["amount"] for each in document["rewards"] if each["key"] == reward))

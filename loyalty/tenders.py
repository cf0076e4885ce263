"""What pays an order beside money;
law: the amount is what was taken of it for the order, and stays that when the order is refunded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

GIFT_CARD = "gift_card"
STORE_CREDIT = "store_credit"


@dataclass(frozen=True, slots=True)
class Tender:
    """What other than money paid a part of an order, in the order's currency; refunds are not taken off."""

    kind: str
    """`gift_card` or `store_credit`."""
    amount: Decimal
    reference: str = ""
    """The shop's own id of the card; empty where the shop does not tell it."""
    code: str = ""
    """Our own code of the card, once the engine has looked that up."""

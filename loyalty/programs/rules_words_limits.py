"""What a merchant's own limits may mean to members, in words."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.programs.ladder import Text
from loyalty.programs.limits import BLOCK
from loyalty.programs.program import Program
from loyalty.programs.words import say


def pauses(program: Program) -> Iterator[Text]:
    """Yield that discounts may not be redeemed for a time; the figures are the merchant's own."""
    share = program.discount_share
    if share is not None and share.action == BLOCK:
        yield say(
            "近期折扣總額過高時，可能暫停兌換折扣。",
            "近期折扣总额过高时，可能暂停兑换折扣。",
            "Discounts cannot be redeemed for a time while those given lately are too many.",
        )

"""In what our copy of an order differs from the shop's, case by case."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, make_order, make_refund

from loyalty.commerce import OrderSighting
from loyalty.reconciliation.differences import Difference, difference

SECOND = timedelta(seconds=1)
KNOWN = make_order(refunds=(make_refund("501", "40"),))
REFUNDS = frozenset({("501", Decimal("40.00"))})


def seen(**more: Any) -> OrderSighting:
    given = {"modified_at": NOON, "status": "processing", "total": Decimal("100.00"), "refunds": REFUNDS}
    return OrderSighting("1", **{**given, **more})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"modified_at": NOON + SECOND}, Difference.OUTDATED),
        ({"modified_at": NOON - SECOND}, None),
        ({"modified_at": NOON - SECOND, "status": "cancelled"}, None),
        ({"refunds": frozenset()}, Difference.REFUND_DELETED),
        ({"refunds": REFUNDS | {("502", Decimal(1))}}, Difference.REFUND_MISSING),
        ({"refunds": frozenset({("501", Decimal(41))})}, Difference.REFUND_DELETED),
        ({"status": "cancelled"}, Difference.STATUS),
        ({"total": Decimal("100.01")}, Difference.TOTAL),
        ({"is_whole": False}, Difference.UNREAD),
        ({"is_whole": False, "refunds": frozenset()}, Difference.UNREAD),
        ({"is_whole": False, "modified_at": NOON + SECOND}, Difference.OUTDATED),
        ({"is_whole": False, "modified_at": NOON - SECOND}, None),
    ],
)
def test_order_that_both_have(more: dict[str, Any], expected: Difference | None) -> None:
    assert difference(seen(**more), KNOWN, None) is expected


@pytest.mark.parametrize(
    ("shop_has", "we_have", "deleted_at", "expected"),
    [
        (True, False, None, Difference.MISSING),
        (True, False, NOON, Difference.RETURNED),
        (True, True, NOON, Difference.RETURNED),
        (False, True, None, Difference.GONE),
        (False, True, NOON, None),
        (False, False, NOON, None),
    ],
)
def test_order_that_only_one_has(
    *, shop_has: bool, we_have: bool, deleted_at: datetime | None, expected: Difference | None
) -> None:
    assert difference(seen() if shop_has else None, KNOWN if we_have else None, deleted_at) is expected

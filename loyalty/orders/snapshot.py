"""The snapshot as it is kept for ever: JSON without personal data; law: what is read back rates to the same points."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty.commerce import (
    Buyer,
    CouponUse,
    LineKind,
    OrderLine,
    OrderSnapshot,
    OrderState,
    ProductFacts,
    Refund,
    RefundLine,
    Tender,
)
from loyalty.values import StoreId

Data = dict[str, Any]


def snapshot_data(order: OrderSnapshot) -> Data:
    """Return an order as JSON data; of its buyer only the region."""
    return {
        "number": order.number,
        "state": order.state.value,
        "status": order.status,
        "currency": order.currency,
        "total": str(order.total),
        "prices_include_tax": order.prices_include_tax,
        "placed_at": order.placed_at.isoformat(),
        "modified_at": order.modified_at.isoformat(),
        "paid_at": _instant(order.paid_at),
        "completed_at": _instant(order.completed_at),
        **({"ended_at": order.ended_at.isoformat()} if order.ended_at else {}),
        "test": order.test,
        "channel": order.channel,
        "region": order.buyer.region,
        "lines": [_line(line) for line in order.lines],
        "refunds": [_refund(refund) for refund in sorted(order.refunds, key=lambda refund: refund.id)],
        "coupons": [[use.code, str(use.discount), str(use.discount_tax)] for use in order.coupons],
        **({"tenders": [_tender(tender) for tender in order.tenders]} if order.tenders else {}),
    }


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _line(line: OrderLine) -> list[Any]:
    facts = line.product
    return [
        line.id,
        line.kind.value,
        line.quantity,
        str(line.subtotal),
        str(line.subtotal_tax),
        str(line.total),
        str(line.total_tax),
        line.product_id,
        line.variation_id,
        line.sku,
        [list(facts.category_ids), list(facts.tags), facts.gift_card, facts.on_sale] if facts else None,
    ]


def _refund(refund: Refund) -> list[Any]:
    lines = [[line.line_id, line.quantity, str(line.amount)] for line in refund.lines]
    return [refund.id, refund.created_at.isoformat(), str(refund.amount), lines]


def _tender(tender: Tender) -> list[str]:
    return [tender.kind, str(tender.amount), tender.reference, tender.code]


def read_snapshot(
    store_id: StoreId, external_id: str, data: Data, observed_at: datetime | None
) -> OrderSnapshot:
    """Return the order that `snapshot_data` wrote; of its buyer only the region is known, once it was kept."""
    return OrderSnapshot(
        store_id=store_id,
        external_id=external_id,
        number=data["number"],
        state=OrderState(data["state"]),
        status=data["status"],
        currency=data["currency"],
        total=Decimal(data["total"]),
        prices_include_tax=data["prices_include_tax"],
        placed_at=datetime.fromisoformat(data["placed_at"]),
        modified_at=datetime.fromisoformat(data["modified_at"]),
        paid_at=_read_instant(data["paid_at"]),
        completed_at=_read_instant(data["completed_at"]),
        ended_at=_read_instant(data.get("ended_at")),
        test=data["test"],
        channel=data["channel"],
        buyer=Buyer(region=data.get("region", "")),
        lines=tuple(_read_line(line) for line in data["lines"]),
        refunds=tuple(_read_refund(refund) for refund in data["refunds"]),
        coupons=tuple(CouponUse(code, Decimal(net), Decimal(tax)) for code, net, tax in data["coupons"]),
        observed_at=observed_at,
        tenders=tuple(_read_tender(tender) for tender in data.get("tenders", ())),
    )


def _read_instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _read_line(item: list[Any]) -> OrderLine:
    facts = item[10]
    product = ProductFacts(tuple(facts[0]), tuple(facts[1]), facts[2], facts[3]) if facts else None
    before, before_tax, total, tax = (Decimal(value) for value in item[3:7])
    return OrderLine(
        item[0],
        LineKind(item[1]),
        item[2],
        before,
        before_tax,
        total,
        tax,
        item[7],
        item[8],
        item[9],
        product,
    )


def _read_refund(item: list[Any]) -> Refund:
    lines = tuple(RefundLine(line_id, quantity, Decimal(amount)) for line_id, quantity, amount in item[3])
    return Refund(item[0], datetime.fromisoformat(item[1]), Decimal(item[2]), lines)


def _read_tender(item: list[str]) -> Tender:
    kind, amount, reference, code = item
    return Tender(kind, Decimal(amount), reference, code)


def keep_product_facts(order: OrderSnapshot, known: OrderSnapshot) -> OrderSnapshot:
    """Return the order with the product facts that were read first for it (RULES §9 (10))."""
    facts = {line.id: line.product for line in known.lines if line.product is not None}
    if not facts:
        return order
    return replace(
        order, lines=tuple(replace(line, product=facts.get(line.id, line.product)) for line in order.lines)
    )


def keep_known(order: OrderSnapshot, known: OrderSnapshot) -> OrderSnapshot:
    """Return the order with what only the known state of it tells: facts of products, and where it is but partial, when
    it was paid and completed, and by what other than money.
    """
    order = keep_product_facts(order, known)
    if not order.is_partial or order.state is OrderState.OPEN:
        return order
    return replace(
        order,
        paid_at=known.paid_at or order.paid_at,
        completed_at=known.completed_at or order.completed_at,
        tenders=order.tenders or known.tenders,
    )


def is_newer(order: OrderSnapshot, known: OrderSnapshot) -> bool:
    """Return whether a snapshot replaces the known one: modified later, or asked for later at the same second."""
    if order.modified_at != known.modified_at:
        return order.modified_at > known.modified_at
    if order.observed_at is None:
        return False
    return known.observed_at is None or order.observed_at >= known.observed_at

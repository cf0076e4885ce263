"""Priority shipping: an entitled member's order is marked in the shop, once, and never by a backfill (S55)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_document, make_woo_order
from ladders import ladder, tier
from receiving import Desk, make_desk
from sqlalchemy import event, text

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from workers.draining import drain_account, refold_account
from workers.pushing import push_store
from workers.runtime import Runtime

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
WEEK = timedelta(days=7)
TICK = timedelta.resolution
SERVED = ladder(tier("gold", "1000", service=["priority_support", "priority_shipping"]))


@pytest.fixture
def woo_shop() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        shop.add_product(price=600)
        shop.add_customer("amy@example.test")
        yield shop


def take(desk: Desk, order: dict[str, Any], now: datetime | None = None) -> None:
    desk.deliver(order)
    drain_account(desk.runtime, desk.shop.account, now=now)


def marks(desk: Desk) -> list[dict[str, Any]]:
    rows = desk.rows("select subject, command, status from pushes where kind = 'mark_order' order by id")
    return [{**row["command"], "subject": row["subject"], "status": row["status"]} for row in rows]


def order(id: int = 26, days: int = 1, **more: Any) -> dict[str, Any]:
    """An order of 500 of the customer so many days after his first."""
    paid = (PAID + timedelta(days=days)).isoformat()[:19]
    return make_woo_order(id, "500", date_paid_gmt=paid, date_created_gmt=paid, **more)


def make_gold(runtime: Runtime, tiers: list[dict[str, Any]] | None = None) -> Desk:
    """A shop whose only customer is gold by an order of 1,000."""
    desk = make_desk(runtime, make_document(tiers=tiers or SERVED))
    take(desk, make_woo_order(), PAID + timedelta(hours=1))
    return desk


def test_first_order_is_not_yet_entitled_and_the_next_one_is_marked(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    assert marks(desk) == []
    take(desk, order(), PAID + timedelta(days=1, hours=1))
    assert marks(desk) == [
        {"order_id": "26", "words": ["priority_shipping"], "subject": "order:1:26", "status": "waiting"}
    ]
    assert desk.differences() == []


def test_tier_without_the_service_marks_nothing(runtime: Runtime) -> None:
    desk = make_gold(runtime, ladder(tier("gold", "1000", service=["priority_support"])))
    take(desk, order(), PAID + timedelta(days=1, hours=1))
    assert marks(desk) == []


@pytest.mark.parametrize(("late", "count"), [(WEEK - TICK, 1), (WEEK, 0), (WEEK + TICK, 0)])
def test_backfill_marks_nothing(runtime: Runtime, late: timedelta, count: int) -> None:
    desk = make_gold(runtime)
    take(desk, order(), PAID + timedelta(days=1) + late)
    assert len(marks(desk)) == count


@pytest.mark.parametrize(
    "more",
    [{"status": "cancelled"}, {"status": "pending", "date_paid_gmt": None}, {"status": "refunded"}],
)
def test_only_an_order_that_stands_is_marked(runtime: Runtime, more: dict[str, Any]) -> None:
    desk = make_gold(runtime)
    take(desk, {**order(), **more}, PAID + timedelta(days=1, hours=1))
    assert marks(desk) == []


def test_cash_on_delivery_is_marked_when_it_is_awarded(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    unpaid = {**order(), "date_paid_gmt": None}
    take(desk, unpaid, PAID + timedelta(days=1, hours=1))
    assert marks(desk) == []
    done = {"status": "completed", "date_completed_gmt": "2026-03-12T04:00:00"}
    take(
        desk,
        {**unpaid, **done, "date_modified_gmt": "2026-03-12T04:00:00"},
        PAID + timedelta(days=2, hours=1),
    )
    assert [mark["order_id"] for mark in marks(desk)] == ["26"]


def test_every_repetition_edit_and_return_leaves_one_mark(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    states = ["processing", "processing", "completed", "cancelled", "processing"]
    for hour, status in enumerate(states, 1):
        modified = (PAID + timedelta(days=1, hours=hour)).isoformat()[:19]
        take(desk, order(status=status, date_modified_gmt=modified), PAID + timedelta(days=1, hours=hour + 1))
    with desk.connect() as connection:
        connection.execute(text("update members set must_refold = true"))
    refold_account(desk.runtime, desk.shop.account, PAID + timedelta(days=2))
    assert len(marks(desk)) == 1
    assert desk.differences() == []


def test_a_guest_is_not_entitled_by_the_order_of_somebody_else(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    take(desk, order(customer_id=8), PAID + timedelta(days=1, hours=1))
    assert marks(desk) == []


def test_the_shops_answer_to_the_mark_causes_no_second_one(runtime: Runtime, woo_shop: SandboxShop) -> None:
    """WooCommerce moves the time of modification and tells of the change: only meta data differ."""
    desk = make_desk(runtime, make_document(tiers=SERVED), sandbox=woo_shop)
    (mug,), (amy,) = woo_shop.state.products, woo_shop.state.customers
    for count in (2, 1):
        placed = woo_shop.place_order((mug, count), customer=amy, email="amy@example.test")
        take(desk, placed)
    assert [mark["order_id"] for mark in marks(desk)] == [str(placed["id"])]
    woo_shop.now = lambda: utc_now() + timedelta(minutes=1)
    push_store(runtime, desk.shop.account, desk.shop.store.id)
    told = woo_shop.order(placed["id"])
    assert {row["key"]: row["value"] for row in told["meta_data"]} == {"laurel_service": "priority_shipping"}
    assert told["date_modified_gmt"] > placed["date_modified_gmt"]
    before = desk.figures(), desk.entries()
    for _ in range(2):
        take(desk, told)
    assert (desk.figures(), desk.entries()) == before
    assert [mark["status"] for mark in marks(desk)] == ["done"]
    assert push_store(runtime, desk.shop.account, desk.shop.store.id) == 0
    assert desk.rows("select status from inbox_messages where status not in ('processed', 'ignored')") == []
    assert desk.differences() == []


def test_marks_cost_one_statement_for_any_number_of_orders_and_none_without_the_service(
    runtime: Runtime,
) -> None:
    def statements(desk: Desk, first: int, many: int) -> int:
        for id in range(first, first + many):
            desk.deliver(order(id))
        seen: list[str] = []
        engine = runtime.database.engine
        listener = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listener)
        drain_account(runtime, desk.shop.account, now=PAID + timedelta(days=1, hours=1))
        event.remove(engine, "before_cursor_execute", listener)
        return len([one for one in seen if "mark_order" in one])

    served, plain = make_gold(runtime), make_gold(runtime, ladder(tier("gold", "1000")))
    assert (statements(served, 100, 1), statements(served, 200, 30)) == (1, 1)
    assert len(marks(served)) == 31
    assert statements(plain, 100, 5) == 0


def test_an_order_cannot_be_marked_twice_by_anybody(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    take(desk, order(), PAID + timedelta(days=1, hours=1))
    again = text(
        "insert into pushes (account_id, store_id, kind, subject, command)"
        " select account_id, store_id, kind, subject, command from pushes where kind = 'mark_order'"
    )
    with pytest.raises(Exception, match="uq_pushes_mark_order"), desk.connect() as connection:
        connection.execute(again)

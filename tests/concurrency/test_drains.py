"""Many workers drain one account at once: every message once, nothing lost, nothing twice, no statement per message."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from builders import Shop, make_document, make_shop, make_woo_order, woo_body
from rq.timeouts import JobTimeoutException
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from bench.dumps import dump, rows, statuses
from connectors.base import RawMessage
from loyalty.accounts.service import next_command_number
from loyalty.commerce import Fact, Ignored, NeedsRead
from loyalty.engine.apply import apply_facts, carry_out
from loyalty.engine.commands import AdjustPoints
from loyalty.engine.verify import verify_ledger
from loyalty.inbox import repository as inbox
from loyalty.values import MessageId
from workers import draining
from workers.draining import drain_account
from workers.runtime import Runtime

START = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
WORKERS = 8
MEMBERS = 5
ORDERS = 60
MOST_STATEMENTS = 15
PROGRAM = make_document(
    expiry={"mode": "lot", "after": {"months": 12}},
    tiers=[
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "3000"}]},
            "benefits": {"multiplier": "1.5", "entry_reward": "ten-off"},
        },
    ],
    rewards=[{"key": "ten-off", "kind": "fixed_discount", "amount": "10"}],
)  # fmt: skip


def gmt(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def order_body(id: int, customer: int, status: str = "processing", minutes: int = 0, **more: Any) -> bytes:
    """An order as it stood so many minutes after it was placed."""
    placed = START + timedelta(hours=id)
    dates = {"date_created_gmt": gmt(placed), "date_modified_gmt": gmt(placed + timedelta(minutes=minutes))}
    paid = None if status == "pending" else gmt(placed + timedelta(minutes=1))
    billing = {**make_woo_order()["billing"], "email": f"c{customer}@example.test"}
    return woo_body(
        make_woo_order(
            id,
            "100",
            status=status,
            customer_id=customer,
            date_paid_gmt=paid,
            billing=billing,
            **dates,
            **more,
        )
    )


def store(
    runtime: Runtime, shop: Shop, body: bytes, delivery: str = "d", topic: str = "order.updated"
) -> bool:
    key = hashlib.sha256(delivery.encode() + body).digest()
    with runtime.database.transaction(None) as connection:
        return inbox.accept(
            connection, shop.account, shop.store.id,
            key=key, source="webhook", topic=topic, delivery_id=delivery, body=body,
        )  # fmt: skip


def life(id: int, customer: int) -> list[bytes]:
    """Pending, paid, completed or cancelled."""
    end = "cancelled" if id % 4 == 0 else "completed"
    return [
        order_body(id, customer, "pending"),
        order_body(id, customer, minutes=1),
        order_body(id, customer, end, minutes=5),
    ]


def drain_in_spite_of_deadlocks(runtime: Runtime, shop: Shop, batch: int, refusals: list[str]) -> int:
    """What the queue does: a job that the database refused is run again."""
    done = 0
    for _ in range(50):
        try:
            return done + drain_account(runtime, shop.account, batch=batch)
        except OperationalError as error:
            refusals.append(str(error.orig))
    raise AssertionError(refusals)


def adjust(runtime: Runtime, shop: Shop, points: int) -> None:
    """Accept a command for some member, as the web does."""
    with runtime.database.transaction(shop.account) as connection:
        book = runtime.book(connection, shop.account, set())
        members = rows(connection, "select id from members order by id")
        if not members:
            return
        number, now = next_command_number(connection), datetime.now(UTC)
        command = AdjustPoints(number, now, points, "because", False, "staff")
        carry_out(connection, book, members[number % len(members)][0], command, now)


def differences(runtime: Runtime, shop: Shop) -> list[object]:
    with runtime.database.transaction(shop.account) as connection:
        return list(verify_ledger(connection, shop.account, rebuild=True).differences)


def all_lives() -> list[bytes]:
    bodies = [body for id in range(1, ORDERS + 1) for body in life(id, 1 + id % MEMBERS)]
    Random(7).shuffle(bodies)
    return bodies


def test_eight_workers_with_few_members_end_as_one_worker_does(runtime: Runtime) -> None:
    busy, quiet = (make_shop(runtime, PROGRAM) for _ in range(2))
    refusals: list[str] = []
    feeding = threading.Event()

    def feed() -> None:
        for body in all_lives():
            store(runtime, busy, body, "first")
            store(runtime, busy, body, "again")
        feeding.set()

    def drain(worker: int) -> int:
        done = 0
        while not feeding.is_set():
            done += drain_in_spite_of_deadlocks(runtime, busy, 1 + worker * 3, refusals)
        return done + drain_in_spite_of_deadlocks(runtime, busy, 40, refusals)

    with ThreadPoolExecutor(WORKERS + 1) as pool:
        fed = pool.submit(feed)
        drained = sum(pool.map(drain, range(WORKERS)))
        fed.result()
    for body in all_lives():
        store(runtime, quiet, body)
    drain_account(runtime, quiet.account)

    assert drained == 2 * 3 * ORDERS
    assert statuses(runtime, busy.account) == [("processed", 2 * 3 * ORDERS)]
    assert differences(runtime, busy) == []
    assert dump(runtime, busy.account) == dump(runtime, quiet.account)


def test_adjustments_between_the_drains_of_eight_workers_leave_a_ledger_that_rebuilds(
    runtime: Runtime,
) -> None:
    shop, refusals = make_shop(runtime, PROGRAM), []
    for body in all_lives():
        store(runtime, shop, body)

    def work(worker: int) -> int:
        if worker % 4:
            return drain_in_spite_of_deadlocks(runtime, shop, 1 + worker, refusals)
        for turn in range(20):
            adjust(runtime, shop, (-30, 7, 50, -200)[turn % 4])
        return 0

    with ThreadPoolExecutor(WORKERS) as pool:
        drained = sum(pool.map(work, range(WORKERS)))

    assert drained == 3 * ORDERS
    assert statuses(runtime, shop.account) == [("processed", 3 * ORDERS)]
    assert differences(runtime, shop) == []


def parsed(runtime: Runtime, shop: Shop, body: bytes) -> list[tuple[MessageId, Fact]]:
    found = runtime.connectors["woocommerce"].parse(
        shop.store.id, RawMessage("webhook", "order.updated", body), with_products=False
    )
    assert not isinstance(found, Ignored | NeedsRead)
    return [(MessageId(1), fact) for fact in found]


def test_an_older_state_that_is_saved_at_the_same_moment_does_not_replace_the_newer_one(
    runtime: Runtime,
) -> None:
    """Two workers hold two states of a new order; the unpaid one has no member whose lock would make it wait."""
    shop = make_shop(runtime, PROGRAM)
    older, newer = order_body(1, 7, "pending"), order_body(1, 7, minutes=1)
    reached = threading.Event()

    def save_older() -> None:
        with runtime.database.transaction(shop.account) as connection:
            book = runtime.book(connection, shop.account, set())
            reached.set()
            apply_facts(connection, book, parsed(runtime, shop, older), datetime.now(UTC))

    with ThreadPoolExecutor(1) as pool:
        with runtime.database.transaction(shop.account) as connection:
            book = runtime.book(connection, shop.account, set())
            apply_facts(connection, book, parsed(runtime, shop, newer), datetime.now(UTC))
            waiting = pool.submit(save_older)
            reached.wait()
            wait_until_blocked(runtime, shop)
        error = waiting.exception()

    with runtime.database.transaction(shop.account) as connection:
        kept = rows(connection, "select snapshot ->> 'status', member_id is not null, points from orders")
    assert kept == [("processing", True, 100)], error
    assert differences(runtime, shop) == []


def wait_until_blocked(runtime: Runtime, shop: Shop) -> None:
    """Wait until the other transaction waits for a lock of ours."""
    statement = "select count(*) from pg_locks where not granted"
    for _ in range(200):
        with runtime.database.transaction(shop.account) as connection:
            if rows(connection, statement) != [(0,)]:
                return
        threading.Event().wait(0.02)


def test_a_poisonous_message_fails_alone(runtime: Runtime) -> None:
    """Its points are more than a number of the database holds; nobody else's message suffers."""
    shop = make_shop(runtime, make_document(earning={"points_per_unit": "1000000"}))
    for id in range(1, 201):
        total = "9999999999999999" if id == 100 else "100"
        body = json.loads(order_body(id, id))
        body["total"] = body["line_items"][0]["total"] = body["line_items"][0]["subtotal"] = total
        store(runtime, shop, woo_body(body))
    drain_account(runtime, shop.account)

    assert statuses(runtime, shop.account) == [("failed", 1), ("processed", 199)]
    with runtime.database.transaction(shop.account) as connection:
        assert rows(connection, "select count(*), sum(points) from ledger_entries") == [
            (199, 199 * 100 * 1_000_000)
        ]
    assert differences(runtime, shop) == []


@pytest.mark.parametrize("batch", [1, 400])
def test_a_job_whose_time_is_over_blames_no_message(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    shop, tried = make_shop(runtime, make_document()), []
    for id in (1, 2):
        store(runtime, shop, order_body(id, id))

    def end(*_: Any) -> None:
        tried.append(1)
        raise JobTimeoutException("600 s")

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "mark", end)
        with pytest.raises(JobTimeoutException):
            drain_account(runtime, shop.account, batch=batch)
    assert (len(tried), statuses(runtime, shop.account)) == (1, [("pending", 2)])
    assert (drain_account(runtime, shop.account), statuses(runtime, shop.account)) == (2, [("processed", 2)])


class Meanwhile:
    """A log at whose word of a failed message another worker takes what waits."""

    def __init__(self, take: Callable[[], object]) -> None:
        self.exception = lambda *_, **__: take()

    def info(self, *_: object, **__: object) -> None:
        """Say nothing."""


def test_a_message_that_another_worker_took_since_is_not_blamed(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a failure and its note nobody has the message: what became of it then stands."""
    shop, real = make_shop(runtime, make_document()), inbox.mark
    store(runtime, shop, order_body(1, 1))

    def fail_once(*_: object) -> None:
        monkeypatch.setattr(inbox, "mark", real)
        raise KeyError("a passing mistake")

    monkeypatch.setattr(inbox, "mark", fail_once)
    monkeypatch.setattr(draining, "log", Meanwhile(lambda: drain_account(runtime, shop.account)))
    assert drain_account(runtime, shop.account, batch=1) == 0
    assert statuses(runtime, shop.account) == [("processed", 1)]
    assert differences(runtime, shop) == []


@pytest.mark.parametrize("workers", [WORKERS])
def test_a_poisonous_message_fails_alone_among_many_workers(runtime: Runtime, workers: int) -> None:
    shop, refusals = make_shop(runtime, make_document(earning={"points_per_unit": "1000000"})), []
    for id in range(1, 201):
        total = "9999999999999999" if id == 100 else "100"
        body = json.loads(order_body(id, 1 + id % MEMBERS))
        body["total"] = body["line_items"][0]["total"] = body["line_items"][0]["subtotal"] = total
        store(runtime, shop, woo_body(body))
    with ThreadPoolExecutor(workers) as pool:
        drained = sum(
            pool.map(lambda _: drain_in_spite_of_deadlocks(runtime, shop, 30, refusals), range(workers))
        )

    assert drained == 200
    assert statuses(runtime, shop.account) == [("failed", 1), ("processed", 199)]
    assert differences(runtime, shop) == []


def statements_of_a_drain(runtime: Runtime, shop: Shop, ids: range) -> list[str]:
    """The statements of the one transaction that drains these new orders of different members."""
    for id in ids:
        store(runtime, shop, order_body(id, id))
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    try:
        drain_account(runtime, shop.account)
    finally:
        event.remove(runtime.database.engine, "before_cursor_execute", note)
    begins = [place for place, statement in enumerate(seen) if "laurel_begin" in statement]
    assert len(begins) == 2, "the second claim finds nothing"
    return seen[: begins[1]]


def test_a_batch_takes_as_many_statements_for_two_hundred_orders_as_for_one(runtime: Runtime) -> None:
    shop = make_shop(runtime, PROGRAM)
    statements_of_a_drain(runtime, shop, range(1, 2))  # what a process reads once: book, program
    one = statements_of_a_drain(runtime, shop, range(2, 3))
    many = statements_of_a_drain(runtime, shop, range(3, 203))

    assert len(many) == len(one)
    assert len(many) <= MOST_STATEMENTS


def test_cash_back_takes_one_statement_more_however_many_orders_bring_some(runtime: Runtime) -> None:
    plain, credits = (
        make_shop(runtime, {**PROGRAM, **more}) for more in ({}, {"cash_back": {"percent": "2"}})
    )
    for shop in (plain, credits):
        statements_of_a_drain(runtime, shop, range(1, 2))
    without, one = (statements_of_a_drain(runtime, shop, range(2, 3)) for shop in (plain, credits))
    many = statements_of_a_drain(runtime, credits, range(3, 43))

    assert len(one) == len(many) == len(without) + 1
    assert not any("credit_entries" in statement for statement in without)

"""Which shops the clock has read, and that what was interrupted is gone on with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders import make_document, make_till
from receiving import Desk, make_desk
from redis import Redis
from rq import Queue

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.backfills.repository import Wish
from loyalty.clock import utc_now
from loyalty.engine.past import ask_for_past
from loyalty.stores.service import set_state
from workers import jobs
from workers.queues import CHECK_STORE, CONTINUE_BACKFILL, RECONCILE_STORE, Queues
from workers.runtime import Runtime


@pytest.fixture
def queue(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """The queue of readings, and jobs that run on the tools of the test."""
    monkeypatch.setattr(jobs, "runtime", lambda: runtime)
    connection = Redis.from_url(runtime.settings.redis_url)
    connection.flushdb()
    yield Queue(Queues.READING, connection=connection)
    connection.flushdb()


@pytest.fixture
def desk(runtime: Runtime) -> Iterator[Desk]:
    with SandboxShop() as shop:
        shop.place_order((shop.add_product("Mug", 1000)["id"], 1), email="amy@example.test")
        yield make_desk(runtime, make_document(), shop, effective_from=utc_now())


def waiting(queue: Queue) -> list[tuple[str, str]]:
    return [(job.func_name, str(job.args[-1])) for job in queue.jobs]


def run_all(queue: Queue) -> None:
    """Do what a worker would do."""
    for job in queue.jobs:
        job.perform()
        job.delete()


def test_clock_has_recent_changes_and_nights_read_of_shops_only(
    desk: Desk, runtime: Runtime, queue: Queue
) -> None:
    make_till(runtime, desk.shop.account)
    assert (jobs.reconcile(), jobs.reconcile_in_depth()) == (1, 1)
    assert waiting(queue) == [(RECONCILE_STORE, "recent"), (RECONCILE_STORE, "deep")]
    run_all(queue)
    kinds = desk.rows("select kind, state from reconciliations order by id")
    assert [tuple(row.values()) for row in kinds] == [("recent", "done"), ("deep", "done")]
    assert jobs.reconcile_in_depth() == 0


def test_clock_has_each_shop_checked_by_a_job_of_its_own(desk: Desk, runtime: Runtime, queue: Queue) -> None:
    other = make_desk(runtime, make_document(), url="http://127.0.0.1:9")
    make_till(runtime, desk.shop.account)
    assert [jobs.check_webhooks(), jobs.check_webhooks()] == [2, 2]
    assert set(waiting(queue)) == {(CHECK_STORE, str(each.shop.store.id)) for each in (desk, other)}
    assert len(queue.jobs) == 2
    run_all(queue)
    assert waiting(queue) == [(RECONCILE_STORE, "recent")]
    assert [row["kind"] for row in desk.rows("select kind from incidents")] == ["webhooks_restored"]
    run_all(queue)
    assert jobs.check_webhooks() == 2


def test_shop_that_left_before_it_was_checked_gets_no_webhooks(desk: Desk, queue: Queue) -> None:
    jobs.check_webhooks()
    with desk.connect() as connection:
        set_state(connection, desk.shop.store.id, "disconnected")
    run_all(queue)
    assert (desk.rows("select kind from incidents"), waiting(queue)) == ([], [])


def test_same_pass_waits_once(desk: Desk, queue: Queue) -> None:
    for _ in range(3):
        jobs.reconcile()
    assert len(waiting(queue)) == 1


def test_silent_shop_is_polled_and_one_that_delivers_is_not(desk: Desk, queue: Queue) -> None:
    assert (jobs.poll_silent_shops(), waiting(queue)) == (1, [(RECONCILE_STORE, "poll")])
    desk.deliver({"id": 5})
    assert jobs.poll_silent_shops() == 0


def test_disconnected_shop_is_left_alone(desk: Desk, queue: Queue) -> None:
    with desk.connect() as connection:
        set_state(connection, desk.shop.store.id, "disconnected")
    assert (jobs.reconcile(), jobs.reconcile_in_depth(), jobs.poll_silent_shops()) == (0, 0, 0)


def test_interrupted_readings_are_gone_on_with(desk: Desk, queue: Queue) -> None:
    with desk.connect() as connection:
        ask_for_past(connection, desk.shop.account, desk.shop.store, Wish(), utc_now(), "staff")
    assert desk.reconcile("deep", seconds=-1) is None
    assert jobs.continue_readings() == 2
    assert sorted(name for name, _ in waiting(queue)) == sorted([CONTINUE_BACKFILL, RECONCILE_STORE])
    run_all(queue)
    assert [row["state"] for row in desk.rows("select state from backfills")] == ["done"]
    assert [row["state"] for row in desk.rows("select state from reconciliations")] == ["done"]
    assert (jobs.continue_readings(), sum(desk.entries()), desk.differences()) == (0, 1000, [])

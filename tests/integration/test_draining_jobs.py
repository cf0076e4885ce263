"""Who is folded again holds no new order up, however many they are, and a job that folds lets others go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk
from redis import Redis
from rq import Queue

from loyalty.members.repository import mark_all_for_refold
from workers import draining, jobs
from workers.queues import DRAIN_INBOX, Queues
from workers.runtime import Runtime

MEMBERS = 4


@pytest.fixture
def queue(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """The queue of drains, and jobs that run on the tools of the test and fold one member at a time."""
    monkeypatch.setattr(jobs, "runtime", lambda: runtime)
    monkeypatch.setattr(draining, "REFOLD_BATCH", 1)
    monkeypatch.setattr(draining, "TURN", 0.0)
    connection = Redis.from_url(runtime.settings.redis_url)
    connection.flushdb()
    yield Queue(Queues.DRAIN, connection=connection)
    connection.flushdb()


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    """Members with an order each, all of whom wait to be folded again."""
    made = make_desk(runtime, make_document())
    for number in range(1, 1 + MEMBERS):
        made.deliver(order(number))
    made.drain()
    with made.connect() as connection:
        assert mark_all_for_refold(connection) == MEMBERS
    return made


def order(number: int) -> dict[str, Any]:
    billing = {**make_woo_order()["billing"], "email": f"{number}@example.test"}
    return make_woo_order(number, customer_id=number, billing=billing)


def left(desk: Desk) -> tuple[int, int]:
    """How many messages wait, and how many members."""
    (row,) = desk.rows(
        "select (select count(*) from inbox_messages where status = 'pending') as messages,"
        " (select count(*) from members where must_refold) as members"
    )
    return row["messages"], row["members"]


def test_new_order_is_taken_before_anybody_is_folded_again(
    desk: Desk, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    def fold(*given: Any) -> Any:
        seen.append(left(desk))
        if len(seen) < MEMBERS:
            desk.deliver(order(100 + len(seen)))
        return fold_again(*given)

    fold_again = draining.fold_again
    monkeypatch.setattr(draining, "fold_again", fold)
    desk.deliver(order(100))
    assert jobs.drain_inbox(desk.shop.account) == 2 * MEMBERS
    assert seen == [(0, MEMBERS - done) for done in range(MEMBERS)]
    assert (left(desk), queue.count, desk.differences()) == ((0, 0), 0, [])


def test_job_whose_time_is_over_wakes_the_next_one(
    desk: Desk, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(draining, "SECONDS", 0.0)
        desk.deliver(order(100))
        assert (jobs.drain_inbox(desk.shop.account), left(desk)) == (1, (0, MEMBERS))
    (job,) = queue.jobs
    assert (job.func_name, job.args) == (DRAIN_INBOX, (desk.shop.account,))
    job.delete()
    assert (job.perform(), left(desk), queue.count) == (MEMBERS, (0, 0), 0)


def test_order_of_a_member_who_waits_folds_him_again(desk: Desk, queue: Queue) -> None:
    desk.deliver({**order(100), "customer_id": 1, "billing": order(1)["billing"]})
    desk.drain()
    assert (left(desk), desk.differences()) == ((0, MEMBERS - 1), [])

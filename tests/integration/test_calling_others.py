"""Other systems are called beside the shop: one that does not answer delays no coupon, no other system and no job."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any

import pytest
from builders import make_document
from receiving import Desk, Row, make_desk
from sqlalchemy import text

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.outbox.repository import NewPush, add_pushes
from loyalty.pushes import DisableCoupon, PostWebhook
from loyalty.reports.waiting import list_due
from loyalty.stores.service import set_state
from workers import calling, pushing
from workers.pushing import push_store
from workers.runtime import Runtime

CODE = "lr0000000000"


class Others(ThreadingHTTPServer):
    """Other systems, by path: /well answers, /slow answers after 0.3 seconds, /away hangs up without an answer, and
    /picky does so for one event.
    """

    def __init__(self) -> None:
        self.called: list[tuple[str, str]] = []
        self.look: Callable[[], object] = lambda: None
        others = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["id"]
                others.look()
                others.called.append((self.path, event))
                if self.path == "/slow":
                    time.sleep(0.3)
                if self.path == "/away" or (self.path, event) == ("/picky", "poison"):
                    return
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)

    def count(self, path: str) -> int:
        return sum(called == path for called, _ in self.called)


@pytest.fixture
def others() -> Iterator[Others]:
    server = Others()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, woo: SandboxShop) -> Desk:
    return make_desk(runtime, make_document(), woo)


def queue(desk: Desk, others: Others, path: str, *events: str) -> None:
    url = f"http://127.0.0.1:{others.server_address[1]}{path}"
    store = desk.shop.store.id
    new = [NewPush(store, None, f"webhook:{path}:{it}", PostWebhook(url, it, {})) for it in events]
    with desk.connect() as connection:
        add_pushes(connection, desk.shop.account, new)


def queue_code(desk: Desk, *codes: str) -> None:
    new = [
        NewPush(desk.shop.store.id, None, f"coupon:{code}", DisableCoupon(code, utc_now()))
        for code in codes or (CODE,)
    ]
    with desk.connect() as connection:
        add_pushes(connection, desk.shop.account, new)


def push(desk: Desk, hours: int = 0, **more: Any) -> int:
    now = utc_now() + timedelta(hours=hours)
    return push_store(desk.runtime, desk.shop.account, desk.shop.store.id, now, **more)


def states(desk: Desk, where: str = "true") -> list[Row]:
    return desk.rows(
        "select status, attempts, reason, leased_until, count(*)"
        f" from pushes where {where} group by status, attempts, reason, leased_until order by attempts"
    )


def state(status: str, attempts: int, reason: str, count: int) -> Row:
    return {
        "status": status, "attempts": attempts, "reason": reason, "leased_until": None, "count": count,
    }  # fmt: skip


def test_other_systems_are_called_also_when_the_store_is_disconnected(desk: Desk, others: Others) -> None:
    queue(desk, others, "/well", "first")
    queue_code(desk)
    with desk.connect() as connection:
        set_state(connection, desk.shop.store.id, "disconnected")
    with desk.runtime.database.transaction(None) as connection:
        assert [work.kind for work in list_due(connection, utc_now())] == ["push"]
    assert (push(desk), others.called) == (1, [("/well", "first")])
    assert states(desk, "kind = 'disable_coupon'") == [state("waiting", 0, "", 1)]
    with desk.runtime.database.transaction(None) as connection:
        assert list_due(connection, utc_now()) == []


def test_what_the_shop_did_is_recorded_before_another_system_is_called(desk: Desk, others: Others) -> None:
    seen = []
    others.look = lambda: seen.append(desk.rows("select status from pushes where kind = 'disable_coupon'"))
    queue(desk, others, "/well", "first")
    queue_code(desk)
    assert push(desk) == 2
    assert seen == [[{"status": "done"}]]


def test_a_slow_shop_leaves_time_for_the_others_and_is_told_the_rest_by_the_next_job(
    desk: Desk, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of such a shop takes as long as a job may tell it; the calls come in the same job all the same."""
    passed = count(time.monotonic(), pushing.TELLING_SECONDS / 2 + 1)
    monkeypatch.setattr(pushing, "monotonic", lambda: next(passed))
    monkeypatch.setattr(pushing, "BATCH", 1)
    queue_code(desk, "lr0000000001", "lr0000000002", "lr0000000003")
    queue(desk, others, "/well", "first")
    told = "kind = 'disable_coupon'"
    assert push(desk) == 2
    assert states(desk, told) == [state("waiting", 0, "", 2), state("done", 1, "", 1)]
    assert others.called == [("/well", "first")]
    assert (push(desk), push(desk), push(desk)) == (1, 1, 0)
    assert states(desk, told) == [state("done", 1, "", 3)]


def test_an_address_that_does_not_answer_is_called_once_a_job_and_all_for_it_waits(
    desk: Desk, others: Others
) -> None:
    queue(desk, others, "/away", *(str(number) for number in range(50)))
    queue(desk, others, "/well", "first")
    queue_code(desk)
    assert push(desk) == 52
    assert (others.count("/away"), others.count("/well")) == (1, 1)
    assert states(desk, "subject like 'webhook:/away:%'") == [
        state("waiting", 0, "unreachable", 49), state("waiting", 1, "unreachable", 1),
    ]  # fmt: skip
    assert states(desk, "subject not like 'webhook:/away:%'") == [state("done", 1, "", 2)]
    assert push(desk) == 0


def test_what_the_time_did_not_reach_is_due_at_once_and_not_counted(desk: Desk, others: Others) -> None:
    queue(desk, others, "/slow", *(str(number) for number in range(6)))
    assert push(desk, seconds=0.4) == 2
    assert states(desk) == [state("waiting", 0, "", 4), state("done", 1, "", 2)]
    assert push(desk) == 4
    assert states(desk) == [state("done", 1, "", 6)]
    assert [event for _, event in others.called] == ["0", "1", "2", "3", "4", "5"]


def test_an_event_at_which_an_address_always_fails_takes_no_other_with_it(desk: Desk, others: Others) -> None:
    queue(desk, others, "/picky", "poison", *(str(number) for number in range(99)))
    push(desk)
    assert others.called == [("/picky", "poison")]
    push(desk, hours=1)
    assert states(desk) == [state("done", 1, "", 99), state("waiting", 2, "unreachable", 1)]
    push(desk, hours=7)
    assert desk.rows("select subject, reason from pushes where status = 'failed'") == [
        {"subject": "webhook:/picky:poison", "reason": "exhausted"}
    ]


def test_an_address_is_called_ever_less_often_and_given_up_after_some_hours(
    desk: Desk, others: Others
) -> None:
    queue(desk, others, "/away", *(str(number) for number in range(30)))
    times = [utc_now() + timedelta(minutes=minute) for minute in range(0, 7 * 60)]
    for now in times:
        push_store(desk.runtime, desk.shop.account, desk.shop.store.id, now)
    assert len(others.called) < 30
    rows = desk.rows("select distinct status, reason from pushes")
    assert rows == [{"status": "failed", "reason": "exhausted"}]


def test_an_event_whose_jobs_end_with_its_call_is_given_up_after_some_hours(
    desk: Desk, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of a job that died ends, and the next job leases the same event again."""

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError

    queue(desk, others, "/well", "poison")
    with monkeypatch.context() as patched:
        patched.setattr(calling, "post_webhook", die)
        for hours in (0, 3):
            with pytest.raises(RuntimeError):
                push(desk, hours=hours)
        assert states(desk)[0]["attempts"] == 2
        assert push(desk, hours=6) == 1
    rows = desk.rows("select status, reason, detail, leased_until from pushes")
    assert [(row["status"], row["reason"], row["leased_until"]) for row in rows] == [
        ("failed", "exhausted", None)
    ]
    assert others.called == []


def test_an_event_whose_job_died_before_hours_of_standstill_is_called_again(
    desk: Desk, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError

    queue(desk, others, "/well", "first", "second")
    with monkeypatch.context() as patched:
        patched.setattr(calling, "post_webhook", die)
        with pytest.raises(RuntimeError):
            push(desk)
    assert push(desk, hours=9) == 2
    assert [event for _, event in others.called] == ["first", "second"]


def test_other_systems_are_called_while_the_shop_is_away(
    desk: Desk, others: Others, woo: SandboxShop
) -> None:
    with desk.connect() as connection:
        connection.execute(text("update stores set url = 'http://127.0.0.1:9'"))
    queue(desk, others, "/well", "first")
    queue_code(desk)
    push(desk)
    assert others.called == [("/well", "first")]
    assert states(desk, "kind = 'disable_coupon'") == [state("waiting", 1, "unreachable", 1)]

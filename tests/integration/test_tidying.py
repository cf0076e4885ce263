"""What is done and old goes, in batches; what waits, failed, or tells something still, stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.builders import Shop, make_document, make_shop
from workers import tidying
from workers.runtime import Runtime

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
MESSAGE = text(
    "insert into inbox_messages (account_id, store_id, message_key, source, topic, body, received_at, status)"
    " values (:account, :store, sha256(convert_to(:n, 'UTF8')), :source, 'order.updated', 'x', :at, :status)"
)
PUSH = text(
    "insert into pushes (account_id, store_id, kind, subject, command, status, created_at)"
    " values (:account, :store, :kind, :subject, '{}', :status, :at)"
)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document())


def put_messages(
    runtime: Runtime, shop: Shop, statuses: list[str], at: datetime, source: str = "webhook"
) -> None:
    told = {"account": shop.account, "store": shop.store.id, "at": at, "source": source}
    rows = [{**told, "n": f"{source}{at}{n}", "status": status} for n, status in enumerate(statuses)]
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(MESSAGE, rows)


def put_pushes(runtime: Runtime, shop: Shop, pushes: list[tuple[str, str, str]], at: datetime) -> None:
    rows = [
        {
            "account": shop.account,
            "store": shop.store.id,
            "kind": kind,
            "subject": subject,
            "status": status,
            "at": at,
        }
        for kind, subject, status in pushes
    ]
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(PUSH, rows)


def left(runtime: Runtime, shop: Shop, column: str, table: str) -> list[str]:
    with runtime.database.transaction(shop.account) as connection:
        return list(connection.execute(text(f"select {column} from {table} order by id")).scalars())


def test_messages_go_when_they_are_done_and_older_than_the_retention(runtime: Runtime, shop: Shop) -> None:
    every = ["pending", "reading", "processed", "failed", "ignored"]
    put_messages(runtime, shop, every, BEFORE - timedelta(seconds=1))
    put_messages(runtime, shop, every, BEFORE)
    assert tidying.tidy(runtime, shop.account, NOW) == 2
    assert left(runtime, shop, "status", "inbox_messages") == ["pending", "reading", "failed", *every]
    assert tidying.tidy(runtime, shop.account, NOW) == 0


def test_many_go_in_small_transactions(runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "BATCH", 3)
    put_messages(runtime, shop, ["processed"] * 10, BEFORE - timedelta(days=1))
    put_messages(runtime, shop, ["processed"] * 2, NOW)
    assert tidying.tidy(runtime, shop.account, NOW) == 10
    assert len(left(runtime, shop, "status", "inbox_messages")) == 2


def test_pushes_go_but_those_that_still_say_something(runtime: Runtime, shop: Shop) -> None:
    old = [
        ("put_coupon", "coupon:a", "done"),
        ("put_coupon", "coupon:b", "failed"),
        ("put_coupon", "coupon:b", "done"),
        ("put_coupon", "coupon:c", "superseded"),
        ("put_coupon", "coupon:d", "waiting"),
        ("mark_order", "order:1", "done"),
    ]
    put_pushes(runtime, shop, old, BEFORE - timedelta(days=1))
    put_pushes(runtime, shop, [("put_coupon", "coupon:e", "done")], NOW)
    assert tidying.tidy(runtime, shop.account, NOW) == 2
    assert left(runtime, shop, "subject || ' ' || status", "pushes") == [
        "coupon:b failed", "coupon:b done", "coupon:d waiting", "order:1 done", "coupon:e done",
    ]  # fmt: skip


def test_with_a_retention_of_0_everything_is_kept(runtime: Runtime, shop: Shop) -> None:
    put_messages(runtime, shop, ["processed"], BEFORE - timedelta(days=1000))
    runtime.settings = replace(runtime.settings, retention_days=0)
    assert tidying.tidy(runtime, shop.account, NOW) == 0
    assert left(runtime, shop, "status", "inbox_messages") == ["processed"]


def test_what_tills_told_is_emptied_and_still_known(runtime: Runtime, shop: Shop) -> None:
    put_messages(runtime, shop, ["processed", "failed"], BEFORE - timedelta(days=1), "api")
    put_messages(runtime, shop, ["processed"], NOW, "api")
    assert tidying.tidy(runtime, shop.account, NOW) == 1
    assert left(runtime, shop, "octet_length(body)", "inbox_messages") == [0, 1, 1]
    assert tidying.tidy(runtime, shop.account, NOW) == 0

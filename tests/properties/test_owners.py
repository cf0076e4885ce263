"""Orders that change hands: whom an order belongs to does not depend on what arrived first (RULES §8)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from builders import make_document, make_shop, make_woo_order, woo_body
from test_account_histories import Account, Message

from bench.dumps import dump, rows, statuses
from loyalty.clock import utc_now
from workers.runtime import Runtime

GUEST = {"customer_id": 0}
CUSTOMER = {"customer_id": 7}
BILLING = make_woo_order()["billing"]
ERASED = {"customer_id": 0, "billing": {**BILLING, "email": "deleted@site.invalid"}}


def told(minute: int, **more: Any) -> Message:
    stamp = f"2026-03-10T04:{minute:02}:00"
    body = make_woo_order(25, "1000", date_modified_gmt=stamp, **more)
    return Message("webhook", "order.updated", woo_body(body), None)


def owners(runtime: Runtime, *messages: Message) -> list[tuple[Any, ...]]:
    """The points of each member that has any, after the messages arrived one by one; nothing may fail or differ."""
    account = Account(runtime, make_shop(runtime, make_document()))
    for message in messages:
        account.store(message)
        account.drain(utc_now(), 400)
    assert statuses(runtime, account.shop.account) == [("processed", len(messages))]
    assert account.differences() == []
    with runtime.database.transaction(account.shop.account) as connection:
        statement = (
            "select m.key, sum(e.points) from ledger_entries e join members m on m.id = e.member_id"
            " group by 1 having sum(e.points) <> 0"
        )
        return rows(connection, statement)


def test_a_guests_order_goes_to_the_customer_whom_the_shop_names(runtime: Runtime) -> None:
    assert owners(runtime, told(0, **GUEST), told(1, **CUSTOMER)) == [("customer:1:7", 1000)]


def test_an_order_that_names_another_customer_moves_to_him(runtime: Runtime) -> None:
    assert owners(runtime, told(0, **CUSTOMER), told(1, customer_id=8)) == [("customer:1:8", 1000)]


def test_an_order_that_moves_there_and_back_is_posted_once(runtime: Runtime) -> None:
    messages = [told(0, **CUSTOMER), told(1, customer_id=8), told(2, **CUSTOMER)]
    assert owners(runtime, *messages) == [("customer:1:7", 1000)]


@pytest.mark.parametrize("later", [GUEST, ERASED], ids=["guest", "erased"])
def test_an_order_stays_with_its_customer_when_the_shop_forgets_him(
    runtime: Runtime, later: dict[str, Any]
) -> None:
    messages = [told(0, **CUSTOMER), told(1, **later)]
    found = {tuple(owners(runtime, *shuffled)) for shuffled in permutations(messages)}

    assert found == {(("customer:1:7", 1000),)}


def test_a_guest_who_is_erased_keeps_his_points_whichever_body_comes_first(runtime: Runtime) -> None:
    messages = [told(0, **GUEST), told(1, **ERASED)]
    found = {tuple(points for _, points in owners(runtime, *shuffled)) for shuffled in permutations(messages)}

    assert found == {(1000,)}


def test_an_order_that_moved_ends_alike_in_every_order_of_arrival(runtime: Runtime) -> None:
    messages = [told(0, **GUEST), told(1, **CUSTOMER), told(2, status="completed", **CUSTOMER)]
    found = []
    for shuffled in permutations(messages):
        account = Account(runtime, make_shop(runtime, make_document()))
        for message in shuffled:
            account.store(message)
            account.drain(utc_now(), 400)
        found.append(
            {part: dump(runtime, account.shop.account)[part] for part in ("points", "orders", "lots")}
        )

    assert all(each == found[0] for each in found)

"""Points that die, as the API shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_program, make_shop, make_woo_order, woo_body
from tests.web.conftest import Caller, deliver, drain
from workers.reminding import send_reminders
from workers.runtime import Runtime
from workers.settling import expire_points

EXPIRY = {"mode": "lot", "after": {"months": 12}}
NOW = utc_now().replace(microsecond=0)
DATES = {
    f"date_{what}_gmt": f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%S}"
    for what in ("created", "modified", "paid")
}
PAID = [NOW - timedelta(days=days) for days in (400, 90, 30)]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(expiry=EXPIRY))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """Somebody with 500 points that are over, and twice 300 that are not."""
    for number, (total, at) in enumerate(zip(("500", "300", "300"), PAID, strict=True), 1):
        paid = at.strftime("%Y-%m-%dT%H:%M:%S")
        order = make_woo_order(
            number, total, date_paid_gmt=paid, date_created_gmt=paid, date_modified_gmt=paid
        )
        deliver(client, shop, woo_body(order))
    drain(runtime, shop)
    return str(body(caller.get("/members"))["data"][0]["id"])


def body(answer: Any) -> dict[str, Any]:
    assert answer.json is not None
    return dict(answer.json)


def test_u38_every_lot_is_listed_with_its_own_date(caller: Caller, member: str) -> None:
    lots = body(caller.get(f"/members/{member}/lots"))["data"]
    told = [(lot["expires_at"], lot["remaining"]) for lot in lots if lot["state"] != "expired"]
    expiry = make_program(expiry=EXPIRY).expiry
    ends = [expiry.lot_end(at, "Asia/Taipei") for at in PAID[1:]]
    assert sorted(told) == [(f"{end:%Y-%m-%dT%H:%M:%SZ}", 300) for end in ends if end]


def test_u44_expiry_changes_balance_entries_and_lots_together(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    expire_points(runtime, shop.account)
    balance = body(caller.get(f"/members/{member}"))["balance"]
    entries = body(caller.get(f"/members/{member}/entries"))["data"]
    lots = body(caller.get(f"/members/{member}/lots"))["data"]
    assert balance["available"] == entries[0]["balance_after"] == sum(lot["remaining"] for lot in lots) == 600
    assert [entry["points"] for entry in entries if entry["kind"] == "expiry"] == [-500]
    assert body(caller.get("/members"))["data"][0]["balance"] == balance


SHORTER = {"document": make_document(expiry={"mode": "inactivity", "after": {"days": 10}})}


def test_u46_publishing_ahead_says_how_many_days_are_left_and_members_are_told_meanwhile(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    start = f"{NOW + timedelta(days=40, hours=-1):%Y-%m-%dT%H:%M:%SZ}"
    [warning] = body(caller.post("/program/publish", {**SHORTER, "effective_from": start}))["warnings"]
    assert (warning["path"], "Days until then: 40;" in warning["message"]["en"]) == ("/expiry", True)
    send_reminders(runtime, shop.account)
    send_reminders(runtime, shop.account)
    [notice] = body(caller.get("/notices", member=member))["data"]
    assert (notice["kind"], notice["ends_at"]) == ("expiry_announced", start)
    assert (notice["data"]["points_dying"], notice["data"]["points_earlier"]) == (600, 0)
    assert set(notice["data"]["text"]) == {"zh-TW", "zh-CN", "en"}


def test_u46_publishing_for_now_says_that_nobody_can_be_told(caller: Caller, member: str) -> None:
    [warning] = body(caller.post("/program/publish", SHORTER))["warnings"]
    assert "no announcement to members is possible" in warning["message"]["en"]


def statements_of(runtime: Runtime, shop: Shop) -> int:
    seen: list[str] = []

    def note(_c: object, _x: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    try:
        send_reminders(runtime, shop.account)
    finally:
        event.remove(runtime.database.engine, "before_cursor_execute", note)
    return len(seen)


def test_u46_announcing_to_more_members_takes_no_more_statements(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    start = f"{NOW + timedelta(days=40):%Y-%m-%dT%H:%M:%SZ}"
    caller.post("/program/publish", {**SHORTER, "effective_from": start})
    found = []
    for customers in ([1], range(2, 12)):
        for customer in customers:
            deliver(client, shop, woo_body(make_woo_order(customer, customer_id=customer, **DATES)))
        drain(runtime, shop)
        found.append(statements_of(runtime, shop))
    assert found[0] == found[1]
    assert len(body(caller.get("/notices", limit=50))["data"]) == 11

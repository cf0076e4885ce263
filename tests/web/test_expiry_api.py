"""Points that die, as the API shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_program, make_shop, make_woo_order, woo_body
from tests.web.conftest import Caller, deliver, drain
from workers.runtime import Runtime
from workers.settling import expire_points

EXPIRY = {"mode": "lot", "after": {"months": 12}}
NOW = utc_now().replace(microsecond=0)
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

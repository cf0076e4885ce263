"""Incidents by API: listed in words, looked at once, nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from loyalty.incidents.repository import note_incidents
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.measuring import judge_discounts
from workers.runtime import Runtime

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)
REWARD = {"key": "off", "kind": "fixed_discount", "amount": "6", "points": 60, "name": {"en": "Six off"}}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(rewards=[REWARD], limits={"discount_share": {"percent": "1"}}))


def notice(runtime: Runtime, shop: Shop, number: int = 1, order_key: str = "", **more: Any) -> None:
    row = {
        "kind": "code_used_again", "subject": f"redemption:{number}", "member_id": None, "order_key": order_key,
        "data": {"reward": "off", "points": 60}, "noticed_at": NOW + timedelta(minutes=number), **more,
    }  # fmt: skip
    with runtime.database.transaction(shop.account) as connection:
        note_incidents(connection, shop.account, [row])


def test_incident_is_told_in_words_with_its_order(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    place_order(runtime, client, shop, id=25, number="1025")
    notice(runtime, shop, order_key="1:25")
    (row,) = caller.get("/incidents").get_json()["data"]
    assert row["text"]["en"] == (
        'Order 1025 used the code of "Six off" once more; it was paid again with 60 points.'
    )
    assert {name: row[name] for name in ("kind", "subject", "order", "open", "noticed_at", "resolved_at")} == {
        "kind": "code_used_again", "subject": "redemption:1", "order": {"id": "25", "number": "1025"},
        "open": True, "noticed_at": "2026-03-20T04:01:00Z", "resolved_at": None,
    }  # fmt: skip


def test_incidents_are_listed_newest_first_page_by_page(runtime: Runtime, shop: Shop, caller: Caller) -> None:
    for number in range(1, 6):
        notice(runtime, shop, number)
    seen, cursor = [], None
    for _ in range(3):
        page = caller.get("/incidents", limit=2, **({"cursor": cursor} if cursor else {})).get_json()
        seen += [row["subject"] for row in page["data"]]
        cursor = page["next"]
    assert seen == [f"redemption:{number}" for number in (5, 4, 3, 2, 1)]
    assert cursor is None


def test_incident_is_resolved_once_and_the_first_who_did_stays_noted(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    notice(runtime, shop)
    (row,) = caller.get("/incidents", open="true").get_json()["data"]
    first = caller.post(f"/incidents/{row['id']}/resolve")
    second = make_caller(runtime, client, shop).post(f"/incidents/{row['id']}/resolve")
    assert (first.status_code, second.status_code) == (200, 200)
    done = first.get_json()
    assert (done["open"], done["resolved_by"][:7]) == (False, "api key")
    assert second.get_json() == done
    assert caller.get("/incidents", open="true").get_json()["data"] == []
    assert [each["id"] for each in caller.get("/incidents", open="false").get_json()["data"]] == [row["id"]]
    actions = [each["action"] for each in caller.get("/activities").get_json()["data"]]
    assert actions.count("incident.resolved") == 1


def test_noticed_again_it_is_no_second_incident_and_stays_resolved(
    runtime: Runtime, shop: Shop, caller: Caller
) -> None:
    notice(runtime, shop)
    (row,) = caller.get("/incidents").get_json()["data"]
    caller.post(f"/incidents/{row['id']}/resolve")
    notice(runtime, shop)
    assert [each["open"] for each in caller.get("/incidents").get_json()["data"]] == [False]


def test_unknown_incident_and_unknown_word(caller: Caller) -> None:
    assert caller.post("/incidents/999/resolve").status_code == 404
    assert caller.get("/incidents", open="maybe").status_code == 422
    assert caller.get("/incidents", state="open").status_code == 422


def test_a_stranger_sees_and_resolves_nothing(
    runtime: Runtime, shop: Shop, caller: Caller, stranger: Caller
) -> None:
    notice(runtime, shop)
    (row,) = caller.get("/incidents").get_json()["data"]
    assert stranger.get("/incidents").get_json()["data"] == []
    assert stranger.post(f"/incidents/{row['id']}/resolve").status_code == 404
    assert caller.get("/incidents").get_json()["data"][0]["open"] is True


def test_a_key_that_only_reads_resolves_nothing(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    notice(runtime, shop)
    (row,) = caller.get("/incidents").get_json()["data"]
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.post(f"/incidents/{row['id']}/resolve").status_code == 403
    assert reader.get("/incidents").get_json()["data"][0]["open"] is True


def test_a_scrape_counts_what_nobody_has_looked_at(
    app: Flask, runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    notice(runtime, shop)
    place_order(runtime, client, shop)
    with runtime.database.transaction(shop.account) as connection:
        connection.exec_driver_sql(
            "update orders set laurel_codes = '[\"lr2222222222\"]', snapshot = jsonb_set(snapshot, '{coupons}',"
            ' \'[["lr2222222222", "200", "0"]]\')'
        )
    assert judge_discounts(runtime, shop.account, NOW) == 1
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    assert {"laurel_incidents_open 2.0", "laurel_discounts_above 1.0"} <= set(lines)
    for row in caller.get("/incidents", open="true").get_json()["data"]:
        caller.post(f"/incidents/{row['id']}/resolve")
    assert "laurel_incidents_open 0.0" in client.get("/metrics").get_data(as_text=True).splitlines()

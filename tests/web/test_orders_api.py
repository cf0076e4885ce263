"""Orders that a till tells by API: what is taken, refused and repeated, what they earn, and how that is read."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from loyalty.stores.service import Store, set_state
from tests.builders import Shop, make_document, make_sale, make_shop, make_till
from tests.web.conftest import Caller, drain, make_caller, place_order
from workers.runtime import Runtime

AMY = {"buyer": {"email": "amy@example.test"}}
HOUR = "2026-03-10T13:00:00+08:00"
DAY = "2026-03-11T12:00:00+08:00"


@pytest.fixture
def till(runtime: Runtime, shop: Shop) -> Store:
    return make_till(runtime, shop.account)


def tell(caller: Caller, **more: Any) -> TestResponse:
    answer = caller.post("/orders", make_sale(**more))
    assert answer.status_code == 202, answer.json
    return answer


def listed(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    answer = caller.get("/orders", **query)
    assert answer.status_code == 200, answer.json
    return list(answer.json["data"])  # type: ignore[index]


def messages(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    return list(caller.get("/inbox", **query).json["data"])  # type: ignore[index]


def points(caller: Caller) -> list[int]:
    """What each order stands at."""
    return [row["points"] for row in listed(caller)]


def prove(caller: Caller) -> None:
    proof = caller.get("/ledger/verification", rebuild="true").json
    assert proof is not None
    assert proof["differences"] == 0, proof


def test_a_sale_is_answered_at_once_and_earns_when_a_worker_took_it(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    answer = tell(caller, **AMY).json
    assert answer is not None
    assert answer == {"message": answer["message"], "status": "pending", "store": till.key, "id": "R-1"}
    (message,) = messages(caller, status="pending")
    assert (message["id"], message["source"], message["delivery_id"]) == (answer["message"], "api", "R-1")
    assert listed(caller) == []
    drain(runtime, shop)
    (order,) = listed(caller, store=till.key, id="R-1")
    (member,) = caller.get("/members").json["data"]  # type: ignore[index]
    assert order == {
        "store": till.key, "id": "R-1", "number": "R-1", "member": member["id"], "state": "live",
        "status": "completed", "currency": "TWD", "total": "1000", "channel": "till", "test": False,
        "placed_at": "2026-03-10T04:00:00Z", "paid_at": "2026-03-10T04:00:00Z",
        "completed_at": "2026-03-10T04:00:00Z", "modified_at": "2026-03-10T04:00:00Z", "deleted_at": None,
        "awarded_at": "2026-03-10T04:00:00Z", "points": 1000, "review": None,
    }  # fmt: skip
    assert (member["email"], member["balance"]["available"]) == ("amy@example.test", 1000)
    prove(caller)


@pytest.mark.parametrize(
    ("mistake", "pointer"),
    [
        ({"id": 7}, "/id"), ({"total": 12.5}, "/total"), ({"currency": ""}, "/currency"), ({"more": 1}, "/more"),
        ({"lines": [{"id": "1", "total": "1", "quantity": "2"}]}, "/lines/0/quantity"),
        ({"lines": [{"id": "1", "total": "1"}] * 2}, "/lines/1/id"),
        ({"refunds": [{"id": "1", "amount": "1"}]}, "/refunds/0/created_at"),
        ({"modified_at": "2026-03-10T12:00:00"}, "/modified_at"),
        ({"modified_at": "2999-01-01T00:00:00Z"}, "/modified_at"),
        ({"paid_at": "2999-01-01T00:00:00Z"}, "/paid_at"),
        ({"refunds": [{"id": "1", "amount": "1", "created_at": "2999-01-01T00:00:00Z"}]}, "/refunds/0/created_at"),
        ({"buyer": {"phone": "0912345678"}}, "/buyer/phone"), ({"buyer": {"email": "amy"}}, "/buyer/email"),
        ({"buyer": {"email": "amy@site.invalid"}}, "/buyer/email"),
        ({"buyer": {"member": str(uuid4())}}, "/buyer/member"),
        ({"buyer": {"member": str(uuid4()), "phone": "+886912345678"}}, "/buyer/member"),
        ({"store": "nobodys"}, "/store"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_path_and_not_stored(
    till: Store, caller: Caller, mistake: dict[str, Any], pointer: str
) -> None:
    answer = caller.post("/orders", make_sale(**mistake))
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert pointer in [error["pointer"] for error in answer.json["errors"]]
    assert messages(caller) == []


def test_a_clock_that_is_a_little_ahead_is_borne(till: Store, caller: Caller) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=23)).isoformat()
    tell(caller, placed_at=soon, modified_at=soon)


def test_the_same_said_again_is_one_message(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    first = tell(caller, **AMY).json
    other_words = {**make_sale(), "total": "1000.00", "modified_at": "2026-03-10T04:00:00Z", **AMY}
    again = caller.client.post(
        "/api/v1/orders", data=json.dumps(other_words, indent=2), headers=caller.headers(),
        content_type="application/json",
    )  # fmt: skip
    assert (again.status_code, again.json) == (202, first)
    drain(runtime, shop)
    assert tell(caller, **AMY).json == {**first, "status": "processed"}  # type: ignore[dict-item]
    assert len(messages(caller)) == 1
    assert points(caller) == [1000]


def test_two_truths_of_one_instant_are_refused(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    tell(caller, **AMY)
    for other in (make_sale(total="5", **AMY), make_sale(state="deleted"), make_sale()):
        answer = caller.post("/orders", other)
        assert answer.status_code == 409
        assert "later modified_at" in answer.json["detail"]  # type: ignore[index]
    tell(caller, total="5", modified_at=HOUR, **AMY)
    drain(runtime, shop)
    assert [row["status"] for row in messages(caller)] == ["processed", "processed"]


def test_a_replayed_message_changes_nothing(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    first = tell(caller, **AMY).json
    drain(runtime, shop)
    tell(caller, state="cancelled", modified_at=HOUR, **AMY)
    drain(runtime, shop)
    assert first is not None
    assert caller.post(f"/inbox/{first['message']}/replay").status_code == 202
    drain(runtime, shop)
    assert [row["status"] for row in messages(caller)] == ["processed", "processed"]
    assert points(caller) == [0]
    prove(caller)


@pytest.mark.parametrize("batches", [1, 2])
def test_an_older_state_never_replaces_a_newer_one(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller, batches: int
) -> None:
    half = [{"id": "1", "total": "400", "sku": "MUG-1"}]
    tell(caller, total="400", lines=half, modified_at=HOUR, **AMY)
    if batches == 2:
        drain(runtime, shop)
    tell(caller, **AMY)
    drain(runtime, shop)
    assert points(caller) == [400]
    prove(caller)


REFUND = {"id": "1", "created_at": DAY, "amount": "250", "lines": [{"line_id": "1", "amount": "250"}]}


@pytest.mark.parametrize(
    ("later", "left"),
    [
        ({"refunds": [REFUND]}, 750),
        ({"refunds": [REFUND, {**REFUND, "id": "2"}]}, 500),
        ({"state": "refunded"}, 0),
        ({"state": "cancelled", "paid_at": "2026-03-10T12:00:00+08:00"}, 0),
        ({"state": "cancelled"}, 0),
        ({"state": "open"}, 0),
        ({"state": "deleted"}, 0),
        ({"test": True}, 0),
    ],
)
def test_what_is_given_back_takes_its_points_along(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller, later: dict[str, Any], left: int
) -> None:
    tell(caller, **AMY)
    drain(runtime, shop)
    tell(caller, modified_at=DAY, **{**AMY, **later})
    drain(runtime, shop)
    assert points(caller) == [left]
    members = caller.get("/members").json["data"]  # type: ignore[index]
    assert sum(member["balance"]["available"] for member in members) == left
    prove(caller)


def test_a_deletion_that_arrives_first_keeps_its_place_in_time(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    gone = {"id": "R-1", "state": "deleted", "modified_at": HOUR}
    assert caller.post("/orders", gone).status_code == 202
    drain(runtime, shop)
    (order,) = listed(caller)
    assert (order["state"], order["status"], order["deleted_at"]) == ("dead", None, "2026-03-10T05:00:00Z")
    tell(caller, **AMY)
    drain(runtime, shop)
    assert (points(caller), listed(caller)[0]["state"]) == ([0], "dead")
    tell(caller, modified_at=DAY, **AMY)
    drain(runtime, shop)
    assert (points(caller), listed(caller)[0]["deleted_at"]) == ([1000], None)
    prove(caller)


def test_s145_what_a_customer_buys_online_and_at_the_till_is_one_balance(
    runtime: Runtime, client: FlaskClient, shop: Shop, till: Store, caller: Caller
) -> None:
    place_order(runtime, client, shop)
    (member,) = caller.get("/members", email="amy@example.test").json["data"]  # type: ignore[index]
    tell(caller, buyer={"member": member["id"]})
    drain(runtime, shop)
    (shown,) = caller.get("/members").json["data"]  # type: ignore[index]
    assert (shown["id"], shown["balance"]["available"]) == (member["id"], 2000)
    assert [(row["store"], row["id"]) for row in listed(caller, member=member["id"])] == [
        (shop.store.key, "25"), (till.key, "R-1"),
    ]  # fmt: skip
    assert (shown["email"], caller.get(f"/members/{member['id']}").json["name"]) == (  # type: ignore[index]
        "amy@example.test", "Amy Chen",
    )  # fmt: skip
    prove(caller)


def test_u74_who_signed_up_earns_at_the_till_by_phone(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    made = caller.post("/members", {"email": "bo@example.test", "phone": "+886912345678"}).json
    assert made is not None
    tell(caller, buyer={"phone": "+886 912-345-678"})
    tell(caller, id="R-2", buyer={"email": "Bo@Example.test"})
    drain(runtime, shop)
    assert {row["member"] for row in listed(caller)} == {made["id"]}
    assert caller.get(f"/members/{made['id']}").json["balance"]["available"] == 2000  # type: ignore[index]
    prove(caller)


def test_an_order_of_a_merged_member_counts_for_whoever_stands_for_him(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    kept, gone = (
        caller.post("/members", {"email": f"{name}@example.test"}).json["id"]  # type: ignore[index]
        for name in ("kept", "gone")
    )
    caller.post(f"/members/{kept}/merges", {"member": gone, "reason": "the same"})
    tell(caller, buyer={"member": gone})
    drain(runtime, shop)
    assert [row["member"] for row in listed(caller, member=kept)] == [kept]
    assert caller.get(f"/members/{kept}").json["balance"]["available"] == 1000  # type: ignore[index]
    prove(caller)


def test_a_receipt_without_a_name_finds_its_member_later(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    made = caller.post("/members", {"email": "amy@example.test"}).json
    assert made is not None
    tell(caller)
    drain(runtime, shop)
    assert (listed(caller)[0]["member"], points(caller)) == (None, [0])
    tell(caller, modified_at=HOUR, buyer={"member": made["id"]})
    drain(runtime, shop)
    assert (listed(caller)[0]["member"], points(caller)) == (made["id"], [1000])
    tell(caller, modified_at=DAY, buyer={"email": "other@example.test"})
    drain(runtime, shop)
    assert listed(caller)[0]["member"] == made["id"]
    prove(caller)


def test_an_order_in_another_currency_is_listed_for_review(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    tell(caller, currency="USD", **AMY)
    drain(runtime, shop)
    assert [(row["points"], row["review"]) for row in listed(caller)] == [(0, "currency")]


def test_orders_come_in_pages(runtime: Runtime, shop: Shop, till: Store, caller: Caller) -> None:
    for number in range(3):
        tell(caller, id=f"R-{number}")
    drain(runtime, shop)
    first = caller.get("/orders", limit=2).json
    assert first is not None
    rest = caller.get("/orders", limit=2, cursor=first["next"]).json
    assert rest is not None
    assert [row["id"] for row in first["data"] + rest["data"]] == ["R-0", "R-1", "R-2"]
    assert rest["next"] is None


def test_orders_of_unknown_members_and_stores_are_404(caller: Caller) -> None:
    assert caller.get("/orders", member=str(uuid4())).status_code == 404
    assert caller.get("/orders", store="nobodys").status_code == 404
    assert caller.get("/orders", number="1").status_code == 422


def test_a_stranger_tells_and_sees_nothing_of_an_account(
    runtime: Runtime, client: FlaskClient, shop: Shop, till: Store, caller: Caller, stranger: Caller
) -> None:
    member = caller.post("/members", {"email": "amy@example.test"}).json["id"]  # type: ignore[index]
    tell(caller, **AMY)
    drain(runtime, shop)
    assert listed(stranger) == []
    assert stranger.get("/orders", store=till.key).status_code == 404
    assert stranger.get("/orders", member=member).status_code == 404
    assert stranger.post("/orders", make_sale(store=till.key)).status_code == 422
    other = make_shop(runtime, make_document())
    make_till(runtime, other.account)
    theirs = make_caller(runtime, client, other)
    assert theirs.post("/orders", make_sale(buyer={"member": member})).status_code == 422
    tell(theirs, **AMY)
    drain(runtime, other)
    assert caller.get(f"/members/{member}").json["balance"]["available"] == 1000  # type: ignore[index]


def test_reading_is_not_enough_to_tell_an_order(
    runtime: Runtime, client: FlaskClient, shop: Shop, till: Store
) -> None:
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.post("/orders", make_sale()).status_code == 403


def test_an_idempotency_key_answers_the_same_twice(till: Store, caller: Caller) -> None:
    answers = [caller.post("/orders", make_sale(), Idempotency_Key="o-1").json for _ in range(2)]
    assert answers[0] == answers[1]
    assert caller.post("/orders", make_sale(id="R-2"), Idempotency_Key="o-1").status_code == 422


def test_a_till_must_be_named_where_there_are_several(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    second = make_till(runtime, shop.account, "Market")
    assert caller.post("/orders", make_sale()).json["errors"][0]["pointer"] == "/store"  # type: ignore[index]
    tell(caller, store=second.key)
    tell(caller, store=till.key)
    drain(runtime, shop)
    assert [row["store"] for row in listed(caller, id="R-1")] == [till.key, second.key]
    with runtime.database.transaction(shop.account) as connection:
        set_state(connection, second.id, "disconnected")
    assert caller.post("/orders", make_sale(store=second.key)).status_code == 422
    assert caller.post("/orders", make_sale(id="R-2")).json["store"] == till.key  # type: ignore[index]


def test_only_tills_tell_of_their_orders(shop: Shop, caller: Caller) -> None:
    assert caller.post("/orders", make_sale()).status_code == 409
    answer = caller.post("/orders", make_sale(store=shop.store.key))
    assert answer.json["errors"][0]["pointer"] == "/store"  # type: ignore[index]


def test_s148_an_erased_persons_sales_are_emptied_and_known_again(
    runtime: Runtime, shop: Shop, till: Store, caller: Caller
) -> None:
    named = {
        "lines": [{"id": "2", "total": "1000"}],
        "id": "1",
        "buyer": {"email": "amy@example.test", "name": "Amy"},
    }
    tell(caller, **named)
    tell(caller, id="2", buyer={"email": "bo@example.test"})
    drain(runtime, shop)
    (amy,) = caller.get("/members", email="amy@example.test").json["data"]  # type: ignore[index]
    tell(caller, id="3", buyer={"member": amy["id"]})
    drain(runtime, shop)
    bodies = caller.get(f"/members/{amy['id']}/export").json["deliveries"]  # type: ignore[index]
    assert [json.loads(one["body"])["id"] for one in bodies] == ["1", "3"]
    caller.post(f"/members/{amy['id']}/erasure", {"reason": "asked"})
    with runtime.database.transaction(shop.account) as connection:
        kept = connection.execute(text("select delivery_id from inbox_messages where body <> ''")).scalars()
        assert list(kept) == ["2"]
    assert tell(caller, **named).json["status"] == "processed"  # type: ignore[index]
    assert caller.get(f"/members/{amy['id']}").json["balance"]["available"] == 2000  # type: ignore[index]
    prove(caller)


def test_neither_health_nor_deliveries_mind_a_till(client: FlaskClient, till: Store) -> None:
    assert client.get("/readyz").status_code == 200
    for platform in ("till", "woocommerce"):
        assert (
            client.post(f"/webhooks/{platform}/{till.webhook_token}", data=b"webhook_id=1").status_code == 404
        )


def test_the_documented_order_earns(runtime: Runtime, shop: Shop, till: Store, caller: Caller) -> None:
    page = (Path(__file__).parents[2] / "docs" / "connect-till.md").read_text()
    body = page.partition("<<'END'\n")[2].partition("\nEND\n")[0]
    answer = caller.client.post(
        "/api/v1/orders", data=body, headers=caller.headers(), content_type="application/json"
    )
    assert answer.status_code == 202, answer.json
    drain(runtime, shop)
    assert [row["points"] for row in listed(caller, id="MS-000123")] == [1000]


def test_a_till_that_repeats_itself_at_once_is_heard_once(app: Flask, till: Store, caller: Caller) -> None:
    def tell_alone(total: str) -> int:
        return Caller(app.test_client(), caller.key).post("/orders", make_sale(total=total)).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tell_alone, ["1000"] * 8)) == {202}
        assert set(pool.map(tell_alone, ["5"] * 8)) == {409}
    assert len(messages(caller)) == 1

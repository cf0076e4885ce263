"""Members by API: standing, statement, lots, tier and its explanation, pages."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

NOW = datetime.now(UTC).replace(microsecond=0)
YESTERDAY = f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%S}"
TIERS = [
    {"key": "regular", "name": {"zh-TW": "普通會員", "zh-CN": "普通会员", "en": "Regular"}},
    {
        "key": "gold",
        "name": {"zh-TW": "金卡會員", "zh-CN": "金卡会员", "en": "Gold"},
        "enter": {"any": [{"metric": "spend", "at_least": "5000"}, {"metric": "orders", "at_least": 3}]},
    },
]
DOCUMENT = make_document(tiers=TIERS)
PAID = {"date_created_gmt": YESTERDAY, "date_paid_gmt": YESTERDAY, "date_modified_gmt": YESTERDAY}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, DOCUMENT)


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """A member with one order of 1,000."""
    place_order(runtime, client, shop, **PAID)
    listed = caller.get("/members").json
    assert listed is not None
    return str(listed["data"][0]["id"])


def test_a_member_stands_where_his_orders_put_him(caller: Caller, member: str) -> None:
    assert caller.get(f"/members/{member}").json == {
        "id": member,
        "email": "amy@example.test",
        "name": "Amy Chen",
        "merged_into": None,
        "joined_at": f"{YESTERDAY}Z",
        "tier": {"key": "regular", "name": TIERS[0]["name"], "since": f"{YESTERDAY}Z", "until": None},
        "balance": {"available": 1000, "pending": 0, "held": 0, "debt": 0},
        "progress": {
            "next_tier": "gold",
            "missing": [{"metric": "spend", "amount": "4000"}, {"metric": "orders", "amount": 2}],
            "text": {
                "zh-TW": "您目前是普通會員,距離升級為金卡會員還差4000元消費/2筆訂單",
                "zh-CN": "您目前是普通会员,距离升级为金卡会员还差4000元消费/2笔订单",
                "en": "You are Regular; you are 4000 TWD of spending or 2 orders away from Gold",
            },
        },
        "metrics": {"spend": "1000", "orders": 1, "points": 1000},
        "identities": [{"kind": "customer", "value": "1:7", "member": member}],
        "birthday": None,
        "consents": {},
    }


@pytest.mark.parametrize(("email", "found"), [("AMY@example.test", 1), ("bob@example.test", 0)])
def test_members_are_found_by_email_whatever_its_case(
    caller: Caller, member: str, email: str, found: int
) -> None:
    listed = caller.get("/members", email=email).json
    assert listed is not None
    assert len(listed["data"]) == found


def test_members_come_in_pages(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> None:
    for id in (1, 2, 3):
        place_order(runtime, client, shop, id=id, customer_id=id, **PAID)
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        listed = caller.get("/members", **query).json
        assert listed is not None
        seen += [row["id"] for row in listed["data"]]
        cursor = listed["next"]
    assert cursor is None
    assert len(set(seen)) == 3
    assert seen == sorted(seen)


def test_entries_say_why_and_run_a_balance(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, id=26, total="500", **PAID)
    listed = caller.get(f"/members/{member}/entries", limit=1).json
    assert listed is not None
    entry = listed["data"][0]
    assert (entry["kind"], entry["points"], entry["balance_after"]) == ("accrual", 500, 1500)
    assert entry["order"] == {"id": "26", "number": "26"}
    assert entry["program_version"] == 1
    assert entry["reason"]["en"] == "Order 26 earned 500 points"
    assert entry["reason"]["zh-TW"] == "訂單 26 獲得 500 積分"
    assert entry["explanation"]["lines"][0]["base"] == "500"
    assert entry["effective_at"] == f"{YESTERDAY}Z"
    older = caller.get(f"/members/{member}/entries", limit=1, cursor=listed["next"]).json
    assert older is not None
    assert (older["data"][0]["balance_after"], older["next"]) == (1000, None)


def test_lots_show_what_is_left(caller: Caller, member: str) -> None:
    listed = caller.get(f"/members/{member}/lots").json
    assert listed is not None
    lot = listed["data"][0]
    assert (lot["points"], lot["remaining"], lot["state"]) == (1000, 1000, "available")
    assert (lot["available_from"], lot["expires_at"]) == (f"{YESTERDAY}Z", None)
    assert lot["order"] == {"id": "25", "number": "25"}


def test_the_tier_names_its_history_and_each_counted_order(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, id=26, total="4000", **PAID)
    told = caller.get(f"/members/{member}/tier").json
    assert told is not None
    assert told["tier"]["key"] == "gold"
    assert [period["key"] for period in told["history"]] == ["gold", "regular"]
    assert "reached Gold" in told["history"][0]["reason"]["en"]
    assert told["history"][1]["until"] == told["history"][0]["since"]
    explain = told["explain"]
    assert explain["window"]["kind"] == "rolling"
    assert explain["program_version"] == 1
    assert [(order["number"], order["net_amount"], order["points"]) for order in explain["orders"]] == [
        ("25", "1000", 1000),
        ("26", "4000", 4000),
    ]


def test_pending_points_are_not_available(runtime: Runtime, client: FlaskClient) -> None:
    shop = make_shop(runtime, make_document(earning={"pending_days": 7}))
    caller = make_caller(runtime, client, shop)
    place_order(runtime, client, shop, **PAID)
    listed = caller.get("/members").json
    assert listed is not None
    assert listed["data"][0]["balance"] == {"available": 0, "pending": 1000, "held": 0, "debt": 0}


def test_without_a_program_nobody_is_a_member(runtime: Runtime, client: FlaskClient) -> None:
    shop = make_shop(runtime)
    place_order(runtime, client, shop, **PAID)
    assert make_caller(runtime, client, shop).get("/members").json == {"data": [], "next": None}


PATHS = ("", "/entries", "/lots", "/tier")


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_finds_no_member_of_another_account(stranger: Caller, member: str, path: str) -> None:
    assert stranger.get(f"/members/{member}{path}").status_code == 404
    assert stranger.get("/members").json == {"data": [], "next": None}


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_member_is_404(caller: Caller, path: str) -> None:
    answer = caller.get(f"/members/{uuid.uuid4()}{path}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "pointer"), [({"limit": 0}, "/limit"), ({"page": 2}, "/page"), ({"cursor": "@@"}, "/cursor")]
)
def test_mistakes_in_the_query_are_named(caller: Caller, query: dict[str, object], pointer: str) -> None:
    answer = caller.get("/members", **query)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]

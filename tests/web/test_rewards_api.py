"""The catalogue by API: what the account offers, what a member sees, ranked by what he bought (S86 to S89, U62)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy import event, text
from structlog.testing import LogCapture

from loyalty.accounts.service import next_command_number
from loyalty.clock import utc_now
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import Ending, EndRedemption, RedeemReward
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from webhook_app.api import rewards
from workers.runtime import Runtime

TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "5000"}]}},
]
ALWAYS = "2020-01-01T00:00"
NEVER = "2090-01-01T00:00"


def service(key: str, points: int | None = 100, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": "service", "points": points, **more}


def code(key: str, points: int = 100, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": "fixed_discount", "points": points, "amount": "10", **more}


REWARDS = [
    service("dear", 1500),
    service("talk", 200, category="help", name={"en": "A talk"}, terms={"en": "By phone"}),
    code("tea-off", 300, products={"product_ids": ["12"]}),
    code("mug-off", 1200, products={"product_ids": ["11"]}, category="goods"),
    service("later", **{"from": NEVER}),
    service("past", **{"until": ALWAYS}),
    service("gone", archived=True),
    service("gold-only", tiers=["gold"]),
    service("empty", stock=0),
    service("rich", minimum_balance=5000),
    service("gift", None),
    {
        "key": "any",
        "kind": "variable_discount",
        "points": 20,
        "amount": "1",
        "min": 100,
        "max": 900,
        "step": 50,
    },
]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """A regular member with 1,000 points, who bought mugs (product 11)."""
    place_order(runtime, client, shop)
    return str(caller.get("/members").get_json()["data"][0]["id"])


def listed(caller: Caller, member: str, **query: Any) -> dict[str, Any]:
    answer = caller.get(f"/members/{member}/rewards", **query)
    assert answer.status_code == 200, answer.get_json()
    return {row["key"]: row for row in answer.get_json()["data"]}


def codes(row: dict[str, Any]) -> list[str]:
    return [each["code"] for each in row["refusals"]]


def redeem(runtime: Runtime, shop: Shop, member: str, reward: str, points: int = 0, **more: Any) -> int:
    """Let a member have redeemed a service; return the number."""
    with runtime.database.transaction(shop.account) as connection:
        now, number = more.get("at", utc_now()), next_command_number(connection)
        command = RedeemReward(number, now, reward, "service", points, "", 0, None, "redeemed", "test")
        book = runtime.book(connection, shop.account, set())
        carry_out(connection, book, uuid.UUID(member), command, utc_now())
    return number


def cancel(runtime: Runtime, shop: Shop, member: str, number: int) -> None:
    with runtime.database.transaction(shop.account) as connection:
        end = EndRedemption(
            next_command_number(connection), utc_now(), number, Ending.CANCELLED, "no", "test"
        )
        book = runtime.book(connection, shop.account, set())
        carry_out(connection, book, uuid.UUID(member), end, utc_now())


def test_member_sees_everything_that_can_be_redeemed_best_first_with_what_speaks_against_it(
    caller: Caller, member: str
) -> None:
    rows = listed(caller, member)
    assert {key: codes(row) for key, row in rows.items()} == {
        "mug-off": ["not_enough_points"], "any": [], "talk": [], "tea-off": [], "dear": ["not_enough_points"],
        "later": ["not_begun"], "past": ["over"], "gone": ["archived"], "gold-only": ["tier"],
        "empty": ["out_of_stock"], "rich": ["minimum_balance"],
    }  # fmt: skip
    assert list(rows)[:6] == ["mug-off", "any", "talk", "tea-off", "dear", "rich"]
    assert [row["suggestion"]["rank"] for row in rows.values()] == list(range(1, 12))
    assert [key for key, row in rows.items() if row["available"]] == ["any", "talk", "tea-off"]


def test_s87_missing_points_are_told_in_number_and_words(caller: Caller, member: str) -> None:
    rows = listed(caller, member)
    assert (rows["mug-off"]["missing"], rows["rich"]["missing"], rows["talk"]["missing"]) == (200, 4000, None)
    assert rows["rich"]["refusals"] == [
        {
            "code": "minimum_balance",
            "text": {
                "zh-TW": "餘額須滿 5,000 積分才能兌換，還差 4,000 積分。",
                "zh-CN": "余额须满 5,000 积分才能兑换，还差 4,000 积分。",
                "en": "A balance of 5,000 points is needed; 4,000 points are missing.",
            },
        }
    ]


def test_s89_bought_product_is_the_reason_and_the_log_says_why_without_a_person(
    runtime: Runtime,
    client: FlaskClient,
    shop: Shop,
    caller: Caller,
    member: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = LogCapture()
    logger = structlog.wrap_logger(
        structlog.ReturnLogger(), [written], structlog.make_filtering_bound_logger(0)
    )
    monkeypatch.setattr(rewards, "log", logger)
    place_order(runtime, client, shop, id=26, total="100", date_paid_gmt="2026-03-12T04:00:00")
    rows = listed(caller, member)
    first = rows["mug-off"]["suggestion"]
    assert (first["rank"], first["score"]) == (1, 400 + 1100 * 99 // 1200)
    assert [text["en"] for text in first["reasons"]] == [
        "Because you bought what it is for: 2 times, last on 12 March 2026."
    ]
    assert [text["en"] for text in rows["talk"]["suggestion"]["reasons"]] == [
        "You have enough points for it."
    ]
    (line,) = written.entries
    assert line["event"] == "rewards_suggested"
    assert line["rewards"][0] == {
        "reward": "mug-off", "rank": 1, "score": first["score"], "because": "product", "orders": 2,
    }  # fmt: skip
    assert len(line["rewards"]) == 10
    assert member not in str(line)
    assert "amy" not in str(line).lower()


def test_category_of_a_bought_product_counts_where_it_is_known(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(
            text(
                "update orders set snapshot = jsonb_set(snapshot, '{lines,0,10}', '[[\"5\"], [], false, false]')"
            )
        )
    publish(caller, rewards=[service("talk", 50), code("home", 100, products={"category_ids": ["5"]})])
    rows = listed(caller, member)
    assert list(rows) == ["home", "talk"]
    assert rows["home"]["suggestion"]["reasons"][0]["en"].startswith(
        "Because you bought things of the same kind"
    )


def publish(caller: Caller, **parts: Any) -> None:
    document = make_document(tiers=TIERS, **parts)
    answer = caller.post("/program/publish", {"document": document})
    assert answer.status_code == 201, answer.get_json()


def test_cancelled_order_is_no_purchase(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    dead = {"status": "cancelled", "date_modified_gmt": "2026-03-12T04:00:00"}
    place_order(runtime, client, shop, **dead)
    assert listed(caller, member)["mug-off"]["suggestion"] == {"rank": 4, "score": 0, "reasons": []}


def test_variable_discount_says_its_bounds_and_simple_facts_are_shown(caller: Caller, member: str) -> None:
    rows = listed(caller, member)
    shown = {name: rows["any"][name] for name in ("points", "amount", "min", "max", "step", "category")}
    assert shown == {"points": 20, "amount": "1", "min": 100, "max": 900, "step": 50, "category": None}
    talk = rows["talk"]
    assert (talk["name"]["zh-TW"], talk["terms"], talk["category"]) == ("A talk", {"en": "By phone"}, "help")
    assert (talk["min"], talk["step"], talk["stock_left"], talk["uses_left"]) == (None, None, None, None)


def test_filters_of_a_members_list(caller: Caller, member: str) -> None:
    assert list(listed(caller, member, category="goods")) == ["mug-off"]
    assert set(listed(caller, member, available="true")) == {"any", "talk", "tea-off"}
    assert "talk" not in listed(caller, member, available="false")
    assert caller.get(f"/members/{member}/rewards", tier="gold").status_code == 422


def test_s88_two_tiers_see_two_catalogues(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    assert "gold-only" in [row["key"] for row in caller.get("/rewards", tier="gold").get_json()["data"]]
    assert "gold-only" not in [
        row["key"] for row in caller.get("/rewards", tier="regular").get_json()["data"]
    ]
    assert codes(listed(caller, member)["gold-only"]) == ["tier"]
    place_order(runtime, client, shop, id=26, total="4000", date_paid_gmt="2026-03-12T04:00:00")
    assert codes(listed(caller, member)["gold-only"]) == []


def limited(caller: Caller, **limits: Any) -> None:
    publish(caller, rewards=[service("talk", 100, **limits)])


def test_stock_is_everybodys_and_comes_back_with_a_cancelled_redemption(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, id=26, customer_id=8)
    limited(caller, stock=2)
    both = [str(row["id"]) for row in caller.get("/members").get_json()["data"]]
    numbers = [redeem(runtime, shop, one, "talk", 100) for one in both]
    assert [(listed(caller, one)["talk"]["stock_left"]) for one in both] == [0, 0]
    assert codes(listed(caller, member)["talk"]) == ["out_of_stock"]
    cancel(runtime, shop, both[0], numbers[0])
    assert (listed(caller, member)["talk"]["stock_left"], codes(listed(caller, member)["talk"])) == (1, [])


@pytest.mark.parametrize(("age", "left"), [(timedelta(), 0), (timedelta(days=400), 1)])
def test_uses_of_a_member_are_counted_in_their_period(
    runtime: Runtime, shop: Shop, caller: Caller, member: str, age: timedelta, left: int
) -> None:
    limited(caller, per_member={"uses": 1, "period": "year"})
    redeem(runtime, shop, member, "talk", 0, at=utc_now() - age)
    row = listed(caller, member)["talk"]
    assert (row["uses_left"], codes(row)) == (left, [] if left else ["used_up"])


def test_what_merged_members_redeemed_counts_for_the_one_who_stands_for_them(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, id=26, customer_id=8)
    other = next(str(row["id"]) for row in caller.get("/members").get_json()["data"] if row["id"] != member)
    limited(caller, per_member=1)
    redeem(runtime, shop, other, "talk", 100)
    assert codes(listed(caller, member)["talk"]) == []
    merged = caller.post(f"/members/{member}/merges", {"member": other, "reason": "one person"})
    assert merged.status_code == 201, merged.get_json()
    assert codes(listed(caller, member)["talk"]) == ["used_up"]
    assert caller.get(f"/members/{other}/rewards").status_code == 409


def test_code_needs_an_address_to_be_bound_to(runtime: Runtime, caller: Caller, shop: Shop) -> None:
    joined = caller.post("/members", {"phone": "+886912345678"}).get_json()
    rows = listed(caller, joined["id"])
    assert codes(rows["tea-off"]) == ["not_enough_points", "no_email"]
    assert codes(rows["talk"]) == ["not_enough_points"]


def test_s65_discounts_are_barred_in_the_list_while_they_take_too_much(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    publish(
        caller,
        rewards=[code("off"), service("talk")],
        limits={"discount_share": {"percent": "5", "action": "block"}},
    )
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(
            text(
                "insert into discount_shares (account_id, judged_at, since, discounts, revenue, is_above)"
                " values (:account, now(), now(), 60, 1000, true)"
            ),
            {"account": shop.account},
        )
    rows = listed(caller, member)
    assert {key: codes(row) for key, row in rows.items()} == {"talk": [], "off": ["discount_share"]}


def test_the_account_sees_its_catalogue_as_in_the_document(caller: Caller, member: str) -> None:
    rows = {row["key"]: row for row in caller.get("/rewards").get_json()["data"]}
    assert list(rows) == [each["key"] for each in REWARDS]
    assert {key for key, row in rows.items() if not row["open"]} == {"later", "past", "gone"}
    assert rows["gift"]["points"] is None
    assert rows["gold-only"]["tiers"] == ["gold"]
    assert (rows["empty"]["stock"], rows["empty"]["stock_left"], rows["gone"]["archived"]) == (0, 0, True)
    assert [row["key"] for row in caller.get("/rewards", category="help").get_json()["data"]] == ["talk"]


def test_account_sees_cost_limits_and_what_is_taken(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    limited(caller, stock=5, per_member={"uses": 2, "period": "month"}, unit_cost="33.5")
    redeem(runtime, shop, member, "talk", 100)
    (row,) = caller.get("/rewards").get_json()["data"]
    shown = {name: row[name] for name in ("stock", "stock_left", "redeemed", "per_member", "unit_cost")}
    assert shown == {
        "stock": 5, "stock_left": 4, "redeemed": 1, "per_member": {"uses": 2, "period": "month"}, "unit_cost": "33",
    }  # fmt: skip


def test_unknown_tier_and_unknown_parameter(caller: Caller) -> None:
    refused = caller.get("/rewards", tier="platinum")
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/tier")
    assert caller.get("/rewards", colour="red").status_code == 422


def test_without_a_program_there_is_nothing(runtime: Runtime, client: FlaskClient) -> None:
    bare = make_caller(runtime, client, make_shop(runtime))
    assert bare.get("/rewards").get_json() == {"data": [], "next": None}


def test_a_stranger_finds_neither_member_nor_rewards(caller: Caller, stranger: Caller, member: str) -> None:
    assert stranger.get(f"/members/{member}/rewards").status_code == 404
    assert stranger.get("/rewards").get_json()["data"] == []
    assert caller.get(f"/members/{uuid.uuid4()}/rewards").status_code == 404


def test_more_orders_and_rewards_take_no_more_statements(
    app: Any, runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    engine = app.extensions["laurel.tools"].database.engine
    counts = []
    for size in (1, 40):
        publish(caller, rewards=[service(f"r{n}", 10 + n, stock=9, per_member=3) for n in range(size)])
        for number in range(size if size > 1 else 0):
            place_order(runtime, client, shop, id=100 + number, total="10")
        listed(caller, member)
        statements: list[Any] = []
        event.listen(engine, "before_cursor_execute", lambda *args, seen=statements: seen.append(args[2]))
        listed(caller, member)
        counts.append(len(statements))
    assert counts[1] == counts[0] <= 9, counts

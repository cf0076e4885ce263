"""What a member may claim without points by his tier: how often, and what is left of it (S60)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, place_order
from workers.runtime import Runtime

LADDER = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "5000"}]}},
]
REWARDS: list[dict[str, Any]] = [
    {"key": "upgrade", "kind": "service", "points": 0, "per_member": {"uses": 2, "period": "month"}},
    {"key": "taste", "kind": "sample", "points": 0, "stock": 1},
    {"key": "lounge", "kind": "service", "points": 0, "from_tier": "gold", "name": {"en": "Lounge"}},
    {"key": "bought", "kind": "service", "points": 5},
    {"key": "given", "kind": "fixed_discount", "amount": "5"},
    {"key": "off", "kind": "fixed_discount", "points": 0, "amount": "5"},
    {"key": "old", "kind": "service", "points": 0, "archived": True},
    {"key": "past", "kind": "service", "points": 0, "until": "2020-01-01T00:00"},
]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    blocking = {"discount_share": {"percent": "5", "action": "block"}}
    return make_shop(runtime, make_document(tiers=LADDER, rewards=REWARDS, limits=blocking))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> str:
    place_order(runtime, client, shop)
    return str(caller.get("/members").get_json()["data"][0]["id"])


def claimable(caller: Caller, member: str) -> dict[str, Any]:
    listed = caller.get(f"/members/{member}/benefits").get_json()["claimable"]
    return {row["reward"]: (row["uses_left"], row["refusals"]) for row in listed}


def claim(caller: Caller, member: str, reward: str) -> dict[str, Any]:
    answer = caller.post(f"/members/{member}/redemptions", {"reward": reward})
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def test_s60_benefits_tell_what_may_be_claimed_and_how_often_still(caller: Caller, member: str) -> None:
    assert claimable(caller, member) == {"upgrade": (2, []), "taste": (None, []), "off": (None, [])}
    first = claim(caller, member, "upgrade")
    claim(caller, member, "upgrade")
    claim(caller, member, "taste")
    assert claimable(caller, member) == {
        "upgrade": (0, ["used_up"]), "taste": (None, ["out_of_stock"]), "off": (None, [])
    }  # fmt: skip
    caller.client.delete(f"/api/v1/redemptions/{first['id']}", json={}, headers=caller.headers())
    assert claimable(caller, member)["upgrade"] == (1, [])


def test_uses_of_an_earlier_period_are_over(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    claim(caller, member, "upgrade")
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update redemptions set asked_at = asked_at - interval '32 days'"))
    assert claimable(caller, member)["upgrade"] == (2, [])


def test_higher_tier_brings_its_own_benefits(caller: Caller, member: str) -> None:
    caller.post(f"/members/{member}/tier", {"tier": "gold", "reason": "friend"})
    shown = caller.get(f"/members/{member}/benefits").get_json()["claimable"]
    assert [(row["reward"], row["name"]) for row in shown if row["reward"] == "lounge"] == [
        ("lounge", {"en": "Lounge"})
    ]


def test_uses_of_who_was_merged_count(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, id=26, customer_id=8)
    (other,) = {row["id"] for row in caller.get("/members").get_json()["data"]} - {member}
    claim(caller, other, "upgrade")
    caller.post(f"/members/{member}/merges", {"member": other, "reason": "x"})
    assert claimable(caller, member)["upgrade"] == (1, [])


def test_what_a_rule_gave_is_no_use_of_his_own(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    claim(caller, member, "upgrade")
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update redemptions set number = null, cause = 'automation:x'"))
    assert claimable(caller, member)["upgrade"] == (2, [])
    listed = caller.get(f"/members/{member}/rewards").get_json()["data"]
    assert [row["uses_left"] for row in listed if row["key"] == "upgrade"] == [2]


def test_discounts_that_are_barred_wait(runtime: Runtime, shop: Shop, caller: Caller, member: str) -> None:
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(
            text(
                "insert into discount_shares (account_id, judged_at, since, discounts, revenue, is_above)"
                " values (:account, now(), now() - interval '30 days', 6, 100, true)"
            ),
            {"account": shop.account},
        )
    assert claimable(caller, member)["off"] == (None, ["discount_share"])
    assert caller.post(f"/members/{member}/redemptions", {"reward": "off"}).status_code == 409


def test_a_code_needs_an_address(runtime: Runtime, shop: Shop, caller: Caller, member: str) -> None:
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update members set email = ''"))
    assert claimable(caller, member)["off"] == (None, ["no_email"])


def test_a_stranger_sees_no_benefits(stranger: Caller, member: str) -> None:
    assert stranger.get(f"/members/{member}/benefits").status_code == 404

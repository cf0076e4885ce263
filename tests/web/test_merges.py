"""Merging members by API: what moves, what is told, what is refused, and how it is taken back."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

TIERS: list[dict[str, Any]] = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "5000"}]},
        "benefits": {"entry_reward": "ten-off"},
    },
]  # fmt: skip
DOCUMENT = make_document(tiers=TIERS, rewards=[{"key": "ten-off", "kind": "fixed_discount", "amount": "10"}])
REASON = {"reason": "the same person"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, DOCUMENT)


@pytest.fixture
def pair(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> tuple[str, str]:
    """A customer with 1,000 points, and a guest of the same address with 5,000 who is gold."""
    place_order(runtime, client, shop)
    place_order(runtime, client, shop, id=26, total="5000", customer_id=0)
    listed = caller.get("/members").json
    assert listed is not None
    first, second = sorted(listed["data"], key=lambda each: int(each["balance"]["available"]))
    return str(first["id"]), str(second["id"])


def merge(caller: Caller, pair: tuple[str, str]) -> int:
    answer = caller.post(f"/members/{pair[0]}/merges", {"member": pair[1], **REASON})
    assert answer.status_code == 201, answer.json
    assert answer.json is not None
    return int(answer.json["number"])


def standing(caller: Caller, member: str) -> dict[str, Any]:
    found = caller.get(f"/members/{member}").json
    assert found is not None
    return dict(found)


def prove(caller: Caller) -> None:
    proof = caller.get("/ledger/verification", rebuild="true").json
    assert proof is not None
    assert proof["differences"] == 0, proof


def test_the_survivor_has_everything_and_the_other_nothing(caller: Caller, pair: tuple[str, str]) -> None:
    merge(caller, pair)
    survivor, gone = (standing(caller, member) for member in pair)
    assert (survivor["balance"]["available"], survivor["tier"]["key"]) == (6000, "gold")
    assert (survivor["metrics"]["orders"], survivor["merged_into"]) == (2, None)
    assert (gone["balance"]["available"], gone["merged_into"]) == (0, pair[0])
    assert len(caller.get("/members").json["data"]) == 1  # type: ignore[index]
    prove(caller)


def test_entries_say_that_points_came_and_went(caller: Caller, pair: tuple[str, str]) -> None:
    merge(caller, pair)
    came, went = (caller.get(f"/members/{member}/entries").json["data"][0] for member in pair)  # type: ignore[index]
    assert (came["points"], came["reason"]["en"]) == (5000, "Two members were merged: 5000 points came")
    assert (went["points"], went["reason"]["en"]) == (-5000, "Two members were merged: 5000 points went")
    assert came["order"]["id"] == "26"


def test_coupons_keep_their_codes_and_are_shown_with_the_survivor(
    caller: Caller, pair: tuple[str, str]
) -> None:
    before = caller.get("/coupons", member=pair[1]).json
    merge(caller, pair)
    after = caller.get("/coupons", member=pair[0]).json
    assert before is not None
    assert after is not None
    assert [row["code"] for row in after["data"]] == [row["code"] for row in before["data"]]
    assert [row["state"] for row in after["data"]] == ["requested"]


def test_undoing_gives_back_points_tier_and_coupons(caller: Caller, pair: tuple[str, str]) -> None:
    before = [standing(caller, member) for member in pair]
    number = merge(caller, pair)
    answer = caller.post(f"/members/{pair[0]}/merges/{number}/undo", REASON)
    assert answer.status_code == 200, answer.json
    assert [standing(caller, member) for member in pair] == before
    coupons = caller.get("/coupons", member=pair[1]).json
    assert coupons is not None
    assert [row["state"] for row in coupons["data"]] == ["requested"]
    assert caller.get("/coupons", member=pair[0]).json["data"] == []  # type: ignore[index]
    prove(caller)


def test_merges_are_listed_and_in_the_audit_log(caller: Caller, pair: tuple[str, str]) -> None:
    number = merge(caller, pair)
    caller.post(f"/members/{pair[0]}/merges/{number}/undo", REASON)
    listed = caller.get(f"/members/{pair[0]}/merges").json
    assert listed is not None
    assert [(row["number"], row["member"], row["reason"]) for row in listed["data"]] == [
        (number, pair[1], "the same person")
    ]
    assert listed["data"][0]["undone_at"] is not None
    log = caller.get("/activities").json
    assert log is not None
    assert [row["action"] for row in log["data"][:2]] == ["members.unmerged", "members.merged"]


def test_later_orders_of_both_count_for_the_survivor(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, pair: tuple[str, str]
) -> None:
    merge(caller, pair)
    place_order(runtime, client, shop, id=27, total="10", customer_id=0)
    place_order(runtime, client, shop, id=28, total="1")
    assert standing(caller, pair[0])["balance"]["available"] == 6011
    prove(caller)


def test_a_late_order_of_the_other_is_his_own_part(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, pair: tuple[str, str]
) -> None:
    number = merge(caller, pair)
    early = dict.fromkeys(("date_created_gmt", "date_paid_gmt", "date_modified_gmt"), "2026-02-01T00:00:00")
    place_order(runtime, client, shop, id=20, total="300", customer_id=0, **early)
    assert standing(caller, pair[0])["balance"]["available"] == 6300
    assert standing(caller, pair[0])["joined_at"] == "2026-02-01T00:00:00Z"
    prove(caller)
    caller.post(f"/members/{pair[0]}/merges/{number}/undo", REASON)
    assert standing(caller, pair[1])["balance"]["available"] == 5300
    prove(caller)


def test_an_order_that_moves_between_the_merged_stays_with_the_survivor(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, pair: tuple[str, str]
) -> None:
    number = merge(caller, pair)
    place_order(runtime, client, shop, id=26, total="5000", date_modified_gmt="2026-03-11T04:00:00")
    assert standing(caller, pair[0])["balance"]["available"] == 6000
    prove(caller)
    caller.post(f"/members/{pair[0]}/merges/{number}/undo", REASON)
    assert [standing(caller, member)["balance"]["available"] for member in pair] == [6000, 0]
    prove(caller)


def test_a_refund_of_the_others_order_takes_from_the_union(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, pair: tuple[str, str]
) -> None:
    merge(caller, pair)
    place_order(
        runtime, client, shop, id=26, total="5000", customer_id=0, status="cancelled",
        date_modified_gmt="2026-03-12T04:00:00",
    )  # fmt: skip
    assert standing(caller, pair[0])["balance"]["available"] == 1000
    prove(caller)


def test_chains_are_one_member_and_come_apart_again(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, pair: tuple[str, str]
) -> None:
    place_order(runtime, client, shop, id=30, total="40", customer_id=8)
    third = next(
        row["id"]
        for row in caller.get("/members").json["data"]  # type: ignore[index]
        if row["balance"]["available"] == 40
    )
    number = merge(caller, pair)
    last = merge(caller, (third, pair[0]))
    assert standing(caller, third)["balance"]["available"] == 6040
    assert standing(caller, pair[1])["merged_into"] == third
    prove(caller)
    assert caller.post(f"/members/{third}/merges/{number}/undo", REASON).status_code == 200
    assert [standing(caller, member)["balance"]["available"] for member in (third, *pair)] == [1040, 0, 5000]
    prove(caller)
    assert caller.post(f"/members/{third}/merges/{last}/undo", REASON).status_code == 200
    assert [standing(caller, member)["balance"]["available"] for member in (third, *pair)] == [
        40, 1000, 5000,
    ]  # fmt: skip
    prove(caller)


def test_a_branch_is_freed_with_those_below_it(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, pair: tuple[str, str]
) -> None:
    place_order(runtime, client, shop, id=30, total="40", customer_id=8)
    third = next(
        row["id"]
        for row in caller.get("/members").json["data"]  # type: ignore[index]
        if row["balance"]["available"] == 40
    )
    merge(caller, pair)
    last = merge(caller, (third, pair[0]))
    caller.post(f"/members/{third}/merges/{last}/undo", REASON)
    assert [standing(caller, member)["balance"]["available"] for member in (third, *pair)] == [40, 6000, 0]
    assert standing(caller, pair[1])["merged_into"] == pair[0]
    prove(caller)


def test_what_cannot_be_merged_is_refused(caller: Caller, stranger: Caller, pair: tuple[str, str]) -> None:
    path = f"/members/{pair[0]}/merges"
    assert caller.post(path, {"member": pair[0], **REASON}).status_code == 422
    assert caller.post(path, {"member": str(uuid.uuid4()), **REASON}).status_code == 404
    assert caller.post(path, {"member": pair[1]}).status_code == 422
    assert stranger.post(path, {"member": pair[1], **REASON}).status_code == 404
    number = merge(caller, pair)
    again = caller.post(path, {"member": pair[1], **REASON})
    assert (again.status_code, again.json["type"]) == (409, "urn:laurel:member-merged")  # type: ignore[index]
    assert pair[0] in again.json["detail"]  # type: ignore[index]
    back = caller.post(f"/members/{pair[1]}/merges", {"member": pair[0], **REASON})
    assert back.status_code == 409
    assert caller.post(f"{path}/{number + 1}/undo", REASON).status_code == 404
    assert stranger.post(f"{path}/{number}/undo", REASON).status_code == 404
    assert stranger.get(path).status_code == 404
    assert caller.post(f"{path}/{number}/undo", REASON).status_code == 200
    assert caller.post(f"{path}/{number}/undo", REASON).status_code == 404


def test_commands_for_a_merged_member_name_who_stands_for_him(caller: Caller, pair: tuple[str, str]) -> None:
    merge(caller, pair)
    answer = caller.post(f"/members/{pair[1]}/adjustments", {"points": 5, "reason": "x"})
    assert answer.status_code == 409
    assert pair[0] in answer.json["detail"]  # type: ignore[index]


@pytest.mark.parametrize("scopes", [("read",), ("read", "write")])
def test_merging_needs_the_scope_adjust(
    runtime: Runtime, client: FlaskClient, shop: Shop, pair: tuple[str, str], scopes: tuple[str, ...]
) -> None:
    caller = make_caller(runtime, client, shop, scopes)
    assert caller.post(f"/members/{pair[0]}/merges", {"member": pair[1], **REASON}).status_code == 403


def test_duplicates_are_found_and_paged(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller, pair: tuple[str, str]
) -> None:
    found = caller.get("/members/duplicates").json
    assert found is not None
    assert sorted((row["by"], sorted(row["members"])) for row in found["data"]) == [
        ("email", sorted(pair)), ("name", sorted(pair)),
    ]  # fmt: skip
    first = caller.get("/members/duplicates", limit=1).json
    assert first is not None
    second = caller.get("/members/duplicates", limit=1, cursor=first["next"]).json
    assert second is not None
    assert [*first["data"], *second["data"]] == found["data"]
    assert second["next"] is None
    assert stranger.get("/members/duplicates").json == {"data": [], "next": None}
    merge(caller, pair)
    assert caller.get("/members/duplicates").json == {"data": [], "next": None}

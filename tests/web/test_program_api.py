"""The program by API: draft, publish, versions, schema, and what its first version does to members."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.members.repository import claim_refolds
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, drain, make_caller, place_order
from workers.runtime import Runtime

LONG_AGO = "2020-01-01T00:00:00+08:00"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime)


def test_there_is_no_program_before_the_first_version(caller: Caller) -> None:
    assert caller.get("/program").status_code == 409
    assert caller.get("/program/draft").status_code == 404
    assert caller.post("/program/publish", {}).status_code == 404


def test_the_draft_is_published(caller: Caller) -> None:
    document = make_document()
    assert caller.put("/program/draft", document).status_code == 200
    assert caller.get("/program/draft").json == {"document": document}
    answer = caller.post("/program/publish", {})
    assert answer.status_code == 201
    assert answer.json is not None
    assert (answer.json["version"], answer.json["warnings"]) == (1, [])
    program = caller.get("/program").json
    assert program is not None
    assert (program["version"], program["document"], program["currency"]) == (1, document, "TWD")


def test_versions_are_listed_newest_first(caller: Caller) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    caller.post("/program/publish", {"document": make_document()})
    caller.post("/program/publish", {"document": make_document(), "effective_from": tomorrow})
    listed = caller.get("/program/versions").json
    assert listed is not None
    assert [row["version"] for row in listed["data"]] == [2, 1]
    assert caller.get("/program").json["version"] == 1  # type: ignore[index]


@pytest.mark.parametrize("start", ["2026-01-01T00:00:00", "yesterday", 5])
def test_a_start_without_offset_is_a_mistake(caller: Caller, start: Any) -> None:
    answer = caller.post("/program/publish", {"document": make_document(), "effective_from": start})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"] == "/effective_from"


def test_only_the_first_version_may_start_in_the_past(caller: Caller) -> None:
    body = {"document": make_document(), "effective_from": LONG_AGO}
    assert caller.post("/program/publish", body).status_code == 201
    assert caller.post("/program/publish", body).status_code == 422


def test_mistakes_of_a_document_are_named_by_path(caller: Caller) -> None:
    answer = caller.put("/program/draft", make_document(earning={"points_per_unit": 1.5}, extra=1))
    assert answer.status_code == 422
    assert answer.json is not None
    pointers = {error["pointer"] for error in answer.json["errors"]}
    assert pointers == {"/earning/points_per_unit", "/extra"}


def test_what_gives_nothing_is_warned_of(caller: Caller) -> None:
    tiers = [{"key": "regular", "name": {"en": "Regular"}, "benefits": {"entry_reward": "talk"}}]
    document = make_document(tiers=tiers, rewards=[{"key": "talk", "kind": "external"}])
    answer = caller.post("/program/publish", {"document": document})
    assert answer.json is not None
    paths = [warning["path"] for warning in answer.json["warnings"]]
    assert paths == ["/tiers/0/benefits/entry_reward"]
    assert set(answer.json["warnings"][0]["message"]) == {"zh-TW", "zh-CN", "en"}


def test_the_first_version_rates_what_was_stored_before(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    place_order(runtime, client, shop)
    caller.post("/program/publish", {"document": make_document(), "effective_from": LONG_AGO})
    drain(runtime, shop)
    members = caller.get("/members").json
    assert members is not None
    assert [row["balance"]["available"] for row in members["data"]] == [1000]


def test_a_version_that_looks_further_back_folds_everybody_again(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    place_order(runtime, client, shop)
    caller.post("/program/publish", {"document": make_document(), "effective_from": LONG_AGO})
    drain(runtime, shop)
    to_refold = []
    for months in (12, 24, 24, 6):
        policy = {"window": {"kind": "rolling", "months": months}}
        document = make_document(tier_policy=policy)
        caller.post("/program/publish", {"document": document})
        with runtime.database.transaction(shop.account) as connection:
            to_refold.append(len(claim_refolds(connection, 9)))
        drain(runtime, shop)
    assert to_refold == [0, 1, 0, 0]


def test_publishing_twice_under_one_key_makes_one_version(caller: Caller) -> None:
    body = {"document": make_document()}
    answers = [caller.post("/program/publish", body, Idempotency_Key="p1").json for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(caller.get("/program/versions").json["data"]) == 1  # type: ignore[index]


def test_the_schema_describes_the_document(caller: Caller) -> None:
    schema = caller.get("/program/schema").json
    assert schema is not None
    assert schema["required"] == ["points_name", "tiers"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["earning"]["properties"]["rounding"]["enum"] == [
        "floor",
        "half_up",
        "ceiling",
    ]
    assert schema["properties"]["campaigns"]["items"]["required"] == ["key", "from", "until"]


def test_writing_needs_its_scope(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.put("/program/draft", make_document()).status_code == 403
    assert reader.post("/program/publish", {}).status_code == 403


def test_a_stranger_sees_no_program_of_another_account(
    runtime: Runtime, client: FlaskClient, caller: Caller
) -> None:
    caller.put("/program/draft", make_document())
    caller.post("/program/publish", {})
    stranger = make_caller(runtime, client, make_shop(runtime))
    assert stranger.get("/program/draft").status_code == 404
    assert stranger.get("/program").status_code == 409
    assert stranger.get("/program/versions").json == {"data": [], "next": None}

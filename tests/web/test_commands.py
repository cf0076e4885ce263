"""Tiers set by hand, tags, activities and previews by API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, place_order
from workers.runtime import Runtime

LADDER = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold",
        "name": {"en": "Gold"},
        "enter": {"any": [{"metric": "points", "at_least": 5000}]},
        "benefits": {"service": ["priority_support"], "early_access": ["new-tea"]},
    },
    {"key": "fan", "name": {"en": "Fan"}, "enter": {"any": [{"metric": "activity", "at_least": 3}]}},
]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(tiers=LADDER))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    place_order(runtime, client, shop)
    return str(body(caller.get("/members"))["data"][0]["id"])


def body(answer: Any) -> dict[str, Any]:
    assert answer.json is not None
    return dict(answer.json)


def tier(caller: Caller, member: str) -> dict[str, Any]:
    return dict(body(caller.get(f"/members/{member}"))["tier"])


def test_an_override_holds_the_member_until_its_end(caller: Caller, member: str) -> None:
    until = (utc_now() + timedelta(days=30)).isoformat()
    answer = caller.post(f"/members/{member}/tier", {"tier": "gold", "until": until, "reason": "vip"})
    assert (answer.status_code, body(answer)["tier"]["key"]) == (200, "gold")
    assert tier(caller, member)["until"][:16] == until[:16]
    history = body(caller.get(f"/members/{member}/tier"))["history"]
    assert [(period["key"], period["reason"]["en"]) for period in history] == [
        ("gold", "Set by hand"), ("regular", "Joined"),
    ]  # fmt: skip


def test_an_override_ends_when_it_is_taken_back(caller: Caller, member: str) -> None:
    caller.post(f"/members/{member}/tier", {"tier": "gold", "reason": "vip"})
    assert tier(caller, member)["key"] == "gold"
    caller.post(f"/members/{member}/tier", {"tier": None, "reason": "left"})
    assert tier(caller, member)["key"] == "regular"


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"tier": "none", "reason": "x"}, "/tier"), ({"tier": "gold"}, "/reason"),
        ({"tier": "gold", "reason": "x", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"tier": "gold", "reason": "x", "by": "luck"}, "/by"), ({"tier": "gold", "reason": " "}, "/reason"),
    ],
)  # fmt: skip
def test_a_mistaken_tier_is_refused_with_its_field(
    caller: Caller, member: str, asked: dict[str, Any], pointer: str
) -> None:
    answer = caller.post(f"/members/{member}/tier", asked)
    assert answer.status_code == 422
    assert [error["pointer"] for error in body(answer)["errors"]] == [pointer]


def test_activities_count_once_for_each_kind_and_key(caller: Caller, member: str) -> None:
    for key in ("r1", "r2", "r2", "r2"):
        answer = caller.post("/activities", {"member": member, "kind": "review", "key": key})
        assert answer.status_code == 201
    assert tier(caller, member)["key"] == "regular"
    caller.post("/activities", {"member": member, "kind": "survey", "key": "r2"})
    assert tier(caller, member)["key"] == "fan"


def test_tags_are_put_on_and_taken_off(caller: Caller, member: str) -> None:
    first = caller.post(f"/members/{member}/tags", {"add": ["press", "vip"], "reason": "list"})
    assert body(first)["tags"] == ["press", "vip"]
    second = caller.post(f"/members/{member}/tags", {"remove": ["press"], "reason": "list"})
    assert body(second)["tags"] == ["vip"]


@pytest.mark.parametrize(("counts", "after"), [(False, "regular"), (True, "gold")])
def test_u67_an_adjustment_shows_the_tier_it_leads_to_first(
    caller: Caller, member: str, counts: bool, after: str
) -> None:
    asked = {"points": 4000, "reason": "kindness", "counts_toward_tier": counts}
    told = body(caller.post(f"/members/{member}/adjustments/preview", asked))
    assert (told["tier_before"], told["tier"], told["balance"]["available"]) == ("regular", after, 5000)
    assert tier(caller, member)["key"] == "regular"
    assert body(caller.get(f"/members/{member}"))["balance"]["available"] == 1000
    done = body(caller.post(f"/members/{member}/adjustments", asked))
    assert (done["tier"], done["number"]) == (after, told["number"])
    assert tier(caller, member)["key"] == after


def test_by_default_an_adjustment_moves_no_tier(caller: Caller, member: str) -> None:
    done = body(caller.post(f"/members/{member}/adjustments", {"points": 9000, "reason": "kindness"}))
    assert (done["counts_toward_tier"], done["tier"]) == (False, "regular")


def test_strangers_reach_nobody(stranger: Caller, member: str) -> None:
    asked = [
        (f"/members/{member}/tier", {"tier": None, "reason": "x"}),
        (f"/members/{member}/tags", {"add": ["a"], "reason": "x"}),
        (f"/members/{member}/adjustments/preview", {"points": 1, "reason": "x"}),
        ("/activities", {"member": member, "kind": "review", "key": "1"}),
    ]
    stranger.post("/program/publish", {"document": make_document()})
    assert {stranger.post(path, sent).status_code for path, sent in asked} == {404}
    assert body(stranger.get("/notices"))["data"] == []


def test_s53_benefits_follow_the_tier(caller: Caller, member: str) -> None:
    def early() -> list[str]:
        return list(body(caller.get(f"/members/{member}/benefits"))["benefits"]["early_access"])

    assert early() == []
    caller.post(f"/members/{member}/tier", {"tier": "gold", "reason": "vip"})
    assert early() == ["new-tea"]
    caller.post(f"/members/{member}/tier", {"tier": None, "reason": "over"})
    assert early() == []


def test_s54_the_shop_is_told_the_flags_and_their_end(caller: Caller, member: str) -> None:
    def told() -> list[list[str]]:
        pushes = body(caller.get("/pushes"))["data"]
        return [push["subject"] for push in pushes if push["kind"] == "set_member_tier"]

    caller.post(f"/members/{member}/tier", {"tier": "gold", "reason": "vip"})
    caller.post(f"/members/{member}/tier", {"tier": None, "reason": "over"})
    assert told() == ["tier:1:7", "tier:1:7"]

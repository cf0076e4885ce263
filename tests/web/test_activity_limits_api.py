"""Activities by API: what the program says of their kinds, and how often they count."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, place_order
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

ACTIVITIES = {
    "review": {"score": 5, "per_day": 2},
    "share": {"per_week": 1},
    "vote": {"per_month": 1},
    "meetup": {"event": True, "lifetime": 1},
    "check-in": {"per_day": 50, "per_week": 50, "per_month": 50, "lifetime": 50},
}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(limits={"activities": ACTIVITIES}))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> str:
    place_order(runtime, client, shop)
    return str(caller.get("/members").get_json()["data"][0]["id"])


def record(caller: Caller, member: str, kind: str, key: str, **more: Any) -> Any:
    return caller.post("/activities", {"member": member, "kind": kind, "key": key, **more})


def test_score_and_event_are_the_programs_unless_said(caller: Caller, member: str) -> None:
    told = [
        record(caller, member, *asked, **more).get_json()
        for asked, more in (
            (("review", "1"), {}), (("review", "2"), {"score": 0, "event": True}), (("meetup", "1"), {}),
            (("check-in", "1"), {}),
        )
    ]  # fmt: skip
    assert [(it["score"], it["event"]) for it in told] == [(5, False), (0, True), (1, True), (1, False)]


@pytest.mark.parametrize(
    ("kind", "period", "most"),
    [("review", "day", 2), ("share", "week", 1), ("vote", "month", 1), ("meetup", "lifetime", 1)],
)
def test_one_beyond_the_cap_is_refused_with_its_period(
    caller: Caller, member: str, kind: str, period: str, most: int
) -> None:
    statuses = [record(caller, member, kind, str(number)).status_code for number in range(most)]
    answer = record(caller, member, kind, "more", score=1, event=False)
    told = answer.get_json()
    assert statuses == [201] * most
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert (told["type"], told["period"], told["limit"]) == (
        "urn:laurel:activity-limit-reached", period, most,
    )  # fmt: skip
    assert (told["again_at"] is None) is (period == "lifetime")
    assert set(told["texts"]) == {"zh-TW", "zh-CN", "en"}


def test_what_is_known_is_answered_again_beyond_the_cap(caller: Caller, member: str) -> None:
    first = record(caller, member, "share", "1")
    again = record(caller, member, "share", "1")
    assert (again.status_code, again.get_json()) == (201, first.get_json())


def test_another_kind_has_its_own_cap(caller: Caller, member: str) -> None:
    assert [record(caller, member, kind, "1").status_code for kind in ("share", "vote", "share")] == [201] * 3
    assert record(caller, member, "share", "2").status_code == 409


def test_recording_takes_as_many_statements_whatever_was_recorded_before(
    app: Flask, caller: Caller, member: str
) -> None:
    def statements(key: str) -> int:
        seen: list[str] = []

        def listen(*args: Any) -> None:
            seen.append(args[2])

        engine = app.extensions[TOOLS].database.engine
        event.listen(engine, "before_cursor_execute", listen)
        assert record(caller, member, "check-in", key).status_code == 201
        event.remove(engine, "before_cursor_execute", listen)
        return len(seen)

    first = statements("first")
    for number in range(20):
        record(caller, member, "check-in", str(number))
    assert statements("last") <= first

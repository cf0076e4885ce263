"""Challenges by API: submissions, moderation, and what approval is worth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.pushing import push_store
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
NAME = {"zh-TW": "百日跑步挑戰", "zh-CN": "百日跑步挑战", "en": "A hundred days of running"}
COURSE = {"key": "course", "kind": "percent_discount", "amount": "20", "name": {"en": "Course discount"}}
COUPON = {
    "key": "ran", "trigger": "activity_recorded", "when": {"activities": ["challenge"]},
    "actions": [{"kind": "coupon", "reward": "course"}],
}  # fmt: skip


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.fixture
def shop(runtime: Runtime, woo: SandboxShop) -> Shop:
    keys = {"consumer_key": woo.consumer_key, "consumer_secret": woo.consumer_secret}
    document = make_document(automations=[COUPON], rewards=[COURSE])
    return make_shop(runtime, document, url=woo.url, credentials=keys)


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> list[str]:
    for number in (7, 8):
        place_order(runtime, client, shop, id=20 + number, customer_id=number)
    return [row["id"] for row in caller.get("/members").get_json()["data"]]


def make(caller: Caller, **parts: Any) -> dict[str, Any]:
    opens = (utc_now() - HOUR).isoformat()
    answer = caller.post("/challenges", {"key": "run", "name": NAME, "opens_at": opens, **parts})
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def submit(caller: Caller, member: str, **parts: Any) -> Any:
    what = {"text": "跑完了", "urls": ["https://photos.example.com/1.jpg"], **parts}
    return caller.post("/challenges/run/submissions", {"member": member, **what})


def judge(caller: Caller, number: int, *, approve: bool = True, **more: Any) -> Any:
    return caller.post(f"/submissions/{number}/verdict", {"approve": approve, **more})


def coupons(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get("/coupons").get_json()["data"]
    return found


def test_s98_an_approved_submission_puts_a_course_coupon_into_the_shop(
    runtime: Runtime, caller: Caller, members: list[str], shop: Shop, woo: SandboxShop
) -> None:
    make(caller)
    sent = submit(caller, members[0]).get_json()
    assert (sent["state"], sent["state_name"]["zh-TW"]) == ("submitted", "審核中")
    assert coupons(caller) == []
    done = judge(caller, sent["id"]).get_json()
    assert (done["state"], done["counted"], done["moderator"][:7]) == ("approved", True, "api key")
    push_store(runtime, shop.account, shop.store.id)
    (coupon,) = coupons(caller)
    (in_shop,) = woo.state.coupons.values()
    assert (in_shop["code"], in_shop["discount_type"]) == (coupon["code"], "percent")
    assert Decimal(in_shop["amount"]) == 20


def test_a_rejected_submission_gives_nothing_and_leaves_room(caller: Caller, members: list[str]) -> None:
    make(caller)
    first = submit(caller, members[0]).get_json()["id"]
    again = submit(caller, members[0])
    assert (again.status_code, again.get_json()["reason"]) == (409, "enough")
    rejected = judge(caller, first, approve=False, reason="blurred").get_json()
    assert (rejected["state"], rejected["reason"], rejected["counted"]) == ("rejected", "blurred", False)
    assert submit(caller, members[0]).status_code == 201
    assert coupons(caller) == []


def test_who_is_rejected_is_told_why(caller: Caller, members: list[str]) -> None:
    make(caller)
    number = submit(caller, members[0]).get_json()["id"]
    refused = judge(caller, number, approve=False, reason=" ")
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/reason")


def test_a_submission_is_judged_once(caller: Caller, members: list[str]) -> None:
    make(caller)
    number = submit(caller, members[0]).get_json()["id"]
    told = [judge(caller, number, approve=approve, reason="x") for approve in (True, True, False)]
    assert [answer.status_code for answer in told] == [200, 409, 409]
    assert told[1].get_json()["reason"] == "judged"
    assert len(coupons(caller)) == 1


def test_each_approved_submission_counts_within_the_challenge_and_its_kind(
    caller: Caller, members: list[str]
) -> None:
    make(caller, per_member=2)
    numbers = [submit(caller, members[0]).get_json()["id"] for _ in range(2)]
    assert submit(caller, members[0]).get_json()["reason"] == "enough"
    assert [judge(caller, number).get_json()["counted"] for number in numbers] == [True, True]
    assert len(coupons(caller)) == 2


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"text": " ", "urls": []}, "/text"), ({"urls": ["ftp://example.com/1"]}, "/urls/0"),
        ({"urls": ["x"]}, "/urls/0"),
        ({"urls": ["javascript:alert(1)"]}, "/urls/0"), ({"urls": ["https://example.com"] * 11}, "/urls"),
        ({"text": "x" * 5001}, "/text"),
    ],
)  # fmt: skip
def test_a_mistaken_submission_is_refused_with_its_field(
    caller: Caller, members: list[str], wrong: dict[str, Any], pointer: str
) -> None:
    make(caller)
    refused = submit(caller, members[0], **wrong)
    assert refused.status_code == 422
    assert refused.get_json()["errors"][0]["pointer"] == pointer


def test_a_challenge_has_its_window_and_its_audience(caller: Caller, members: list[str]) -> None:
    make(caller, audience={"tags": ["runner"]})
    assert submit(caller, members[0]).get_json()["reason"] == "not_invited"
    caller.post(f"/members/{members[0]}/tags", {"add": ["runner"], "reason": "list"})
    number = submit(caller, members[0]).get_json()["id"]
    caller.post("/challenges/run/close")
    caller.post(f"/members/{members[1]}/tags", {"add": ["runner"], "reason": "list"})
    assert submit(caller, members[1]).get_json()["reason"] == "not_open"
    assert judge(caller, number).status_code == 200


def test_moderators_find_what_waits(caller: Caller, members: list[str]) -> None:
    make(caller)
    numbers = [submit(caller, member).get_json()["id"] for member in members]
    judge(caller, numbers[0])
    waiting = caller.get("/challenges/run/submissions", state="submitted").get_json()["data"]
    assert [row["id"] for row in waiting] == numbers[1:]
    first = caller.get("/challenges/run/submissions", limit=1).get_json()
    rest = caller.get("/challenges/run/submissions", limit=1, cursor=first["next"]).get_json()
    assert [row["id"] for row in first["data"] + rest["data"]] == numbers[::-1]


def test_verdicts_need_the_scope_adjust_and_the_own_account(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller, members: list[str]
) -> None:
    make(caller)
    number = submit(caller, members[0]).get_json()["id"]
    assert judge(make_caller(runtime, client, shop, ("read", "write")), number).status_code == 403
    assert judge(stranger, number).status_code == 404
    assert stranger.get("/challenges").get_json()["data"] == []
    assert submit(stranger, members[0]).status_code == 404
    assert caller.get("/challenges/run/submissions").get_json()["data"][0]["state"] == "submitted"

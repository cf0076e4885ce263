"""How a shop is asked: its refusals in our words, its points, the version that it falls to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import CapturingLogger

from connectors.base import StoreAccess
from connectors.http import Answer, retry_after
from connectors.shopify import ShopifyConnector
from connectors.shopify.bucket import Bucket
from connectors.shopify.client import API_VERSION, Reply, Shopify, TooCostly, refusal
from connectors.shopify.documents import Document
from connectors.shopify.door import ShopDoor
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.pushes import PushError


@pytest.fixture
def asking(shopify_shop: ShopifySandbox) -> Shopify:
    keys = {"mode": "legacy", "access_token": shopify_shop.access_token}
    return Shopify(ShopDoor(shopify_shop.url, keys, allow_private=True, per_second=10_000))


def test_an_answer_of_another_version_is_noticed_once(
    asking: Shopify, shopify_shop: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopify_shop.state.versions = ("2027-01",)
    said = CapturingLogger()
    monkeypatch.setattr("connectors.shopify.client.log", said)
    asking.ask_for("clock")
    asking.ask_for("clock")
    [call] = said.calls
    assert (call.args, call.kwargs) == (("api_version_fell",), {"asked": API_VERSION, "given": "2027-01"})


def test_a_throttled_query_waits_as_long_as_the_bucket_needs(
    asking: Shopify, shopify_shop: ShopifySandbox
) -> None:
    shopify_shop.bucket.drain()
    asking.ask_for("shop")
    assert [each.status for each in shopify_shop.requests] == [200, 200]


def test_a_query_that_costs_too_much_is_asked_for_in_smaller_parts(
    asking: Shopify, shopify_shop: ShopifySandbox
) -> None:
    mug = shopify_shop.add_product()["id"]
    gids = [f"gid://shopify/Order/{shopify_shop.place_order((mug, 1))['id']}" for _ in range(12)]
    found = asking.nodes("orders", gids, 100)
    assert [each for each in gids if found[each] is None] == []
    sizes = [len(each.body["variables"]["ids"]) for each in shopify_shop.requests]
    assert sizes[0] == 12
    assert max(sizes[1:]) < 12


def test_a_query_that_is_none_is_a_matter_of_configuration(asking: Shopify) -> None:
    with pytest.raises(PushError) as raised:
        asking.ask(Document("Wrong", "query Wrong { nothing }"))
    assert (raised.value.permanent, raised.value.reason) == (True, "configuration")


@pytest.mark.parametrize(
    ("status", "permanent", "reason"),
    [
        (402, False, "configuration"),
        (403, True, "permission"),
        (404, True, "configuration"),
        (423, False, "configuration"),
        (429, False, "limit"),
        (503, False, "unreachable"),
    ],
)
def test_what_a_status_means(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox,
    status: int, permanent: bool, reason: str,
) -> None:  # fmt: skip
    shopify_shop.fail_next(status=status, body=b'{"errors": "no"}')
    with pytest.raises(PushError) as raised:
        shopify.read_clock(shopify_access)
    assert (raised.value.permanent, raised.value.reason) == (permanent, reason)


def test_a_retry_after_with_a_point_is_read() -> None:
    assert retry_after({"Retry-After": "2.0"}, datetime(2026, 1, 1, tzinfo=UTC)) == 2.0


@pytest.mark.parametrize(
    ("path", "is_raised"),
    [(["nodes", 1], True), (["nodes"], True), (["nodes", 1, "totalPriceSet", "shopMoney"], True), (None, True),
     (["nodes", 0, "customer"], False), (["shop"], False)],
)  # fmt: skip
def test_what_is_null_by_an_error_is_not_gone(path: list[object] | None, is_raised: bool) -> None:
    reply = Reply({"nodes": [{}, None]}, ({"message": "no", "path": path},))
    if not is_raised:
        reply.require("nodes", 1)
        return
    with pytest.raises(PushError):
        reply.require("nodes", 1)


class Told:
    """A door behind which one answer waits."""

    def __init__(self, **body: Any) -> None:
        self.body = body

    def call(self, *_: Any, **__: Any) -> Answer:
        return Answer(200, {}, self.body)


def test_one_thing_that_fails_leaves_the_others_of_its_request_alone() -> None:
    error = {"message": "no mail", "path": ["r1_customerByIdentifier"], "extensions": {"code": "BAD_REQUEST"}}
    data = {"r0_customerByIdentifier": {"id": "gid://shopify/Customer/1"}}
    data |= {"r1_customerByIdentifier": None, "r2_customerByIdentifier": None}  # type: ignore[dict-item]
    shop = Shopify(Told(data=data, errors=[error]))  # type: ignore[arg-type]
    rows = [{"email": each} for each in ("amy@example.test", "nonsense", "nobody@example.test")]
    first, second, third = shop.each("customer_by_email", "customerByIdentifier", rows, 10)
    assert first == {"id": "gid://shopify/Customer/1"}
    assert isinstance(second, PushError)
    assert third is None


def test_errors_without_any_data_are_a_refusal() -> None:
    error = {"message": "no", "path": ["nodes"], "extensions": {"code": "ACCESS_DENIED"}}
    for body in ({"errors": [error]}, {"errors": [error], "data": {"nodes": None}}):
        with pytest.raises(PushError) as raised:
            Shopify(Told(**body)).nodes("orders", ["gid://shopify/Order/1"], 5)  # type: ignore[arg-type]
        assert raised.value.reason == "permission"


def test_an_answer_without_data_is_none() -> None:
    for body in ({}, {"data": []}, {"data": None}):
        with pytest.raises(PushError) as raised:
            Shopify(Told(**body)).ask_for("shop")  # type: ignore[arg-type]
        assert not raised.value.permanent


def test_only_what_we_have_no_right_to_may_be_missing() -> None:
    Reply({}, ({"extensions": {"code": "ACCESS_DENIED"}},)).require_denied()
    with pytest.raises(PushError) as raised:
        Reply({}, ({"extensions": {"code": "INTERNAL_SERVER_ERROR"}},)).require_denied()
    assert not raised.value.permanent


@pytest.mark.parametrize(
    ("code", "permanent", "reason"),
    [
        ("ACCESS_DENIED", True, "permission"),
        ("INTERNAL_SERVER_ERROR", False, "unreachable"),
        ("SHOP_INACTIVE", False, "unreachable"),
        ("undefinedField", True, "configuration"),
        ("SOMETHING_NEW", False, "unreachable"),
    ],
)
def test_what_an_error_means(code: str, permanent: bool, reason: str) -> None:
    error = refusal([{"message": "no", "extensions": {"code": code}}])
    assert (error.permanent, error.reason) == (permanent, reason)


def test_too_costly_tells_the_cost() -> None:
    error = refusal([{"message": "no", "extensions": {"code": "MAX_COST_EXCEEDED", "cost": 1270}}])
    assert isinstance(error, TooCostly)
    assert error.cost == 1270


def test_the_bucket_knows_what_a_document_will_cost() -> None:
    bucket = Bucket()
    assert (bucket.shortage("Put", 10), bucket.size("Put", 25)) == (0.0, 25)
    status = {"maximumAvailable": 1000, "currentlyAvailable": 20, "restoreRate": 50}
    bucket.note({"requestedQueryCost": 95, "throttleStatus": status}, "Put", 10)
    assert bucket.size("Put", 1000) == 100
    assert bucket.shortage("Put", 12) == pytest.approx(2.0, abs=0.1)
    assert bucket.shortage("Put", 2) == 0.0
    assert bucket.shortage("Another", 100) == 0.0
    assert timedelta(seconds=bucket.wait_for(5000)) < timedelta(seconds=20)

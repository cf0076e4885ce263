"""A tier's discount and free shipping by API and in the shop: asked for, used again and again, gone with the tier."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connectors.woocommerce.sandbox import RestError, SandboxShop
from loyalty.clock import utc_now
from loyalty.engine.verify import verify_ledger
from tests.builders import Shop, make_document, make_shop, woo_body
from tests.web.conftest import Caller, deliver, drain, make_caller, place_order
from workers.pushing import push_store
from workers.runtime import Runtime

GOLD = {"discount_percent": "10", "free_shipping": True, "service": ["priority_support"]}
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold"}, "benefits": GOLD,
        "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
        "keep": {"any": [{"metric": "spend", "at_least": "9000"}]},
    },
]  # fmt: skip
POLICY = {"validity": {"days": 30}, "grace_days": 7}


@pytest.fixture
def woo_shop() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        shop.add_product(price=500)
        shop.add_customer("amy@example.test")
        yield shop


@pytest.fixture
def shop(runtime: Runtime, woo_shop: SandboxShop) -> Shop:
    keys = {"consumer_key": woo_shop.consumer_key, "consumer_secret": woo_shop.consumer_secret}
    document = make_document(tiers=TIERS, tier_policy=POLICY)
    return make_shop(runtime, document, url=woo_shop.url, credentials=keys)


def buy(runtime: Runtime, client: FlaskClient, shop: Shop, woo: SandboxShop, count: int, *codes: str) -> Any:
    """The customer checks out so many mugs; the shop tells of it, and it is drained."""
    (mug,), (amy,) = woo.state.products, woo.state.customers
    order = woo.check_out((mug, count), customer=amy, email="amy@example.test", coupons=codes)
    assert deliver(client, shop, woo_body(order)).status_code == 200
    drain(runtime, shop)
    return order


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, woo_shop: SandboxShop, caller: Caller) -> str:
    """A gold member."""
    buy(runtime, client, shop, woo_shop, 2)
    return str(body(caller.get("/members"))["data"][0]["id"])


def body(answer: Any) -> dict[str, Any]:
    assert answer.json is not None
    return dict(answer.json)


def differences(runtime: Runtime, shop: Shop) -> list[object]:
    with runtime.database.transaction(shop.account) as connection:
        return list(verify_ledger(connection, shop.account, rebuild=True).differences)


def run(app: Flask, *words: str) -> str:
    done = app.test_cli_runner().invoke(args=list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_a_gold_member_uses_his_code_twice_and_loses_it_with_the_tier(
    app: Flask,
    runtime: Runtime,
    client: FlaskClient,
    shop: Shop,
    woo_shop: SandboxShop,
    caller: Caller,
    member: str,
) -> None:
    assert body(caller.get(f"/members/{member}/benefits"))["code"] is None
    asked = caller.post(f"/members/{member}/benefits/code")
    code = body(asked)
    assert asked.status_code == 200
    assert {name: code[name] for name in ("state", "discount_percent", "free_shipping", "tier")} == {
        "state": "requested", "discount_percent": "10", "free_shipping": True, "tier": "gold",
    }  # fmt: skip
    push_store(runtime, shop.account, shop.store.id)
    shown = body(caller.get(f"/members/{member}/benefits"))
    assert shown["code"] == {**code, "state": "issued"}
    for count, total in ((1, "450"), (3, "1350")):
        order = buy(runtime, client, shop, woo_shop, count, code["code"])
        assert (order["shipping_total"], order["total"]) == ("0", total)
    listed = body(caller.get("/coupons", member=member))["data"]
    assert [(row["code"], row["state"], row["reusable"], row["order"]) for row in listed] == [
        (code["code"], "issued", True, None)
    ]
    assert differences(runtime, shop) == []

    later = utc_now() + timedelta(days=45)
    assert "close-tier-periods: 1" in run(
        app, "jobs", "run", "close-tier-periods", "--as-of", later.isoformat()
    )
    push_store(runtime, shop.account, shop.store.id)
    shown = body(caller.get(f"/members/{member}/benefits"))
    assert (shown["tier"]["key"], shown["code"]) == ("regular", None)
    woo_shop.now = lambda: later
    with pytest.raises(RestError):
        buy(runtime, client, shop, woo_shop, 1, code["code"])
    assert body(caller.get("/coupons", member=member))["data"][0]["state"] == "cancelled"
    assert differences(runtime, shop) == []
    refused = caller.post(f"/members/{member}/benefits/code")
    assert (refused.status_code, refused.content_type) == (409, "application/problem+json")
    assert body(refused)["type"] == "urn:laurel:benefit-not-available"


def test_the_code_ends_with_the_tier_and_its_grace(caller: Caller, member: str) -> None:
    code = body(caller.post(f"/members/{member}/benefits/code"))
    until = body(caller.get(f"/members/{member}/benefits"))["tier"]["until"]
    assert code["expires_at"][11:] == until[11:]
    assert (utc_now() + timedelta(days=37)).isoformat()[:10] <= code["expires_at"][:10]


def test_asking_again_gives_the_same_code(caller: Caller, member: str) -> None:
    path = f"/members/{member}/benefits/code"
    answers = [caller.post(path, {}), caller.post(path), caller.post(path, {"store": None})]
    answers += [caller.post(path, {}, Idempotency_Key="k1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({body(answer)["code"] for answer in answers}) == 1
    assert len(body(caller.get("/pushes"))["data"]) == 2, "the tier and the code"


def test_a_store_is_named_by_its_key(caller: Caller, shop: Shop, member: str) -> None:
    path = f"/members/{member}/benefits/code"
    assert caller.post(path, {"store": shop.store.key}).status_code == 200
    refused = caller.post(path, {"store": "no-such"})
    assert (refused.status_code, body(refused)["errors"][0]["pointer"]) == (422, "/store")


def test_a_key_that_only_reads_makes_no_code(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.post(f"/members/{member}/benefits/code").status_code == 403
    assert body(caller.get("/coupons"))["data"] == []


def test_a_stranger_finds_neither_benefits_nor_a_code(stranger: Caller, caller: Caller, member: str) -> None:
    assert stranger.post(f"/members/{member}/benefits/code").status_code == 404
    assert stranger.get(f"/members/{member}/benefits").status_code == 404
    assert body(caller.get("/coupons"))["data"] == []


def test_an_unknown_member_has_no_code(caller: Caller) -> None:
    assert caller.post(f"/members/{uuid.uuid4()}/benefits/code").status_code == 404


def test_a_merged_member_has_no_code_and_is_told_who_stands_for_him(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, id=900, customer_id=0)
    guest = next(row["id"] for row in body(caller.get("/members"))["data"] if row["id"] != member)
    merged = caller.post(f"/members/{member}/merges", {"member": guest, "reason": "one person"})
    assert merged.status_code == 201
    refused = caller.post(f"/members/{guest}/benefits/code")
    assert (refused.status_code, body(refused)["type"]) == (409, "urn:laurel:member-merged")
    assert member in body(refused)["detail"]
    assert body(caller.get("/coupons"))["data"] == []
    assert caller.post(f"/members/{member}/benefits/code").status_code == 200


def test_a_tier_without_such_benefits_says_so(
    runtime: Runtime, client: FlaskClient, shop: Shop, woo_shop: SandboxShop, caller: Caller
) -> None:
    buy(runtime, client, shop, woo_shop, 1)
    member = body(caller.get("/members"))["data"][0]["id"]
    refused = caller.post(f"/members/{member}/benefits/code")
    assert (refused.status_code, body(refused)["title"]) == (409, "Benefit not available")


def test_a_code_that_the_shop_refused_is_asked_for_anew(
    runtime: Runtime, shop: Shop, woo_shop: SandboxShop, caller: Caller, member: str
) -> None:
    code = body(caller.post(f"/members/{member}/benefits/code"))["code"]
    woo_shop.add_coupon(code)
    push_store(runtime, shop.account, shop.store.id)
    assert body(caller.get(f"/members/{member}/benefits"))["code"] is None
    woo_shop.state.coupons.clear()
    assert body(caller.post(f"/members/{member}/benefits/code"))["state"] == "requested"
    push_store(runtime, shop.account, shop.store.id)
    assert body(caller.get(f"/members/{member}/benefits"))["code"]["state"] == "issued"

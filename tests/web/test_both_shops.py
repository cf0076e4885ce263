"""A WooCommerce and a Shopify store of one account: who proves in both that he reads the same mail is one person with
one balance, and redeems in either (S145).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connectors.shopify.sandbox import CheckoutError, ShopifySandbox
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.programs.document import Context
from loyalty.programs.service import publish
from loyalty.stores.service import Store
from tests.builders import Shop, make_document, make_shop, woo_body
from tests.mailbox import Mailbox, running_mailbox
from tests.shopify_stores import deliver_shopify, make_shopify
from tests.web.conftest import Caller, deliver, make_caller
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.mailing import deliver_mails
from workers.pushing import push_store
from workers.runtime import Runtime
from workers.telling import tell_of_matured

EMAIL = "amy@example.test"
REWARD = {"key": "off", "kind": "fixed_discount", "points": 300, "amount": "50", "valid_days": 30}


@dataclass
class Two:
    """Both shops, in each of which Amy is a customer, and whoever asks the API."""

    runtime: Runtime
    client: FlaskClient
    shop: Shop
    woo: SandboxShop
    shopify: ShopifySandbox
    store: Store
    caller: Caller
    mailbox: Mailbox

    def __post_init__(self) -> None:
        self.amy = self.woo.add_customer(EMAIL)["id"], int(self.shopify.add_customer(EMAIL)["id"])
        self.mug = self.woo.add_product(price=400)["id"], int(self.shopify.add_product(price=700)["id"])

    def buy_in_woo(self, code: str = "") -> int:
        order = self.woo.check_out(
            (self.mug[0], 1), customer=self.amy[0], email=EMAIL, coupons=[code] if code else []
        )
        assert deliver(self.client, self.shop, woo_body(order)).status_code == 200
        self.work()
        return int(order["id"])

    def buy_in_shopify(self, code: str = "") -> int:
        order = self.shopify.check_out((self.mug[1], 1), customer=self.amy[1], codes=[code] if code else [])
        self.tell(order)
        return int(order["id"])

    def tell(self, order: dict[str, Any]) -> None:
        told = deliver_shopify(
            self.client, "orders/updated", order, self.shopify.shop, secret=self.shopify.client_secret
        )
        assert told.status_code == 200
        self.work()

    def work(self) -> None:
        """Let the jobs of both stores run to their end."""
        for store in (self.shop.store.id, self.store.id):
            drain_account(self.runtime, self.shop.account)
            fetch_store(self.runtime, self.shop.account, store)
        drain_account(self.runtime, self.shop.account)
        for store in (self.shop.store.id, self.store.id):
            push_store(self.runtime, self.shop.account, store)

    def members(self) -> list[dict[str, Any]]:
        """Who stands, with his points."""
        rows: Any = self.caller.get("/members").json
        return [row for row in rows["data"] if row["merged_into"] is None]

    def prove_mail(self, member: str) -> int:
        """Click the link that is mailed to a member; the status of the answer."""
        assert self.caller.post(f"/members/{member}/links", {"email": EMAIL}).status_code == 202
        deliver_mails(self.runtime, self.shop.account)
        link = re.search(
            r"https://points\.example\.test(/links/[\w-]+)", self.mailbox.mails[-1].get_content()
        )
        assert link is not None
        return self.client.post(link[1]).status_code

    def unite(self) -> str:
        """Prove the mail in both shops; the one member."""
        for row in self.members():
            assert self.prove_mail(row["id"]) == 200
        [one] = self.members()
        self.work()
        return str(one["id"])

    def redeem(self, member: str, store: Store) -> str:
        """Redeem for a store; the code that it has then."""
        asked = self.caller.post(f"/members/{member}/redemptions", {"reward": "off", "store": store.key})
        assert asked.status_code == 201, asked.json
        self.work()
        found: Any = self.caller.get(f"/redemptions/{asked.json['id']}").json  # type: ignore[index]
        assert found["state"] == "issued", found
        return str(found["coupon"]["code"])

    def available(self, member: str) -> int:
        found: Any = self.caller.get(f"/members/{member}").json
        return int(found["balance"]["available"])

    def differences(self) -> int:
        proof: Any = self.caller.get("/ledger/verification", rebuild="true").json
        return int(proof["differences"])


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with running_mailbox() as box:
        yield box


@pytest.fixture
def app(runtime: Runtime, mailbox: Mailbox) -> Iterator[Flask]:
    runtime.settings = replace(
        runtime.settings, smtp_url=mailbox.url, public_url="https://points.example.test"
    )
    made = create_app(runtime.settings)
    yield made
    made.extensions[TOOLS].database.dispose()


@pytest.fixture
def two(runtime: Runtime, client: FlaskClient, mailbox: Mailbox) -> Iterator[Two]:
    with SandboxShop() as woo, ShopifySandbox() as shopify:
        keys = {"consumer_key": woo.consumer_key, "consumer_secret": woo.consumer_secret}
        shop = make_shop(runtime, make_document(rewards=[REWARD]), url=woo.url, credentials=keys)
        store = make_shopify(
            runtime, shop.account, shopify.shop, url=shopify.url, access_token=shopify.access_token,
            secret=shopify.client_secret,
        )  # fmt: skip
        caller = make_caller(runtime, client, shop)
        yield Two(runtime, client, shop, woo, shopify, store, caller, mailbox)


def test_s145_orders_of_both_shops_count_for_one_person(two: Two) -> None:
    two.buy_in_woo()
    two.buy_in_shopify()
    assert sorted(row["balance"]["available"] for row in two.members()) == [400, 700]
    amy = two.unite()
    assert two.available(amy) == 1100
    two.buy_in_woo()
    refunded = two.buy_in_shopify()
    assert two.available(amy) == 2200
    two.shopify.refund(refunded, amount=200)
    two.tell(two.shopify.order(refunded))
    assert (two.available(amy), two.differences()) == (2000, 0)


def test_s145_mail_that_is_proved_in_one_shop_only_joins_nobody(two: Two) -> None:
    two.buy_in_woo()
    two.buy_in_shopify()
    first, second = two.members()
    assert two.prove_mail(first["id"]) == 200
    assert {row["id"] for row in two.members()} == {first["id"], second["id"]}
    assert two.available(second["id"]) == second["balance"]["available"]


def test_s145_points_of_one_shop_are_redeemed_in_the_other(two: Two) -> None:
    two.buy_in_woo()
    two.buy_in_shopify()
    amy = two.unite()
    in_woo, in_shopify = two.redeem(amy, two.shop.store), two.redeem(amy, two.store)
    assert two.available(amy) == 500
    two.buy_in_woo(in_woo)
    two.buy_in_shopify(in_shopify)
    assert two.available(amy) == 500 + 350 + 650
    with pytest.raises(CheckoutError):
        two.buy_in_shopify(in_shopify)
    rows: Any = two.caller.get("/redemptions").json
    assert ([row["state"] for row in rows["data"]], two.differences()) == (["used", "used"], 0)


def test_code_of_shopify_serves_nobody_but_the_member(two: Two) -> None:
    two.buy_in_woo()
    two.buy_in_shopify()
    code = two.redeem(two.unite(), two.store)
    stranger = int(two.shopify.add_customer("ben@example.test")["id"])
    with pytest.raises(CheckoutError):
        two.shopify.check_out((two.mug[1], 1), customer=stranger, codes=[code])


def shown(two: Two) -> tuple[str, str]:
    """The points and the progress that Shopify has of Amy."""
    fields = two.shopify.state.metafields
    values = {
        key: row["value"] for (owner, _, key), row in fields.items() if owner.endswith(f"/{two.amy[1]}")
    }
    return values["points"], values["progress"]


def test_shopify_is_told_of_points_that_become_usable_by_time_alone(two: Two) -> None:
    with two.runtime.database.transaction(two.shop.account) as connection:
        waiting = make_document(earning={"pending_days": 14})
        context = Context("TWD", "Asia/Taipei", 0)
        publish(connection, two.shop.account, waiting, context, effective_from=None, now=utc_now())
    time.sleep(1)  # the shop tells whole seconds
    two.buy_in_shopify()
    assert shown(two)[0] == "0"
    told = []
    for days in (13, 15, 16):
        at = utc_now() + timedelta(days=days)
        told.append(tell_of_matured(two.runtime, two.shop.account, at))
        push_store(two.runtime, two.shop.account, two.store.id, at)
    assert (told, shown(two)[0]) == ([0, 1, 0], "700")


def test_shopify_shows_the_balance_and_the_way_to_the_next_tier(two: Two) -> None:
    two.buy_in_shopify()
    assert shown(two)[0] == "700"
    two.buy_in_woo()
    amy = two.unite()
    two.buy_in_woo()
    member: Any = two.caller.get(f"/members/{amy}").json
    assert shown(two) == ("1500", member["progress"]["text"]["zh-TW"])

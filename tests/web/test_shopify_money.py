"""Gift cards and store credit of Shopify itself: from points and cash back to its checkout, and back (S6, S42)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.sandbox.state import ALL_SCOPES
from loyalty.clock import utc_now
from loyalty.engine.retrying import retry_pushes
from loyalty.stores.service import Store
from tests.builders import Shop, make_document, make_shop
from tests.shopify_stores import deliver_shopify, make_shopify
from tests.web.conftest import Caller, make_caller
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.pushing import TRIES, push_store
from workers.runtime import Runtime

REWARDS = [
    {"key": "card", "kind": "gift_card", "points": 300, "amount": "50", "name": {"en": "Card"}},
    {"key": "credit", "kind": "store_credit", "points": 300, "amount": "40"},
]


@dataclass
class Till:
    """A Shopify shop in which Amy bought for 700, and whoever asks the API for her."""

    runtime: Runtime
    client: FlaskClient
    shop: Shop
    shopify: ShopifySandbox
    store: Store
    caller: Caller
    member: str = ""

    def __post_init__(self) -> None:
        self.amy = int(self.shopify.add_customer("amy@example.test")["id"])
        self.pan = int(self.shopify.add_product(price=700)["id"])
        self.buy()
        rows: Any = self.caller.get("/members").json
        self.member = rows["data"][0]["id"]

    def buy(self, **how: Any) -> dict[str, Any]:
        order = self.shopify.check_out((self.pan, 1), customer=self.amy, **how)
        self.tell(order)
        return order

    def tell(self, order: dict[str, Any]) -> None:
        sent = deliver_shopify(
            self.client, "orders/updated", order, self.shopify.shop, secret=self.shopify.client_secret
        )
        assert sent.status_code == 200
        self.work()

    def work(self, hours: int = 0) -> None:
        drain_account(self.runtime, self.shop.account)
        fetch_store(self.runtime, self.shop.account, self.store.id)
        drain_account(self.runtime, self.shop.account)
        self.push(hours)

    def push(self, hours: int = 0) -> None:
        at = utc_now() + timedelta(hours=hours) if hours else None
        push_store(self.runtime, self.shop.account, self.store.id, at)

    def redeem(self, reward: str) -> dict[str, Any]:
        asked = self.caller.post(f"/members/{self.member}/redemptions", {"reward": reward})
        assert asked.status_code == 201, asked.json
        self.push()
        return self.see(asked.json["id"])  # type: ignore[index]

    def see(self, redemption: str) -> dict[str, Any]:
        found: Any = self.caller.get(f"/redemptions/{redemption}").json
        return dict(found)

    def take_back(self, redemption: dict[str, Any]) -> None:
        path = f"/api/v1/redemptions/{redemption['id']}"
        asked = self.client.delete(path, json={"reason": "a mistake"}, headers=self.caller.headers())
        assert asked.status_code == 202, asked.json
        self.push()

    def send(self, amount: str = "40") -> Any:
        return self.caller.post(f"/members/{self.member}/credit/transfers", {"amount": amount})

    def get(self, path: str) -> Any:
        return self.caller.get(f"/members/{self.member}{path}").json

    def available(self) -> int:
        return int(self.get("")["balance"]["available"])

    def has_credit(self) -> Fraction:
        """What the shop itself keeps for Amy."""
        return sum((each["balance"] for each in self.shopify.state.credit_accounts.values()), Fraction(0))

    def differences(self) -> int:
        proof: Any = self.caller.get("/ledger/verification", rebuild="true").json
        return int(proof["differences"])


@pytest.fixture
def till(runtime: Runtime, client: FlaskClient) -> Iterator[Till]:
    with ShopifySandbox() as shopify:
        shop = make_shop(runtime, make_document(rewards=REWARDS))
        store = make_shopify(
            runtime, shop.account, shopify.shop, url=shopify.url, access_token=shopify.access_token,
            secret=shopify.client_secret,
        )  # fmt: skip
        yield Till(runtime, client, shop, shopify, store, make_caller(runtime, client, shop))


def test_s42_gift_card_pays_several_orders_and_what_it_pays_earns_nothing(till: Till) -> None:
    card = till.redeem("card")
    assert (card["state"], till.available()) == ("issued", 400)
    code = card["coupon"]["code"]
    first = till.buy(gift_cards=[code])
    assert (till.available(), till.see(card["id"])["state"]) == (400 + 650, "used")
    till.shopify.refund_all(first["id"])
    till.tell(till.shopify.order(first["id"]))
    assert till.available() == 400
    till.buy(gift_cards=[code])
    assert (till.available(), till.differences()) == (400 + 650, 0)


def test_u22_untouched_card_is_taken_back_and_one_that_was_spent_of_is_not(till: Till) -> None:
    card, other = till.redeem("card"), till.redeem("card")
    assert till.available() == 100
    till.take_back(card)
    assert (till.see(card["id"])["state"], till.available()) == ("cancelled", 400)
    found = till.shopify.gift_card(card["coupon"]["code"])
    assert found is not None
    assert found["deactivatedAt"]
    code = other["coupon"]["code"]
    till.shopify.check_out((till.pan, 1), customer=till.amy, gift_cards=[code])  # nobody tells of it yet
    till.take_back(other)
    seen = till.see(other["id"])
    assert (seen["state"], seen["failure"], till.available()) == ("issued", "in_use", 400)
    assert till.differences() == 0


def test_card_that_the_shop_refuses_gives_its_points_back(till: Till) -> None:
    till.shopify.grant("read_orders", "read_products", "write_customers", "write_discounts")
    card = till.redeem("card")
    assert (card["state"], card["failure"].split(":")[0], till.available()) == ("failed", "permission", 700)


def test_s6_credit_goes_over_to_the_shop_and_is_spent_there(till: Till) -> None:
    till.redeem("credit")
    sent = till.send()
    assert (sent.status_code, sent.json["state"], till.get("/credit")["held"]) == (201, "requested", "40")
    till.push()
    assert till.has_credit() == 40
    assert (till.get("/credit")["balance"], till.get("/credit")["held"]) == ("0", "0")
    [row] = till.get("/credit/transfers")["data"]
    assert (row["state"], row["store"], row["amount"]) == ("done", till.store.key, "40")
    assert (
        till.get("/credit/entries")["data"][0]["reason"]["en"]
        == "NT$40 of store credit went over to the shop's own"
    )
    time.sleep(1)  # the shop tells whole seconds
    till.buy(store_credit=40)
    assert (till.available(), till.differences()) == (400 + 660, 0)


def test_credit_is_sent_once_though_the_answer_was_lost(till: Till) -> None:
    till.redeem("credit")
    till.send()
    till.shopify.fail_next(text="AddStoreCredit", after=True)
    till.push()
    assert (till.has_credit(), till.get("/credit")["held"]) == (40, "40")
    till.push(hours=1)
    assert (till.has_credit(), till.get("/credit")["balance"], till.differences()) == (40, "0", 0)


def test_two_sums_of_the_same_amount_are_two(till: Till) -> None:
    till.redeem("credit")
    for _ in range(2):
        assert till.send("20").status_code == 201
        till.push()
    assert (till.has_credit(), till.get("/credit")["balance"]) == (40, "0")


def test_one_is_on_its_way_at_a_time_and_none_is_more_than_there_is(till: Till) -> None:
    till.redeem("credit")
    assert till.send("41").json["available"] == "40"
    assert till.send("10").status_code == 201
    again = till.send("10")
    assert (again.status_code, "on its way" in again.json["detail"]) == (409, True)
    till.push()
    assert till.send("10").status_code == 201


def test_credit_that_the_shop_refuses_is_free_again_and_its_push_stays_ended(till: Till) -> None:
    till.redeem("credit")
    till.shopify.grant("read_orders", "read_products", "write_customers", "write_discounts")
    till.send()
    till.push()
    [row] = till.get("/credit/transfers")["data"]
    assert (row["state"], row["failure"].split(":")[0]) == ("failed", "permission")
    assert till.get("/credit")["available"] == "40"
    assert incidents(till) == ["credit_not_sent"]
    assert retried(till) == 0


def test_credit_of_which_nobody_knows_stays_aside_until_the_push_is_tried_again(till: Till) -> None:
    till.redeem("credit")
    till.send()
    till.shopify.fail_next(text="AddStoreCredit", after=True)
    till.push()
    till.shopify.fail_next(TRIES)
    for hours in range(1, TRIES):
        till.push(hours=2 * hours)
    till.shopify.recover()
    assert (till.get("/credit")["held"], incidents(till)) == ("40", ["credit_maybe_sent"])
    assert retried(till) == 1
    till.push()
    assert (till.has_credit(), till.get("/credit")["balance"], till.differences()) == (40, "0", 0)


def in_doubt(till: Till) -> None:
    """Credit that the shop got, without telling so, before it refused a further try for good."""
    till.redeem("credit")
    till.send()
    till.shopify.fail_next(text="AddStoreCredit", after=True)
    till.push()
    till.shopify.grant("read_orders", "read_products", "write_customers", "write_discounts")
    till.push(hours=1)


def test_refusal_of_a_later_try_says_nothing_of_the_first_one(till: Till) -> None:
    in_doubt(till)
    assert (till.get("/credit")["held"], incidents(till)) == ("40", ["credit_maybe_sent"])
    till.shopify.grant(*ALL_SCOPES)
    assert retried(till) == 1
    till.push()
    assert (till.has_credit(), till.get("/credit")["balance"], till.differences()) == (40, "0", 0)


@pytest.mark.parametrize(("arrived", "state", "balance"), [(True, "done", "0"), (False, "failed", "40")])
def test_staff_settles_what_the_shop_does_not_tell(
    till: Till, arrived: bool, state: str, balance: str
) -> None:
    in_doubt(till)
    [row] = till.get("/credit/transfers")["data"]
    path = f"/members/{till.member}/credit/transfers/{row['number']}/outcome"
    settled = till.caller.post(path, {"arrived": arrived, "reason": "looked it up"})
    assert (settled.status_code, settled.json["state"]) == (200, state)  # type: ignore[index]
    assert (till.get("/credit")["balance"], till.get("/credit")["held"], retried(till)) == (balance, "0", 0)
    assert till.caller.post(path, {"arrived": arrived, "reason": "again"}).status_code == 404


def test_nobody_settles_what_is_being_delivered(till: Till) -> None:
    till.redeem("credit")
    number = till.send().json["number"]
    with till.runtime.database.transaction(till.shop.account) as connection:
        connection.execute(text("update pushes set leased_until = now() + interval '5 minutes'"))
    path = f"/members/{till.member}/credit/transfers/{number}/outcome"
    assert till.caller.post(path, {"arrived": False, "reason": "why not"}).status_code == 409


def test_card_that_was_made_while_it_was_taken_back_is_switched_off(till: Till) -> None:
    """The shop's id of it is known only once both pushes were written."""
    asked: Any = till.caller.post(f"/members/{till.member}/redemptions", {"reward": "card"}).json
    path = f"/api/v1/redemptions/{asked['id']}"
    till.client.delete(path, json={"reason": "a mistake"}, headers=till.caller.headers())
    with till.runtime.database.transaction(till.shop.account) as connection:
        connection.execute(text("update pushes set status = 'waiting' where kind = 'put_coupon'"))
    till.push()
    [card] = till.shopify.state.gift_cards.values()
    assert card["deactivatedAt"]
    assert (till.see(asked["id"])["state"], till.available(), till.differences()) == ("cancelled", 700, 0)


def test_delivery_that_tells_of_no_payments_leaves_the_card_on_its_order(till: Till) -> None:
    card = till.redeem("card")
    order = till.buy(gift_cards=[card["coupon"]["code"]])
    assert till.available() == 400 + 650
    till.shopify.now = lambda: utc_now() + timedelta(seconds=5)
    till.shopify.fulfil(order["id"])
    till.shopify.fail_next(20)
    till.tell(till.shopify.order(order["id"]))
    till.shopify.recover()
    assert (till.available(), till.see(card["id"])["state"], till.differences()) == (1050, "used", 0)


def test_erasing_frees_what_is_on_its_way(till: Till) -> None:
    till.redeem("credit")
    till.send()
    till.caller.post(f"/members/{till.member}/erasure", {"reason": "asked"})
    till.push()
    assert (till.has_credit(), till.get("/credit")["held"], till.differences()) == (0, "0", 0)


def test_account_without_shopify_has_neither(runtime: Runtime, client: FlaskClient) -> None:
    caller = make_caller(runtime, client, make_shop(runtime, make_document(rewards=REWARDS)))
    made: Any = caller.post("/members", {"email": "bea@example.test"}).json
    asked = caller.post(f"/members/{made['id']}/redemptions", {"reward": "card"})
    assert (asked.status_code, asked.json["refusals"]) == (409, ["not_offered"])  # type: ignore[index]
    rows: Any = caller.get(f"/members/{made['id']}/rewards").json
    assert {row["key"]: [it["code"] for it in row["refusals"]] for row in rows["data"]}["card"] == [
        "not_offered"
    ]
    sent = caller.post(f"/members/{made['id']}/credit/transfers", {"amount": "1"})
    assert (sent.status_code, "no connected store" in sent.json["detail"]) == (409, True)  # type: ignore[index]


def incidents(till: Till) -> list[str]:
    rows: Any = till.caller.get("/incidents").json
    return [row["kind"] for row in rows["data"]]


def retried(till: Till) -> int:
    """How many failed pushes may be tried again."""
    rows: Any = till.caller.get("/pushes", status="failed").json
    with till.runtime.database.transaction(till.shop.account) as connection:
        return retry_pushes(connection, [row["id"] for row in rows["data"]])

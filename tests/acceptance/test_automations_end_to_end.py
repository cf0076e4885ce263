"""Each trigger and each action once from the delivery to the shop, the mailbox and other systems."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.accounts.service import next_command_number
from loyalty.clock import utc_now
from loyalty.engine.apply import carry_out
from loyalty.engine.book import load_book
from loyalty.engine.commands import RecordActivity
from loyalty.engine.referring import claim, personal_code
from workers.automating import run_automations
from workers.draining import drain_account
from workers.pushing import push_store
from workers.runtime import Runtime
from workers.settling import close_tier_periods

DAY = timedelta(days=1)
TEXT = {"subject": {"en": "Hello"}, "body": {"en": "{points}"}}
GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "100", "valid_days": 40}
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "99999"}]}},
]
BUYERS = {"kind": "metric", "metric": "orders", "at_least": 1, "window": {"kind": "rolling", "months": 1}}


class Listener(ThreadingHTTPServer):
    """Another system that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[bytes, str]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                listener.told.append((raw, self.headers["X-Laurel-Signature"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        shop.add_customer("amy@example.test")
        shop.add_customer("ben@example.test")
        yield shop


def rule(key: str, trigger: str, *actions: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"key": key, "trigger": trigger, "actions": list(actions), **parts}


def points(count: int) -> dict[str, Any]:
    return {"kind": "points", "points": count}


def message(key: str) -> dict[str, Any]:
    return {"kind": "message", "message": key}


COUPON = {"kind": "coupon", "reward": "gift"}


class Story:
    """A shop, its customers Amy and Ben, and the days that go by."""

    def __init__(
        self, runtime: Runtime, woo: SandboxShop, *automations: dict[str, Any], **parts: Any
    ) -> None:
        self.runtime, self.woo = runtime, woo
        document = make_document(
            tiers=TIERS, rewards=[GIFT], automations=list(automations), messages={"m": TEXT},
            earning={"points_per_unit": "0.1"}, **parts,
        )  # fmt: skip
        self.desk: Desk = make_desk(runtime, document, woo)
        self.now = utc_now() - 100 * DAY
        self.ids = 1000

    def buy(self, customer: int = 0, total: str = "1000") -> None:
        """Somebody pays now; it is delivered, drained and pushed."""
        self.ids += 1
        who, stamp = self.woo.state.customers[list(self.woo.state.customers)[customer]], self.stamp()
        order = make_woo_order(
            self.ids, total, customer_id=who["id"], date_paid_gmt=stamp, date_modified_gmt=stamp
        )
        billing = {**order["billing"], "email": who["email"], "address_1": f"Road {customer}"}
        self.desk.deliver({**order, "billing": billing})
        drain_account(self.runtime, self.desk.shop.account, now=self.now)
        self.push()

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S")

    def wait(self, days: int) -> int:
        """Let days go by; the jobs run at the end of them."""
        self.now += days * DAY
        close_tier_periods(self.runtime, self.desk.shop.account, self.now)
        done = run_automations(self.runtime, self.desk.shop.account, self.now)
        self.push()
        return done

    def push(self) -> None:
        push_store(self.runtime, self.desk.shop.account, self.desk.shop.store.id)

    def coupons(self) -> list[str]:
        """The codes that the shop has now."""
        return [coupon["code"] for coupon in self.woo.state.coupons.values()]

    def issued(self) -> list[str]:
        rows = self.desk.rows("select code from coupons where state = 'issued' order by code")
        return [row["code"] for row in rows]

    def member(self, customer: int = 0) -> UUID:
        rows = self.desk.rows("select id, email from members order by email")
        return UUID(str(rows[customer]["id"]))

    def told(self) -> list[str]:
        return [row["target"] for row in self.desk.rows("select target from messages order by id")]


def test_joining_brings_a_coupon_into_the_shop(runtime: Runtime, woo: SandboxShop) -> None:
    story = Story(runtime, woo, rule("a", "member_joined", COUPON))
    story.buy()
    assert story.coupons() == story.issued()
    assert len(story.issued()) == 1


def test_a_paid_order_is_told_to_another_system_with_a_signature(
    runtime: Runtime, woo: SandboxShop, listener: Listener
) -> None:
    url = "https://127.0.0.1:1/"
    story = Story(runtime, woo, rule("a", "order_paid", points(30), {"kind": "webhook", "url": url}))
    port = listener.server_address[1]
    story.buy()
    story.desk.rows(
        "update pushes set status = 'waiting', attempts = 0, not_before = null, command = jsonb_set(command, '{url}',"
        f" '\"http://127.0.0.1:{port}/hook\"') where kind = 'post_webhook' returning id"
    )
    story.push()
    ((raw, signature),) = listener.told
    with story.desk.connect() as connection:
        secret = load_book(connection, runtime.vault, story.desk.shop.account).webhook_secret()
    assert signature == "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
    data = json.loads(raw)
    assert (data["automation"], data["points"], data["order"]) == ("a", 30, "1001")
    assert story.desk.rows("select status from pushes where kind = 'post_webhook'") == [{"status": "done"}]


def test_the_second_order_lifts_for_a_time_and_the_shop_knows(runtime: Runtime, woo: SandboxShop) -> None:
    story = Story(
        runtime,
        woo,
        rule("a", "order_count", {"kind": "tier", "tier": "gold", "for": {"days": 5}}, when={"count": 2}),
    )
    story.buy()
    story.buy()
    (amy, _) = woo.state.customers.values()
    assert {"laurel_tier": "gold"}.items() <= {it["key"]: it["value"] for it in amy["meta_data"]}.items()
    story.wait(7)
    assert {"laurel_tier": "regular"}.items() <= {it["key"]: it["value"] for it in amy["meta_data"]}.items()


def test_a_streak_is_tagged(runtime: Runtime, woo: SandboxShop) -> None:
    story = Story(runtime, woo, rule("a", "streak", {"kind": "tag", "add": ["faithful"]}, when={"months": 2}))
    story.now = story.now.replace(day=15)
    story.buy()
    story.wait(31)
    story.buy()
    assert story.desk.rows("select head->'tags' as tags from members") == [{"tags": ["faithful"]}]


def test_a_new_tier_is_answered_with_a_message(runtime: Runtime, woo: SandboxShop) -> None:
    story = Story(runtime, woo, rule("a", "tier_changed", message("m")))
    story.buy(total="99999")
    assert story.told() == ["m"]


def test_an_activity_gives_points(runtime: Runtime, woo: SandboxShop) -> None:
    story = Story(runtime, woo, rule("a", "activity_recorded", points(15), when={"activities": ["review"]}))
    story.buy()
    with story.desk.connect() as connection:
        book = load_book(connection, runtime.vault, story.desk.shop.account)
        number = next_command_number(connection)
        command = RecordActivity(number, story.now + DAY, "review", "p1", 1, False, "review", "api")
        carry_out(connection, book, story.member(), command, story.now + DAY)
    assert story.desk.entries() == [100, 15]


def test_points_a_tier_and_a_coupon_that_end_are_answered(runtime: Runtime, woo: SandboxShop) -> None:
    kinds = ("points_expiring", "tier_expiring", "coupon_expiring")
    rules = [rule(kind.replace("_", "-"), kind, message("m"), when={"days": 3}) for kind in kinds]
    lift = {"kind": "tier", "tier": "gold", "for": {"days": 40}}
    story = Story(
        runtime, woo, rule("join", "member_joined", COUPON, lift), *rules,
        expiry={"mode": "lot", "after": {"days": 40}},
    )  # fmt: skip
    story.buy()
    assert story.wait(30) == 0
    assert story.wait(8) == 3
    assert story.told() == ["m", "m", "m"]
    assert story.wait(1) == 0


def test_a_birthday_brings_a_coupon_into_the_shop(runtime: Runtime, woo: SandboxShop) -> None:
    story = Story(runtime, woo, rule("a", "birthday", COUPON, message("m")))
    story.buy()
    born = story.now + 10 * DAY
    story.desk.rows(
        f"update members set birth_month = {born.month}, birth_day = {born.day},"
        f" birthday_noted_at = '{story.now}' returning id"
    )
    assert [story.wait(8), story.wait(3), story.wait(1)] == [0, 1, 0]
    assert (story.coupons(), story.told()) == (story.issued(), ["m"])


def test_who_stays_away_gets_a_coupon(runtime: Runtime, woo: SandboxShop) -> None:
    story = Story(runtime, woo, rule("a", "inactive_for", COUPON, message("m"), when={"days": 30}))
    story.buy()
    assert [story.wait(29), story.wait(3)] == [0, 1]
    assert (story.coupons(), story.told()) == (story.issued(), ["m"])


def test_entering_and_leaving_a_segment(runtime: Runtime, woo: SandboxShop) -> None:
    tag = {"kind": "tag", "add": ["gone"]}
    rules = (
        rule("in", "segment_entered", points(5), when={"segment": "s"}),
        rule("out", "segment_left", tag, when={"segment": "s"}),
    )
    story = Story(runtime, woo, *rules, segments=[{"key": "s", "all": [BUYERS]}])
    story.buy()
    assert [story.wait(1), story.wait(40)] == [1, 1]
    assert story.desk.entries() == [100, 5]
    assert story.desk.rows("select head->'tags' as tags from members") == [{"tags": ["gone"]}]


def test_a_friend_who_stays_pays_both(runtime: Runtime, woo: SandboxShop) -> None:
    referral = {"referrer": [points(70)], "friend": [COUPON], "hold_days": 14}
    story = Story(
        runtime, woo, rule("a", "referral_completed", {"kind": "tag", "add": ["advocate"]}), referral=referral
    )
    story.buy(customer=0)
    with story.desk.connect() as connection:
        book = load_book(connection, runtime.vault, story.desk.shop.account)
        code = personal_code(connection, book, story.member())
    (_, ben) = woo.state.customers.values()
    story.desk.deliver({**ben, "billing": make_woo_order()["billing"]}, topic="customer.created")
    drain_account(runtime, story.desk.shop.account, now=story.now)
    with story.desk.connect() as connection:
        book = load_book(connection, runtime.vault, story.desk.shop.account)
        claim(connection, book, code, story.member(1), "", story.now)
    story.now += DAY
    story.buy(customer=1)
    story.wait(1)
    assert len(story.issued()) == 0
    story.wait(20)
    assert sorted(story.desk.entries()) == [70, 100, 100]
    assert story.coupons() == story.issued()
    tags = {
        row["email"]: row["tags"]
        for row in story.desk.rows("select email, head->'tags' as tags from members")
    }
    assert tags == {"amy@example.test": ["advocate"], "ben@example.test": None}
    assert story.desk.differences() == []

"""How a Shopify store stands: what changed, the settings, our webhooks, and its past by one bulk operation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import STORE

from connectors.base import FetchedMessage, PastPage, RawMessage, StoreAccess
from connectors.shopify import ShopifyConnector, past, reconcile
from connectors.shopify.connect import TOPICS, decimals_of, register_webhooks
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.commerce import CustomerSnapshot, OrderSighting, OrderSnapshot, Read
from loyalty.pushes import PushError
from loyalty.reconciliation.differences import difference

START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def mug(shopify_shop: ShopifySandbox) -> int:
    return int(shopify_shop.add_product("Mug", 500)["id"])


def test_the_clock_is_that_of_the_answers(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox
) -> None:
    shopify_shop.now = lambda: START
    assert shopify.read_clock(shopify_access) == START


def all_changed(shopify: ShopifyConnector, access: StoreAccess, since: datetime) -> list[OrderSighting]:
    found: list[OrderSighting] = []
    cursor: str | None = None
    for _ in range(50):
        page = shopify.list_changed(access, since, cursor)
        found += page.sightings
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


def test_changed_orders_are_listed_oldest_change_first_and_none_is_skipped(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(reconcile, "PAGE", 3)
    numbers = []
    for minute in range(10):
        shopify_shop.now = lambda minute=minute: START + timedelta(minutes=minute // 4)
        numbers.append(str(shopify_shop.place_order((mug, 1))["id"]))
    shopify_shop.now = lambda: START + timedelta(hours=1)
    shopify_shop.refund(int(numbers[0]), amount=100)
    found = all_changed(shopify, shopify_access, START)
    assert {each.external_id for each in found} == set(numbers)
    assert found[-1].external_id == numbers[0]
    assert [each.modified_at for each in found] == sorted(each.modified_at for each in found)
    since = all_changed(shopify, shopify_access, START + timedelta(minutes=30))
    assert [each.external_id for each in since] == [numbers[0]]


def fetched(shopify: ShopifyConnector, access: StoreAccess, number: str) -> OrderSnapshot:
    (message,) = shopify.fetch(access, Read.ORDER, [number], with_products=False, now=START)
    return snapshot(shopify, message)


def snapshot(shopify: ShopifyConnector, message: FetchedMessage) -> OrderSnapshot:
    raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
    parsed = shopify.parse(STORE, raw, with_products=False)
    assert isinstance(parsed, tuple)
    assert isinstance(parsed[0], OrderSnapshot)
    return parsed[0]


def test_a_sighting_is_the_same_as_the_order_that_was_read(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    placed = shopify_shop.place_order((mug, 2), shipping=60)
    number, line = str(placed["id"]), placed["line_items"][0]["id"]
    unpaid = str(shopify_shop.place_order((mug, 1), paid=False)["id"])
    for step in range(8):
        shopify_shop.refund(int(number), [(line, 1)] if step == 0 else (), amount=500 if step == 0 else 10)
    shopify_shop.cancel(int(unpaid))
    for each in (number, unpaid):
        (seen,) = shopify.sight_orders(shopify_access, [each, "99999999999999"])
        assert difference(seen, fetched(shopify, shopify_access, each), None) is None
        assert seen.total == fetched(shopify, shopify_access, each).total


def test_settings_are_those_of_the_shop(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox
) -> None:
    settings = shopify.read_settings(shopify_access)
    assert (settings.currency, settings.time_zone, settings.decimals) == ("TWD", "Asia/Taipei", 0)
    assert (settings.prices_include_tax, settings.sells_gift_cards) == (False, False)
    shopify_shop.grant("read_orders")
    assert any("write_discounts" in each for each in shopify.read_settings(shopify_access).warnings)


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("KRW", 0)])
def test_decimals_are_those_of_the_currency(currency: str, decimals: int) -> None:
    assert decimals_of(currency, "${{amount}}") == decimals


def test_a_shop_that_shows_whole_amounts_has_no_decimals() -> None:
    assert decimals_of("TWD", "NT${{amount_no_decimals_with_comma_separator}}") == 0
    assert decimals_of("TWD", "NT${{amount}}") == 2


def test_webhooks_that_are_missing_are_made_and_a_repeat_makes_none(
    shopify: ShopifyConnector, shopify_access: StoreAccess
) -> None:
    assert shopify.register_webhooks(shopify_access) == [f"created {topic}" for topic in TOPICS]
    assert shopify.register_webhooks(shopify_access) == []


class Refusing:
    """A shop that makes no webhook of some topics, and says why in words."""

    def __init__(self, words: str, *topics: str) -> None:
        self.words, self.topics = words, topics

    def ask_for(self, *_: Any) -> dict[str, Any]:
        return {"webhookSubscriptions": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}

    def each(self, _file: str, _field: str, rows: list[dict[str, Any]], _guess: int) -> list[dict[str, Any]]:
        errors = [{"field": ["topic"], "message": self.words}]
        return [{"userErrors": errors if row["topic"] in self.topics else []} for row in rows]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "This app is not approved to subscribe to webhook topics containing protected customer data.",
            "permission",
        ),
        ("You do not have permission to create or update webhooks with orders/paid topic", "permission"),
        ("Address for this topic has an invalid protocol", "configuration"),
    ],
)
def test_a_webhook_that_the_shop_refuses_is_told_with_its_words(
    shopify_access: StoreAccess, words: str, reason: str
) -> None:
    shop: Any = Refusing(words, "ORDERS_PAID", "CUSTOMERS_UPDATE")
    with pytest.raises(PushError) as raised:
        register_webhooks(shop, shopify_access)
    assert (raised.value.permanent, raised.value.reason) == (True, reason)
    assert words in raised.value.message


def test_the_webhook_of_merged_customers_may_be_missing(shopify_access: StoreAccess) -> None:
    shop: Any = Refusing("You do not have permission", "CUSTOMERS_MERGE")
    made = register_webhooks(shop, shopify_access)
    assert made == [f"created {topic}" for topic in TOPICS if topic != "CUSTOMERS_MERGE"]


def test_no_webhook_is_made_without_an_address(
    shopify: ShopifyConnector, shopify_access: StoreAccess
) -> None:
    bare = StoreAccess(shopify_access.store_id, shopify_access.url, shopify_access.credentials, "UTC")
    with pytest.raises(PushError) as raised:
        shopify.register_webhooks(bare)
    assert raised.value.reason == "configuration"
    assert shopify.sign_anew(shopify_access) == 0


def read_all(
    shopify: ShopifyConnector, access: StoreAccess, since: datetime | None = None, cursor: str | None = None,
    *, with_products: bool = False,
) -> list[PastPage]:  # fmt: skip
    pages: list[PastPage] = []
    for _ in range(400):
        pages.append(shopify.read_past(access, since, cursor, with_products=with_products, now=START))
        cursor = pages[-1].next
        if cursor is None:
            return pages
    raise AssertionError("the past has no end")


def messages(pages: list[PastPage]) -> list[FetchedMessage]:
    return [message for page in pages for message in page.messages]


def test_the_past_is_customers_then_orders_oldest_first_as_a_fetch_tells_them(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(past, "SLICE", 2500)
    amy = shopify_shop.add_customer("amy@example.test")["id"]
    numbers = [str(shopify_shop.place_order((mug, 1), customer=amy, shipping=60)["id"]) for _ in range(9)]
    shopify_shop.refund(int(numbers[2]), amount=100)
    long = [(shopify_shop.add_product(f"P{each}", 10)["id"], 1) for each in range(14)]
    numbers.append(str(shopify_shop.place_order(*long)["id"]))
    pages = read_all(shopify, shopify_access)
    told = messages(pages)
    assert [message.key_id for message in told] == [str(amy), *numbers]
    assert len([page for page in pages if page.messages]) >= 4
    for message in told[1:]:
        assert snapshot(shopify, message) == fetched(shopify, shopify_access, message.key_id)
    raw = RawMessage("fetch", told[0].topic, told[0].body, told[0].observed_at)
    (person,) = shopify.parse(STORE, raw, with_products=False)  # type: ignore[misc]
    assert isinstance(person, CustomerSnapshot)


def test_the_past_goes_on_where_it_was_left_and_starts_one_operation(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(past, "SLICE", 2500)
    for _ in range(6):
        shopify_shop.place_order((mug, 1))
    pages = read_all(shopify, shopify_access)
    assert len(shopify_shop.state.bulks) == 1
    whole = [message.key_id for message in messages(pages)]
    for place, page in enumerate(pages[:-1]):
        if page.next and not page.next.startswith(("start", "customers")):
            rest = read_all(ShopifyConnector(True, per_second=10_000), shopify_access, cursor=page.next)
            read = len(messages(pages[: place + 1]))
            assert [message.key_id for message in messages(rest)] == whole[read:]
    assert len(shopify_shop.state.bulks) == 1


def test_the_worker_is_told_how_long_the_file_may_take(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    shopify_shop.place_order((mug, 1))
    shopify_shop.state.bulk_seconds = 3600
    page = shopify.read_past(shopify_access, None, "start 0", with_products=False, now=START)
    waits = [page.wait_seconds]
    for _ in range(9):
        page = shopify.read_past(shopify_access, None, page.next, with_products=False, now=START)
        waits.append(page.wait_seconds)
    assert waits[0] == 0.5
    assert waits == sorted(waits)
    assert waits[-1] == 60.0


def test_the_past_begins_where_it_is_asked_to(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    shopify_shop.add_customer("amy@example.test")
    shopify_shop.now = lambda: START - timedelta(days=40)
    shopify_shop.place_order((mug, 1))
    shopify_shop.now = lambda: START - timedelta(days=2)
    late = shopify_shop.place_order((mug, 1))["id"]
    since = START - timedelta(days=30)
    shopify_shop.now = lambda: datetime.now(UTC)
    assert shopify.count_past(shopify_access, None) == 3
    assert shopify.count_past(shopify_access, since) == 2
    orders = [each for each in messages(read_all(shopify, shopify_access, since)) if "order" in each.topic]
    assert [each.key_id for each in orders] == [str(late)]


def test_a_file_that_is_kept_no_longer_is_asked_for_again_but_not_for_ever(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    numbers = [str(shopify_shop.place_order((mug, 1))["id"]) for _ in range(3)]
    first = shopify.read_past(shopify_access, None, "start 0", with_products=False, now=START)
    ready = shopify.read_past(shopify_access, None, first.next, with_products=False, now=START)
    assert ready.next is not None
    assert ready.next.startswith("read ")
    for bulk in shopify_shop.state.bulks.values():
        bulk["isCanceled"] = True
    gone = shopify.read_past(shopify_access, None, ready.next, with_products=False, now=START)
    assert (gone.messages, gone.next) == ((), "start 1")
    rest = read_all(shopify, shopify_access, cursor=gone.next)
    assert [message.key_id for message in messages(rest)] == numbers
    with pytest.raises(PushError) as raised:
        shopify.read_past(shopify_access, None, "start 3", with_products=False, now=START)
    assert raised.value.permanent


def test_a_file_that_we_may_not_read_is_told_as_such_at_once(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    shopify_shop.place_order((mug, 1))
    shopify_shop.grant("read_customers", "write_discounts")
    begun = shopify.read_past(shopify_access, None, "start 0", with_products=False, now=START)
    with pytest.raises(PushError) as raised:
        shopify.read_past(shopify_access, None, begun.next, with_products=False, now=START)
    assert (raised.value.permanent, raised.value.reason) == (True, "permission")
    assert len(shopify_shop.state.bulks) == 1


def test_a_file_at_which_the_shop_fails_is_asked_for_again(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    number = str(shopify_shop.place_order((mug, 1))["id"])
    begun = shopify.read_past(shopify_access, None, "start 0", with_products=False, now=START)
    for bulk in shopify_shop.state.bulks.values():
        bulk["errorCode"] = "INTERNAL_SERVER_ERROR"
    failed = shopify.read_past(shopify_access, None, begun.next, with_products=False, now=START)
    assert (failed.messages, failed.next) == ((), "start 1")
    rest = read_all(shopify, shopify_access, cursor=failed.next)
    assert [message.key_id for message in messages(rest)] == [number]


def test_other_bulk_operations_are_waited_for(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    shopify_shop.place_order((mug, 1))
    shopify_shop.state.bulk_seconds = 3600
    for _ in range(5):
        shopify.read_past(shopify_access, None, "start 0", with_products=False, now=START)
    with pytest.raises(PushError) as raised:
        shopify.read_past(shopify_access, None, "start 0", with_products=False, now=START)
    assert (raised.value.permanent, raised.value.reason) == (False, "limit")
    assert raised.value.retry_after == 60.0


def test_a_shop_without_orders_has_no_past(shopify: ShopifyConnector, shopify_access: StoreAccess) -> None:
    assert messages(read_all(shopify, shopify_access)) == []


def test_products_of_the_past_are_read_where_the_program_needs_them(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox
) -> None:
    tea = shopify_shop.add_product("Tea", 200, tags=["Organic"])["id"]
    shopify_shop.place_order((tea, 1))
    (told,) = messages(read_all(shopify, shopify_access, with_products=True))
    product = snapshot(shopify, told).lines[0].product
    assert product is not None
    assert product.tags == ("Organic",)
    assert snapshot(shopify, told).total == Decimal(200)

"""The customers of a Shopify store's past: all of them, however many, each once, from wherever the reading was left."""

from __future__ import annotations

import pytest
from shopify_nodes import ASKED

from connectors.base import StoreAccess
from connectors.http import Answer
from connectors.shopify import ShopifyConnector, past
from connectors.shopify.client import Shopify
from connectors.shopify.sandbox import ShopifySandbox, fields
from loyalty.pushes import PushError


@pytest.fixture
def people(shopify_shop: ShopifySandbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Seven customers of a shop that lets nobody page through more than four; pages are of two."""
    monkeypatch.setattr(past, "PAGE", 2)
    monkeypatch.setattr(fields, "LONGEST_WALK", 4)
    return [str(shopify_shop.add_customer(f"p{each}@example.test")["id"]) for each in range(7)]


def read_on(
    shopify: ShopifyConnector, access: StoreAccess, cursor: str | None
) -> list[tuple[list[str], str]]:
    """The customers page by page, each with where it goes on."""
    pages: list[tuple[list[str], str]] = []
    while cursor is None or cursor.startswith("customers"):
        page = shopify.read_past(access, None, cursor, with_products=False, now=ASKED)
        assert page.next is not None
        pages.append(([each.key_id for each in page.messages], page.next))
        cursor = page.next
        assert len(pages) < 20
    return pages


def test_more_customers_are_read_than_a_list_can_be_paged_through(
    shopify: ShopifyConnector, shopify_access: StoreAccess, people: list[str]
) -> None:
    pages = read_on(shopify, shopify_access, None)
    assert [each for page, _ in pages for each in page] == people
    assert pages[-1][1] == "start 0"


def test_the_reading_of_customers_goes_on_where_it_was_left(
    shopify: ShopifyConnector, shopify_access: StoreAccess, people: list[str]
) -> None:
    pages = read_on(shopify, shopify_access, None)
    for place, (_, following) in enumerate(pages[:-1]):
        rest = [each for page, _ in read_on(shopify, shopify_access, following) for each in page]
        assert rest == people[2 * (place + 1) :]


def test_a_cursor_of_the_shop_that_an_older_version_kept_begins_anew(
    shopify: ShopifyConnector, shopify_access: StoreAccess, people: list[str]
) -> None:
    pages = read_on(shopify, shopify_access, "customers eyJsYXN0X2lkIjo3fQ==")
    assert [each for page, _ in pages for each in page] == people


class Deaf:
    """A door to a shop that answers every search with the same page."""

    def call(self, *_: object, **__: object) -> Answer:
        person = {"id": "gid://shopify/Customer/5"}
        return Answer(
            200, {}, {"data": {"customers": {"nodes": [person], "pageInfo": {"hasNextPage": True}}}}
        )


def test_a_shop_that_leaves_out_the_search_is_not_read_for_ever() -> None:
    shop = Shopify(Deaf())  # type: ignore[arg-type]
    with pytest.raises(PushError) as raised:
        past.read_past(shop, None, None, "customers 5", with_products=False, now=ASKED)  # type: ignore[arg-type]
    assert (raised.value.permanent, raised.value.reason) == (True, "configuration")

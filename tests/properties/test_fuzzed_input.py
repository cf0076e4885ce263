"""Whatever arrives: no parser fails but by its own error, no request by 500, nothing is stored of a bad signature, and
the worker takes all of it without one unforeseen error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from builders import NOON, SECRET, STORE, Shop, make_document, make_runtime, make_shop, make_till, sign
from databases import Database
from flask import Flask
from fuzzed import SALE, TOPICS, dumped, seeds, shop_body, till_body
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from connectors.base import RawMessage
from connectors.late import FETCHED_CUSTOMER, FETCHED_ORDER
from connectors.till import TillConnector
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.parse import FETCHED_COUPON
from embedded import ServerUrls
from loyalty.accounts.service import SCOPES, make_api_key
from loyalty.engine.verify import verify_ledger
from loyalty.errors import MalformedMessage
from loyalty.logs import configure_logging
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers import draining
from workers.runtime import Runtime

TIMES = 10 if "LAUREL_SOAK" in os.environ else 1
WOO, TILL = WooCommerceConnector(), TillConnector()
SIGNATURES = ("right", "right", "wrong", "missing", "cut", "hex", "rubbish", "of another body")


def examples(count: int) -> settings:
    return settings(max_examples=count * TIMES)


def reads(work: Callable[[], object]) -> None:
    """Run a parser: it returns, or refuses by its own error with words."""
    try:
        work()
    except MalformedMessage as error:
        said = error.message
    else:
        return
    assert said


@examples(900)
@given(seeds.map(shop_body), st.sampled_from(("webhook", "fetch")), st.booleans())
def test_the_shops_parser_fails_by_its_own_error_only(
    said: tuple[str, bytes], source: str, with_products: bool
) -> None:
    topic, body = said
    fetched = {"order": FETCHED_ORDER, "customer": FETCHED_CUSTOMER, "coupon": FETCHED_COUPON}
    topic = fetched.get(topic.partition(".")[0], topic) if source == "fetch" else topic
    assert len(WOO.message_key(topic, {}, body)) == 32
    message = RawMessage(source, topic, body, NOON if source == "fetch" else None)
    reads(lambda: WOO.parse(STORE, message, with_products=with_products))


@examples(500)
@given(seeds.map(till_body))
def test_the_tills_parser_fails_by_its_own_error_only(body: bytes) -> None:
    reads(lambda: TILL.message_key("order.updated", {}, body))
    reads(lambda: TILL.parse(STORE, RawMessage("api", "order.updated", body), with_products=False))


@pytest.fixture(scope="module")
def runtime(module_database: Database, servers: ServerUrls) -> Iterator[Runtime]:
    configure_logging("critical")
    made = make_runtime(module_database.app_url, module_database.owner_url, servers.redis)
    yield made
    made.database.dispose()


@pytest.fixture(scope="module")
def app(runtime: Runtime) -> Iterator[Flask]:
    made = create_app(runtime.settings)
    yield made
    made.extensions[TOOLS].database.dispose()


@pytest.fixture
def unforeseen(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """The errors that a worker met and did not expect."""
    met: list[Exception] = []
    real = draining._fail

    def noting(runtime: Runtime, account: Any, claimed: Any, error: Exception) -> Any:
        met.append(error)
        return real(runtime, account, claimed, error)

    monkeypatch.setattr(draining, "_fail", noting)
    return met


def stored(runtime: Runtime, shop: Shop) -> list[bytes]:
    with runtime.database.transaction(shop.account) as connection:
        return [bytes(it) for it in connection.execute(text("select body from inbox_messages")).scalars()]


def drained(runtime: Runtime, shop: Shop) -> set[str]:
    """Take everything; return how the messages ended."""
    draining.drain_account(runtime, shop.account)
    with runtime.database.transaction(shop.account) as connection:
        assert verify_ledger(connection, shop.account, rebuild=True).differences == []
        return set(connection.execute(text("select distinct status from inbox_messages")).scalars())


def signature(kind: str, body: bytes) -> str:
    right = sign(body, SECRET)
    return {
        "right": right, "wrong": sign(body, "another"), "missing": "", "cut": right[:-1], "rubbish": "\xff\xfe",
        "hex": right.encode().hex(), "of another body": sign(body + b" ", SECRET),
    }[kind]  # fmt: skip


def test_deliveries_are_stored_or_refused_and_all_of_them_drained(
    runtime: Runtime, app: Flask, unforeseen: list[Exception]
) -> None:
    shop, client = make_shop(runtime, make_document()), app.test_client()
    signed: set[bytes] = set()
    headers = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)

    @examples(500)
    @given(
        seeds.map(shop_body),
        st.sampled_from(SIGNATURES),
        headers,
        st.sampled_from(TOPICS) | headers | st.none(),
    )
    def deliver(said: tuple[str, bytes], kind: str, delivery: str, other: str | None) -> None:
        topic, body = said
        environ = {
            "HTTP_X_WC_WEBHOOK_TOPIC": (topic if other is None else other).encode().decode("latin-1"),
            "HTTP_X_WC_WEBHOOK_DELIVERY_ID": delivery,
            "HTTP_X_WC_WEBHOOK_SIGNATURE": signature(kind, body),
        }
        path = f"/webhooks/woocommerce/{shop.store.webhook_token}"
        answer = client.post(path, data=body, content_type="application/json", environ_overrides=environ)
        is_right = kind == "right"
        assert answer.status_code == (200 if is_right else 401), (answer.status_code, answer.get_data())
        if is_right:
            signed.add(body)

    deliver()
    assert set(stored(runtime, shop)) == signed
    assert len(signed) > 50
    assert drained(runtime, shop) <= {"processed", "failed", "ignored", "reading"}
    assert unforeseen == []


def test_what_a_till_tells_is_accepted_or_refused_and_all_of_it_drained(
    runtime: Runtime, app: Flask, unforeseen: list[Exception]
) -> None:
    shop, client, taken = make_shop(runtime, make_document()), app.test_client(), set()
    make_till(runtime, shop.account)
    with runtime.database.transaction(shop.account) as connection:
        key = make_api_key(connection, shop.account, "test", SCOPES)
    headers = {"Authorization": f"Bearer {key}"}

    @examples(400)
    @given(
        seeds.map(till_body),
        st.sampled_from(("application/json",) * 5 + ("text/plain", "", "application/json; charset=x")),
    )
    def tell(body: bytes, media_type: str) -> None:
        answer = client.post("/api/v1/orders", data=body, headers=headers, content_type=media_type)
        assert answer.status_code in (202, 400, 404, 409, 415, 422), (answer.status_code, answer.get_data())
        if answer.status_code == 202:
            taken.add(body)

    tell()
    good = client.post("/api/v1/orders", data=dumped(SALE), headers=headers, content_type="application/json")
    assert good.status_code == 202, "what the others are made of is right"
    assert set(stored(runtime, shop)) == taken | {dumped(SALE)}
    assert drained(runtime, shop) <= {"processed", "failed"}
    assert unforeseen == []

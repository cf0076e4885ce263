"""Failures of other apps of Shopify: privacy webhooks that nobody carries out, signatures that nobody checks, installs
that lose what they had, and orders that nobody counts while the shop is away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from builders import Shop, make_document, make_sale, make_shop, make_till, make_woo_order
from flask.testing import FlaskClient
from receiving import Desk
from shopify_stores import DOMAIN, deliver_shopify, make_shopify, of_person, sample
from sqlalchemy import text

from loyalty.accounts.service import SCOPES, make_api_key
from loyalty.clock import utc_now
from loyalty.inbox.repository import accept
from loyalty.stores.addresses import find_address_of_shop
from loyalty.stores.service import Store, get_store
from webhook_app import create_app, webhooks
from webhook_app.tools import TOOLS
from workers.fetching import fetch_store
from workers.forgetting import forget_shops
from workers.runtime import Runtime
from workers.sealing import seal_account

PAID = sample("derived/orders_paid")
CUSTOMER = str(PAID["customer"]["id"])
NAMES = ("mira@example.com", "Mira", "Ito", "Elm St.", "123-123-1234")
TOPICS = {
    "customers/data_request": of_person("customers_data_request", id=int(CUSTOMER), email="mira@example.com"),
    "customers/redact": of_person("customers_redact", id=int(CUSTOMER), email="mira@example.com"),
    "shop/redact": {**sample("shop_redact"), "shop_domain": DOMAIN},
}
UNINSTALLED = {**sample("app_uninstalled"), "myshopify_domain": DOMAIN}


@pytest.fixture
def client(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setattr(webhooks, "KEPT_SECONDS", 0.0)
    app = create_app(runtime.settings)
    yield app.test_client()
    app.extensions[TOOLS].database.dispose()


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    """An account in euros with a WooCommerce shop."""
    return Desk(runtime, make_shop(runtime, make_document(), currency="EUR", decimals=2))


@pytest.fixture
def store(desk: Desk) -> Store:
    """A shop of Shopify in the same account, which nobody can reach."""
    return make_shopify(desk.runtime, desk.shop.account, currency="EUR")


def tell(desk: Desk, client: FlaskClient, topic: str, body: dict[str, Any], **headers: str) -> None:
    assert deliver_shopify(client, topic, body, **headers).status_code == 200
    desk.drain()


def buy(desk: Desk, client: FlaskClient, store: Store, body: dict[str, Any] = PAID) -> None:
    """Have an order told that nobody can ask for, and what the delivery says counted."""
    tell(desk, client, "orders/paid", body)
    fetch_store(desk.runtime, desk.shop.account, store.id)
    desk.drain()


def api(desk: Desk, client: FlaskClient, method: str, path: str, body: Any = None) -> Any:
    with desk.connect() as connection:
        key = make_api_key(connection, desk.shop.account, "test", SCOPES)
    headers = {"Authorization": f"Bearer {key}"}
    return client.open(f"/api/v1{path}", method=method, json=body, headers=headers)


def stored(desk: Desk) -> str:
    """Everything that the database has of the account, as text; messages by their bodies."""
    found: list[str] = []
    with desk.connect() as connection:
        names = connection.execute(
            text(
                "select table_name from information_schema.columns where column_name = 'account_id'"
                " and table_schema = 'public' and table_name <> 'inbox_messages'"
            )
        ).scalars()
        for name in list(names):
            rows = connection.execute(text(f"select to_jsonb(it) from {name} it")).scalars()
            found += [json.dumps(row, ensure_ascii=False) for row in rows]
        bodies = connection.execute(text("select encode(body, 'escape') from inbox_messages")).scalars()
        return "\n".join([*found, *bodies])


def named(desk: Desk) -> list[str]:
    told = stored(desk)
    return [name for name in NAMES if name in told]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_u91_every_privacy_webhook_is_verified(desk: Desk, client: FlaskClient, topic: str) -> None:
    for secret in ("", "other", DOMAIN):
        assert deliver_shopify(client, topic, TOPICS[topic], secret=secret).status_code == 401
    assert desk.rows("select 1 from inbox_messages") == []
    tell(desk, client, topic, TOPICS[topic])
    assert [row["status"] for row in desk.rows("select status from inbox_messages")] == ["processed"]


def test_u26_order_counts_by_its_delivery_while_the_shop_is_away(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    (entry,) = desk.entries()
    assert entry > 0
    waiting = desk.rows("select source, status from inbox_messages order by id")
    assert waiting == [
        {"source": "webhook", "status": "reading"}, {"source": "restate", "status": "processed"},
    ]  # fmt: skip
    later = utc_now() + timedelta(hours=2)
    fetch_store(desk.runtime, desk.shop.account, store.id, later)
    desk.drain()
    assert (desk.entries(), len(desk.rows("select 1 from inbox_messages"))) == ([entry], 2)
    assert desk.differences() == []


def test_u91_redaction_leaves_the_ledger_balanced(desk: Desk, client: FlaskClient, store: Store) -> None:
    buy(desk, client, store)
    seal_account(desk.runtime, desk.shop.account)
    before = desk.figures()
    assert named(desk)
    tell(desk, client, "customers/redact", TOPICS["customers/redact"])
    assert (desk.figures(), desk.differences()) == (before, [])
    proof = api(desk, client, "GET", "/ledger/verification?rebuild=true").get_json()
    assert proof["differences"] == 0
    assert named(desk) == []
    (waiting,) = desk.rows("select read_ids from inbox_messages where status = 'reading'")
    assert waiting["read_ids"] == str(PAID["id"])


def test_u91_redaction_that_comes_first_or_twice_changes_nothing_more(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    tell(desk, client, "customers/redact", TOPICS["customers/redact"])
    buy(desk, client, store)
    figures = desk.figures()
    for _ in range(2):
        tell(desk, client, "customers/redact", TOPICS["customers/redact"])
    assert (desk.figures(), desk.differences()) == (figures, [])


@pytest.mark.parametrize("person", [{"email": "MIRA@example.com"}, {"id": 1, "email": "mira@example.com"}])
def test_u91_guest_is_redacted_by_his_address(
    desk: Desk, client: FlaskClient, store: Store, person: dict[str, Any]
) -> None:
    buy(desk, client, store, {**PAID, "customer": None})
    (before,) = desk.rows("select email, erased_at from members")
    assert (before["email"], before["erased_at"]) == ("mira@example.com", None)
    tell(desk, client, "customers/redact", of_person("customers_redact", **person))
    (after,) = desk.rows("select email, erased_at is not null as erased from members")
    assert (after["email"], after["erased"]) == ("", True)
    assert desk.differences() == []


def test_u91_address_of_another_shops_customer_redacts_nobody(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    tell(desk, client, "customers/redact", of_person("customers_redact", id=1, email="mira@example.com"))
    (row,) = desk.rows("select email, erased_at from members")
    assert (row["email"], row["erased_at"]) == ("mira@example.com", None)


@pytest.mark.parametrize("place", ["woocommerce", "till"])
def test_u91_address_of_somebody_who_bought_in_another_store_redacts_nobody(
    desk: Desk, client: FlaskClient, store: Store, place: str
) -> None:
    """Neither a guest of WooCommerce nor a member at a till has the number of a customer there."""
    if place == "till":
        till = make_till(desk.runtime, desk.shop.account)
        sale = json.dumps(make_sale(currency="EUR", buyer={"email": "mira@example.com"})).encode()
        with desk.connect() as connection:
            accept(
                connection, desk.shop.account, till.id, key=b"sale" * 8, source="api", topic="order",
                delivery_id="R-1", body=sale,
            )  # fmt: skip
    else:
        order = make_woo_order(customer_id=0, currency="EUR")
        desk.deliver({**order, "billing": {**order["billing"], "email": "mira@example.com"}})
    desk.drain()
    buy(desk, client, store, {**PAID, "customer": None})
    for topic in ("customers/redact", "customers/data_request"):
        body = of_person(topic.replace("/", "_"), id=1, email="mira@example.com")
        tell(desk, client, topic, body)
    (row,) = desk.rows("select id, email, erased_at from members")
    assert (row["email"], row["erased_at"]) == ("mira@example.com", None)
    assert len(desk.rows("select 1 from orders where member_id is not null")) == 2
    assert desk.rows("select member_id from data_requests") == [{"member_id": row["id"]}]


def test_u91_data_request_is_handed_to_the_merchant(desk: Desk, client: FlaskClient, store: Store) -> None:
    buy(desk, client, store)
    for _ in range(2):
        tell(desk, client, "customers/data_request", TOPICS["customers/data_request"])
    (row,) = api(desk, client, "GET", "/data-requests?open=true").get_json()["data"]
    assert (row["external_id"], row["customer"], row["store"]) == ("9999", CUSTOMER, store.key)
    export = api(desk, client, "GET", row["export"].removeprefix("/api/v1")).get_json()
    assert export["members"][0]["email"] == "mira@example.com"
    (incident,) = api(desk, client, "GET", "/incidents").get_json()["data"]
    assert (incident["kind"], incident["member"]) == ("data_request", row["member"])
    assert "9999" in incident["text"]["en"]
    done = [api(desk, client, "POST", f"/data-requests/{row['id']}/done").get_json() for _ in range(2)]
    assert (done[0]["open"], done[0]["handed_by"]) == (False, done[0]["handed_by"])
    assert done[0]["handed_at"] == done[1]["handed_at"]
    assert api(desk, client, "GET", "/data-requests?open=true").get_json()["data"] == []
    assert len(api(desk, client, "GET", "/data-requests?open=false").get_json()["data"]) == 1


@pytest.mark.usefixtures("store")
def test_u91_data_request_of_somebody_unknown_is_answered_too(desk: Desk, client: FlaskClient) -> None:
    tell(desk, client, "customers/data_request", TOPICS["customers/data_request"])
    (row,) = api(desk, client, "GET", "/data-requests").get_json()["data"]
    assert (row["member"], row["export"], row["open"]) == (None, None, True)
    assert [name for name in NAMES if name in stored(desk)] == []


def state_of(desk: Desk, store: Store) -> str:
    with desk.connect() as connection:
        return get_store(connection, desk.runtime.vault, store.id).state


def test_u91_uninstalled_shop_keeps_its_data_until_it_is_redacted(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    before = desk.figures()
    tell(desk, client, "app/uninstalled", UNINSTALLED)
    assert (state_of(desk, store), desk.figures()) == ("disconnected", before)
    assert [row["kind"] for row in desk.rows("select kind from incidents")] == ["store_uninstalled"]
    assert forget_shops(desk.runtime, desk.shop.account) == 0
    assert named(desk)
    for _ in range(2):
        tell(desk, client, "shop/redact", TOPICS["shop/redact"])
    assert forget_shops(desk.runtime, desk.shop.account) == 1
    assert (named(desk), desk.figures(), desk.differences()) == ([], before, [])
    with desk.connect() as connection:
        known = get_store(connection, desk.runtime.vault, store.id)
    assert (known.credentials, known.webhook_secrets, known.shop_domain) == ({}, (), None)
    assert forget_shops(desk.runtime, desk.shop.account) == 0


def test_u91_person_who_buys_in_another_shop_too_is_kept(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    amy = {
        "email": "amy@example.test",
        "customer": {**PAID["customer"], "id": 8, "email": "amy@example.test"},
    }
    buy(desk, client, store)
    buy(desk, client, store, {**PAID, "id": 2, **amy})
    with desk.connect() as connection:
        connection.execute(
            text(
                "insert into member_identities (account_id, kind, value, member_id)"
                " select account_id, 'customer', '1:7', id from members where email = 'amy@example.test'"
            )
        )
    tell(desk, client, "app/uninstalled", UNINSTALLED)
    tell(desk, client, "shop/redact", TOPICS["shop/redact"])
    assert forget_shops(desk.runtime, desk.shop.account) == 1
    rows = desk.rows("select email from members order by email")
    assert [row["email"] for row in rows] == ["", "amy@example.test"]
    assert desk.differences() == []


def test_u91_redaction_of_a_shop_may_be_stopped_and_goes_on(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    tell(desk, client, "app/uninstalled", UNINSTALLED)
    tell(desk, client, "shop/redact", TOPICS["shop/redact"])
    assert forget_shops(desk.runtime, desk.shop.account, seconds=-1.0) == 0
    with desk.connect() as connection:
        assert get_store(connection, desk.runtime.vault, store.id).shop_domain == DOMAIN
    assert [forget_shops(desk.runtime, desk.shop.account) for _ in range(2)] == [1, 0]
    assert named(desk) == []


def test_u91_redaction_of_a_shop_forgets_merged_persons_too(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    buy(desk, client, store, {**PAID, "id": 2, "customer": None})
    kept, gone = (str(row["id"]) for row in desk.rows("select id from members order by key"))
    merge = {"member": gone, "reason": "one person"}
    assert api(desk, client, "POST", f"/members/{kept}/merges", merge).status_code == 201
    tell(desk, client, "app/uninstalled", UNINSTALLED)
    tell(desk, client, "shop/redact", TOPICS["shop/redact"])
    assert forget_shops(desk.runtime, desk.shop.account) == 1
    erased = desk.rows("select erased_at is not null as erased from members")
    assert (erased, named(desk), desk.differences()) == ([{"erased": True}] * 2, [], [])


def test_u91_redaction_of_a_shop_whose_uninstall_was_never_told(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    tell(desk, client, "shop/redact", TOPICS["shop/redact"])
    assert state_of(desk, store) == "connected"
    with desk.connect() as connection:
        connection.execute(text("update stores set created_at = created_at - interval '3 days'"))
    tell(desk, client, "shop/redact", TOPICS["shop/redact"])
    assert (state_of(desk, store), forget_shops(desk.runtime, desk.shop.account)) == ("disconnected", 1)


@pytest.mark.parametrize(
    ("hours", "late"),
    [(47.5, 0), (71, 0), (75, 6)],
    ids=["back within the hour", "back, told again for a day", "back, told very late"],
)
def test_u91_redaction_of_a_shop_that_came_back_is_passed_over(
    desk: Desk, client: FlaskClient, store: Store, hours: float, late: int
) -> None:
    buy(desk, client, store)
    with desk.connect() as connection:
        connection.execute(
            text("update stores set revived_at = now() - :age"), {"age": timedelta(hours=hours)}
        )
    at = (utc_now() - timedelta(hours=late)).isoformat()
    tell(desk, client, "shop/redact", TOPICS["shop/redact"], X_Shopify_Triggered_At=at)
    assert (state_of(desk, store), forget_shops(desk.runtime, desk.shop.account)) == ("connected", 0)
    assert named(desk)


def test_u91_late_word_of_an_uninstall_does_not_end_a_new_install(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    before = (utc_now() - timedelta(hours=3)).isoformat()
    tell(desk, client, "app/uninstalled", UNINSTALLED, X_Shopify_Triggered_At=before)
    assert state_of(desk, store) == "connected"
    tell(desk, client, "app/uninstalled", UNINSTALLED, X_Shopify_Triggered_At="2026-11-20T09:00:01.1234567Z!")
    assert state_of(desk, store) == "disconnected"


def test_u91_privacy_webhooks_of_an_uninstalled_shop_are_still_carried_out(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    tell(desk, client, "app/uninstalled", UNINSTALLED)
    assert deliver_shopify(client, "orders/paid", PAID).status_code == 404
    tell(desk, client, "customers/redact", TOPICS["customers/redact"])
    (row,) = desk.rows("select erased_at is not null as erased from members")
    assert row["erased"]


def test_reads_of_an_uninstalled_shop_wait_without_an_alarm(
    desk: Desk, client: FlaskClient, store: Store
) -> None:
    buy(desk, client, store)
    waits = client.get("/readyz").get_json()["oldest_message_seconds"]
    assert waits > 0
    tell(desk, client, "app/uninstalled", UNINSTALLED)
    told = client.get("/readyz").get_json()
    assert (told["oldest_message_seconds"], told["messages"]["waiting"]) == (None, 1)


def test_a_change_of_rights_is_noted(desk: Desk, client: FlaskClient, store: Store) -> None:
    tell(desk, client, "app/scopes_update", sample("app_scopes_update"))
    (row,) = desk.rows("select status, reason from inbox_messages")
    assert row == {"status": "ignored", "reason": "The app may do this now: read_products, write_products."}


def test_pushes_to_an_uninstalled_shop_stop(desk: Desk, client: FlaskClient, store: Store) -> None:
    tell(desk, client, "app/uninstalled", UNINSTALLED)
    address = desk.runtime.database.single_statement(
        lambda it: find_address_of_shop(it, desk.runtime.vault, DOMAIN, utc_now())
    )
    assert address is not None
    assert (address.store, address.is_connected) == (store.id, False)
    due = desk.rows("select 1 from pushes where status = 'waiting'")
    assert due == []


def test_a_stranger_sees_no_request_and_marks_none(runtime: Runtime, desk: Desk, client: FlaskClient) -> None:
    make_shopify(runtime, desk.shop.account)
    tell(desk, client, "customers/data_request", TOPICS["customers/data_request"])
    (row,) = api(desk, client, "GET", "/data-requests").get_json()["data"]
    other: Shop = make_shop(runtime, make_document())
    stranger = Desk(runtime, other)
    assert api(stranger, client, "GET", "/data-requests").get_json()["data"] == []
    assert api(stranger, client, "POST", f"/data-requests/{row['id']}/done").status_code == 404
    assert desk.rows("select handed_at from data_requests") == [{"handed_at": None}]

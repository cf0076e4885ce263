"""Accounts to measure on: one store with a program of three tiers, and messages that wait in its inbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import psycopg

from bench.orders import Delivery
from bench.stage import Place
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.accounts.service import NewAccount, open_account
from loyalty.clock import utc_now
from loyalty.commerce import ShopSettings
from loyalty.programs.document import Context
from loyalty.programs.service import publish
from loyalty.stores.service import NewStore, add_store, get_store
from loyalty.values import AccountId, StoreId, new_id
from workers.runtime import Runtime

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SECRET = "a-webhook-secret"
OUT_OF_REACH = "100000000"
_COPY = "copy waiting (message_key, topic, delivery_id, body) from stdin"
_FILL = (
    "insert into inbox_messages (account_id, store_id, message_key, source, topic, delivery_id, body)"
    " select %s, %s, message_key, 'webhook', topic, delivery_id, body from waiting order by number"
)


@dataclass(frozen=True, slots=True)
class Reach:
    """A shop as a store reaches it."""

    url: str
    credentials: dict[str, str]
    platform: str = "woocommerce"


NOBODY = Reach("http://127.0.0.1:9", {"consumer_key": "ck", "consumer_secret": "cs"})


class WooCommerce(Protocol):
    """A shop that answers, in this process or in another."""

    @property
    def url(self) -> str:
        """Return its address."""

    @property
    def consumer_key(self) -> str:
        """Return the key of its REST API."""

    @property
    def consumer_secret(self) -> str:
        """Return the secret of that key."""


def to_woocommerce(shop: WooCommerce) -> Reach:
    """Return how a store reaches a sandbox WooCommerce."""
    keys = {"consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
    return Reach(shop.url, keys)


def to_shopify(shop: ShopifySandbox) -> Reach:
    """Return how a store reaches a sandbox Shopify, with a token that has no end."""
    keys = {
        "mode": "legacy", "shop": shop.shop, "client_id": "", "client_secret": "", "access_token": shop.access_token,
        "issued_at": "2026-01-01T00:00:00+00:00", "expires_at": "", "refresh_token": "", "refresh_expires_at": "",
        "scopes": ",".join(sorted(shop.office.granted)),
    }  # fmt: skip
    return Reach(shop.url, keys, "shopify")


@dataclass(frozen=True, slots=True)
class Merchant:
    """An account with one store."""

    account: AccountId
    store: StoreId
    token: str


def open_merchant(
    runtime: Runtime, document: dict[str, Any] | None = None, shop: Reach = NOBODY,
    *, effective_from: datetime = LONG_AGO,
) -> Merchant:  # fmt: skip
    """Write an account with a connected store, by default of a shop that does not answer, whose program was always in
    force.
    """
    account = AccountId(new_id())
    key = f"bench-{account.hex[-8:]}"
    settings = ShopSettings("TWD", "Asia/Taipei", 0, prices_include_tax=False)
    with runtime.database.transaction(account) as connection:
        open_account(connection, runtime.vault, NewAccount(account, key, "Bench", "TWD", "Asia/Taipei", 0))
        new = NewStore(key, "Bench", shop.platform, shop.url, shop.credentials, SECRET)
        store = add_store(connection, runtime.vault, account, new, settings)
        context = Context("TWD", "Asia/Taipei", 0)
        publish(
            connection,
            account,
            document or make_document(),
            context,
            effective_from=effective_from,
            now=utc_now(),
        )
        token = get_store(connection, runtime.vault, store).webhook_token
    return Merchant(account, store, token)


def join_shop(runtime: Runtime, account: AccountId, shop: Reach) -> StoreId:
    """Let another shop join an account."""
    settings = ShopSettings("TWD", "Asia/Taipei", 0, prices_include_tax=False)
    new = NewStore(
        f"{shop.platform}-{account.hex[-8:]}", "Bench", shop.platform, shop.url, shop.credentials, SECRET
    )
    with runtime.database.transaction(account) as connection:
        return add_store(connection, runtime.vault, account, new, settings)


def make_document() -> dict[str, Any]:
    """Return a program as a shop uses it: lots that expire, two tiers above the first that nobody reaches."""
    tiers: list[dict[str, Any]] = [{"key": "regular", "name": {"en": "Regular"}}]
    for key, multiplier in (("silver", "1.2"), ("gold", "1.5")):
        enter = {"any": [{"metric": "spend", "at_least": OUT_OF_REACH}]}
        tiers.append(
            {"key": key, "name": {"en": key}, "enter": enter, "benefits": {"multiplier": multiplier}}
        )
    expiry = {"mode": "lot", "after": {"months": 12}}
    return {"points_name": {"en": "points"}, "tiers": tiers, "expiry": expiry}


def fill_inbox(place: Place, merchant: Merchant, deliveries: Iterable[Delivery]) -> None:
    """Let messages wait as if the receiver had taken them; the planner knows of them afterwards."""
    with psycopg.connect(place.superuser_url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute(
                "create temp table waiting (number bigint generated always as identity, message_key bytea,"
                " topic text, delivery_id text, body bytea) on commit drop"
            )
            with connection.cursor().copy(_COPY) as copy:
                for each in deliveries:
                    copy.write_row((each.key(), each.topic, each.delivery_id, each.body))
            connection.execute(_FILL, (merchant.account, merchant.store))
        connection.execute("vacuum (analyze) inbox_messages")

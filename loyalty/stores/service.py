"""Connected shops: write, find by address or key, open their credentials."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from loyalty.commerce import ShopSettings
from loyalty.crypto import Vault
from loyalty.errors import NotFound
from loyalty.stores.tokens import with_newest_tokens
from loyalty.stores.webhook_secrets import (
    WebhookSecret,
    lock_secrets,
    open_secrets,
    seal_secrets,
)
from loyalty.values import AccountId, StoreId, new_id

SHOPIFY = "shopify"
TILL = "till"
"""The platform of stores that tell us of their orders by API and cannot be told anything."""
_SECRET_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Store:
    """A connected shop with its credentials opened; never logged."""

    id: StoreId
    account: AccountId
    number: int
    key: str
    name: str
    platform: str
    url: str
    credentials: dict[str, str] = field(repr=False)
    webhook_token: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    """The current one first, then older ones."""
    time_zone: str
    state: str
    registers_webhooks: bool
    connected_at: datetime
    looked_until: datetime | None = None
    """Up to which change, by the shop's own clock, its orders were looked over."""
    points_from: datetime | None = None
    """Orders paid before it count toward tiers and give no points."""
    shop_domain: str | None = None
    """By which Shopify's deliveries name it."""
    revived_at: datetime | None = None
    """When it was connected again for the last time."""
    erase_at: datetime | None = None
    """Since when the shop wants its persons forgotten."""

    def webhook_address(self, public_url: str) -> str:
        """Return where the shop delivers; Shopify's shops share one address and name themselves."""
        own = "" if self.platform == SHOPIFY else f"/{self.webhook_token}"
        return f"{public_url}/webhooks/{self.platform}{own}"

    @property
    def is_connected(self) -> bool:
        """Return whether anything may be read from the shop or sent to it."""
        return self.state == "connected"

    @property
    def is_till(self) -> bool:
        """Return whether it only tells of orders: it keeps no coupons and no customers."""
        return self.platform == TILL


@dataclass(frozen=True, slots=True)
class Place:
    """A store's number and key within its account, its platform and state, and whether its orders may hold
    gift cards.
    """

    store: StoreId
    number: int
    key: str
    platform: str
    is_connected: bool
    sells_gift_cards: bool

    @property
    def is_till(self) -> bool:
        """Return whether it only tells of orders: it keeps no coupons and no customers."""
        return self.platform == TILL


@dataclass(frozen=True, slots=True)
class NewStore:
    """What is needed to write a connected shop."""

    key: str
    name: str
    platform: str
    url: str
    credentials: dict[str, str] = field(repr=False)
    webhook_secret: str = field(repr=False)
    registers_webhooks: bool = True
    shop_domain: str | None = None
    further_secrets: tuple[str, ...] = field(default=(), repr=False)
    """With which its deliveries may be signed too."""

    def secrets(self) -> list[WebhookSecret]:
        """Return every secret that its deliveries may be signed with."""
        return [WebhookSecret(value) for value in (self.webhook_secret, *self.further_secrets)]


def new_webhook_secret() -> str:
    """Return 40 letters and digits: WooCommerce decodes HTML entities in a secret before it signs."""
    return "".join(secrets.choice(_SECRET_LETTERS) for _ in range(40))


_ADD_STORE = text(
    "insert into stores (id, account_id, number, key, name, platform, url, credentials, webhook_token,"
    " webhook_secrets, registers_webhooks, shop_domain, time_zone, decimals, prices_include_tax, sells_gift_cards)"
    " select :id, :account, coalesce(max(number), 0) + 1, :key, :name, :platform, :url, :credentials, :token,"
    " :secrets, :registers_webhooks, :shop_domain, :time_zone, :decimals, :prices_include_tax, :sells_gift_cards"
    " from stores"
)


def add_store(
    connection: Connection, vault: Vault, account: AccountId, new: NewStore, settings: ShopSettings
) -> StoreId:
    """Write a connected shop with the next number of its account; return its id."""
    store = StoreId(new_id())
    values = {
        "id": store,
        "account": account,
        "key": new.key,
        "name": new.name,
        "platform": new.platform,
        "url": new.url,
        "credentials": vault.seal_json(new.credentials),
        "token": secrets.token_hex(16),
        "secrets": seal_secrets(vault, new.secrets()),
        "registers_webhooks": new.registers_webhooks,
        "shop_domain": new.shop_domain,
    }
    connection.execute(_ADD_STORE, values | _shop_values(settings))
    return store


def revive_store(
    connection: Connection,
    vault: Vault,
    known: Store,
    new: NewStore,
    settings: ShopSettings,
    older_until: datetime | None = None,
) -> None:
    """Connect a known store again: new keys and secret, the same number and address; older secrets stay valid, up to
    an instant where one is given, and tokens that were renewed meanwhile stay.
    """
    statement = text(
        "update stores set state = 'connected', credentials = :credentials, webhook_secrets = :secrets,"
        " registers_webhooks = :registers_webhooks, shop_domain = :shop_domain, url = :url, revived_at = now(),"
        " erase_at = null where id = :id"
    )
    older = _older(lock_secrets(connection, vault, known.id), new.secrets(), older_until)
    values = {
        "id": known.id,
        "credentials": vault.seal_json(with_newest_tokens(connection, vault, known.id, new.credentials)),
        "secrets": seal_secrets(vault, [*new.secrets(), *older]),
        "registers_webhooks": new.registers_webhooks,
        "shop_domain": new.shop_domain,
        "url": new.url,
    }
    connection.execute(statement, values)
    note_settings(connection, known.id, settings)


def _older(
    known: Sequence[WebhookSecret], fresh: Sequence[WebhookSecret], until: datetime | None
) -> list[WebhookSecret]:
    """Return the known secrets that are not among the fresh ones, each with its end."""
    kept = {it.value for it in fresh}
    older = [it for it in known if it.value not in kept]
    if until is None:
        return older
    return [WebhookSecret(it.value, min(it.until or until, until)) for it in older]


def _shop_values(settings: ShopSettings) -> dict[str, Any]:
    return {
        "time_zone": settings.time_zone,
        "decimals": settings.decimals,
        "prices_include_tax": settings.prices_include_tax,
        "sells_gift_cards": settings.sells_gift_cards,
    }


def find_account_of(connection: Connection, key: str) -> tuple[AccountId, StoreId | None] | None:
    """Return the account (and store) that a key of the command line means; works without an account."""
    statement = text("select account_id, store_id from laurel_find_store_by_key(:key)")
    row = connection.execute(statement, {"key": key}).first()
    return (AccountId(row[0]), StoreId(row[1]) if row[1] else None) if row else None


def get_store(connection: Connection, vault: Vault, store: StoreId) -> Store:
    """Return a store of the transaction's account; raises NotFound."""
    row = connection.execute(text("select * from stores where id = :id"), {"id": store}).mappings().first()
    if row is None:
        raise NotFound("There is no such store.", store=str(store))
    return _store(vault, dict(row))


def list_stores(connection: Connection, vault: Vault) -> list[Store]:
    """Return the account's stores by number."""
    rows = connection.execute(text("select * from stores order by number")).mappings()
    return [_store(vault, dict(row)) for row in rows]


def list_all_stores(connection: Connection) -> Sequence[dict[str, Any]]:
    """Return account_id, store_id, key, platform, state of every store; works without an account."""
    return [dict(row) for row in connection.execute(text("select * from laurel_stores()")).mappings()]


def set_state(connection: Connection, store: StoreId, state: str) -> None:
    """Connect or disconnect a store; a disconnected one keeps its data, its address answers 404."""
    connection.execute(text("update stores set state = :state where id = :id"), {"id": store, "state": state})


def list_places(connection: Connection) -> list[Place]:
    """Return the place of each store of the account by number, connected or not."""
    rows = connection.execute(
        text("select id, number, key, platform, state, sells_gift_cards from stores order by number")
    )
    return [
        Place(StoreId(store), number, key, platform, state == "connected", cards)
        for store, number, key, platform, state, cards in rows
    ]


def list_platforms(connection: Connection) -> frozenset[str]:
    """Return the platforms of the account's connected stores."""
    return frozenset(place.platform for place in list_places(connection) if place.is_connected)


def note_settings(connection: Connection, store: StoreId, settings: ShopSettings) -> None:
    """Write what the shop says of its zone, decimals, tax and gift cards now."""
    statement = text(
        "update stores set time_zone = :time_zone, decimals = :decimals, prices_include_tax = :prices_include_tax,"
        " sells_gift_cards = :sells_gift_cards where id = :id"
    )
    connection.execute(statement, {"id": store} | _shop_values(settings))


def note_look(connection: Connection, store: StoreId, now: datetime, until: datetime | None) -> None:
    """Note that the orders of a store were looked over now, up to a change by its own clock; never backwards."""
    statement = text(
        "update stores set looked_at = :now, looked_until = greatest(looked_until, cast(:until as timestamptz))"
        " where id = :id"
    )
    connection.execute(statement, {"id": store, "now": now, "until": until})


def list_points_from(connection: Connection) -> dict[StoreId, datetime]:
    """Return for each store with a past that gives no points the first instant from which orders do."""
    rows = connection.execute(text("select id, points_from from stores where points_from is not null"))
    return {StoreId(store): at for store, at in rows}


def set_points_from(connection: Connection, store: StoreId, at: datetime) -> None:
    """Let orders of a store that were paid before an instant give no points; once for all."""
    statement = text("update stores set points_from = :at where id = :id and points_from is null")
    connection.execute(statement, {"id": store, "at": at})


def _store(vault: Vault, row: dict[str, Any]) -> Store:
    return Store(
        id=StoreId(row["id"]),
        account=AccountId(row["account_id"]),
        number=row["number"],
        key=row["key"],
        name=row["name"],
        platform=row["platform"],
        url=row["url"],
        credentials=vault.open_json(row["credentials"]),
        webhook_token=row["webhook_token"],
        webhook_secrets=tuple(it.value for it in open_secrets(vault, row["webhook_secrets"])),
        time_zone=row["time_zone"],
        state=row["state"],
        registers_webhooks=row["registers_webhooks"],
        connected_at=row["created_at"],
        looked_until=row["looked_until"],
        points_from=row["points_from"],
        shop_domain=row["shop_domain"],
        revived_at=row["revived_at"],
        erase_at=row["erase_at"],
    )

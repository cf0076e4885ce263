"""Connect a shop: ask it for its settings, open an account, make its store and API key, register the webhooks there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from sqlalchemy import Connection

from connectors.addresses import is_allowed, resolve
from connectors.base import StoreAccess
from loyalty.accounts.service import (
    SCOPES,
    NewAccount,
    get_account,
    key_from_name,
    make_api_key,
    open_account,
)
from loyalty.activity.service import note
from loyalty.commerce import ShopSettings
from loyalty.errors import Conflict, Invalid, NotFound
from loyalty.pushes import PushError
from loyalty.stores.service import (
    NewStore,
    Store,
    add_store,
    find_account_of,
    get_store,
    list_stores,
    new_webhook_secret,
    revive_store,
    set_state,
)
from loyalty.values import AccountId, StoreId, new_id
from webhook_app.tools import Tools
from workers.access import ask

DELIVERED_PORTS = {80, 443, 8080}


@dataclass(frozen=True, slots=True)
class NewShop:
    """A shop to connect: its address and keys; `account` is the key of an account or store, empty for a new one."""

    platform: str
    url: str
    credentials: dict[str, str] = field(repr=False)
    name: str
    account: str
    register: bool
    actor: str


@dataclass(frozen=True, slots=True)
class Connected:
    """What the merchant needs to know once; the secrets are not shown again."""

    account: str
    store: Store
    webhook_url: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_key: str = field(repr=False)
    warnings: tuple[str, ...]


def connect_shop(tools: Tools, shop: NewShop) -> Connected:
    """Connect a shop; raises Invalid, Conflict, NotFound, and PushError when the shop does not answer as it should."""
    if shop.register and not tools.settings.allow_private_shops:
        check_public_url(tools.settings.public_url)
    connector = tools.connectors[shop.platform]
    shop = replace(shop, url=_shop_url(shop.url))
    first_access = StoreAccess(StoreId(new_id()), shop.url, shop.credentials, time_zone="UTC")
    settings = connector.read_settings(first_access)
    connected = write_store(tools, shop, settings, SCOPES)
    if shop.register:
        _register_webhooks(tools, connected)
    return connected


def check_public_url(url: str) -> None:
    """Raise Invalid unless shops deliver to an address: public host, port 80, 443 or 8080 (wp_http_validate_url)."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    reason = ""
    if parts.username or parts.password:
        reason = "it names a user"
    elif port not in DELIVERED_PORTS:
        reason = f"its port is {port}, and shops deliver to 80, 443 and 8080 only"
    elif not _is_public(parts.hostname or "", port):
        reason = "its host is not public"
    if reason:
        hint = "Set PUBLIC_URL to the public address of this installation, or use --no-register."
        raise Invalid(f"The shop cannot deliver to PUBLIC_URL {parts.hostname or url}: {reason}. {hint}")


def _is_public(host: str, port: int) -> bool:
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        return False
    return bool(addresses) and all(is_allowed(address, allow_private=False) for address in addresses)


def _shop_url(url: str) -> str:
    if not _is_shop_url(url.strip()):
        message = "The address of the shop must look like https://shop.example.com."
        raise Invalid(message, {"/url": [message]})
    return url.strip().rstrip("/")


def _is_shop_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_place = bool(parts.hostname) and not parts.username and not parts.query and parts.port != 0
    except ValueError:
        return False
    return is_place and parts.scheme in ("http", "https")


def write_store(tools: Tools, shop: NewShop, settings: ShopSettings, scopes: tuple[str, ...]) -> Connected:
    """Write a store of these settings, its account where it has none yet, and an API key; raises Invalid, Conflict and
    NotFound.
    """
    account = find_account(tools, shop.account) if shop.account else AccountId(new_id())
    name = shop.name.strip() or urlsplit(shop.url).hostname or "shop"
    with tools.database.transaction(account) as connection:
        if not shop.account:
            _open_account(connection, tools, account, name, settings)
        row = get_account(connection)
        _check_fits(connection, tools, row["currency"], shop.url, settings)
        new = NewStore(
            key_from_name(name),
            name,
            shop.platform,
            shop.url,
            shop.credentials,
            new_webhook_secret(),
            registers_webhooks=shop.register,
        )
        store = _put_store(connection, tools, account, new, settings)
        written = get_store(connection, tools.vault, store)
        api_key = make_api_key(connection, account, f"connect {written.key}", scopes)
        told = {"platform": shop.platform, "url": shop.url}
        note(connection, account, shop.actor, "store.connected", written.key, **told)
    address = written.webhook_address(tools.settings.public_url)
    return Connected(row["key"], written, address, new.webhook_secret, api_key, settings.warnings)


def _put_store(
    connection: Connection, tools: Tools, account: AccountId, new: NewStore, settings: ShopSettings
) -> StoreId:
    """Write the store; one of the same address comes back to life, so that its orders are never counted twice."""
    for known in list_stores(connection, tools.vault):
        if known.url == new.url:
            revive_store(connection, tools.vault, known, new, settings)
            return known.id
    return add_store(connection, tools.vault, account, new, settings)


def _open_account(
    connection: Connection, tools: Tools, account: AccountId, name: str, settings: ShopSettings
) -> None:
    new = NewAccount(
        account, key_from_name(name), name, settings.currency, settings.time_zone, settings.decimals
    )
    open_account(connection, tools.vault, new)


def find_account(tools: Tools, key: str) -> AccountId:
    """Return the account of its key, or of a store's; raises NotFound."""
    found = tools.database.single_statement(lambda connection: find_account_of(connection, key))
    if found is None:
        raise NotFound(f"There is no account of the key {key}.")
    return found[0]


def _check_fits(
    connection: Connection, tools: Tools, currency: str, url: str, settings: ShopSettings
) -> None:
    """Refuse a shop that would be counted twice, or whose money is another than the account's."""
    if settings.currency != currency:
        message = f"The shop sells in {settings.currency}, the account counts in {currency}."
        raise Invalid(message, {"/account": [message]})
    stores = list_stores(connection, tools.vault)
    if any(store.url == url and store.state == "connected" for store in stores):
        raise Conflict(f"The shop {url} is connected to this account already.")


def _register_webhooks(tools: Tools, connected: Connected) -> None:
    """Make the webhooks; a shop that refuses is not left half connected."""
    store = connected.store
    try:
        ask(tools, store, tools.connectors[store.platform].register_webhooks)
    except PushError:
        with tools.database.transaction(store.account) as connection:
            set_state(connection, store.id, "disconnected")
        raise

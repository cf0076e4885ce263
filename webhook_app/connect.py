"""Connect a shop: ask it for its settings, open an account, make its store and API key, register the webhooks there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
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
from loyalty.clock import utc_now
from loyalty.commerce import ShopSettings
from loyalty.errors import Conflict, Invalid, NotFound
from loyalty.pushes import PushError
from loyalty.stores.addresses import Address, find_address_of_shop
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
from loyalty.stores.tokens import lock_tokens
from loyalty.values import AccountId, StoreId, new_id
from webhook_app.tools import Tools
from workers.access import ask

DELIVERED_PORTS = {80, 443, 8080}
OLDER_SECRET = timedelta(days=1)
"""Shopify retries for four hours, and signs with an older secret for one more (verify-deliveries)."""


@dataclass(frozen=True, slots=True)
class NewShop:
    """A shop to connect: its address and keys; `account` is the key of an account or store, empty for a new one, or
    for that of a shop that was connected before.
    """

    platform: str
    url: str
    credentials: dict[str, str] = field(repr=False)
    name: str
    account: str
    register: bool
    actor: str
    shop_domain: str | None = None
    """By which Shopify's deliveries name it."""
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Given by the shop; none: one is made here and told it."""


@dataclass(frozen=True, slots=True)
class Connected:
    """What the merchant needs to know once; the secrets are not shown again."""

    account: str
    store: Store
    webhook_url: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_key: str = field(repr=False)
    warnings: tuple[str, ...]
    was_connected: bool = False
    """Whether the store was connected before, too."""


class NotRegistered(PushError):
    """The account and its API key were made, the shop's webhooks were not: the store waits to be connected again."""

    def __init__(self, connected: Connected, why: PushError) -> None:
        """`connected` is what the merchant needs to know once."""
        super().__init__(why.message, permanent=why.permanent, reason=why.reason, retry_after=why.retry_after)
        self.connected = connected


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
        register_webhooks(tools, connected)
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
    elif not is_public(parts.hostname or "", port):
        reason = "its host is not public"
    if reason:
        hint = "Set PUBLIC_URL to the public address of this installation, or use --no-register."
        raise Invalid(f"The shop cannot deliver to PUBLIC_URL {parts.hostname or url}: {reason}. {hint}")


def is_public(host: str, port: int) -> bool:
    """Return whether a host has only addresses that everybody can reach."""
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
    """Write a store of these settings, its account where it has none yet, and an API key of these scopes, if any;
    raises Invalid, Conflict and NotFound.
    """
    known = _account_of(tools, shop)
    account = known or AccountId(new_id())
    name = shop.name.strip() or urlsplit(shop.url).hostname or "shop"
    new = _new_store(shop, name)
    with tools.database.transaction(account) as connection:
        if known is None:
            _open_account(connection, tools, account, name, settings)
        row = get_account(connection)
        _check_fits(connection, tools, row["currency"], shop, settings)
        before = {it.id for it in list_stores(connection, tools.vault) if it.is_connected}
        store = _put_store(connection, tools, account, new, settings)
        written = get_store(connection, tools.vault, store)
        api_key = make_api_key(connection, account, f"connect {written.key}", scopes) if scopes else ""
        told = {"platform": shop.platform, "url": shop.url}
        note(connection, account, shop.actor, "store.connected", written.key, **told)
    address = written.webhook_address(tools.settings.public_url)
    secret, was_connected = new.webhook_secret, store in before
    return Connected(row["key"], written, address, secret, api_key, settings.warnings, was_connected)


def _account_of(tools: Tools, shop: NewShop) -> AccountId | None:
    """Return the account that a shop joins: the one that is asked for, or that it is of; None for a new one."""
    asked = find_account(tools, shop.account) if shop.account else None
    address = find_known(tools, shop.shop_domain, asked) if shop.shop_domain else None
    return address.account if address else asked


def find_known(tools: Tools, domain: str, asked: AccountId | None) -> Address | None:
    """Return the store that a shop of Shopify is already; raises Conflict when another account is asked for."""
    address = tools.database.single_statement(
        lambda it: find_address_of_shop(it, tools.vault, domain, utc_now())
    )
    if address is not None and asked not in (None, address.account):
        raise Conflict(f"The shop {domain} belongs to another account.")
    return address


def _new_store(shop: NewShop, name: str) -> NewStore:
    secret, *further = shop.webhook_secrets or (new_webhook_secret(),)
    return NewStore(
        key_from_name(name),
        name,
        shop.platform,
        shop.url,
        shop.credentials,
        secret,
        registers_webhooks=shop.register,
        shop_domain=shop.shop_domain,
        further_secrets=tuple(further),
    )


def _put_store(
    connection: Connection, tools: Tools, account: AccountId, new: NewStore, settings: ShopSettings
) -> StoreId:
    """Write the store; one of the same address comes back to life, so that its orders are never counted twice."""
    for known in list_stores(connection, tools.vault):
        if known.url == new.url or (new.shop_domain and known.shop_domain == new.shop_domain):
            lock_tokens(connection, known.id)
            # A secret that the shop has given up signs what is still under way, and nothing later.
            until = utc_now() + OLDER_SECRET if new.shop_domain else None
            revive_store(connection, tools.vault, known, new, settings, until)
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
    connection: Connection, tools: Tools, currency: str, shop: NewShop, settings: ShopSettings
) -> None:
    """Refuse a shop that would be counted twice, or whose money is another than the account's. A shop of Shopify is
    known by its domain, and may be connected with other keys at any time.
    """
    if settings.currency != currency:
        message = f"The shop sells in {settings.currency}, the account counts in {currency}."
        raise Invalid(message, {"/account": [message]})
    stores = list_stores(connection, tools.vault)
    is_known = any(store.url == shop.url and store.is_connected for store in stores)
    if is_known and shop.shop_domain is None:
        raise Conflict(f"The shop {shop.url} is connected to this account already.")


def register_webhooks(tools: Tools, connected: Connected) -> None:
    """Make the webhooks; a new store whose shop refuses is not left half connected, while one that was connected before
    goes on, and the hourly check makes what is missing. Raises PushError, and NotRegistered where a key was made.
    """
    store = connected.store
    try:
        ask(tools, store, tools.connectors[store.platform].register_webhooks)
    except PushError as error:
        if not connected.was_connected:
            with tools.database.transaction(store.account) as connection:
                set_state(connection, store.id, "disconnected")
        if connected.api_key:
            raise NotRegistered(connected, error) from error
        raise

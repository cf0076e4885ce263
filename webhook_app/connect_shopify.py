"""Connect a shop of Shopify: with an app of its own, with a pasted token, or with what a merchant granted our app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from connectors.base import StoreAccess
from connectors.shopify.auth import (
    ASKED,
    CLIENT_CREDENTIALS,
    CODE,
    LEGACY,
    NEEDED,
    exchange_code,
    missing_scopes,
    open_door,
)
from connectors.shopify.signature import shop_domain
from loyalty.accounts.service import SCOPES
from loyalty.errors import Invalid
from loyalty.pushes import PushError
from loyalty.stores.addresses import Address
from loyalty.stores.service import SHOPIFY, get_store
from loyalty.stores.tokens import lock_tokens, put_tokens
from loyalty.values import StoreId, new_id
from webhook_app.connect import (
    Connected,
    NewShop,
    find_account,
    find_known,
    is_public,
    register_webhooks,
    write_store,
)
from webhook_app.tools import Tools
from workers.access import with_app


@dataclass(frozen=True, slots=True)
class NewShopify:
    """A shop to connect: `client_id` and `client_secret` of its own app (both empty: the installation's), or a `token`
    that was made in its admin, with the secret of that app.
    """

    shop: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    notification_key: str = field(default="", repr=False)
    """Signs the webhooks that were made on the shop's settings page."""
    name: str = ""
    account: str = ""
    register: bool = True
    actor: str = ""
    url: str = ""
    """Where the shop is reached; empty: at its domain."""

    @property
    def mode(self) -> str:
        """Return how its tokens are had."""
        return LEGACY if self.token else CLIENT_CREDENTIALS


def connect_shopify(tools: Tools, new: NewShopify, now: datetime) -> Connected:
    """Connect a shop by its app's own credentials; raises Invalid, Conflict, NotFound and PushError."""
    domain = domain_of(new.shop)
    _check_app(tools, new)
    if new.register:
        check_delivery(tools)
    credentials = {
        "mode": new.mode, "shop": domain, "client_id": new.client_id, "client_secret": new.client_secret,
    }  # fmt: skip
    if new.token:
        credentials |= {"access_token": new.token, "issued_at": now.isoformat(), "expires_at": ""}
    url = new.url or url_of(domain)
    access = StoreAccess(StoreId(new_id()), url, with_app(tools.settings, credentials), "UTC")
    tokens = tools.connectors[SHOPIFY].renew(access, now) or {}
    if tokens:
        _check_scopes(tokens.get("scopes", ""))
    # A token alone verifies nothing: an empty secret stands for the installation's app.
    own = new.client_secret or ("" if not new.token else new.notification_key)
    secrets = tuple(dict.fromkeys([own, *([new.notification_key] if new.notification_key else [])]))
    shop = NewShop(
        SHOPIFY, url, credentials | tokens, new.name or domain.partition(".")[0], new.account,
        new.register, new.actor, domain, secrets,
    )  # fmt: skip
    return _write(tools, shop, SCOPES)


def connect_by_code(
    tools: Tools, domain: str, code: str, account: str, actor: str, now: datetime
) -> Connected:
    """Connect a shop whose merchant granted the installation's app what it asks for, or take over other tokens of one
    that is connected; `account` is the key of the account it joins, or empty. Raises Invalid, Conflict, NotFound and
    PushError.
    """
    known = find_known(tools, domain, find_account(tools, account) if account else None)
    credentials = {"mode": CODE, "shop": domain, "client_id": "", "client_secret": ""}

    def exchange() -> dict[str, str]:
        door = open_door(url_of(domain), allow_private=tools.settings.allow_private_shops)
        return exchange_code(door, with_app(tools.settings, credentials), code, now)

    tokens = _exchange_for(tools, known, exchange) if known else exchange()
    _check_scopes(tokens.get("scopes", ""))
    shop = NewShop(
        SHOPIFY, url_of(domain), credentials | tokens, domain.partition(".")[0], account, True, actor, domain,
        ("",),
    )  # fmt: skip
    return _write(tools, shop, () if known else SCOPES)


def _exchange_for(tools: Tools, known: Address, exchange: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Return the tokens for a code, kept at once where those that the store has end by it: an app has one refresh token
    for each shop (offline access tokens). What another app was given goes on until the store is written.
    """
    with tools.database.transaction(known.account) as connection:
        lock_tokens(connection, known.store)
        tokens = exchange()
        own = get_store(connection, tools.vault, known.store).credentials
        if own.get("mode") == CODE and not own.get("client_id"):
            put_tokens(connection, tools.vault, known.store, tokens)
    return tokens


def url_of(domain: str) -> str:
    """Return where a shop is reached."""
    return f"https://{domain}"


def check_delivery(tools: Tools) -> None:
    """Raise Invalid unless Shopify can deliver to PUBLIC_URL: HTTPS at a public host."""
    parts = urlsplit(tools.settings.public_url)
    if tools.settings.allow_private_shops:
        return
    if parts.scheme != "https" or not is_public(parts.hostname or "", parts.port or 443):
        raise Invalid(
            "Shopify delivers by HTTPS to public hosts only: set PUBLIC_URL to the public address of this"
            " installation, or use --no-register."
        )


def _write(tools: Tools, shop: NewShop, scopes: tuple[str, ...]) -> Connected:
    access = StoreAccess(StoreId(new_id()), shop.url, with_app(tools.settings, shop.credentials), "UTC")
    settings = tools.connectors[SHOPIFY].read_settings(access)
    # Nobody tells with a pasted token what it was granted; the shop does when it is asked.
    granted = shop.credentials.get("scopes") or ",".join(settings.rights)
    shop = replace(shop, credentials={**shop.credentials, "scopes": granted})
    # What is needed of it is told with the settings.
    lacking = [scope for scope in missing_scopes(granted, ASKED) if scope not in NEEDED]
    if granted and lacking:
        warning = f"The app was not granted {', '.join(lacking)}: what needs it does not happen."
        settings = replace(settings, warnings=(*settings.warnings, warning))
    connected = write_store(tools, shop, settings, scopes)
    if shop.register:
        register_webhooks(tools, connected)
    return connected


def domain_of(shop: str) -> str:
    """Return the domain of a shop in small letters; raises Invalid."""
    domain = shop_domain(shop.strip())
    if domain is None:
        message = "The shop must be named by its domain, such as some-shop.myshopify.com."
        raise Invalid(message, {"/shop": [message]})
    return domain


def _check_app(tools: Tools, new: NewShopify) -> None:
    """Raise Invalid for credentials that are not whole, or that leave deliveries without a secret."""
    if new.client_id and new.token:
        raise Invalid("Give the id of an app or a token, not both.")
    if bool(new.client_id) != bool(new.client_secret) and not new.token:
        raise Invalid("The id of an app goes together with its secret.")
    if not new.token and not new.client_id and not tools.settings.shopify_api_key:
        raise Invalid("Give the id and secret of an app, or set SHOPIFY_API_KEY and SHOPIFY_API_SECRET.")
    if new.token and new.register and not (new.client_secret or new.notification_key):
        raise Invalid(
            "Without the app's secret no delivery can be verified: give it too, or use --no-register."
        )


def _check_scopes(granted: str) -> None:
    lacking = missing_scopes(granted)
    if lacking:
        message = f"The app was not granted {', '.join(lacking)}."
        raise PushError(message, permanent=True, reason="permission")

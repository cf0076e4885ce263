"""How a store is reached, with tokens that serve; law: one renewal at a time for each store, both tokens together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

import structlog

from connectors.base import Connector, StoreAccess
from loyalty.clock import utc_now
from loyalty.config import Settings
from loyalty.crypto import Vault
from loyalty.db import Database
from loyalty.pushes import PushError, TokenRefused
from loyalty.stores.service import Store, get_store
from loyalty.stores.tokens import lock_tokens, put_tokens

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)


class HasTools(Protocol):
    """What is needed to reach a store: the tools of a job, or those of a request."""

    @property
    def settings(self) -> Settings:
        """The settings of the installation."""

    @property
    def database(self) -> Database:
        """Where the tokens are kept."""

    @property
    def vault(self) -> Vault:
        """What seals them."""

    @property
    def connectors(self) -> Mapping[str, Connector]:
        """The connectors by platform."""


def access_of(settings: Settings, store: Store) -> StoreAccess:
    """Return how a connector reaches a store, with what is known of its tokens."""
    return StoreAccess(
        store_id=store.id,
        url=store.url,
        credentials=with_app(settings, store.credentials),
        time_zone=store.time_zone,
        webhook_url=store.webhook_address(settings.public_url),
        webhook_secrets=store.webhook_secrets,
    )


def with_app(settings: Settings, own: dict[str, str]) -> dict[str, str]:
    """Return credentials with the installation's app where they name none: its secret may change, and is kept once."""
    if "mode" not in own or own["mode"] == "legacy" or own.get("client_id") or not settings.shopify_api_key:
        return own
    return {**own, "client_id": settings.shopify_api_key, "client_secret": settings.shopify_api_secrets[0]}


def open_access(tools: HasTools, store: Store, now: datetime | None = None) -> StoreAccess:
    """Return how a store is reached, with fresh tokens where the shop gives them; without, it refuses the next call."""
    access = access_of(tools.settings, store)
    if tools.connectors[store.platform].is_fresh(access, now or utc_now()):
        return access
    try:
        return _renew(tools, store, "", now or utc_now())
    except PushError as error:
        log.warning("tokens_not_renewed", store=str(store.id), reason=error.reason)
        return access


def ask(tools: HasTools, store: Store, call: Callable[[StoreAccess], Answer]) -> Answer:
    """Return what a shop answers; where it refuses the token, it is asked once more with another one.

    Raises PushError.
    """
    access = open_access(tools, store)
    try:
        return call(access)
    except TokenRefused:
        return call(access_anew(tools, store, access))


def access_anew(
    tools: HasTools, store: Store, refused: StoreAccess, now: datetime | None = None
) -> StoreAccess:
    """Return how a store is reached, with another token than the refused one; raises PushError when there is none."""
    return _renew(tools, store, refused.credentials.get("access_token", ""), now or utc_now())


def _renew(tools: HasTools, store: Store, refused: str, now: datetime) -> StoreAccess:
    """Renew the tokens under the lock of the store, unless somebody did so meanwhile.

    A copy of an installation uses no refresh token: the shop would then refuse those of the original.
    """
    if store.credentials.get("refresh_token") and not tools.settings.push:
        raise PushError(
            "With LAUREL_PUSH=off no tokens are renewed.", permanent=False, reason="configuration"
        )
    with tools.database.transaction(store.account) as connection:
        lock_tokens(connection, store.id)
        current = get_store(connection, tools.vault, store.id)
        access = access_of(tools.settings, current)
        if refused and access.credentials.get("access_token") == refused:
            access = replace(access, credentials={**access.credentials, "access_token": ""})
        tokens = tools.connectors[store.platform].renew(access, now)
        if tokens is None:
            return access
        put_tokens(connection, tools.vault, store.id, tokens)
    log.info("tokens_renewed", store=str(store.id))
    return replace(access, credentials={**access.credentials, **tokens})

"""No token and no secret of a Shopify shop stands in a log, an answer, a row or an error, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from databases import Database

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.commerce import Read
from loyalty.pushes import DisableCoupon
from loyalty.stores.service import get_store
from loyalty.values import AccountId
from tests.shopify_stores import deliver_shopify, sample
from tests.web.test_secrets import Witness, app_of, everything, logs  # noqa: F401
from webhook_app.connect_shopify import NewShopify, connect_by_code, connect_shopify
from webhook_app.tools import TOOLS
from workers import pushing
from workers.access import access_anew, access_of, ask
from workers.fetching import fetch_store
from workers.runtime import Runtime

CLIENT, OWN, TOKEN = "shpss_MaRkEdClient", "shpss_MaRkEdOwn", "shpat_MaRkEdToken"


def test_nothing_secret_of_a_shopify_shop_is_said_or_stored(
    runtime: Runtime,
    database: Database,
    logs: Callable[[], str],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    witness = Witness()
    with ShopifySandbox(client_secret=CLIENT, access_token=TOKEN) as sandbox:
        monkeypatch.setattr("webhook_app.connect_shopify.url_of", lambda _: sandbox.url)
        runtime.settings = replace(
            runtime.settings,
            shopify_api_key=sandbox.client_id,
            shopify_api_secrets=(CLIENT,),
            log_level="debug",
        )
        with app_of(runtime.settings) as app:
            secrets = _use(runtime, app, sandbox, witness)
        logged = logs()
    told = {"logs": logged, "database": everything(database), "answers": "\n".join(witness.heard)}
    assert "tokens_renewed" in told["logs"]
    assert len(secrets) == 8
    assert [(name, where) for name, it in secrets.items() for where, said in told.items() if it in said] == []


def _use(runtime: Runtime, app: Any, sandbox: ShopifySandbox, witness: Witness) -> dict[str, str]:
    """Connect, renew and fail in every way; return what must not be told."""
    tools, now = app.extensions[TOOLS], utc_now()
    with sandbox.state.lock:
        sandbox.office.codes["c0deMaRkEd"] = now + timedelta(minutes=5)
    done = connect_by_code(tools, sandbox.shop, "c0deMaRkEd", "", "shopify", now)
    first = done.store.credentials
    store, account = done.store, AccountId(done.store.account)
    fresh = access_anew(runtime, store, access_of(runtime.settings, store))
    witness.heard += [repr(it) for it in (done, store, fresh, runtime.settings, tools)]
    client = app.test_client()
    witness.answer(deliver_shopify(client, "orders/paid", sample("orders_paid"), sandbox.shop, secret="x"))
    witness.answer(deliver_shopify(client, "orders/paid", sample("orders_paid"), sandbox.shop, secret=CLIENT))
    for path in ("", "/callback"):
        witness.answer(client.get(f"/connect/shopify{path}?shop={sandbox.shop}&hmac=x&code=c0deMaRkEd"))
    _fail(runtime, app, sandbox, witness, store)
    new = NewShopify(sandbox.shop, token=f"{TOKEN}x", client_secret=OWN, register=False, url=sandbox.url)
    witness.heard.append(repr(new))
    witness.fails(connect_shopify, tools, new, now)
    words = ("--shop", sandbox.shop, "--token", f"{TOKEN}x", "--client-secret", OWN, "--url", sandbox.url)
    assert witness.command(app, "store", "connect", "shopify", *words) == 2
    fetch_store(runtime, account, store.id)
    return {
        "client secret": CLIENT, "own secret": OWN, "pasted token": TOKEN, "code": "c0deMaRkEd",
        "first token": first["access_token"], "first refresh": first["refresh_token"],
        "token": fresh.credentials["access_token"], "refresh": fresh.credentials["refresh_token"],
    }  # fmt: skip


def _fail(runtime: Runtime, app: Any, sandbox: ShopifySandbox, witness: Witness, store: Any) -> None:
    with runtime.database.transaction(store.account) as connection:
        known = get_store(connection, runtime.vault, store.id)
    sandbox.uninstall()
    connector, now = runtime.connectors["shopify"], utc_now()

    def fetch(access: Any) -> Any:
        return connector.fetch(access, Read.ORDER, ["1"], with_products=False, now=now)

    witness.fails(ask, runtime, known, fetch)
    witness.fails(access_anew, runtime, known, access_of(runtime.settings, known))
    witness.heard += [str(it) for it in pushing._tell(runtime, known, [DisableCoupon("lr0000000000", now)])]
    for job in ("fetch", "check-webhooks", "reconcile", "keep-tokens"):
        witness.command(app, "jobs", "run", job, "--store", known.key)

"""The pages that install the app in a shop: only what Shopify signed, for the browser that asked, once."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from connectors.shopify.auth import exchange_code
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.stores.service import Store, get_store, list_all_stores, set_state
from loyalty.values import AccountId, StoreId
from tests.builders import make_shop
from webhook_app import connect_shopify, create_app, shopify_pages, shopify_tickets
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

HOME, CALLBACK = "/connect/shopify", "/connect/shopify/callback"


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def app(runtime: Runtime, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An installation whose app is the one that the sandbox knows, and that is reached by HTTPS."""
    monkeypatch.setattr(connect_shopify, "url_of", lambda _: sandbox.url)
    runtime.settings = replace(
        runtime.settings, shopify_api_key=sandbox.client_id, shopify_api_secrets=(sandbox.client_secret,),
        public_url="https://laurel.example",
    )  # fmt: skip
    made = create_app(runtime.settings)
    yield made
    made.extensions[TOOLS].database.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def signed(sandbox: ShopifySandbox, **query: str) -> str:
    """A query as Shopify signs it."""
    given = {"shop": sandbox.shop, "timestamp": str(int(utc_now().timestamp())), **query}
    message = "&".join(f"{name}={given[name]}" for name in sorted(given))
    mac = hmac.new(sandbox.client_secret.encode(), message.encode("utf-8", "surrogateescape"), "sha256")
    return urlencode({**given, "hmac": mac.hexdigest()}, errors="surrogateescape")


def open_app(client: FlaskClient, sandbox: ShopifySandbox) -> Any:
    return client.get(f"{HOME}?{signed(sandbox)}", base_url="https://localhost")


def agree(client: FlaskClient, sandbox: ShopifySandbox) -> str:
    """Open the app and agree; return the query with which the shop sends the browser back."""
    asked = open_app(client, sandbox).headers["Location"]
    back = requests.get(asked, allow_redirects=False, timeout=5).headers["Location"]
    assert back.startswith(f"https://laurel.example{CALLBACK}?")
    return urlsplit(back).query


def come_back(client: FlaskClient, query: str, language: str = "en") -> Any:
    headers = {"Accept-Language": language}
    return client.get(f"{CALLBACK}?{query}", headers=headers, base_url="https://localhost")


def stores(runtime: Runtime) -> list[Store]:
    with runtime.database.transaction(None) as connection:
        rows = list_all_stores(connection)
    found = []
    for row in rows:
        with runtime.database.transaction(AccountId(row["account_id"])) as connection:
            found.append(get_store(connection, runtime.vault, StoreId(row["store_id"])))
    return found


def test_a_merchant_installs_the_app(runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox) -> None:
    answer = come_back(client, agree(client, sandbox))
    assert answer.status_code == 200, answer.text
    assert "Connected" in answer.text
    (store,) = stores(runtime)
    assert (store.platform, store.shop_domain, store.state) == ("shopify", sandbox.shop, "connected")
    assert (store.credentials["mode"], store.credentials["client_secret"]) == ("authorization_code", "")
    assert store.credentials["refresh_token"]
    assert store.webhook_secrets == ("",)
    uris = {row["uri"] for row in sandbox.state.subscriptions.values()}
    assert uris == {"https://laurel.example/webhooks/shopify"}
    key = re.search(r"<code>(lk_[^<]+|[\w-]{30,})</code>", answer.text)
    assert key is not None
    members = client.get("/api/v1/members", headers={"Authorization": f"Bearer {key[1]}"})
    assert members.status_code == 200


def test_secrets_and_tokens_are_not_shown(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    answer = come_back(client, agree(client, sandbox))
    (store,) = stores(runtime)
    for name in ("access_token", "refresh_token"):
        assert store.credentials[name] not in answer.text
    assert sandbox.client_secret not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_question_names_the_app_and_ties_the_answer_to_this_browser(
    client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    answer = open_app(client, sandbox)
    assert answer.status_code == 302
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["client_id"] == [sandbox.client_id]
    assert asked["redirect_uri"] == [f"https://laurel.example{CALLBACK}"]
    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/connect/shopify"))
    assert len(asked["state"][0]) == 32
    assert open_app(client, sandbox).headers["Location"] != answer.headers["Location"]


def test_an_opening_that_shopify_did_not_sign_leads_nowhere(
    client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    query = signed(sandbox)
    wrong = [
        "", f"shop={sandbox.shop}", query.replace("hmac=", "hmac=0"), query + "&more=1",
        query.replace(sandbox.shop, "other.myshopify.com"), signed(sandbox, shop="evil.example"),
        signed(sandbox, shop=f"{sandbox.shop}.evil.example"),
        signed(sandbox, timestamp=str(int((utc_now() - timedelta(days=2)).timestamp()))),
    ]  # fmt: skip
    for each in wrong:
        answer = client.get(f"{HOME}?{each}", headers={"Accept-Language": "en"})
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (400, False), each
        assert "did not come from Shopify" in answer.text


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-TW", "無法確認來源"), ("zh-CN", "无法确认来源"), ("en", "did not come from Shopify")],
)
def test_a_refusal_is_told_in_three_languages(client: FlaskClient, language: str, words: str) -> None:
    answer = client.get(HOME, headers={"Accept-Language": language})
    assert (answer.status_code, words in answer.text) == (400, True)
    assert answer.headers["Content-Language"] == language


def test_an_answer_serves_once(runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox) -> None:
    query = agree(client, sandbox)
    cookie = client.get_cookie(shopify_pages.COOKIE, path=HOME)
    assert come_back(client, query).status_code == 200
    assert client.get_cookie(shopify_pages.COOKIE, path=HOME) is None
    assert cookie is not None
    client.set_cookie(shopify_pages.COOKIE, cookie.value, path=HOME, secure=True)
    again = come_back(client, query)
    assert (again.status_code, "was done before" in again.text) == (400, True)
    assert len(stores(runtime)) == 1


def test_an_answer_serves_the_browser_that_asked_only(
    runtime: Runtime, app: Flask, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    """Nobody can have his own shop connected in the browser of somebody else."""
    query = agree(client, sandbox)
    assert come_back(app.test_client(), query).status_code == 400
    other = app.test_client()
    open_app(other, sandbox)
    assert come_back(other, query).status_code == 400
    assert stores(runtime) == []


def test_a_cookie_that_is_made_up_or_old_opens_nothing(
    client: FlaskClient, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = agree(client, sandbox)
    monkeypatch.setattr(shopify_tickets, "STATE_SECONDS", -1)
    assert come_back(client, query).status_code == 400
    for value in ("", "x", "WyJhIiwiYiJd.x.y"):
        client.set_cookie(shopify_pages.COOKIE, value, path=HOME, secure=True)
        assert come_back(client, query).status_code == 400


def test_a_state_that_is_no_text_opens_nothing(client: FlaskClient, sandbox: ShopifySandbox) -> None:
    open_app(client, sandbox)
    assert come_back(client, signed(sandbox, code="c", state="\udcff")).status_code == 400


def test_an_answer_of_another_shop_is_refused(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    asked = open_app(client, sandbox).headers["Location"]
    state = parse_qs(urlsplit(asked).query)["state"][0]
    query = signed(sandbox, code="c", state=state, shop="other-shop.myshopify.com")
    assert come_back(client, query).status_code == 400
    assert come_back(client, signed(sandbox, state=state)).status_code == 400
    assert stores(runtime) == []


def test_a_grant_that_lacks_what_the_app_needs_connects_nothing(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.shopify.auth.ASKED", ("read_orders",))
    answer = come_back(client, agree(client, sandbox))
    assert (answer.status_code, "did not grant" in answer.text) == (403, True)
    assert stores(runtime) == []


def test_a_shop_that_is_away_connects_nothing_and_may_be_tried_again(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    query = agree(client, sandbox)
    sandbox.fail_next()
    answer = come_back(client, query)
    assert (answer.status_code, "did not answer" in answer.text) == (502, True)
    assert stores(runtime) == []
    assert come_back(client, agree(client, sandbox)).status_code == 200


def test_opening_the_app_again_brings_other_tokens_and_no_second_key(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    come_back(client, agree(client, sandbox))
    (first,) = stores(runtime)
    answer = come_back(client, agree(client, sandbox))
    assert (answer.status_code, "shown only this once" in answer.text) == (200, False)
    (second,) = stores(runtime)
    assert (second.id, second.number) == (first.id, first.number)
    assert second.credentials["refresh_token"] != first.credentials["refresh_token"]


def test_a_shop_whose_webhooks_fail_stays_connected_only_if_it_was(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    states = []
    for is_away in (True, False, True):
        query = agree(client, sandbox)
        if is_away:
            sandbox.fail_next(9, text="webhookSubscription")
        assert come_back(client, query).status_code == (502 if is_away else 200)
        sandbox.recover()
        states += [store.state for store in stores(runtime)]
    assert states == ["disconnected", "connected", "connected"]


@pytest.mark.parametrize(("status", "told"), [(503, 502), (403, 403)])
def test_a_first_shop_whose_webhooks_fail_is_shown_its_key_all_the_same(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox, status: int, told: int
) -> None:
    query = agree(client, sandbox)
    sandbox.fail_next(9, status=status, text="webhookSubscription")
    answer = come_back(client, query)
    assert (answer.status_code, "not connected yet" in answer.text) == (told, True)
    assert f"({status})" in answer.text
    (store,) = stores(runtime)
    assert f"<code>{store.key}</code>" in answer.text
    key = re.search(r"<code>(lk_[^<]+|[\w-]{30,})</code>", answer.text)
    assert key is not None
    members = client.get("/api/v1/members", headers={"Authorization": f"Bearer {key[1]}"})
    assert members.status_code == 200
    sandbox.recover()
    again = come_back(client, agree(client, sandbox))
    assert (again.status_code, "shown only this once" in again.text) == (200, False)
    assert [each.state for each in stores(runtime)] == ["connected"]


@pytest.mark.parametrize("fails", ["settings", "rights"])
def test_a_store_keeps_the_only_tokens_that_serve_when_its_app_is_opened_in_vain(
    runtime: Runtime,
    client: FlaskClient,
    sandbox: ShopifySandbox,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    come_back(client, agree(client, sandbox))
    (first,) = stores(runtime)
    if fails == "rights":
        monkeypatch.setattr("connectors.shopify.auth.ASKED", ("read_orders",))
    query = agree(client, sandbox)
    if fails == "settings":
        sandbox.fail_next(9, path="graphql")
    assert come_back(client, query).status_code == (502 if fails == "settings" else 403)
    (second,) = stores(runtime)
    assert second.credentials["access_token"] != first.credentials["access_token"]
    assert (list(sandbox.office.pairs), second.state) == ([second.credentials["refresh_token"]], "connected")


def test_tokens_of_another_app_serve_until_the_store_is_written_anew(
    runtime: Runtime, app: Flask, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    keys = ("--token", sandbox.access_token, "--client-secret", "own", "--no-register")
    assert connect(app, sandbox, *keys).exit_code == 0
    (first,) = stores(runtime)
    query = agree(client, sandbox)
    sandbox.fail_next(9, path="graphql")
    assert come_back(client, query).status_code == 502
    assert stores(runtime)[0].credentials == first.credentials
    sandbox.recover()
    assert come_back(client, agree(client, sandbox)).status_code == 200
    assert stores(runtime)[0].credentials["mode"] == "authorization_code"


def test_nobody_renews_the_tokens_of_a_store_while_a_code_is_exchanged(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_back(client, agree(client, sandbox))
    (store,) = stores(runtime)
    free: list[bool] = []

    def exchange(*given: Any) -> dict[str, str]:
        statement = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
        with runtime.database.transaction(store.account) as connection:
            free.append(connection.execute(statement, {"name": f"tokens of {store.id}"}).scalar_one())
        return exchange_code(*given)

    monkeypatch.setattr(connect_shopify, "exchange_code", exchange)
    assert come_back(client, agree(client, sandbox)).status_code == 200
    assert free == [False]


def test_a_shop_that_is_refused_its_account_keeps_its_tokens(
    runtime: Runtime, app: Flask, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    come_back(client, agree(client, sandbox))
    (mine,) = stores(runtime)
    other = make_shop(runtime, None)
    address = invite(app, sandbox.shop, other.store.key).output.strip()
    asked = client.get(address.removeprefix("https://laurel.example"), base_url="https://localhost")
    back = requests.get(asked.headers["Location"], allow_redirects=False, timeout=5).headers["Location"]
    assert come_back(client, urlsplit(back).query).status_code == 409
    assert list(sandbox.office.pairs) == [mine.credentials["refresh_token"]]


def test_installing_again_finds_the_store_again(
    runtime: Runtime, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    come_back(client, agree(client, sandbox))
    (first,) = stores(runtime)
    with runtime.database.transaction(first.account) as connection:
        set_state(connection, first.id, "disconnected")
        connection.execute(text("update stores set erase_at = now()"))
    assert come_back(client, agree(client, sandbox)).status_code == 200
    (second,) = stores(runtime)
    assert (second.id, second.state, second.erase_at) == (first.id, "connected", None)
    assert second.revived_at is not None


def test_without_an_app_there_are_no_pages(runtime: Runtime) -> None:
    app = create_app(replace(runtime.settings, shopify_api_key="", shopify_api_secrets=()))
    for path in (HOME, CALLBACK):
        assert app.test_client().get(path).status_code == 404
    app.extensions[TOOLS].database.dispose()


def test_the_pages_are_limited_as_others_are(runtime: Runtime, app: Flask) -> None:
    limited = create_app(replace(runtime.settings, pages_per_minute=2))
    client = limited.test_client()
    address = {"REMOTE_ADDR": "192.0.2.77"}
    statuses = [client.get(HOME, environ_base=address).status_code for _ in range(4)]
    limited.extensions[TOOLS].database.dispose()
    assert (statuses[0], statuses[-1]) == (400, 429)


def test_a_shop_joins_an_account_by_the_command(
    runtime: Runtime, app: Flask, sandbox: ShopifySandbox
) -> None:
    other = make_shop(runtime, None)
    done = app.test_cli_runner().invoke(
        args=[
            "store", "connect", "shopify", "--shop", sandbox.shop.upper(), "--client-id", sandbox.client_id,
            "--client-secret", "-", "--account", other.store.key, "--url", sandbox.url, "--no-register",
        ],
        input=f"{sandbox.client_secret}\n",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    mine = next(each for each in stores(runtime) if each.platform == "shopify")
    assert (mine.account, mine.number, mine.shop_domain) == (other.account, 2, sandbox.shop)
    assert mine.credentials["access_token"]
    assert mine.webhook_secrets == (sandbox.client_secret,)
    assert sandbox.client_secret not in done.output
    assert sandbox.state.subscriptions == {}


def invite(app: Flask, shop: str, account: str) -> Any:
    return app.test_cli_runner().invoke(args=["store", "invite", "--shop", shop, "--account", account])


def test_an_invited_shop_joins_the_account(
    runtime: Runtime, app: Flask, client: FlaskClient, sandbox: ShopifySandbox
) -> None:
    other = make_shop(runtime, None)
    address = invite(app, sandbox.shop, other.store.key).output.strip()
    assert address.startswith("https://laurel.example/connect/shopify?ticket=")
    asked = client.get(address.removeprefix("https://laurel.example"), base_url="https://localhost")
    back = requests.get(asked.headers["Location"], allow_redirects=False, timeout=5).headers["Location"]
    assert come_back(client, urlsplit(back).query).status_code == 200
    mine = next(each for each in stores(runtime) if each.platform == "shopify")
    assert (mine.account, mine.number, mine.shop_domain) == (other.account, 2, sandbox.shop)


def test_a_ticket_that_is_made_up_or_old_invites_nobody(
    runtime: Runtime,
    app: Flask,
    client: FlaskClient,
    sandbox: ShopifySandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = make_shop(runtime, None)
    query = urlsplit(invite(app, sandbox.shop, other.store.key).output.strip()).query
    assert client.get(f"{HOME}?{query}x").status_code == 400
    cookie = open_app(client, sandbox).headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert client.get(f"{HOME}?{urlencode({'ticket': cookie})}").status_code == 400
    monkeypatch.setattr(shopify_tickets, "INVITED", timedelta(seconds=-1))
    assert client.get(f"{HOME}?{query}").status_code == 400


def test_nobody_is_invited_into_an_account_that_is_not_there(app: Flask, sandbox: ShopifySandbox) -> None:
    for shop, account in ((sandbox.shop, "nowhere"), ("evil.example", "nowhere")):
        assert invite(app, shop, account).exit_code == 2


def connect(app: Flask, sandbox: ShopifySandbox, *words: str) -> Any:
    args = ["store", "connect", "shopify", "--shop", sandbox.shop, "--url", sandbox.url, *words]
    return app.test_cli_runner().invoke(args=args)


def test_a_pasted_token_is_taken_with_its_apps_secret(
    runtime: Runtime, app: Flask, sandbox: ShopifySandbox
) -> None:
    alone = connect(app, sandbox, "--token", sandbox.access_token)
    assert (alone.exit_code, "no delivery can be verified" in alone.output) == (2, True)
    done = connect(
        app, sandbox, "--token", sandbox.access_token, "--client-secret", "own", "--notification-key", "page",
        "--no-register",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (store,) = stores(runtime)
    assert (store.credentials["mode"], store.webhook_secrets) == ("legacy", ("own", "page"))


def test_what_a_pasted_token_was_granted_is_kept_and_what_it_lacks_is_told(
    runtime: Runtime, app: Flask, sandbox: ShopifySandbox
) -> None:
    keys = ("--token", sandbox.access_token, "--client-secret", "own", "--no-register")
    sandbox.grant("read_all_orders", "read_products", "write_customers", "write_discounts", "write_orders")
    done = connect(app, sandbox, *keys)
    assert "not granted read_returns, read_customer_merge" in done.output
    assert "lacks rights" not in done.output
    (store,) = stores(runtime)
    assert {"read_all_orders", "write_orders"} <= set(store.credentials["scopes"].split(","))
    sandbox.grant("read_orders", "read_returns", "read_customer_merge", "write_orders")
    done = connect(app, sandbox, *keys)
    assert "lacks rights: read_products, write_customers, write_discounts" in done.output
    assert "not granted" not in done.output
    assert "read_all_orders" not in stores(runtime)[0].credentials["scopes"]


def test_connecting_again_with_another_secret_keeps_the_older_one_for_a_day(
    runtime: Runtime, app: Flask, sandbox: ShopifySandbox
) -> None:
    for secret in ("first", "second"):
        done = connect(
            app, sandbox, "--token", sandbox.access_token, "--client-secret", secret, "--no-register"
        )
        assert done.exit_code == 0, done.output
    (store,) = stores(runtime)
    assert store.webhook_secrets == ("second", "first")


def test_the_apps_secret_is_replaced_in_the_app_only(
    runtime: Runtime, app: Flask, sandbox: ShopifySandbox
) -> None:
    keys = ("--token", sandbox.access_token, "--client-secret", "own", "--no-register")
    assert connect(app, sandbox, *keys).exit_code == 0
    (store,) = stores(runtime)
    done = app.test_cli_runner().invoke(args=["store", "rotate-secret", store.key])
    assert (done.exit_code, "connect again" in done.output) == (2, True)
    assert stores(runtime)[0].webhook_secrets == ("own",)


def test_a_shop_of_another_account_is_not_taken_over(
    runtime: Runtime, app: Flask, sandbox: ShopifySandbox
) -> None:
    keys = ("--token", sandbox.access_token, "--client-secret", "own", "--no-register")
    assert connect(app, sandbox, *keys).exit_code == 0
    other = make_shop(runtime, None)
    done = connect(app, sandbox, *keys, "--account", other.store.key)
    assert (done.exit_code, "belongs to another account" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--shop", "evil.example"), "domain"),
        (("--client-id", "x"), "goes together with its secret"),
        (("--client-id", "x", "--client-secret", "y", "--token", "z"), "not both"),
        (("--client-id", "x", "--client-secret", "y"), "gave no token"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(
    runtime: Runtime, app: Flask, sandbox: ShopifySandbox, words: tuple[str, ...], why: str
) -> None:
    done = connect(app, sandbox, *words)
    assert (done.exit_code, why in done.output) == (2, True), done.output
    assert stores(runtime) == []

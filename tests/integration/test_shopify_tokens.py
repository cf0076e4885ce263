"""Tokens that end: renewed in time, by one worker at a time, as a pair, and had anew when a shop refuses one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import make_shopify
from sqlalchemy import text

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.backfills.repository import Wish, find_backfill
from loyalty.clock import utc_now
from loyalty.commerce import Read, ShopSettings
from loyalty.engine.past import ask_for_past
from loyalty.pushes import DisableCoupon, PushError, PushReceipt
from loyalty.stores.service import SHOPIFY, NewStore, Store, get_store, revive_store
from loyalty.stores.tokens import lock_tokens
from workers import pushing
from workers.access import ask
from workers.backfilling import run_backfill
from workers.keeping import keep_tokens
from workers.runtime import Runtime

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    return Desk(runtime, make_shop(runtime, make_document()))


@pytest.fixture
def store(desk: Desk, sandbox: ShopifySandbox) -> Store:
    """A store whose merchant agreed some days ago: its access token has ended, its refresh token has not."""
    return connect(desk, sandbox, age=2 * DAY)


def connect(desk: Desk, sandbox: ShopifySandbox, age: timedelta, mode: str = "authorization_code") -> Store:
    at = utc_now() - age
    sandbox.now = lambda: at
    with sandbox.state.lock:
        pair = sandbox.office._new_pair(sandbox.office.granted)
    sandbox.now = utc_now
    tokens = {
        "access_token": pair["access_token"], "issued_at": at.isoformat(), "expires_at": (at + HOUR).isoformat(),
        "refresh_token": pair["refresh_token"], "refresh_expires_at": (at + 90 * DAY).isoformat(),
    }  # fmt: skip
    app = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    return make_shopify(
        desk.runtime, desk.shop.account, sandbox.shop, url=sandbox.url, mode=mode, **app, **tokens
    )


def stored(desk: Desk, store: Store) -> dict[str, str]:
    with desk.connect() as connection:
        return get_store(connection, desk.runtime.vault, store.id).credentials


def renewals(sandbox: ShopifySandbox) -> int:
    return sum(each.path == "/admin/oauth/access_token" for each in sandbox.requests)


def test_a_token_that_has_ended_is_had_anew_and_kept(
    desk: Desk, sandbox: ShopifySandbox, store: Store
) -> None:
    access = desk.runtime.access(store)
    now, before = stored(desk, store), store.credentials
    assert access.credentials["access_token"] == now["access_token"] != before["access_token"]
    assert now["refresh_token"] != before["refresh_token"]
    assert now["client_secret"] == before["client_secret"]
    connector = desk.runtime.connectors["shopify"]
    assert connector.read_settings(access).currency == "TWD"
    desk.runtime.access(store)
    assert renewals(sandbox) == 1


def test_eight_workers_at_once_renew_once(desk: Desk, sandbox: ShopifySandbox, store: Store) -> None:
    with ThreadPoolExecutor(8) as workers:
        found = list(workers.map(lambda _: desk.runtime.access(store), range(8)))
    assert renewals(sandbox) == 1
    assert {each.credentials["access_token"] for each in found} == {stored(desk, store)["access_token"]}


def test_while_one_renews_the_store_can_be_read_and_written(desk: Desk, store: Store) -> None:
    with desk.connect() as renewing:
        lock_tokens(renewing, store.id)
        with desk.connect() as connection:
            connection.execute(text("set local lock_timeout = '1s'"))
            changed = text("update stores set looked_at = now() where id = :id")
            assert connection.execute(changed, {"id": store.id}).rowcount == 1


def test_a_renewal_that_is_not_committed_loses_nothing(
    desk: Desk, sandbox: ShopifySandbox, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the shop's answer: the older refresh token serves until the newer pair is used."""

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("workers.access.put_tokens", die)
        with pytest.raises(KeyboardInterrupt):
            desk.runtime.access(store)
    assert stored(desk, store) == store.credentials
    access = desk.runtime.access(store)
    assert desk.runtime.connectors["shopify"].read_settings(access).currency == "TWD"
    assert renewals(sandbox) == 2


def test_a_restored_copy_takes_nothing_from_the_original(
    desk: Desk, sandbox: ShopifySandbox, store: Store
) -> None:
    """The original's refresh token would end with the copy's first call."""
    desk.runtime.settings = replace(desk.runtime.settings, push=False)
    assert desk.runtime.access(store).credentials["access_token"] == store.credentials["access_token"]
    with pytest.raises(PushError, match="LAUREL_PUSH"):
        keep_tokens(desk.runtime, desk.shop.account, store.id, utc_now() + 8 * DAY)
    assert (renewals(sandbox), stored(desk, store)) == (0, store.credentials)


def revoke(sandbox: ShopifySandbox) -> None:
    """Let the shop know none of its access tokens any more; their refresh tokens are still good."""
    with sandbox.state.lock:
        sandbox.office.tokens.clear()


def test_a_refused_token_is_had_anew_once_and_the_shop_asked_again(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    store = connect(desk, sandbox, age=2 * timedelta(minutes=1))
    revoke(sandbox)
    connector = desk.runtime.connectors["shopify"]
    answers = ask(
        desk.runtime,
        store,
        lambda access: connector.fetch(access, Read.CUSTOMER, ["7"], with_products=False, now=utc_now()),
    )
    assert [each.key_id for each in answers] == ["7"]
    assert renewals(sandbox) == 1


def test_a_refused_push_is_done_once_more_with_another_token(desk: Desk, sandbox: ShopifySandbox) -> None:
    store = connect(desk, sandbox, age=2 * timedelta(minutes=1))
    revoke(sandbox)
    command = DisableCoupon("lr0000000000", utc_now())
    assert pushing._tell(desk.runtime, store, [command]) == [PushReceipt()]
    assert renewals(sandbox) == 1


def test_a_push_to_a_shop_that_gives_no_token_says_so(desk: Desk, sandbox: ShopifySandbox) -> None:
    store = connect(desk, sandbox, age=2 * timedelta(minutes=1))
    sandbox.uninstall()
    (failed,) = pushing._tell(desk.runtime, store, [DisableCoupon("lr0000000000", utc_now())])
    assert isinstance(failed, PushError)
    assert (failed.permanent, failed.reason) == (True, "permission")


def test_a_shop_that_gives_no_token_is_told_the_merchant_as_one_that_cannot_be_read(
    desk: Desk, sandbox: ShopifySandbox, store: Store
) -> None:
    sandbox.uninstall()
    connected = Desk(desk.runtime, replace(desk.shop, store=store))
    assert connected.reconcile("poll") is None
    (incident,) = desk.rows("select kind, data from incidents")
    assert (incident["kind"], incident["data"]["store"]) == ("shop_not_read", store.key)
    assert incident["data"]["failure"].startswith("permission: ")
    assert stored(desk, store)["access_token"] == store.credentials["access_token"]


def test_a_token_that_was_refused_in_passing_is_told_nobody(desk: Desk, sandbox: ShopifySandbox) -> None:
    store = connect(desk, sandbox, age=2 * timedelta(minutes=1))
    revoke(sandbox)
    connected = Desk(desk.runtime, replace(desk.shop, store=store))
    assert connected.reconcile("poll") == 0
    assert desk.rows("select 1 from incidents") == []
    assert stored(desk, store)["access_token"] != store.credentials["access_token"]


def read_past(desk: Desk, store: Store, between: Callable[[], object]) -> tuple[bool | None, int]:
    """Read the past of a shop of two customers page by page; return whether it is over, and how much was seen."""
    with desk.connect() as connection:
        asked = ask_for_past(connection, desk.shop.account, store, Wish(), utc_now(), "staff")
    is_over = run_backfill(
        desk.runtime, desk.shop.account, store.id, force=True, progress=lambda *_: between() and None
    )
    with desk.connect() as connection:
        return is_over, (find_backfill(connection, asked) or {})["seen"]


def test_a_backfill_that_lasts_longer_than_a_token_has_another_in_time(
    desk: Desk, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.place_order((sandbox.add_product()["id"], 1), customer=sandbox.add_customer()["id"])
    store = connect(desk, sandbox, age=timedelta(0))
    passed = [timedelta(0)]
    for place in ("workers.access.utc_now", "workers.reading.utc_now"):
        monkeypatch.setattr(place, lambda: utc_now() + passed[0])
    sandbox.now = lambda: utc_now() + passed[0]
    assert read_past(desk, store, lambda: passed.insert(0, passed[0] + HOUR)) == (True, 2)
    assert renewals(sandbox) >= 3
    assert 401 not in {each.status for each in sandbox.requests}


def test_a_backfill_whose_token_is_refused_goes_on_with_another(desk: Desk, sandbox: ShopifySandbox) -> None:
    sandbox.place_order((sandbox.add_product()["id"], 1), customer=sandbox.add_customer()["id"])
    store = connect(desk, sandbox, age=2 * timedelta(minutes=1))
    refused = iter([revoke])
    assert read_past(desk, store, lambda: next(refused, lambda _: None)(sandbox)) == (True, 2)
    assert renewals(sandbox) == 1


@pytest.mark.parametrize(
    ("later", "client_id", "is_kept"),
    [(-HOUR, "sandbox-client", True), (HOUR, "sandbox-client", False), (-HOUR, "another-app", False)],
)
def test_connecting_again_keeps_tokens_that_were_renewed_meanwhile(
    desk: Desk, store: Store, later: timedelta, client_id: str, is_kept: bool
) -> None:
    held = desk.runtime.access(store).credentials
    granted = held | {
        "access_token": "shpat_granted", "refresh_token": "shprt_granted", "client_id": client_id,
        "client_secret": "a newer secret",
        "issued_at": (datetime.fromisoformat(held["issued_at"]) + later).isoformat(),
    }  # fmt: skip
    new = NewStore("tea", "Tea", SHOPIFY, store.url, granted, "secret", shop_domain=store.shop_domain)
    settings = ShopSettings("TWD", "Asia/Taipei", 0, prices_include_tax=False)
    with desk.connect() as connection:
        lock_tokens(connection, store.id)
        revive_store(connection, desk.runtime.vault, store, new, settings)
    now = stored(desk, store)
    names = ("access_token", "refresh_token", "issued_at")
    assert [now[name] for name in names] == [(held if is_kept else granted)[name] for name in names]
    assert (now["client_id"], now["client_secret"]) == (client_id, "a newer secret")


@pytest.mark.parametrize(("age", "is_kept"), [(6.9 * DAY, False), (7.1 * DAY, True), (89 * DAY, True)])
def test_a_quiet_stores_tokens_are_kept_alive(
    desk: Desk, sandbox: ShopifySandbox, age: timedelta, is_kept: bool
) -> None:
    store = connect(desk, sandbox, age=age)
    assert keep_tokens(desk.runtime, desk.shop.account, store.id) == is_kept
    assert (stored(desk, store)["refresh_token"] != store.credentials["refresh_token"]) == is_kept


def test_tokens_without_a_pair_are_left_alone(desk: Desk, sandbox: ShopifySandbox) -> None:
    store = make_shopify(desk.runtime, desk.shop.account, sandbox.shop, url=sandbox.url)
    assert not keep_tokens(desk.runtime, desk.shop.account, store.id)
    assert not keep_tokens(desk.runtime, desk.shop.account, desk.shop.store.id)
    assert renewals(sandbox) == 0


def test_the_installations_secret_is_not_kept_with_the_store(desk: Desk, sandbox: ShopifySandbox) -> None:
    runtime = desk.runtime
    runtime.settings = replace(
        runtime.settings, shopify_api_key=sandbox.client_id, shopify_api_secrets=(sandbox.client_secret, "older"),
    )  # fmt: skip
    store = make_shopify(
        runtime, desk.shop.account, sandbox.shop, secret="", url=sandbox.url, mode="client_credentials",
        access_token="",
    )  # fmt: skip
    access = runtime.access(store)
    assert access.credentials["client_secret"] == sandbox.client_secret
    assert runtime.connectors["shopify"].read_settings(access).currency == "TWD"
    assert stored(desk, store)["client_secret"] == ""

"""A backup is worth what its restoration proves; and what the loss of the keys costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import text

from bench.stage import plain_url
from connectors.woocommerce.sandbox import SandboxShop
from embedded import EmbeddedError, ServerUrls, running_servers
from embedded.cluster import binary_folder
from embedded.dump import dump, restore
from loyalty.crypto import Vault
from loyalty.engine.recovering import skip_command_numbers
from loyalty.engine.verify import verify_ledger
from loyalty.mails.repository import add_mail
from loyalty.stores.service import get_store
from tests.builders import Shop, make_document, make_runtime, make_shop, make_woo_order, woo_body
from tests.counter import Counter
from tests.moving import REWARDS, TIERS, bring, figures
from tests.web.conftest import deliver
from tests.web.test_cli import run, told
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers.draining import drain_account
from workers.pushing import push_store
from workers.runtime import Runtime

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs" / "backup.md"
NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)


def migrate(urls: ServerUrls) -> None:
    environ = {**os.environ, **urls.environment()}
    argv = [sys.executable, "-m", "alembic", "upgrade", "head"]
    done = subprocess.run(argv, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def order(runtime: Runtime, shop: Shop) -> None:
    app = create_app(runtime.settings)
    assert deliver(app.test_client(), shop, woo_body(make_woo_order(total="12000"))).status_code == 200
    app.extensions[TOOLS].database.dispose()
    assert drain_account(runtime, shop.account) == 1


def test_a_dump_restored_into_an_empty_folder_rebuilds_to_the_same_and_tells_the_shop_nothing(
    tmp_path: Path,
) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "laurel.dump"
    with running_servers(old) as urls:
        migrate(urls)
        runtime = make_runtime(urls.app, urls.owner, urls.redis)
        shop = make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))
        bring(runtime, shop, "email,lots,tier\na@x.com,100@2027-01-31; 20@never,gold\n")
        order(runtime, shop)
        before = figures(runtime, shop)
        runtime.database.dispose()
    dump(old, file)
    restore(new, file)
    with running_servers(new) as urls:
        settings = replace(runtime.settings, database_url=urls.app, database_owner_url=urls.owner, push=False)
        copy = make_runtime(urls.app, urls.owner, urls.redis)
        copy.settings, copy.vault = settings, runtime.vault
        with copy.database.transaction(shop.account, steady=True) as connection:
            proof = verify_ledger(connection, shop.account, rebuild=True)
        assert (proof.members, proof.differences) == (2, [])
        assert figures(copy, shop) == before
        assert push_store(copy, shop.account, shop.store.id) == 0
        copy.database.dispose()
    with pytest.raises(EmbeddedError, match="pg_restore failed"):
        restore(new, file)


@contextmanager
def opened(folder: Path, counter: Counter) -> Iterator[None]:
    """Let a shop's counter work on the servers of a data folder."""
    with running_servers(folder) as urls:
        runtime = make_runtime(urls.app, urls.owner, urls.redis)
        runtime.vault = counter.runtime.vault
        counter.runtime = counter.desk.runtime = runtime
        yield
        runtime.database.dispose()


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[tuple[Counter, str]]:
    """Amy and Ben have points in a copy; the code that Amy got, and used, after the dump is in the shop only."""
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "laurel.dump"
    with SandboxShop() as woo:
        with running_servers(old) as urls:
            migrate(urls)
            counter = Counter(make_runtime(urls.app, urls.owner, urls.redis), woo, 200)
            counter.buy(customer=counter.ben)
            counter.give(200, counter.member_of(counter.ben))
            counter.runtime.database.dispose()
        dump(old, file)
        with opened(old, counter):
            code = counter.issue()[1]
            counter.buy(code)
        restore(new, file)
        with opened(new, counter):
            yield counter, code


def test_a_copy_that_goes_on_gives_no_code_a_second_time(lost: tuple[Counter, str]) -> None:
    counter, code = lost
    ben = counter.member_of(counter.ben)
    app = create_app(counter.runtime.settings)
    assert [told(app, "copy", "go-on") for _ in range(2)] == [{"accounts": 1}] * 2
    app.extensions[TOOLS].database.dispose()
    redemption, other = counter.issue(who=ben)
    assert (counter.see(redemption)["state"], other != code, counter.is_live(code)) == ("issued", True, False)
    assert counter.woo.coupon(other)["email_restrictions"] == ["ben@example.test"]  # type: ignore[index]
    assert counter.proves()


def test_where_going_on_was_forgotten_nobody_pays_for_a_code_that_was_used(lost: tuple[Counter, str]) -> None:
    counter, code = lost
    ben = counter.member_of(counter.ben)
    redemption, other = counter.issue(who=ben)
    assert (counter.see(redemption)["state"], other) == ("failed", code)
    assert counter.woo.coupon(code)["email_restrictions"] == ["amy@example.test"]  # type: ignore[index]
    left = counter.desk.rows(f"select sum(remaining) as points from lots where member_id = '{ben}'")
    assert (left, counter.proves()) == ([{"points": 200}], True)


def test_two_copies_of_a_dump_go_on_apart(runtime: Runtime) -> None:
    shop = make_shop(runtime, make_document())
    numbers = []
    for now in (NOW, NOW + timedelta(days=2)):
        with runtime.database.transaction(shop.account) as connection:
            connection.execute(text("update accounts set commands = 500"))
            numbers.append(skip_command_numbers(connection, now))
    assert (numbers[0] > 1_000_500, numbers[1] - numbers[0]) == (True, 2 * 24 * 60 * 60)


def test_numbers_never_go_back(runtime: Runtime) -> None:
    shop = make_shop(runtime, make_document())
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update accounts set commands = 2000000000"))
        assert skip_command_numbers(connection, NOW) == 2_001_000_000


def test_the_role_for_backups_of_a_server_of_ones_own_may_dump_all_rows(tmp_path: Path) -> None:
    """The statements of docs/backup.md; row-level security is forced even on the owner, whose dump fails."""
    with running_servers(tmp_path / "var") as urls:
        migrate(urls)
        runtime = make_runtime(urls.app, urls.owner, urls.redis)
        shop = make_shop(runtime, make_document())
        runtime.database.dispose()
        statements = DOCS.read_text().partition("```sql\n")[2].partition("```")[0].replace("…", "backup")
        with psycopg.connect(plain_url(urls.superuser), autocommit=True) as connection:
            connection.execute(statements.encode())
        backup = plain_url(urls.superuser).partition("@")[2]
        for url, code in ((plain_url(urls.owner), 1), (f"postgresql://laurel_backup:backup@{backup}", 0)):
            argv = [
                str(binary_folder() / "pg_dump"),
                "--format=plain",
                f"--file={tmp_path / 'dump.sql'}",
                url,
            ]
            assert subprocess.run(argv, capture_output=True, check=False).returncode == code
    assert shop.store.url in (tmp_path / "dump.sql").read_text()


@pytest.fixture
def keyless(runtime: Runtime) -> tuple[Runtime, Shop]:
    """An installation whose keys are lost: others are in their place."""
    shop = make_shop(runtime, make_document())
    key = Fernet.generate_key().decode()
    runtime.settings = replace(runtime.settings, encryption_keys=(key,))
    runtime.vault = Vault((key,))
    return runtime, shop


@pytest.fixture
def app(keyless: tuple[Runtime, Shop]) -> Flask:
    return create_app(keyless[0].settings)


def test_lost_keys_are_said_clearly_and_nothing_is_lost_by_them(
    app: Flask, keyless: tuple[Runtime, Shop]
) -> None:
    shop = keyless[1]
    ready = app.test_client().get("/readyz")
    assert ready.status_code == 503
    assert ready.json is not None
    assert "ENCRYPTION_KEYS" in ready.json["reasons"][0]
    assert deliver(app.test_client(), shop, woo_body(make_woo_order())).status_code == 503
    checked = run(app, "keys", "check")
    assert (checked.exit_code, "docs/backup.md" in checked.stderr) == (1, True)
    assert told(app, "ledger", "verify", shop.store.key)["differences"] == 0
    app.extensions[TOOLS].database.dispose()


def test_after_the_loss_of_the_keys_a_shop_is_connected_again_and_goes_on(
    app: Flask, keyless: tuple[Runtime, Shop]
) -> None:
    runtime, shop = keyless
    renewed = told(app, "keys", "renew", shop.store.key)
    assert renewed == {"coupon_key": True, "stores": [shop.store.key], "mails": 0}
    assert told(app, "keys", "check") == {"fit": True, "unreadable": []}
    with runtime.database.transaction(shop.account) as connection:
        store = get_store(connection, runtime.vault, shop.store.id)
    assert (store.state, store.credentials, store.webhook_secrets) == ("disconnected", {}, ())
    assert told(app, "keys", "renew", shop.store.key) == {"coupon_key": False, "stores": [], "mails": 0}
    assert bring(runtime, shop, "email,points\na@x.com,5\n")["valid"] == 1
    app.extensions[TOOLS].database.dispose()


def mails_of(runtime: Runtime, shop: Shop) -> list[tuple[Any, ...]]:
    with runtime.database.transaction(shop.account) as connection:
        rows = connection.execute(text("select status, detail, sealed is null from mails order by id"))
        return [tuple(row) for row in rows]


def test_mails_that_nobody_can_read_any_more_are_given_up(app: Flask, keyless: tuple[Runtime, Shop]) -> None:
    runtime, shop = keyless
    told(app, "keys", "renew", shop.store.key)
    bring(runtime, shop, "email,points\na@x.com,5\n")
    lost = Vault((Fernet.generate_key().decode(),))
    with runtime.database.transaction(shop.account) as connection:
        member = connection.execute(text("select id from members")).scalar_one()
        for vault in (lost, runtime.vault, lost):
            add_mail(connection, shop.account, member, vault.seal_json({"to": "a@x.com"}))
    renewed = run(app, "keys", "renew", shop.store.key)
    assert renewed.stdout == "2 waiting mails are lost: who still wants one must ask again\n"
    assert mails_of(runtime, shop) == [
        ("failed", "keys lost", True), ("waiting", "", False), ("failed", "keys lost", True)
    ]  # fmt: skip
    assert told(app, "keys", "renew", shop.store.key) == {"coupon_key": False, "stores": [], "mails": 0}
    app.extensions[TOOLS].database.dispose()


def test_messages_wait_while_the_keys_do_not_fit(runtime: Runtime) -> None:
    shop = make_shop(runtime, make_document())
    app = create_app(runtime.settings)
    deliver(app.test_client(), shop, woo_body(make_woo_order()))
    app.extensions[TOOLS].database.dispose()
    vault, runtime.vault = runtime.vault, Vault((Fernet.generate_key().decode(),))
    with pytest.raises(Exception, match="ENCRYPTION_KEYS"):
        drain_account(runtime, shop.account)
    runtime.vault = vault
    assert drain_account(runtime, shop.account) == 1
    assert len(figures(runtime, shop)) == 1

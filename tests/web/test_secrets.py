"""Secrets: encrypted under the newest key when asked, replaced with an overlap, and in no log, answer, row or push."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet
from databases import Database
from flask import Flask
from sqlalchemy import create_engine, text
from structlog._config import BoundLoggerLazyProxy

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.config import Settings, load_settings
from loyalty.crypto import Vault
from loyalty.engine.book import load_book
from loyalty.engine.rekeying import SEALED
from loyalty.errors import ConfigurationError, LoyaltyError
from loyalty.logs import configure_logging
from loyalty.pushes import PushError
from loyalty.stores.service import get_store
from loyalty.stores.webhook_secrets import WebhookSecret, accepted, lock_secrets
from tests.builders import Shop, make_document, make_runtime, make_shop, make_woo_order, sign, woo_body
from tests.web.conftest import Caller, deliver, drain, make_caller
from webhook_app import create_app
from webhook_app.commands import secrets as secret_commands
from webhook_app.connect import NewShop, connect_shop
from webhook_app.rotating import rotate_webhook_secret
from webhook_app.tools import TOOLS
from workers import jobs
from workers.mailing import deliver_mails
from workers.runtime import Runtime, build_runtime

NOW = datetime(2026, 3, 10, tzinfo=UTC)
MAIL = "smtp://127.0.0.1:9"
HOOK = {
    "key": "told", "trigger": "order_paid",
    "actions": [{"kind": "webhook", "url": "https://crm.invalid/hook"}],
}  # fmt: skip


def bytes_columns(database: Database) -> list[tuple[str, bytes]]:
    """Every binary value of the database, with its table and column."""
    engine = create_engine(database.superuser_url)
    with engine.connect() as connection:
        columns = connection.execute(
            text("select table_name, column_name from information_schema.columns"
                 " where table_schema = 'public' and data_type = 'bytea'")
        ).all()  # fmt: skip
        found = [
            (f"{table}.{column}", bytes(value))
            for table, column in columns
            for value in connection.execute(
                text(f"select {column} from {table} where {column} is not null")
            ).scalars()
        ]
    engine.dispose()
    return found


def sealed_values(database: Database) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in bytes_columns(database) if value.startswith(b"gAAAA")]


@contextmanager
def app_of(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions[TOOLS].database.dispose()


def told(app: Flask, *words: str) -> Any:
    done = app.test_cli_runner().invoke(args=[*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def two_shops(runtime: Runtime) -> tuple[Shop, Shop]:
    """Two accounts with sealed things in every place, a waiting mail among them."""
    shops = make_shop(runtime, make_document()), make_shop(runtime, make_document())
    for shop in shops:
        with runtime.database.transaction(shop.account) as connection:
            connection.execute(
                text(
                    "insert into members (id, account_id, key) values (gen_random_uuid(), :account, 'customer:1:1')"
                ),
                {"account": shop.account},
            )
            for _ in range(3):
                connection.execute(
                    text(
                        "insert into mails (account_id, member_id, sealed) select :account, id, :sealed from members"
                    ),
                    {"account": shop.account, "sealed": runtime.vault.seal(b"a mail")},
                )
    return shops


def test_everything_sealed_is_encrypted_anew_and_the_old_key_may_go(
    runtime: Runtime, database: Database, two_shops: tuple[Shop, Shop]
) -> None:
    (old,), new = runtime.settings.encryption_keys, Fernet.generate_key().decode()
    before = sealed_values(database)
    assert {name for name, _ in before} == {
        "accounts.coupon_key", "stores.credentials", "stores.webhook_secrets", "mails.sealed"
    }  # fmt: skip
    with app_of(replace(runtime.settings, encryption_keys=(new, old))) as app:
        done = {"accounts": 2, "encrypted_anew": len(before), "unreadable": []}
        assert told(app, "secrets", "rotate") == done
        assert told(app, "secrets", "rotate") == {**done, "encrypted_anew": 0}
    only_old, only_new = Vault((old,)), Vault((new,))
    after = sealed_values(database)
    assert sorted(only_new.open(value) for _, value in after) == sorted(
        only_old.open(value) for _, value in before
    )
    assert not any(only_old.is_newest(value) for _, value in after)
    with app_of(replace(runtime.settings, encryption_keys=(new,))) as app:
        assert deliver(app.test_client(), two_shops[0], woo_body(make_woo_order())).status_code == 200


def test_a_rotation_that_was_stopped_goes_on_where_it_stood(
    runtime: Runtime, database: Database, two_shops: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,), new = runtime.settings.encryption_keys, Fernet.generate_key().decode()
    keys, real, calls = Vault((new, old)), secret_commands.rekey, []

    def failing(connection: Any, vault: Vault, limit: int) -> int:
        calls.append(limit)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(connection, vault, limit)

    monkeypatch.setattr(secret_commands, "PAGE", 1)
    monkeypatch.setattr(secret_commands, "rekey", failing)
    with app_of(replace(runtime.settings, encryption_keys=(new, old))) as app:
        app.test_cli_runner().invoke(args=["secrets", "rotate"])
        done = [keys.is_newest(value) for _, value in sealed_values(database)]
        assert 0 < sum(done) < len(done)
        assert told(app, "secrets", "rotate")["encrypted_anew"] == len(done) - sum(done)
    assert all(keys.is_newest(value) for _, value in sealed_values(database))


def test_a_value_that_no_key_opens_is_said_and_left_alone(
    runtime: Runtime, database: Database, two_shops: tuple[Shop, Shop]
) -> None:
    before = sealed_values(database)
    with app_of(replace(runtime.settings, encryption_keys=(Fernet.generate_key().decode(),))) as app:
        done = app.test_cli_runner().invoke(args=["secrets", "rotate"])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 3)
    assert all(f"{shop.store.key}: no key opens accounts.coupon_key (1)" in done.stderr for shop in two_shops)
    assert "not among ENCRYPTION_KEYS" in done.stderr
    assert sealed_values(database) == before


def test_what_no_key_opens_keeps_nothing_else_from_being_encrypted_anew(
    runtime: Runtime, database: Database, two_shops: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,), new, lost = runtime.settings.encryption_keys, *(Fernet.generate_key().decode() for _ in range(2))
    lose(runtime, two_shops[0], "mails", "sealed", lost, at_most=2)
    lose(runtime, two_shops[0], "stores", "credentials", lost)
    monkeypatch.setattr(secret_commands, "PAGE", 1)
    with app_of(replace(runtime.settings, encryption_keys=(new, old))) as app:
        done = app.test_cli_runner().invoke(args=["secrets", "rotate", "--json"])
    left = {"stores.credentials": 1, "mails.sealed": 2}
    assert (done.exit_code, json.loads(done.stdout)) == (1, {
        "accounts": 2, "encrypted_anew": 9, "unreadable": [{"account": two_shops[0].store.key, "values": left}],
    })  # fmt: skip
    values = sealed_values(database)
    assert (
        sum(Vault((new,)).opens(value) for _, value in values),
        sum(Vault((lost,)).opens(value) for _, value in values),
    ) == (9, 3)


@pytest.mark.parametrize(
    "place", [(table, column) for table, columns in SEALED.items() for column in columns]
)
@pytest.mark.parametrize("which", [0, 1])
def test_keys_check_finds_one_unreadable_value_of_any_account(
    runtime: Runtime, two_shops: tuple[Shop, Shop], which: int, place: tuple[str, str]
) -> None:
    with app_of(runtime.settings) as app:
        assert told(app, "keys", "check") == {"fit": True, "unreadable": []}
        lose(runtime, two_shops[which], *place, Fernet.generate_key().decode())
        done = app.test_cli_runner().invoke(args=["keys", "check", "--json"])
        said = app.test_cli_runner().invoke(args=["keys", "check"])
    key, name = two_shops[which].store.key, ".".join(place)
    assert (done.exit_code, json.loads(done.stdout)) == (
        1, {"fit": False, "unreadable": [{"account": key, "values": {name: 1}}]}
    )  # fmt: skip
    assert said.stdout == "the keys do not fit\n"
    assert said.stderr.startswith(f"{key}: no key opens {name} (1)\n")


def lose(runtime: Runtime, shop: Shop, table: str, column: str, key: str, at_most: int = 1) -> None:
    """Let values of a shop, the first ones, be sealed with another key."""
    with runtime.database.transaction(shop.account) as connection:
        ids = connection.execute(text(f"select id from {table} order by id limit {at_most}")).scalars().all()
        connection.execute(
            text(f"update {table} set {column} = :sealed where id = any(:ids)"),
            {"sealed": Vault((key,)).seal_json({}), "ids": list(ids)},
        )


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def connected(runtime: Runtime, app: Flask, woo: SandboxShop, **other: Any) -> Shop:
    keys = {"consumer_key": woo.consumer_key, "consumer_secret": woo.consumer_secret, **other}
    shop = NewShop("woocommerce", woo.url, keys, "Tea", "", register=True, actor="test")
    done = connect_shop(app.extensions[TOOLS], shop)
    return Shop(done.store.account, done.store, "TWD", "Asia/Taipei", 0)


def statuses(runtime: Runtime, shop: Shop, secrets: list[str]) -> list[int]:
    """What deliveries signed with these secrets are answered by a process that has cached nothing."""
    body = woo_body(make_woo_order())
    with app_of(runtime.settings) as app:
        client = app.test_client()
        return [
            deliver(client, shop, body, X_WC_Webhook_Signature=sign(body, it)).status_code for it in secrets
        ]


def test_old_and_new_secret_are_accepted_until_the_old_one_ends(
    runtime: Runtime, app: Flask, woo: SandboxShop
) -> None:
    shop = connected(runtime, app, woo)
    old = shop.store.webhook_secrets[0]
    done = told(app, "store", "rotate-secret", shop.store.key)
    new = done["webhook_secret"]
    assert (new != old, done["webhooks"]) == (True, 11)
    assert {hook["secret"] for hook in woo.state.webhooks.values()} == {new}
    assert statuses(runtime, shop, [new, old, "another"]) == [200, 200, 401]
    last = told(app, "store", "rotate-secret", shop.store.key, "--overlap-hours", "0")["webhook_secret"]
    assert statuses(runtime, shop, [last, new, old]) == [200, 401, 401]


def test_a_secret_ends_at_its_instant() -> None:
    secrets = [WebhookSecret("new"), WebhookSecret("old", NOW)]
    just_before = NOW - timedelta(microseconds=1)
    assert [accepted(secrets, at) for at in (just_before, NOW)] == [("new", "old"), ("new",)]


def test_a_shop_that_cannot_be_told_loses_no_delivery(runtime: Runtime, app: Flask, woo: SandboxShop) -> None:
    shop = connected(runtime, app, woo)
    woo.fail_next(5, 500)
    with pytest.raises(PushError):
        rotate_webhook_secret(
            app.extensions[TOOLS], shop.account, shop.store.id, timedelta(0), "test", datetime.now(UTC)
        )
    with runtime.database.transaction(shop.account) as connection:
        kept = lock_secrets(connection, runtime.vault, shop.store.id)
    assert [it.until for it in kept] == [None, None]
    assert statuses(runtime, shop, [it.value for it in kept]) == [200, 200]


def test_secrets_that_were_stored_as_bare_texts_are_read(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(
            text("update stores set webhook_secrets = :it"), {"it": runtime.vault.seal_json(["a", "b"])}
        )
        assert get_store(connection, runtime.vault, shop.store.id).webhook_secrets == ("a", "b")
    assert statuses(runtime, shop, ["a", "b", "c"]) == [200, 200, 401]


def test_a_till_has_no_secret_to_replace(app: Flask, runtime: Runtime) -> None:
    made = told(app, "store", "connect", "till", "--name", "Bar", "--currency", "TWD", "--time-zone",
                "Asia/Taipei", "--decimals", "0")  # fmt: skip
    done = app.test_cli_runner().invoke(args=["store", "rotate-secret", made["store"]])
    assert (done.exit_code, done.stderr) == (2, "A till has no webhook secret.\n")


# --- in no log, answer, row or push ---------------------------------------------------------------


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Returns everything that was logged from debug on, also by loggers that were used before."""
    _forget_loggers()
    configure_logging("debug")
    yield lambda: capsys.readouterr().err
    _forget_loggers()
    configure_logging("critical")


def _forget_loggers() -> None:
    for module in list(sys.modules.values()):
        if isinstance(proxy := getattr(module, "log", None), BoundLoggerLazyProxy):
            proxy.__dict__.pop("bind", None)


def everything(database: Database) -> str:
    """Every row of every table as text, binary values as what they are."""
    engine = create_engine(database.superuser_url)
    with engine.connect() as connection:
        names = connection.execute(
            text("select tablename from pg_tables where schemaname = 'public'")
        ).scalars()
        rows = [str(row) for name in names for row in connection.execute(text(f"select * from {name}"))]
    engine.dispose()
    return "\n".join(rows) + "\n".join(value.decode("latin-1") for _, value in bytes_columns(database))


class Witness:
    """Hears everything that the application says."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def answer(self, answer: Any) -> int:
        self.heard.append(f"{answer.headers}{answer.get_data(as_text=True)}")
        return int(answer.status_code)

    def command(self, app: Flask, *words: str) -> int:
        done = app.test_cli_runner().invoke(args=list(words))
        self.heard.append(done.output + done.stderr + str(done.exception or ""))
        return int(done.exit_code)

    def fails(self, work: Any, *args: Any) -> None:
        """Run what must fail; hear its error with the traceback as it would be logged."""
        try:
            work(*args)
        except (LoyaltyError, PushError) as error:
            self.heard.append("".join(traceback.format_exception(error)) + repr(error) + str(vars(error)))
            return
        raise AssertionError("it did not fail")


def test_nothing_secret_is_said_or_stored_whatever_fails(
    runtime: Runtime,
    database: Database,
    servers: Any,
    logs: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    witness, smtp_password = Witness(), "smtp-PaSsWoRd"
    marked = make_runtime(database.app_url, database.owner_url, servers.redis).settings
    settings = replace(
        marked,
        log_level="debug",
        secret_key="SeCrEtKeY" * 4,
        smtp_url=f"smtp://me:{smtp_password}@127.0.0.1:9",
    )
    own = build_runtime(settings)
    monkeypatch.setattr(jobs, "runtime", lambda: own)
    with SandboxShop(consumer_key="ck_MaRkEd", consumer_secret="cs_MaRkEd") as woo, app_of(settings) as app:
        shop = connected(own, app, woo)
        with own.database.transaction(shop.account) as connection:
            book = load_book(connection, own.vault, shop.account)
        caller = make_caller(own, app.test_client(), shop)
        secrets = {
            "consumer secret": "cs_MaRkEd", "webhook secret": shop.store.webhook_secrets[0], "API key": caller.key,
            "encryption key": settings.encryption_keys[0], "secret key": settings.secret_key,
            "SMTP password": smtp_password, "database password": str(urlsplit(database.app_url).password),
            "owner's password": str(urlsplit(database.owner_url).password),
            "coupon key": book.coupon_key.hex(), "signing key": book.webhook_secret().decode(),
            "content key": book.content_key().hex(),
        }  # fmt: skip
        _break_everything(witness, own, app, shop, caller, woo, monkeypatch)
        _break_servers(witness, settings, shop, caller)
        logged = logs()
        told_anywhere = {
            "logs": logged,
            "answers": "\n".join(witness.heard),
            "rows": everything(database),
        }
    own.database.dispose()
    assert all(str(shop.account) in told_anywhere[it] for it in ("logs", "rows")), "the test can see"
    assert {
        "request_failed",
        "database_away",
        "delivery_refused",
        "read_failed",
        "mail_not_sent",
        "pushed",
    } <= {json.loads(line)["event"] for line in logged.splitlines()}
    found = [
        (name, where)
        for name, secret in secrets.items()
        for where, said in told_anywhere.items()
        if secret in said
    ]
    assert found == []


def _break_everything(
    witness: Witness, own: Runtime, app: Flask, shop: Shop, caller: Caller, woo: SandboxShop, patch: Any
) -> None:
    client, tools = app.test_client(), app.extensions[TOOLS]
    secret, body = shop.store.webhook_secrets[0], woo_body(make_woo_order())
    document = make_document(
        automations=[HOOK], rewards=[{"key": "ten", "kind": "fixed_discount", "points": 1, "amount": "1"}]
    )
    assert witness.answer(caller.post("/program/publish", {"document": document})) == 201
    for bad in (b"{", b"[]", b"\xff\x00", woo_body({"id": 5}), body):
        assert witness.answer(deliver(client, shop, bad, X_WC_Webhook_Signature=sign(bad, "x"))) == 401
        assert witness.answer(deliver(client, shop, bad, X_WC_Webhook_Signature=sign(bad, secret))) == 200
    drain(own, shop)
    member = caller.get("/members").get_json()["data"][0]["id"]
    for path, asked in (("adjustments", {"points": 50, "reason": "x"}), ("redemptions", {"reward": "ten"})):
        assert witness.answer(caller.post(f"/members/{member}/{path}", asked)) == 201
    for status in (500, 401, 404, 301):
        woo.fail_next(3, status)
        jobs.fetch(shop.account, shop.store.id)
        woo.fail_next(3, status)
        jobs.deliver_pushes(shop.account, shop.store.id)
    for path, asked in (("adjustments", {"points": "x"}), ("tier", {"tier": "none", "reason": "x"}),
                        ("redemptions", {"reward": "none"}), ("links", {"email": "guest@example.test"})):  # fmt: skip
        witness.answer(caller.post(f"/members/{member}/{path}", asked))
    deliver_mails(own, shop.account)
    for words in (
        ("store", "rotate-secret", shop.store.key),
        ("jobs", "run", "check-webhooks"),
        ("outbox", "list", shop.store.key),
    ):
        woo.fail_next(3, 500)
        witness.command(app, *words)
    keys = {"consumer_key": "ck_MaRkEd", "consumer_secret": "cs_MaRkEd" + "x"}
    witness.fails(
        connect_shop, tools, NewShop("woocommerce", woo.url, keys, "B", "", register=True, actor="x")
    )
    with own.database.transaction(shop.account) as connection:
        store = get_store(connection, own.vault, shop.store.id)
        witness.fails(get_store, connection, Vault((Fernet.generate_key().decode(),)), shop.store.id)
    witness.heard += [repr(it) for it in (store, own.access(store), own.settings, tools.settings, HOOK)]
    for wrong in (caller.key[:-1], "x", caller.key + "x"):
        witness.answer(client.get("/api/v1/members", headers={"Authorization": f"Bearer {wrong}"}))

    def surprise(*_: Any) -> None:
        key, secrets = caller.key, store.credentials
        raise RuntimeError(f"unforeseen with {len(key)} and {len(secrets)}")

    with patch.context() as patched:
        patched.setattr("webhook_app.api.members.list_members", surprise, raising=False)
        patched.setattr("webhook_app.api.parts.tools", surprise)
        assert witness.answer(caller.get("/members")) == 500


def _break_servers(witness: Witness, settings: Settings, shop: Shop, caller: Caller) -> None:
    away = replace(settings, database_url=settings.database_url.replace("@127.0.0.1:", "@127.0.0.1:1"))
    nobody = replace(settings, database_url=settings.database_url.replace("laurel_app:", "nobody:"))
    for broken in (away, nobody):
        with app_of(broken) as app:
            client, body = app.test_client(), woo_body(make_woo_order())
            assert witness.answer(replace(caller, client=client).get("/members")) == 503
            assert witness.answer(deliver(client, shop, body)) == 503
            assert witness.answer(client.get("/readyz")) == 503
            witness.command(app, "ledger", "verify", shop.store.key)
    with app_of(replace(settings, encryption_keys=(Fernet.generate_key().decode(),))) as app:
        assert witness.answer(deliver(app.test_client(), shop, b"{}")) >= 400
    wrong = {"DATABASE_URL": f"x{settings.database_url}", "SMTP_URL": f"x{settings.smtp_url}",
             "ENCRYPTION_KEYS": f"x{settings.encryption_keys[0]}", "SECRET_KEY": settings.secret_key[:9]}  # fmt: skip
    try:
        load_settings(wrong)
    except ConfigurationError as error:
        witness.heard.append(str(error))

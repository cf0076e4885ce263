"""A stranger of another account: every route, every job and every command with the ids of somebody else's account."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import click
import pytest
from databases import Database
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ProgrammingError

from connectors.woocommerce.sandbox import SandboxShop
from embedded import ServerUrls
from loyalty.accounts.service import find_api_access
from loyalty.errors import LoyaltyError, NotFound
from loyalty.logs import configure_logging
from loyalty.reports import statements
from tests.builders import make_runtime, make_woo_order, sign, woo_body
from tests.furnished import Furnished, furnish
from tests.web.conftest import Caller
from webhook_app import commands, create_app
from webhook_app.commands.jobs import JOBS
from webhook_app.tools import TOOLS
from workers import jobs
from workers.runtime import Runtime

OWNER, STRANGER = "zzowner", "zzstranger"
API = "/api/v1"
WHY = {"reason": "by hand"}
NAME = {"en": "x"}
PUBLIC = {
    "/content/<token>", "/links/<token>", "/healthz", "/readyz", "/metrics", "/rules/<key>", "/static/<name>",
    "/webhooks/woocommerce/<token>", "/webhooks/shopify", "/connect/shopify", "/connect/shopify/callback",
    f"{API}/openapi.json",
}  # fmt: skip
"""Without a key: health, what anybody may read, what a random token opens, and what a shop or Shopify signs."""


@dataclass(frozen=True, slots=True)
class World:
    """Two furnished accounts; `theirs` holds what the stranger must neither see nor touch."""

    owner: Furnished
    stranger: Furnished
    database: Database
    marks: tuple[str, ...]


@pytest.fixture(scope="module")
def runtime(module_database: Database, servers: ServerUrls) -> Iterator[Runtime]:
    configure_logging("critical")
    made = make_runtime(module_database.app_url, module_database.owner_url, servers.redis)
    made.settings = replace(made.settings, smtp_url="smtp://127.0.0.1:9")
    yield made
    made.database.dispose()


@pytest.fixture(scope="module")
def app(runtime: Runtime) -> Iterator[Flask]:
    made = create_app(runtime.settings)
    yield made
    made.extensions[TOOLS].database.dispose()


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def world(runtime: Runtime, client: FlaskClient, module_database: Database) -> Iterator[World]:
    database = module_database
    with SandboxShop() as one, SandboxShop() as two:
        owner, stranger = (
            furnish(runtime, client, woo, word) for woo, word in ((one, OWNER), (two, STRANGER))
        )
        ids = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", stored(database, owner)))
        assert len(ids) > 30
        yield World(owner, stranger, database, (OWNER, *sorted(ids)))


def stored(database: Database, whose: Furnished) -> str:
    """Every row of an account, of every table."""
    engine = create_engine(database.superuser_url)
    with engine.connect() as connection:
        found = [_rows(connection, table, whose.shop.account) for table in tables(connection)]
    engine.dispose()
    return "\n".join(found)


def tables(connection: Connection) -> list[str]:
    """Every table of a tenant."""
    statement = text(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relname <> 'alembic_version' order by 1".replace("::", r"\:\:")
    )
    return list(connection.execute(statement).scalars())


def _rows(connection: Connection, table: str, account: UUID) -> str:
    column = "id" if table == "accounts" else "account_id"
    # Not `=`: that is what `no_checks` takes out of every statement.
    statement = text(f"select cast(t as text) from {table} t where {column} in (:account) order by 1")
    return "\n".join(connection.execute(statement, {"account": account}).scalars())


Call = tuple[str, str, dict[str, Any]]
"""A route, what is put into its path, and its body or query."""


def theirs(names: dict[str, Any]) -> list[Call]:
    """Calls of every route with these names; erasing comes last, since nothing is left to do after it."""
    member, other = {"member": names["member"]}, {"member": names["other"]}
    calls: list[Call] = [("POST /pushes/<int:push>/retry", names["push"], {})]
    calls += [
        (f"GET /members/<uuid:member>{path}", names["member"], {})
        for path in ("", "/benefits", "/credit", "/credit/entries", "/credit/transfers", "/entries", "/export",
                     "/lots", "/merges", "/participation", "/rewards", "/segments", "/tier")
    ]  # fmt: skip
    calls += [(f"GET {path}", "", member) for path in ("/consents", "/coupons", "/notices", "/orders")]
    calls += [(f"GET {path}", "", member) for path in ("/messages", "/redemptions")]
    calls += [(f"GET {path}", "", {}) for path in PLAIN_READS]
    calls += [
        (f"GET /{kind}s/<key>{path}", names[kind], {})
        for kind, paths in {
            "event": ("", "/check-in-code", "/sign-ups"), "poll": ("", "/answers", "/results"),
            "challenge": ("", "/submissions"), "draw": ("", "/entries", "/re-run"),
        }.items()
        for path in paths
    ]  # fmt: skip
    calls += [
        ("GET /segments/<key>/members", "buyers", {}), ("GET /program/presets/<key>", "cards4", {}),
        ("GET /program/presets/suggestion", "", {"orders_per_year": "3", "basket": "900"}),
        ("GET /redemptions/<uuid:redemption>", names["service"], {}),
        ("POST /redemptions/<uuid:redemption>/link", names["film"], {}),
        ("POST /redemptions/<uuid:redemption>/fulfilment", names["service"], {"state": "accepted"}),
        ("POST /redemptions/<uuid:redemption>/capture", names["held"], {}),
        ("DELETE /redemptions/<uuid:redemption>", names["film"], {}),
        ("POST /activities", "", {**member, "kind": "visit", "key": "1"}),
        ("POST /challenges/<key>/submissions", names["challenge"], {**other, "text": "x"}),
        ("POST /submissions/<int:number>/verdict", names["submission"], {"approve": True}),
        ("POST /challenges/<key>/close", names["challenge"], {}),
        ("POST /polls/<key>/answers", names["poll"], {**other, "answers": {"q": "x"}}),
        ("POST /polls/<key>/close", names["poll"], {}),
        ("POST /draws/<key>/draw", names["draw"], {}),
        ("POST /events/<key>/sign-ups", names["event"], other),
        ("POST /events/<key>/check-ins", names["event"], {**member, "code": names["check_in"]}),
        ("POST /events/<key>/attendance", names["event"], member),
        ("POST /events/<key>/cancellations", names["event"], other),
        ("PUT /events/<key>", names["event"], held()),
        ("POST /events/<key>/calling-off", names["event"], WHY),
        ("POST /inbox/<int:message>/replay", names["message"], {}),
        ("POST /incidents/<int:incident>/resolve", names["incident"], {}),
        ("POST /referrals", "", {"code": names["code"], "member": names["friend"]}),
        ("POST /referrals/<int:number>/review", names["referral"], {"accept": True, **WHY}),
        ("POST /program/corrections/preview", "", names["corrected"]),
        ("POST /program/corrections", "", names["corrected"]),
        ("POST /program/corrections/<int:number>/undo", names["correction"], {}),
        ("POST /orders", "", names["sale"]),
        ("POST /inbox/replay", "", {}), ("POST /pushes/retry", "", {}),
        ("GET /backfills/<uuid:backfill>", names["backfill"], {}),
        ("POST /stores/<string:store>/backfills", names["store"], {"preview": True}),
        ("GET /imports/<int:number>", names["import"], {}),
        ("GET /imports/<int:number>/errors", names["import"], {}),
        ("POST /imports/<int:number>/undo", names["import"], {}),
        ("POST /data-requests/<int:number>/done", names["data_request"], {}),
    ]  # fmt: skip
    return calls + [(f"{route[0]} /members/<uuid:member>{route[1]}", names["member"], body)
                    for route, body in of_members(names).items()]  # fmt: skip


PLAIN_READS = (
    "/activities", "/automations", "/backfills", "/challenges", "/draws", "/events", "/exports/members", "/imports",
    "/data-requests", "/inbox", "/incidents", "/ledger/roots", "/reconciliations",
    "/ledger/verification", "/members", "/members/duplicates", "/polls", "/program", "/program/corrections",
    "/program/draft", "/program/presets", "/program/rules", "/program/schema",
    "/program/versions", "/pushes", "/reports/costs", "/reports/effects", "/reports/orders-to-review",
    "/reports/referrals", "/referrals", "/rewards", "/segments", "/webhook-signing",
)  # fmt: skip
OF_NOBODY = {
    "POST /automations/preview", "POST /challenges", "POST /draws", "POST /events", "POST /imports", "POST /members",
    "POST /polls",
    "PUT /program/draft", "POST /program/lint", "POST /program/publish", "POST /program/simulations",
    "POST /segments/preview",
}  # fmt: skip
"""Writes that name nothing that is there: what they make is the caller's own."""


def held() -> dict[str, Any]:
    times = {"starts_at": "2027-01-01T00:00:00+00:00", "ends_at": "2027-01-01T01:00:00+00:00"}
    return {"name": NAME, "form": "meet", "online": False, "place": "x", **times}


def of_members(names: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        ("POST", "/adjustments/preview"): {"points": 5, **WHY},
        ("POST", "/adjustments"): {"points": 5, **WHY},
        ("POST", "/benefits/code"): {},
        ("PUT", "/birthday"): {"month": 1, "day": 2},
        ("POST", "/consents"): {"purpose": "mail", "granted": False},
        ("POST", "/credit/adjustments"): {"amount": "5", **WHY},
        ("POST", "/credit/codes"): {"amount": "5"},
        ("POST", "/credit/transfers"): {"amount": "5"},
        ("POST", f"/credit/transfers/{names['transfer']}/outcome"): {"arrived": True, **WHY},
        ("POST", "/identities"): {"kind": "email", "value": "x@example.test", **WHY},
        ("POST", "/links"): {"email": "y@example.test"},
        ("POST", "/opening"): {"points": 5, **WHY},
        ("POST", "/redemptions"): {"reward": "talk"},
        ("POST", "/referral-code"): {},
        ("POST", "/tags"): {"add": ["x"], **WHY},
        ("POST", "/tier"): {"tier": "gold", **WHY},
        ("POST", "/merges"): {"member": names["other"], **WHY},
        ("POST", f"/merges/{names['merge']}/undo"): WHY,
        ("POST", "/erasure"): WHY,
    }


def mixed(own: dict[str, Any], others: dict[str, Any]) -> list[Call]:
    """Calls with one's own things in the path and somebody else's in the body."""
    member = {"member": others["member"]}
    return [
        ("POST /events/<key>/sign-ups", own["event"], member),
        ("POST /events/<key>/attendance", own["event"], member),
        ("POST /events/<key>/check-ins", own["event"], {**member, "code": own["check_in"]}),
        ("POST /events/<key>/cancellations", own["event"], member),
        ("POST /polls/<key>/answers", own["poll"], {**member, "answers": {"q": "x"}}),
        ("POST /challenges/<key>/submissions", own["challenge"], {**member, "text": "x"}),
        ("POST /draws", "", {"key": "mixed", "name": NAME, "winners": 1,
                             "entrants": {"kind": "members", "members": [others["member"]]}}),
        ("POST /members/<uuid:member>/merges", own["member"], {**member, **WHY}),
        ("POST /referrals", "", {"code": others["code"], "member": own["friend"]}),
        ("POST /referrals", "", {"code": own["code"], "member": others["friend"]}),
        ("POST /members/<uuid:member>/redemptions", own["member"], {"reward": "ten", "store": others["till"]}),
        ("POST /members/<uuid:member>/benefits/code", own["member"], {"store": others["till"]}),
        ("POST /members/<uuid:member>/credit/codes", own["member"], {"amount": "1", "store": others["till"]}),
        ("POST /members/<uuid:member>/credit/transfers", own["member"], {"amount": "1", "store": others["till"]}),
        ("POST /orders", "", {**own["sale"], "id": "m-1", "buyer": member}),
    ]  # fmt: skip


def ask(caller: Caller, call: Call) -> Any:
    route, name, body = call
    method, _, path = route.partition(" ")
    path = API + re.sub(r"<[^>]+>", str(name), path)
    if method == "GET":
        return caller.client.get(path, query_string=body, headers=caller.headers())
    given = {"json": body} if body else {}
    return caller.client.open(path, method=method, headers=caller.headers(), **given)


def leaks(world: World, answer: Any, call: Call) -> list[str]:
    """What an answer tells of the owner that the stranger has not said himself."""
    told, known = answer.get_data(as_text=True), str(call)
    return [mark for mark in world.marks if mark in told and mark not in known]


def test_the_calls_are_those_of_every_route(app: Flask, world: World) -> None:
    """A new route must be added to the calls: this is what makes the tests below complete."""
    called = {
        re.sub(r"/(merges|transfers)/\d+/", r"/\1/<int:number>/", call[0])
        for call in theirs(world.owner.names)
    }
    routes = {
        f"{method} {rule.rule.removeprefix(API)}"
        for rule in app.url_map.iter_rules() if rule.rule not in PUBLIC
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }  # fmt: skip
    assert called | OF_NOBODY == routes
    assert {rule.rule for rule in app.url_map.iter_rules()} >= PUBLIC


def refused(world: World, caller: Caller) -> None:
    """Every call with the owner's names: nothing is told, nothing is changed, what has a name is not found."""
    before = stored(world.database, world.owner)
    for call in (*theirs(world.owner.names), *mixed(world.stranger.names, world.owner.names)):
        answer = ask(caller, call)
        assert answer.status_code < 500, (call, answer.get_json())
        assert leaks(world, answer, call) == [], call
        if is_named(call):
            assert answer.status_code in (404, 409, 422), (call, answer.status_code, answer.get_json())
    assert stored(world.database, world.owner) == before


def is_named(call: Call) -> bool:
    """Whether a call names something of the owner; corrections are numbered in each account anew."""
    if call[0].startswith("POST /program/corrections/"):
        return False
    return OWNER in str(call) or any(word in call[0] for word in ("<uuid", "<int"))


def test_a_stranger_sees_and_changes_nothing_by_any_route(world: World) -> None:
    refused(world, world.stranger.caller)


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The application's own checks are gone: no member is required to be there, no statement names the account."""
    for module in list(sys.modules.values()):
        if getattr(module, "require_member", None) is statements.require_member:
            monkeypatch.setattr(module, "require_member", lambda *_: None)

    def careless(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> Any:
        return re.sub(r"\b(\w+\.)?account_id = %\(\w+\)s(::UUID)?", "true", statement), parameters

    event.listen(Engine, "before_cursor_execute", careless, retval=True)
    yield
    event.remove(Engine, "before_cursor_execute", careless)


@pytest.mark.usefixtures("no_checks")
def test_row_level_security_alone_shows_a_stranger_nothing(world: World) -> None:
    before = stored(world.database, world.owner)
    for call in theirs(world.owner.names):
        answer = ask(world.stranger.caller, call)
        assert leaks(world, answer, call) == [], call
    assert stored(world.database, world.owner) == before


@pytest.mark.usefixtures("no_checks")
def test_without_row_level_security_and_checks_the_same_calls_would_show_it(
    runtime: Runtime, world: World
) -> None:
    """The tests above can fail: a role that passes row-level security lets the very same calls leak."""
    settings = replace(
        runtime.settings, database_url=world.database.superuser_url, database_owner_url="postgresql://x"
    )
    careless = create_app(settings)
    caller = replace(world.stranger.caller, client=careless.test_client())
    shown = {
        call[0]
        for call in theirs(world.owner.names)
        if call[0].startswith("GET /members/") and leaks(world, ask(caller, call), call)
    }
    careless.extensions[TOOLS].database.dispose()
    assert "GET /members/<uuid:member>" in shown


def test_a_transaction_of_one_account_reads_and_writes_no_row_of_another(
    runtime: Runtime, world: World
) -> None:
    theirs_, account = world.owner.shop.account, world.stranger.shop.account
    before, filled = stored(world.database, world.owner), 0
    with runtime.database.transaction(None) as connection:
        names = tables(connection)
    for table in names:
        column = "id" if table == "accounts" else "account_id"
        with runtime.database.transaction(account) as connection:
            rows = connection.execute(text(f"select distinct {column} from {table}")).scalars().all()
            assert set(rows) <= {account}, table
            filled += bool(rows)
            for statement in (
                f"update {table} set {column} = {column} where {column} = :it",
                f"delete from {table} where {column} = :it",
            ):
                assert touched(connection, statement, theirs_) in (0, None), statement
    assert filled > 30
    assert stored(world.database, world.owner) == before


def touched(connection: Connection, statement: str, account: UUID) -> int | None:
    """How many rows a statement would change; None: the role may not."""
    savepoint = connection.begin_nested()
    try:
        return connection.execute(text(statement), {"it": account}).rowcount
    except ProgrammingError:
        return None
    finally:
        savepoint.rollback()


JOB_CALLS = {
    "drain_inbox": 1, "fetch": 2, "deliver_pushes": 2, "settle_account": 1, "deliver_account_mails": 1,
    "run_imports": 1, "return_points": 1, "continue_backfill": 2, "check_store": 2, "reconcile_store": 3,
}  # fmt: skip
"""Jobs of one account and how many ids they take; all others take none and go through every account."""


def test_no_job_of_one_account_touches_another(
    app: Flask, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "runtime", lambda: runtime)
    own = {
        name: f
        for name, f in vars(jobs).items()
        if inspect.isfunction(f) and f.__module__ == jobs.__name__ and not name.startswith("_")
    }
    takes = {name: len(inspect.signature(function).parameters) for name, function in own.items()}
    assert {name: count for name, count in takes.items() if count} == JOB_CALLS
    before, account = stored(world.database, world.owner), world.stranger.shop.account
    for name, count in JOB_CALLS.items():
        try:
            own[name](*(account, world.owner.shop.store.id, "recent")[:count])
        except NotFound:
            assert count > 1, "a store of another account is not there"
    for name in JOBS:
        run(app, "jobs", "run", name, "--store", world.stranger.key)
    assert stored(world.database, world.owner) == before


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=list(words), catch_exceptions=False)


def command_calls(world: World, key_id: str) -> dict[str, tuple[str, ...]]:
    """Every command for the stranger's key, with the owner's ids where it takes one."""
    key, names = world.stranger.key, world.owner.names
    return {
        "backfill": (key, "--preview"),
        "export": ("-", "--store", key),
        "import list": (key,),
        "import members": ("/nowhere", "--store", key),
        "import orders": ("/nowhere", "--store", world.stranger.names["till"]),
        "import undo": (key, str(names["import"])),
        "keys renew": (key,),
        "api-key make": (key,),
        "api-key revoke": (key, key_id),
        "inbox list": (key,),
        "inbox replay": (key, str(names["message"])),
        "jobs run": ("sweep", "--store", key),
        "ledger roots": (key,),
        "ledger verify": (key,),
        "member show": (key, f"{OWNER}7@example.test"),
        "outbox list": (key,),
        "outbox retry": (key, str(names["push"])),
        "program lint": (key,),
        "program preset": ("cards4",),
        "program presets": (),
        "program publish": (key, "/nowhere"),
        "program rules": (key,),
        "program show": (key,),
        "program simulate": (key,),
        "store connect shopify": (
            "--shop", f"{OWNER}.myshopify.com", "--client-id", "x", "--client-secret", "y", "--account", key,
            "--url", "http://127.0.0.1:9",
        ),
        "store connect till": ("--name", OWNER, "--account", key),
        "store connect woocommerce": (
            "--url", "http://127.0.0.1:9", "--consumer-key", "x", "--consumer-secret", "y", "--account", key
        ),
        "store invite": ("--shop", f"{OWNER}.myshopify.com", "--account", key),
        "store rotate-secret": (key,),
        "store disconnect": (key,),
    }  # fmt: skip


OPERATOR = {"store list", "secrets rotate", "keys check", "copy go-on"}
"""Commands of whoever runs the installation: they go through all accounts."""


def names_of(group: click.Command, before: str = "") -> Iterator[str]:
    if not isinstance(group, click.Group):
        yield before
        return
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from names_of(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_no_command_for_one_account_shows_or_touches_another(
    app: Flask, runtime: Runtime, world: World
) -> None:
    found = runtime.database.single_statement(lambda it: find_api_access(it, world.owner.caller.key))
    assert found is not None
    calls = command_calls(world, str(found.key_id))
    every = {f"{group.name} {name}".strip() for group in commands.GROUPS for name in names_of(group)}
    assert set(calls) | OPERATOR == every
    before = stored(world.database, world.owner)
    for name, words in calls.items():
        done = run(app, *name.split(), *words)
        said = done.output + done.stderr
        assert [mark for mark in world.marks if mark in said and mark not in words] == [], (name, said)
        others = (str(found.key_id), f"{OWNER}7@example.test", str(world.owner.names["import"]))
        if any(str(word) in others for word in words):
            assert done.exit_code == 2, (name, said)
    assert stored(world.database, world.owner) == before
    assert world.owner.caller.get("/members").status_code == 200


def test_a_delivery_signed_for_one_store_is_none_of_another(
    client: FlaskClient, world: World, runtime: Runtime
) -> None:
    body, before = woo_body(make_woo_order(77)), stored(world.database, world.owner)
    answer = client.post(
        f"/webhooks/woocommerce/{world.owner.shop.store.webhook_token}",
        data=body,
        headers={"X-WC-Webhook-Signature": sign(body, "the secret of another store")},
    )
    assert answer.status_code == 401
    assert stored(world.database, world.owner) == before


def test_no_command_value_of_one_account_reaches_a_member_of_another(runtime: Runtime, world: World) -> None:
    """The engine itself: a transaction of one account cannot even load the other's member."""
    member = UUID(world.owner.names["member"])
    with runtime.database.transaction(world.stranger.shop.account) as connection:
        with pytest.raises(LoyaltyError):
            statements.require_member(connection, member)
        assert (
            connection.execute(text("select count(*) from members where id = :id"), {"id": member}).scalar()
            == 0
        )


def test_the_owner_may_do_all_of_it(world: World) -> None:
    """The calls above are right: with his own key nothing is missing and nothing malformed."""
    answers = [(call, ask(world.owner.caller, call)) for call in theirs(world.owner.names)]
    wrong = [(call, it.get_json()) for call, it in answers if it.status_code not in (200, 201, 202, 204, 409)]
    assert not wrong, "\n".join(map(str, wrong))

"""The past of a shop: what is read, what it counts for, what it would cost, and that it may be interrupted anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import make_document, make_till
from receiving import Desk, make_desk
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import OperationalError

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.backfills import repository as backfills
from loyalty.backfills.repository import Wish
from loyalty.clock import utc_now
from loyalty.engine.joining import Newcomer, join_program
from loyalty.engine.past import ask_for_past
from loyalty.engine.publishing import publish_program
from loyalty.errors import Conflict, Invalid
from workers.backfilling import run_backfill
from workers.runtime import Runtime

PROJECT = Path(__file__).resolve().parents[2]
GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "100", "valid_days": 900}
GOLD = {
    "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "2000"}]},
    "benefits": {"multiplier": "2", "entry_reward": "gift"},
}  # fmt: skip
WELCOME = {
    "key": "welcome", "trigger": "member_joined", "once_per": "member",
    "actions": [{"kind": "points", "points": 7}, {"kind": "coupon", "reward": "gift"}],
}  # fmt: skip
DOCUMENT = make_document(
    tiers=[{"key": "regular", "name": {"en": "Regular"}}, GOLD],
    tier_policy={"window": {"kind": "lifetime"}},
    rewards=[GIFT],
    automations=[WELCOME],
)
DAY = timedelta(days=1)


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def buy(
    sandbox: SandboxShop, price: int, age: timedelta, email: str = "amy@example.test", **more: Any
) -> int:
    """An order that was placed and paid so long ago."""
    sandbox.now = lambda: utc_now() - age
    order: int = sandbox.place_order((sandbox.add_product("Mug", price)["id"], 1), email=email, **more)["id"]
    sandbox.now = utc_now
    return order


def live_in_the_past(sandbox: SandboxShop) -> None:
    """Three orders of Amy, refunded, gold, and one of Ben."""
    refunded = buy(sandbox, 500, 400 * DAY)
    sandbox.refund(refunded, 200)
    for age in (300, 200):
        buy(sandbox, 1000, age * DAY)
    buy(sandbox, 100, 2 * DAY, "ben@example.test")


@pytest.fixture
def desk(runtime: Runtime, sandbox: SandboxShop) -> Desk:
    """A shop with a past, connected now, with a program from now on."""
    live_in_the_past(sandbox)
    return make_desk(runtime, DOCUMENT, sandbox, effective_from=utc_now() - timedelta(seconds=1))


def standing(desk: Desk) -> list[Any]:
    rows = desk.rows(
        "select points_sum, tier_key, lifetime_spend from members where tier_key is not null"
        " order by cast(lifetime_spend as numeric) desc"
    )
    return [tuple(row.values()) for row in rows]


FULL = [(2300, "gold", "2300"), (100, "regular", "100")]
TIERS = [(0, "gold", "2300"), (0, "regular", "100")]


@pytest.mark.parametrize(("tiers_only", "expected"), [(False, FULL), (True, TIERS)])
def test_past_before_the_program_counts(desk: Desk, tiers_only: bool, expected: list[Any]) -> None:
    assert standing(desk) == []
    done = desk.backfill(tiers_only=tiers_only)
    assert (done["state"], done["percent"], done["seen"]) == ("done", 100, 4)
    assert (standing(desk), desk.differences()) == (expected, [])


@pytest.mark.parametrize("tiers_only", [False, True])
def test_past_gives_no_coupons_welcomes_or_messages(desk: Desk, tiers_only: bool) -> None:
    desk.backfill(tiers_only=tiers_only)
    assert desk.rows("select id from coupons") == []
    assert desk.rows("select id from ledger_entries where cause like 'automation:%'") == []


@pytest.mark.parametrize("tiers_only", [False, True])
def test_asked_again_it_changes_nothing(desk: Desk, tiers_only: bool) -> None:
    desk.backfill(tiers_only=tiers_only)
    before = (desk.figures(), desk.rows("select * from ledger_entries order by sequence"))
    messages = len(desk.rows("select id from inbox_messages"))
    versions = len(desk.rows("select version from program_versions"))
    again = desk.backfill(tiers_only=tiers_only)
    assert (again["state"], (desk.figures(), desk.rows("select * from ledger_entries order by sequence"))) == (
        "done", before,
    )  # fmt: skip
    assert len(desk.rows("select id from inbox_messages")) == messages
    assert len(desk.rows("select version from program_versions")) == versions


@pytest.mark.parametrize(("days", "points"), [(301, [2000, 100]), (299, [1000, 100]), (1, [])])
def test_orders_placed_before_the_wished_date_are_left_alone(
    desk: Desk, days: int, points: list[int]
) -> None:
    desk.backfill(since=utc_now() - days * DAY)
    assert [
        row["points_sum"] for row in desk.rows("select points_sum from members order by 1 desc")
    ] == points


def test_earlier_past_may_be_taken_in_later(desk: Desk) -> None:
    desk.backfill(since=utc_now() - 250 * DAY)
    assert standing(desk)[0] == (1000, "regular", "1000")
    desk.backfill()
    assert (standing(desk), desk.differences()) == (FULL, [])


def test_version_that_covers_the_past_gives_its_points_once(runtime: Runtime, sandbox: SandboxShop) -> None:
    live_in_the_past(sandbox)
    desk = make_desk(runtime, {**DOCUMENT, "automations": [], "rewards": [GIFT]}, sandbox)
    desk.backfill(since=utc_now() - 500 * DAY)
    assert (standing(desk), desk.differences()) == (FULL, [])
    assert len(desk.rows("select version from program_versions")) == 1


def test_tiers_only_holds_where_a_version_covers_the_past(runtime: Runtime, sandbox: SandboxShop) -> None:
    live_in_the_past(sandbox)
    desk = make_desk(runtime, DOCUMENT, sandbox)
    desk.backfill(tiers_only=True)
    assert (standing(desk), desk.entries(), desk.differences()) == (TIERS, [], [])


@pytest.mark.parametrize("early", [False, True])
def test_order_of_the_past_ends_the_same_whenever_it_arrives(
    desk: Desk, sandbox: SandboxShop, early: bool
) -> None:
    orders = sorted(sandbox.state.orders)
    if early:
        desk.signal(orders[1])
    desk.backfill(tiers_only=True)
    if not early:
        desk.signal(orders[1])
    assert (standing(desk), desk.differences()) == (TIERS, [])


def test_orders_after_the_past_earn(desk: Desk, sandbox: SandboxShop) -> None:
    desk.backfill(tiers_only=True)
    order = sandbox.place_order((sandbox.add_product("Mug", 50)["id"], 1), email="amy@example.test")["id"]
    sandbox.now = lambda: utc_now() + timedelta(seconds=2)
    sandbox.state.stamp(sandbox.state.orders[order], "date_paid")
    desk.signal(order)
    assert standing(desk)[0] == (100, "gold", "2350")
    assert desk.differences() == []


def test_points_given_before_are_not_taken_by_a_past_for_tiers_only(desk: Desk, sandbox: SandboxShop) -> None:
    order = buy(sandbox, 30, timedelta(seconds=-2), "ben@example.test")
    desk.signal(order)
    assert [row["points_sum"] for row in desk.rows("select points_sum from members")] == [37]
    desk.backfill(tiers_only=True)
    assert sorted(standing(desk)) == [(0, "gold", "2300"), (30, "regular", "130")]


def test_choice_is_made_once(desk: Desk) -> None:
    desk.backfill(tiers_only=True)
    with pytest.raises(Conflict, match="tiers only"):
        desk.backfill()


def test_refund_of_a_past_order_lowers_its_spend(desk: Desk, sandbox: SandboxShop) -> None:
    desk.backfill(tiers_only=True)
    sandbox.refund(sorted(sandbox.state.orders)[-1], 40)
    desk.signal(sorted(sandbox.state.orders)[-1])
    assert (standing(desk)[1], desk.differences()) == ((0, "regular", "60"), [])


def test_expired_points_of_the_past_are_dead_at_once(runtime: Runtime, sandbox: SandboxShop) -> None:
    live_in_the_past(sandbox)
    expiry = {"mode": "lot", "after": {"days": 100}}
    desk = make_desk(runtime, make_document(expiry=expiry), sandbox, effective_from=utc_now())
    found = desk.backfill(preview=True)["figures"]
    assert (found["points"], found["points_alive"]) == (2400, 100)
    desk.backfill()
    assert [row["points_sum"] for row in desk.rows("select points_sum from members order by 1")] == [0, 100]
    assert desk.differences() == []


def test_customers_are_read_with_their_roles(desk: Desk, sandbox: SandboxShop) -> None:
    boss = sandbox.add_customer("boss@example.test", role="administrator")["id"]
    buy(sandbox, 1000, DAY, "boss@example.test", customer=boss)
    sandbox.add_customer("cem@example.test", first_name="Cem")
    desk.backfill()
    assert standing(desk) == FULL
    known = desk.rows("select name, role, enrolled from members where registered order by role")
    assert [tuple(row.values()) for row in known] == [("", "administrator", False), ("Cem", "customer", True)]


@pytest.mark.parametrize(("tiers_only", "most"), [(False, 4800), (True, 0)])
def test_preview_tells_the_cost_and_keeps_nothing(desk: Desk, tiers_only: bool, most: int) -> None:
    tables = ("members", "orders", "inbox_messages", "ledger_entries", "program_versions")
    before = {name: desk.rows(f"select count(*) as n from {name}") for name in tables}
    done = desk.backfill(preview=True, tiers_only=tiers_only)
    assert done["figures"] == {
        "customers": 0, "orders": 4, "known": 0, "counting": 4, "points": most // 2, "points_at_most": most,
        "points_alive": most // 2,
        "unread": 0,
    }  # fmt: skip
    assert {name: desk.rows(f"select count(*) as n from {name}") for name in tables} == before
    desk.backfill(tiers_only=tiers_only)
    points = sum(row["points_sum"] for row in desk.rows("select points_sum from members"))
    assert most // 2 <= points <= most


@pytest.mark.parametrize(
    ("enrolment", "points"),
    [
        ({"mode": "automatic"}, 2600),
        ({"mode": "explicit"}, 100),
        ({"guests": False}, 300),
        ({"exclude": {"email_domains": ["other.test"]}}, 2600),
        ({"exclude": {"email_domains": ["example.test"]}}, 0),
    ],
)
def test_preview_leaves_out_who_cannot_earn(
    runtime: Runtime, sandbox: SandboxShop, enrolment: dict[str, Any], points: int
) -> None:
    """Ben joined ten days ago and bought before and after it; nobody else did."""
    live_in_the_past(sandbox)
    buy(sandbox, 200, 20 * DAY, "ben@example.test")
    desk = make_desk(
        runtime, make_document(enrolment=enrolment), sandbox, effective_from=utc_now() - 30 * DAY
    )
    sign_up(desk, "ben@example.test", utc_now() - 10 * DAY)
    before = len(desk.rows("select id from members"))
    done = desk.backfill(preview=True)
    assert len(desk.rows("select id from members")) == before
    desk.backfill()
    given = sum(row["points_sum"] for row in desk.rows("select points_sum from members"))
    assert (done["figures"]["points"], given, desk.differences()) == (points, points, [])


def sign_up(desk: Desk, email: str, at: datetime) -> None:
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        join_program(connection, book, Newcomer(email), at, "test")


def test_preview_afterwards_costs_nothing_more(desk: Desk) -> None:
    desk.backfill()
    figures = desk.backfill(preview=True)["figures"]
    assert (figures["orders"], figures["known"], figures["points"]) == (4, 4, 0)


def test_without_a_program_the_past_is_read_and_counts_when_asked_again(
    runtime: Runtime, sandbox: SandboxShop
) -> None:
    live_in_the_past(sandbox)
    desk = make_desk(runtime, None, sandbox)
    assert desk.backfill()["state"] == "done"
    assert (standing(desk), len(desk.rows("select key from orders"))) == ([], 4)
    with desk.connect() as connection:
        publish_program(
            connection, desk.shop.account, DOCUMENT, effective_from=None, now=utc_now(), actor="staff"
        )
    desk.drain()
    desk.backfill()
    assert (standing(desk), desk.differences()) == (FULL, [])


def test_shop_in_trouble_is_asked_again_later(desk: Desk, runtime: Runtime, sandbox: SandboxShop) -> None:
    sandbox.fail_next(times=3, status=503)
    waiting = desk.backfill()
    assert (waiting["state"], waiting["problem"]) == ("running", "unreachable: The shop failed (503).")
    place = (runtime, desk.shop.account, desk.shop.store.id)
    assert run_backfill(*place) is None
    sandbox._server.faults.clear()
    assert run_backfill(*place, force=True) is True
    assert standing(desk) == FULL


def test_shop_that_refuses_ends_it(desk: Desk, sandbox: SandboxShop) -> None:
    sandbox.fail_next(status=401, body=b"{}")
    failed = desk.backfill()
    assert (failed["state"], failed["problem"][:11]) == ("failed", "permission:")
    assert (desk.backfill()["state"], standing(desk)) == ("done", FULL)


def test_at_something_unforeseen_it_ends_and_is_seen(
    desk: Desk, sandbox: SandboxShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone on with it would end at the same page, each minute and for ever."""

    def fail(*_: object) -> None:
        raise KeyError("amy@secret.example")

    with monkeypatch.context() as patch:
        patch.setattr(backfills, "advance", fail)
        failed = desk.backfill()
    assert (failed["state"], failed["problem"]) == ("failed", "unforeseen: KeyError")
    assert (desk.backfill()["state"], standing(desk)) == ("done", FULL)


@pytest.mark.parametrize(
    "error", [OperationalError("select", {}, Exception()), JobTimeoutException("600 s")], ids=type
)
def test_interrupted_by_what_passes_it_is_gone_on_with(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(backfills, "advance", fail)
        with pytest.raises(type(error)):
            desk.backfill()
    assert (desk.backfill()["state"], standing(desk)) == ("done", FULL)
    assert len(desk.rows("select id from backfills")) == 1


def test_only_one_at_a_time_and_a_preview_gives_way(desk: Desk, runtime: Runtime) -> None:
    def ask(**wish: Any) -> Any:
        with desk.connect() as connection:
            return ask_for_past(
                connection, desk.shop.account, desk.shop.store, Wish(**wish), utc_now(), "staff"
            )

    preview = ask(preview=True)
    assert ask(preview=True) == preview
    real = ask()
    assert (real != preview, ask()) == (True, real)
    with pytest.raises(Conflict, match="Another backfill"):
        ask(since=utc_now() - DAY)
    states = desk.rows("select state from backfills order by id")
    assert [row["state"] for row in states] == ["failed", "running"]


@pytest.mark.parametrize("why", ["till", "future"])
def test_what_has_no_past_is_refused(desk: Desk, runtime: Runtime, why: str) -> None:
    store = make_till(runtime, desk.shop.account) if why == "till" else desk.shop.store
    since = utc_now() + DAY if why == "future" else None
    with pytest.raises(Invalid), desk.connect() as connection:
        ask_for_past(connection, desk.shop.account, store, Wish(since), utc_now(), "staff")


def many(sandbox: SandboxShop, count: int) -> None:
    """So many orders of some people, one a minute."""
    mug, start = sandbox.add_product("Mug", 100)["id"], utc_now() - timedelta(days=30)
    for number in range(count):
        sandbox.now = lambda at=start + timedelta(minutes=number): at  # type: ignore[misc]
        sandbox.place_order((mug, 1), email=f"buyer{number % 17}@example.test")
    sandbox.now = utc_now


@pytest.mark.parametrize("pages", [1, 2, 4, 5])
def test_crash_between_pages_doubles_and_loses_nothing(
    runtime: Runtime, sandbox: SandboxShop, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    many(sandbox, 520)
    desk = make_desk(runtime, make_document(), sandbox, effective_from=utc_now())
    advance, done = backfills.advance, []

    def crash(*args: Any) -> None:
        advance(*args)
        done.append(args)
        if len(done) == pages:
            raise SystemExit("killed")

    monkeypatch.setattr(backfills, "advance", crash)
    with pytest.raises(SystemExit, match="killed"):
        desk.backfill()
    monkeypatch.undo()
    finished = desk.backfill()
    assert finished["state"] == "done"
    assert len(desk.rows("select id from backfills")) == 1
    assert sum(desk.entries()) == 52_000
    assert (len(desk.rows("select key from orders")), desk.differences()) == (520, [])
    keys = desk.rows("select delivery_id from inbox_messages where topic = 'fetch.order'")
    assert len({row["delivery_id"] for row in keys}) == len(keys) == 520


def command(runtime: Runtime, key: str, **more: Any) -> subprocess.Popen[str]:
    settings = runtime.settings
    environ = {
        **os.environ, "DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url, "SECRET_KEY": settings.secret_key, "ALLOW_PRIVATE_SHOPS": "1",
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys), "LOG_LEVEL": "error",
    }  # fmt: skip
    argv = [sys.executable, "-m", "flask", "--app", "webhook_app", "backfill", key, "--json"]
    return subprocess.Popen(argv, cwd=PROJECT, env=environ, stdout=subprocess.PIPE, text=True, **more)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.slow
def test_killed_with_kill_nine_it_goes_on_where_it_was(runtime: Runtime, sandbox: SandboxShop) -> None:
    many(sandbox, 900)
    desk = make_desk(runtime, make_document(), sandbox, effective_from=utc_now())
    victim = command(runtime, desk.shop.store.key)
    wait_for(lambda: sum(seen.path.endswith("/orders") for seen in sandbox.requests) >= 6)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    (row,) = desk.rows("select state, seen from backfills")
    assert row["state"] == "running"
    assert 0 < row["seen"] < 900
    sandbox.requests.clear()
    told, _ = command(runtime, desk.shop.store.key).communicate(timeout=120)
    answer = json.loads(told)
    assert (answer["state"], answer["percent"]) == ("done", 100)
    assert sum(seen.path.endswith("/orders") for seen in sandbox.requests) < 9
    assert (sum(desk.entries()), desk.differences()) == (90_000, [])
    assert len(desk.rows("select key from orders")) == 900


def test_stranger_sees_no_backfill(desk: Desk, runtime: Runtime) -> None:
    desk.backfill()
    assert make_desk(runtime, DOCUMENT).rows("select id from backfills") == []

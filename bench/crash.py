"""Processes killed with SIGKILL in the middle of deliveries, some of which never arrive, while the queue is emptied and
the shop is away for a day: it must all end in the right points.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.app import App, is_drained, wait_for
from bench.fault_shops import FaultShop, Letter, WooCommerceShop, fault_shop
from bench.lives import DOCUMENT, Lives
from bench.sender import Sender
from bench.victims import NAMES, kill_nine, left_overs
from connectors.woocommerce.sandbox import SandboxShop

DELAYS = (0.05, 0.6)
"""Longest seconds from the first delivery of a portion to the kill: while it is sent, or while it is drained."""
SECONDS_TO_FIND = 60.0
"""A process that was killed twice in a row waits longer before it starts again."""
SECONDS_TO_RECOVER = 90.0
SECONDS_TO_SETTLE = 12.0
SECONDS_TO_LOOK = 900.0
"""A shop that lets itself be asked only so often takes its time for thousands of orders."""
LEASE = timedelta(minutes=10)
"""Longer than a killed worker keeps what it had claimed."""
DROPPED = 0.1
"""Of all that happens in the shop, of which it tells nobody."""
FLUSHES = 2
AWAY = timedelta(hours=24)
STEP = timedelta(hours=6)
LATER = AWAY + 2 * STEP
"""By then what the shop was away for is tried again."""
CALLS = 10_000
"""More than anybody makes while the shop is away."""
LONG_AGO = "update stores set created_at = now() - interval '9 days', looked_until = null"
"""The shop was connected before its first order, and nobody has looked at it since."""
FORGET_LOOKS = "delete from reconciliations where state = 'running'"
"""What was interrupted would be gone on with where it was, and has looked at the changes since the connection."""
NO_DEBT_SUM = "select coalesce(sum(points_sum), 0) from members"
_COUPONS = "select code, state from coupons"
_FATES = "select status, count(*) from inbox_messages group by status"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many orders, how many kills, the seed of all chances, and the shop's platform."""

    orders: int
    kills: int
    seed: int
    platform: str = "woocommerce"


@dataclass(slots=True)
class Outcome:
    """What was done, and what was found afterwards."""

    deliveries: int = 0
    dropped: int = 0
    flushes: int = 0
    found: int = 0
    """Differences that the reconciliation at the end repaired."""
    answered: int = 0
    repeated: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    expected_points: int = 0
    points: int = 0
    differences: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    """Messages by status."""
    coupons: dict[str, str] = field(default_factory=dict)
    """State of each coupon by code."""
    wrong_coupons: list[str] = field(default_factory=list)
    restarts: int = 0
    left_over: list[str] = field(default_factory=list)
    """Processes that outlived the program."""

    def complaints(self) -> list[str]:
        """Return what is not as it must be."""
        found = [
            (
                self.answered != self.deliveries,
                f"{self.answered} of {self.deliveries} deliveries answered 200",
            ),
            (self.dropped > 0 and not self.found, "what never arrived was not found"),
            (self.points != self.expected_points, f"{self.points} points instead of {self.expected_points}"),
            (self.differences != 0, f"ledger verify --rebuild: {self.differences} differences"),
            (set(self.fates) != {"processed"}, f"messages: {self.fates}"),
            (bool(self.left_over), f"still running: {self.left_over}"),
            (bool(self.wrong_coupons), f"coupons of shop and ledger disagree: {self.wrong_coupons}"),
        ]
        return [text for is_wrong, text in found if is_wrong]


def run(plan: Plan, folder: Path) -> Outcome:
    """Deliver most orders while processes are killed, let the rest be worked off and read, and compare."""
    rng, outcome = random.Random(plan.seed), Outcome()
    with fault_shop(plan.platform) as shop, running_app(folder) as app:
        lives, store = Lives(shop, rng, DROPPED), connect_shop(app, shop, folder)
        sender = Sender(app.port, *shop.destination(store))
        told = lives.live(plan.orders)
        outcome.dropped = lives.dropped
        empties = rng.sample(range(plan.kills), min(FLUSHES, plan.kills))
        rounds = zip(_portions(told, plan.kills), _victims(rng, plan.kills), strict=True)
        for number, (portion, victim) in enumerate(rounds):
            if number == plan.kills // 2:
                shop.fail(CALLS)
            outcome.deliveries += len(portion)
            _deliver_and_kill(app, sender, portion, victim, rng.uniform(0, rng.choice(DELAYS)), outcome)
            if number in empties:
                _empty_queue(app, outcome)
        outcome.answered, outcome.repeated = sender.answered, sender.repeated
        _be_away(app, shop)
        outcome.found = reconcile(app, store["store"])
        _look(app, shop, store["store"], outcome)
        outcome.expected_points = sum(lives.points.values())
    outcome.left_over = [each.command for each in left_overs(app)]
    return outcome


def _empty_queue(app: App, outcome: Outcome) -> None:
    """Let the queue forget everything: all jobs, whatever was to be woken, the clock's own notes."""
    if not wait_for(app.flush_queue, SECONDS_TO_FIND):
        raise RuntimeError(f"the queue cannot be emptied:\n{app.last_words()}")
    outcome.flushes += 1


def _be_away(app: App, shop: FaultShop) -> None:
    """Let a day pass in which the shop answers nobody; what is to be told it fills the outbox. Then it is back."""
    if not app.is_running():
        app.start()
    start = datetime.now(UTC)
    for hours in range(1, AWAY // STEP + 1):
        at = (start + hours * STEP).isoformat(timespec="seconds")
        app.command("jobs", "run", "deliver-pushes", "--as-of", at)
    with app.database() as connection:
        connection.execute(FORGET_LOOKS)
    # As every 15 minutes: that it fails is how it is known later that the shop was away.
    app.command("jobs", "run", "reconcile")
    shop.recover()


def reconcile(app: App, store: str) -> int:
    """Work off what waits, read what never arrived, work that off too; return how many differences were found."""
    settle(app, LATER)
    with app.database() as connection:
        connection.execute(FORGET_LOOKS)
        connection.execute(LONG_AGO)
    looked = app.command("jobs", "run", "reconcile", "--store", store, seconds=SECONDS_TO_LOOK)
    settle(app)
    return int(looked["count"])


@contextmanager
def running_app(folder: Path) -> Iterator[App]:
    """Yield a program that runs; stop it afterwards, however often it was started."""
    folder.mkdir(parents=True, exist_ok=True)
    app = App(folder)
    app.start()
    try:
        yield app
    finally:
        app.stop()


def connect(app: App, shop: SandboxShop, folder: Path, document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    """Connect a WooCommerce as `connect_shop` does."""
    return connect_shop(app, WooCommerceShop(shop), folder, document)


def connect_shop(
    app: App, shop: FaultShop, folder: Path, document: dict[str, Any] = DOCUMENT
) -> dict[str, Any]:
    """Connect the shop without its webhooks and publish a program; return what the command printed."""
    store: dict[str, Any] = app.command("store", "connect", *shop.connecting())
    program = folder / "program.json"
    program.write_text(json.dumps(document))
    app.command(
        "program", "publish", store["store"], str(program), "--effective-from", "2020-01-01T00:00:00Z"
    )
    return store


def _portions(deliveries: list[Letter], count: int) -> Iterator[list[Letter]]:
    for number in range(count):
        yield deliveries[len(deliveries) * number // count : len(deliveries) * (number + 1) // count]


def _victims(rng: random.Random, count: int) -> Iterator[str]:
    """Yield names so that each comes about equally often and seldom twice in a row."""
    names: list[str] = []
    for _ in range(count):
        names = names or rng.sample(NAMES, len(NAMES))
        yield names.pop()


def _deliver_and_kill(
    app: App, sender: Sender, portion: list[Letter], victim: str, delay: float, outcome: Outcome
) -> None:
    threads = sender.begin(portion)
    time.sleep(delay)
    # It may be just starting again after another one's end.
    if wait_for(lambda: kill_nine(app, victim), SECONDS_TO_FIND, pause=0.02):
        outcome.kills[victim] = outcome.kills.get(victim, 0) + 1
    if not app.is_running():
        outcome.restarts += 1
        app.start()
    for thread in threads:
        thread.join(SECONDS_TO_RECOVER)
        if thread.is_alive():
            raise RuntimeError(f"not recovered from the end of {victim}:\n{app.last_words()}")


def settle(app: App, later: timedelta = LEASE) -> None:
    """Let everything be worked off; what a killed worker had claimed is free once its lease is over, and what a shop
    was away for is tried again later.
    """
    if not app.is_running():
        app.start()
    if wait_for(lambda: is_drained(app), SECONDS_TO_SETTLE):
        return
    at = (datetime.now(UTC) + later).isoformat(timespec="seconds")
    app.command("jobs", "run", "sweep", "--as-of", at)
    if not wait_for(lambda: is_drained(app), SECONDS_TO_RECOVER):
        raise RuntimeError(f"something waits for ever:\n{app.get('/readyz')}\n{app.last_words()}")


def _look(app: App, shop: FaultShop, store: str, outcome: Outcome) -> None:
    verified = app.command("ledger", "verify", store, "--rebuild", ok=(0, 1))
    outcome.differences = verified["differences"]
    with app.database() as connection:
        outcome.points = int(connection.execute(NO_DEBT_SUM).fetchone()[0])  # type: ignore[index]
        outcome.fates = {row[0]: row[1] for row in connection.execute(_FATES)}
        outcome.coupons = {row[0]: row[1] for row in connection.execute(_COUPONS)}
    outcome.wrong_coupons = _compare_coupons(shop, outcome.coupons)


def _compare_coupons(shop: FaultShop, coupons: dict[str, str]) -> list[str]:
    """Return the codes that the shop has otherwise than the ledger says, or has twice, with what both say. What was
    disabled in the day that was let pass ends in that day.
    """
    stored = shop.codes(datetime.now(UTC) + LATER)
    codes, live = [code for code, _ in stored], {code for code, is_live in stored if is_live}
    wrong = [code for code in codes if codes.count(code) > 1 or coupons.get(code, "failed") == "failed"]
    wrong += [code for code, state in coupons.items() if state == "issued" and code not in live]
    wrong += [code for code, state in coupons.items() if state == "cancelled" and code in live]
    return [
        f"{code}: {coupons.get(code)} here, {codes.count(code)} there, live {code in live}" for code in wrong
    ]

"""Kill -9 between hold and capture: after a restart each redemption is issued or released, none is lost or doubled."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import requests

from bench.app import App, wait_for
from bench.crash import connect, running_app, settle
from bench.victims import kill_nine
from connectors.woocommerce.sandbox import SandboxShop

WISHES, PRICE, BALANCE = 60, 100, 5000
GRANTED = BALANCE // PRICE
VICTIMS = ("worker child", "web child", "postgres", "worker", "web", "valkey", "supervisor")
DOCUMENT: dict[str, Any] = {
    "points_name": {"en": "points"},
    "tiers": [{"key": "regular", "name": {"en": "Regular"}}],
    "rewards": [{"key": "off", "kind": "fixed_discount", "points": PRICE, "amount": "10"}],
}
SECONDS = 120.0


@dataclass(slots=True)
class Outcome:
    """What was answered, and what is there afterwards."""

    statuses: Counter[int] = field(default_factory=Counter)
    ids: set[str] = field(default_factory=set)
    states: Counter[str] = field(default_factory=Counter)
    codes: list[str] = field(default_factory=list)
    in_shop: list[str] = field(default_factory=list)
    balance: dict[str, int] = field(default_factory=dict)
    differences: int = -1


class Client:
    """Asks until it is answered, always under the same key."""

    def __init__(self, app: App, api_key: str, member: str, outcome: Outcome) -> None:
        self.app, self.outcome, self.lock = app, outcome, threading.Lock()
        self.headers = {"Authorization": f"Bearer {api_key}"}
        self.path = f"/api/v1/members/{member}/redemptions"

    def redeem(self, number: int) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                answer = requests.post(
                    self.app.url + self.path, json={"reward": "off"}, timeout=10,
                    headers={**self.headers, "Idempotency-Key": f"wish-{number}"},
                )  # fmt: skip
            except requests.RequestException:
                time.sleep(0.2)
                continue
            if answer.status_code in (201, 409) and "running" not in answer.text:
                with self.lock:
                    self.outcome.statuses[answer.status_code] += 1
                    if answer.status_code == 201:
                        self.outcome.ids.add(answer.json()["id"])
                return
            time.sleep(0.2)


def play(folder: Path) -> Outcome:
    """Redeem in many threads while processes are killed; let everything settle; look."""
    outcome, rng = Outcome(), random.Random(7)
    with SandboxShop() as shop, running_app(folder) as app:
        store = connect(app, shop, folder, DOCUMENT)
        member = _open_member(app, store)
        client = Client(app, store["api_key"], member, outcome)
        victims = cycle(VICTIMS)
        for portion in range(0, WISHES, 6):
            threads = [threading.Thread(target=client.redeem, args=(portion + n,)) for n in range(6)]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.02, 0.4))
            victim = next(victims)
            wait_for(lambda name=victim: kill_nine(app, name), 30, pause=0.02)
            if not app.is_running():
                app.start()
            for thread in threads:
                thread.join(SECONDS)
        settle(app)
        _look(app, shop, store, member, outcome)
    return outcome


def _open_member(app: App, store: dict[str, Any]) -> str:
    headers = {"Authorization": f"Bearer {store['api_key']}"}
    api = f"{app.url}/api/v1/members"
    member = requests.post(api, json={"email": "amy@example.test"}, headers=headers, timeout=30).json()["id"]
    given = {"points": BALANCE, "reason": "to spend"}
    assert (
        requests.post(f"{api}/{member}/adjustments", json=given, headers=headers, timeout=30).status_code
        == 201
    )
    return str(member)


def _get(app: App, store: dict[str, Any], path: str) -> Any:
    """Ask until it is answered: the first request after the database was killed finds its connection gone."""
    answers: list[Any] = []

    def ask() -> bool:
        answers.append(app.get(f"/api/v1{path}", store["api_key"]))
        return True

    assert wait_for(ask, SECONDS)
    return answers[0]


def _look(app: App, shop: SandboxShop, store: dict[str, Any], member: str, outcome: Outcome) -> None:
    rows = _get(app, store, f"/redemptions?member={member}&limit=100")["data"]
    assert {row["id"] for row in rows} == outcome.ids
    outcome.states = Counter(row["state"] for row in rows)
    outcome.codes = sorted(row["coupon"]["code"] for row in rows if row["state"] == "issued")
    outcome.in_shop = sorted(coupon["code"] for coupon in shop.state.coupons.values())
    outcome.balance = _get(app, store, f"/members/{member}")["balance"]
    outcome.differences = app.command("ledger", "verify", store["store"], "--rebuild", ok=(0, 1))[
        "differences"
    ]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One run for all tests of this file."""
    return play(tmp_path_factory.mktemp("redeem") / "a b")


@pytest.mark.slow
def test_each_wish_is_answered_once_and_the_balance_pays_no_more_than_it_can(outcome: Outcome) -> None:
    assert outcome.statuses == {201: GRANTED, 409: WISHES - GRANTED}
    assert len(outcome.ids) == GRANTED


@pytest.mark.slow
def test_each_redemption_has_its_one_code_in_the_shop(outcome: Outcome) -> None:
    assert outcome.states == {"issued": GRANTED}
    assert outcome.in_shop == outcome.codes


@pytest.mark.slow
def test_nothing_is_held_any_more_and_the_ledger_agrees(outcome: Outcome) -> None:
    assert outcome.balance == {"available": 0, "pending": 0, "held": 0, "debt": 0}
    assert outcome.differences == 0

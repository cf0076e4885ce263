"""What-if questions to the purchases of a real CD shop, asked on the command line, against a plain reckoning."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from builders import Shop, make_document, make_runtime, make_shop
from sqlalchemy import text
from test_cdnow import Purchase, body_of, customers_of, read_purchases

from embedded import ServerUrls
from loyalty.clock import local_date
from loyalty.inbox.repository import accept
from loyalty.logs import configure_logging
from tests.conftest import Database
from workers.draining import drain_account
from workers.runtime import Runtime

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
ZONE = "America/New_York"
OLD, NEW = {"gold": 300, "silver": 100}, {"gold": 250, "silver": 150}
COST, AMOUNT = 100, 5
NAMED = 50
RECALCULATE = {"window": {"kind": "lifetime"}, "on_change": "recalculate"}


def program(thresholds: dict[str, int], **parts: Any) -> dict[str, Any]:
    """Tiers by the spend of a whole life."""
    risen = [
        {"key": key, "name": {"en": key}, "enter": {"any": [{"metric": "spend", "at_least": str(thresholds[key])}]}}
        for key in ("silver", "gold")
    ]  # fmt: skip
    tiers = [{"key": "regular", "name": {"en": "Regular"}}, *risen]
    return make_document(tiers=tiers, **{"tier_policy": {"window": {"kind": "lifetime"}}, **parts})


@dataclass(frozen=True)
class Asker:
    """The command line on the account of the CD shop."""

    runtime: Runtime
    shop: Shop
    environ: dict[str, str]
    folder: Path

    def run(self, name: str, document: Any, *more: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "candidate.json"
        path.write_text(json.dumps(document))
        argv = [sys.executable, "-m", "flask", "--app", "webhook_app", "program", name, self.shop.store.key]
        return subprocess.run(
            [*argv, str(path), *more], cwd=PROJECT, env=self.environ, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip

    def told(self, name: str, document: Any, *more: str) -> Any:
        done = self.run(name, document, *more, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def customers(self) -> dict[str, int]:
        """The customer's number in the file by the member's id."""
        statement = "select cast(id as text), split_part(key, ':', 3) from members"
        with self.runtime.database.transaction(self.shop.account) as connection:
            return {member: int(customer) for member, customer in connection.execute(text(statement))}

    def fingerprint(self) -> str:
        """What identifies every member's row."""
        statement = "select md5(string_agg(cast(m as text), '' order by id)) from members m"
        with self.runtime.database.transaction(self.shop.account) as connection:
            return str(connection.execute(text(statement)).scalar_one())


@pytest.fixture(scope="module")
def asker(
    module_database: Database, servers: ServerUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asker]:
    configure_logging("critical")
    runtime = make_runtime(module_database.app_url, module_database.owner_url, servers.redis)
    shop = make_shop(
        runtime, program(OLD), currency="USD", time_zone=ZONE, decimals=2,
        effective_from=datetime(1990, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    place_everything(runtime, shop)
    settings = runtime.settings
    environ = {
        **os.environ, "DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url, "SECRET_KEY": settings.secret_key, "PYTHONIOENCODING": "utf-8",
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys), "LOG_LEVEL": "error",
    }  # fmt: skip
    yield Asker(runtime, shop, environ, tmp_path_factory.mktemp("programs"))
    runtime.database.dispose()


def place_everything(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.transaction(shop.account) as connection:
        for purchase in read_purchases():
            body = body_of(purchase)
            accept(
                connection, shop.account, shop.store.id, key=hashlib.sha256(body).digest(), source="webhook",
                topic="order.updated", delivery_id=str(purchase.number), body=body,
            )  # fmt: skip
    drain_account(runtime, shop.account)


# ---- the reckoning --------------------------------------------------------------------------------------------------

PEOPLE = customers_of(read_purchases())


def spend(purchases: list[Purchase]) -> Decimal:
    return sum((each.amount for each in purchases), Decimal(0))


def points(purchases: list[Purchase], rate: int = 1) -> int:
    return sum(int(each.amount * rate) for each in purchases)


def tier(purchases: list[Purchase], thresholds: dict[str, int]) -> str:
    return next((key for key, least in thresholds.items() if spend(purchases) >= least), "regular")


def tiers(thresholds: dict[str, int]) -> list[dict[str, Any]]:
    found = Counter(tier(own, thresholds) for own in PEOPLE.values())
    return [{"key": key, "members": found[key]} for key in ("regular", "silver", "gold")]


MOVES = {
    customer: (tier(own, OLD), tier(own, NEW))
    for customer, own in PEOPLE.items()
    if tier(own, OLD) != tier(own, NEW)
}


def check_moves(asker: Asker, shown: Any) -> None:
    counts = Counter(MOVES.values())
    assert {(each["from"], each["to"]): each["members"] for each in shown["moves"]} == counts
    assert counts.keys() == {("silver", "regular"), ("silver", "gold")}
    assert shown["moved"] == len(MOVES)
    customers = asker.customers()
    expected = sorted(member for member, customer in customers.items() if customer in MOVES)[:NAMED]
    assert [each["member"] for each in shown["movers"]] == expected
    assert [(each["from"], each["to"]) for each in shown["movers"]] == [
        MOVES[customers[member]] for member in expected
    ]


def share(part: Decimal | int, whole: Decimal | int) -> str:
    """Four decimals, rounded down."""
    return str((Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), "ROUND_DOWN"))


# ---- the questions --------------------------------------------------------------------------------------------------


def test_other_thresholds_from_now_on(asker: Asker) -> None:
    before = asker.fingerprint()
    shown = asker.told("simulate", program(NEW, tier_policy=RECALCULATE))
    assert (shown["question"], shown["people"]) == ("switch", 2357)
    assert shown["before"]["tiers"] == tiers(OLD)
    assert shown["after"]["tiers"] == tiers(NEW)
    check_moves(asker, shown)
    given = sum(points(own) for own in PEOPLE.values())
    for side in ("before", "after"):
        assert shown[side]["points"] == {"given": given, "outstanding": given, "expired": 0, "debt": 0}
        assert Decimal(shown[side]["spend"]) == sum(spend(own) for own in PEOPLE.values())
    assert asker.fingerprint() == before


def test_members_keep_their_tier_where_the_document_says_so(asker: Asker) -> None:
    """`keep`: nobody falls, nobody rises before his next order."""
    shown = asker.told("simulate", program(NEW), "--question", "switch")
    assert shown["before"]["tiers"] == shown["after"]["tiers"] == tiers(OLD)
    assert (shown["moved"], shown["movers"]) == (0, [])


def test_two_points_for_one_all_the_time(asker: Asker) -> None:
    reward = {"key": "five-off", "kind": "fixed_discount", "points": COST, "amount": str(AMOUNT)}
    document = program(NEW, earning={"points_per_unit": "2"}, rewards=[reward])
    shown = asker.told("simulate", document, "--question", "history")
    once, twice = (sum(points(own, rate) for own in PEOPLE.values()) for rate in (1, 2))
    assert (shown["before"]["points"]["given"], shown["after"]["points"]["given"]) == (once, twice)
    check_moves(asker, shown)
    assert (shown["before"]["payout"], shown["losses"]) == (None, None)
    payout, whole = shown["after"]["payout"], sum(spend(own) for own in PEOPLE.values())
    worth = Decimal(twice) * AMOUNT / COST
    assert Decimal(payout["liability"]) == worth
    assert payout["payout_ratio"] == payout["given_ratio"] == share(worth, whole)
    able = sum(points(own, 2) >= COST for own in PEOPLE.values())
    assert payout["able_now"] == {"members": able, "of": 2357, "share": share(able, 2357)}
    early = sum(points(soon(own), 2) >= COST for own in PEOPLE.values())
    assert payout["able_within_90_days"] == {"members": early, "of": 2357, "share": share(early, 2357)}
    assert 0 < early < able


def soon(purchases: list[Purchase]) -> list[Purchase]:
    """What was bought within 90 days of the first purchase."""
    start = min(each.paid_at for each in purchases)
    return [each for each in purchases if each.paid_at <= start + timedelta(days=90)]


def test_who_loses_what_when_inactive_members_lose_their_points(asker: Asker) -> None:
    last = {
        customer: max((each.day for each in own if each.amount >= 1), default=None)
        for customer, own in PEOPLE.items()
    }
    cut = date(1998, 1, 1)
    while cut in last.values():  # so that it does not matter whether midnight passes meanwhile
        cut += timedelta(days=1)
    days = (local_date(datetime.now(UTC), ZONE) - cut).days
    expiry = {"mode": "inactivity", "after": {"days": days}}
    shown = asker.told("simulate", program(OLD, expiry=expiry))

    gone = {customer: points(PEOPLE[customer]) for customer, day in last.items() if day and day < cut}
    left = {customer: points(PEOPLE[customer]) for customer, day in last.items() if day and day > cut}
    losses = shown["losses"]
    assert losses["dying"] == {"members": len(gone), "points": sum(gone.values())}
    assert losses["earlier"]["members"] == len(left)
    assert losses["earlier"]["points"] == sum(left.values())
    assert shown["after"]["points"]["outstanding"] == sum(left.values())
    customers, named = asker.customers(), losses["losers"]
    assert len(named) == NAMED
    assert [each["dying"] for each in named] == [gone.get(customers[each["member"]], 0) for each in named]
    assert 0 < len(gone) < len(last)


def test_people_read_a_table(asker: Asker) -> None:
    done = asker.run("simulate", program(NEW, tier_policy=RECALCULATE))
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    for old, new in zip(tiers(OLD), tiers(NEW), strict=True):
        assert [old["key"], str(old["members"]), str(new["members"])] in lines
    assert [str(len(MOVES)), "move", "to", "another", "tier"] in lines
    assert ["…", "and", str(len(MOVES) - NAMED), "more"] in lines
    assert "@" not in done.stdout + done.stderr


def test_lint_says_what_a_document_gives_in_vain(asker: Asker) -> None:
    assert asker.told("lint", program(NEW))["warnings"] == []
    candidate = program(NEW, rewards=[{"key": "talk", "kind": "external"}])
    candidate["tiers"][0]["benefits"] = {"entry_reward": "talk"}
    found = asker.told("lint", candidate)
    assert [warning["path"] for warning in found["warnings"]] == ["/tiers/0/benefits/entry_reward"]
    refused = asker.run("lint", program({"silver": 0, "gold": -1}))
    assert refused.returncode == 2
    assert "/tiers/" in refused.stderr

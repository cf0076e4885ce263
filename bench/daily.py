"""The daily jobs beside 200,000 members and 1,000,000 lots, against bare SQL that finds and writes the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, text

from bench.figures import Figure, interleaved, median_ratio
from bench.large import History, load_history
from bench.merchants import Merchant
from bench.stage import Place, Stage
from bench.statements import read_statements
from loyalty.clock import utc_now
from loyalty.engine.verify import verify_ledger
from loyalty.values import AccountId
from workers.reminding import send_reminders
from workers.runtime import Runtime
from workers.settling import BATCH, close_tier_periods, expire_points

MEMBERS = 200_000
FIRST_MEMBERS = 500
MOST_TIMES = 3.0
DAYS_OF_HISTORY = 300
DAYS_OF_A_TURN = 2
LIFE = {"months": 12}
HELD = "select (select count(*) from members) as members, count(*) as lots from lots"
EXPIRING: dict[str, Any] = {
    "points_name": {"en": "points"}, "expiry": {"mode": "lot", "after": LIFE, "remind_days": [30]},
    "tiers": [{"key": "regular", "name": {"en": "Regular"}}],
}  # fmt: skip
CLOSING: dict[str, Any] = {
    "points_name": {"en": "points"}, "tier_policy": {"validity": LIFE},
    "tiers": [
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "silver", "name": {"en": "Silver"}, "enter": {"any": [{"metric": "spend", "at_least": "1"}]},
            "keep": {"any": [{"metric": "spend", "at_least": "100000000"}]},
        },
    ],
}  # fmt: skip
"""Everybody is silver with his first order, and nobody can keep it."""
Job = Callable[[Runtime, AccountId, datetime], int]


@dataclass(slots=True)
class Calendar:
    """The next instants at which the jobs run: each turn some more days are over."""

    runtime: Runtime
    merchant: Merchant
    now: datetime

    def turn(self, job: Job) -> float:
        """Let some days go by and run a job; return the members it visited per second."""
        self.now += DAYS_OF_A_TURN * timedelta(days=1)
        started = perf_counter()
        members = job(self.runtime, self.merchant.account, self.now)
        return members / (perf_counter() - started)


def by_sql(name: str) -> Job:
    """Return the job that does by bare SQL, batch by batch, what one of ours does."""
    claim, *others = read_statements(name, "now", "account", "batch")

    def job(runtime: Runtime, account: AccountId, now: datetime) -> int:
        done = 0
        while True:
            with runtime.database.transaction(account) as connection:
                claimed = _claim(
                    connection, claim, values := {"now": now, "account": account, "batch": BATCH}
                )
                for statement in others if claimed else ():
                    connection.execute(statement, values)
            if not claimed:
                return done
            done += claimed

    return job


def _claim(connection: Connection, claim: Any, values: dict[str, Any]) -> int:
    connection.execute(text("create temp table if not exists due (id uuid) on commit delete rows"))
    return connection.execute(claim, values).rowcount


def measure_daily(stage: Stage, rounds: int, scale: float = 1.0) -> list[Figure]:
    """Return how many times bare SQL the daily jobs take, and how many notices a second."""
    return [figure for trial in TRIALS for figure in _measure(stage, trial, rounds, scale)]


@dataclass(frozen=True, slots=True)
class Trial:
    """One of our jobs, the file of the same by bare SQL, and the program that gives only this job work."""

    name: str
    job: Job
    document: dict[str, Any]

    def sql(self) -> Job:
        """Return the bare SQL."""
        return by_sql(f"{self.name}.sql")


TRIALS = (
    Trial("daily_expire", expire_points, EXPIRING),
    Trial("daily_tiers", close_tier_periods, CLOSING),
)


def _measure(stage: Stage, trial: Trial, rounds: int, scale: float) -> list[Figure]:
    _check_same_rows(stage, trial)
    with stage.place() as place:
        merchant = _load(place, trial, FIRST_MEMBERS, max(1, int(MEMBERS * scale) // FIRST_MEMBERS))
        runtime, held = place.runtime(), place.rows(HELD)[0]
        try:
            calendar, sql = Calendar(runtime, merchant, _first_end()), trial.sql()
            ours, theirs = interleaved(rounds, lambda: calendar.turn(trial.job), lambda: calendar.turn(sql))
            rate, notices = _remind(calendar)
        finally:
            runtime.database.dispose()
    notes: dict[str, object] = {"sql": median(theirs), "batch": BATCH, **held}
    times = median_ratio(theirs, ours)
    figures = [Figure(trial.name, median(ours), "/s", times, MOST_TIMES, at_most=True, notes=notes)]
    return (
        [*figures, Figure("daily_reminders", rate, "/s", notes={"notices": notices})] if notices else figures
    )


def _remind(calendar: Calendar) -> tuple[float, int]:
    started = perf_counter()
    notices = send_reminders(calendar.runtime, calendar.merchant.account, calendar.now)
    return notices / (perf_counter() - started), notices


def _load(place: Place, trial: Trial, members: int, copies: int) -> Merchant:
    history = History(orders_of_ten=50, length=timedelta(days=DAYS_OF_HISTORY), document=trial.document)
    return load_history(place, members, copies, history)[0]


def _first_end() -> datetime:
    """Return an instant shortly before the first lots and periods are over."""
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS_OF_HISTORY + 1) + timedelta(days=365)


def _check_same_rows(stage: Stage, trial: Trial) -> None:
    """Raise AssertionError unless job and SQL write equally many rows, and both leave proven ledgers."""
    sizes = []
    for job in (trial.job, trial.sql()):
        with stage.place() as place:
            merchant, runtime = _load(place, trial, 20, 1), place.runtime()
            try:
                visited = job(runtime, merchant.account, _first_end() + timedelta(days=40))
                with runtime.database.transaction(merchant.account) as connection:
                    found = verify_ledger(connection, merchant.account, rebuild=True).differences
            finally:
                runtime.database.dispose()
            assert not found, found[:3]
            assert visited, "nobody was due"
            sizes.append((visited, _rows(place)))
    assert sizes[0] == sizes[1], f"the job wrote {sizes[0]}, bare SQL {sizes[1]}"


def _rows(place: Place) -> list[int]:
    tables = ("ledger_entries", "lot_consumptions", "tier_periods", "pushes")
    wanted = (*tables, "pushes where status = 'superseded'")
    return [int(place.rows(f"select count(*) as n from {each}")[0]["n"]) for each in wanted]

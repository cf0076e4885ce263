"""Do a job for every account or store: one at which it fails holds up no other, and lets the job fail at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import InterfaceError, OperationalError

from loyalty.stores.service import list_all_stores
from loyalty.values import AccountId, StoreId
from workers.runtime import Runtime

Call = tuple[dict[str, str], Callable[[], int]]
"""What is done, with the words that tell in the log for whom."""

log = structlog.get_logger(__name__)


def for_each_account(runtime: Runtime, job: str, work: Callable[[Runtime, AccountId], int]) -> int:
    """Return the sum of what was done for all accounts; raises ExceptionGroup of what failed, when all are done."""
    accounts = dict.fromkeys(AccountId(row["account_id"]) for row in _list_stores(runtime))
    return _sum(job, [({"account": str(each)}, partial(work, runtime, each)) for each in accounts])


def for_each_store(runtime: Runtime, job: str, work: Callable[[Runtime, dict[str, Any]], int]) -> int:
    """Return the sum of what was done for the rows of all connected stores; raises ExceptionGroup of what failed, when
    all are done.
    """
    rows = [row for row in _list_stores(runtime) if row["state"] == "connected"]
    return _sum(job, [(_words(row), partial(work, runtime, row)) for row in rows])


def place_of(row: dict[str, Any]) -> tuple[AccountId, StoreId]:
    """Return account and id of the row of a store."""
    return AccountId(row["account_id"]), StoreId(row["store_id"])


def _list_stores(runtime: Runtime) -> Sequence[dict[str, Any]]:
    with runtime.database.transaction(None) as connection:
        return list_all_stores(connection)


def _words(row: dict[str, Any]) -> dict[str, str]:
    return {"account": str(row["account_id"]), "store": str(row["store_id"])}


def _sum(job: str, calls: Sequence[Call]) -> int:
    done, failed = 0, []
    for words, call in calls:
        try:
            done += call()
        except Exception as error:
            if _is_the_end(error):
                raise
            log.exception("job_failed", job=job, **words)
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{job} failed {len(failed)} times of {len(calls)}", failed)
    return done


def _is_the_end(error: Exception) -> bool:
    """Return whether the next one would fare no better: the job's time is over, or the database is away; what the
    server itself refuses bears a code.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return getattr(error.orig, "sqlstate", None) is None
    return isinstance(error, BaseTimeoutException)

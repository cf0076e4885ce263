"""A job of all accounts or stores: one at which it fails holds up no other, and is seen at its end."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from builders import make_document
from receiving import Desk, make_desk
from rq.timeouts import JobTimeoutException
from sqlalchemy import text
from structlog.testing import CapturingLogger

from loyalty.values import AccountId
from workers import (
    automating,
    each,
    forgetting,
    jobs,
    mailing,
    measuring,
    reminding,
    sealing,
    telling,
    tidying,
)
from workers.runtime import Runtime

Job = Callable[[], int]
WORK: list[tuple[Job, ModuleType, str]] = [
    (jobs.send_reminders, reminding, "send_reminders"),
    (jobs.run_automations, automating, "run_automations"),
    (jobs.deliver_mails, mailing, "deliver_mails"),
    (jobs.judge_discounts, measuring, "judge_discounts"),
    (jobs.tell_matured, telling, "tell_of_matured"),
    (jobs.seal_ledgers, sealing, "seal_account"),
    (jobs.tidy, tidying, "tidy"),
    (jobs.forget_shops, forgetting, "forget_shops"),
]


@pytest.fixture
def desks(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[Desk]:
    """Three accounts, and the jobs on the tools of the test."""
    monkeypatch.setattr(jobs, "runtime", lambda: runtime)
    return [make_desk(runtime, make_document()) for _ in range(3)]


def failing_at(number: int, error: Exception, asked: list[AccountId]) -> Callable[..., int]:
    """Work that fails at the account of that number, counted from 1 as they are asked for."""

    def work(_: Runtime, account: AccountId, **__: Any) -> int:
        asked.append(account)
        if len(asked) == number:
            raise error
        return 1

    return work


@pytest.mark.parametrize(("job", "module", "name"), WORK, ids=[name for _, _, name in WORK])
def test_an_account_that_fails_holds_up_no_other_and_is_told(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch, job: Job, module: ModuleType, name: str
) -> None:
    asked: list[AccountId] = []
    monkeypatch.setattr(module, name, failing_at(1, ValueError("bad row"), asked))
    monkeypatch.setattr(each, "log", log := CapturingLogger())
    with pytest.raises(ExceptionGroup, match="1 times of 3"):
        job()
    assert set(asked) == {desk.shop.account for desk in desks}
    (told,) = log.calls
    assert (told.method_name, told.args) == ("exception", ("job_failed",))
    assert told.kwargs == {"job": job.__name__, "account": str(asked[0])}


def test_a_job_whose_time_is_over_ends_at_once(desks: list[Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[AccountId] = []
    monkeypatch.setattr(tidying, "tidy", failing_at(2, JobTimeoutException("600 s"), asked))
    with pytest.raises(JobTimeoutException):
        jobs.tidy()
    assert len(asked) == 2 < len(desks)


@pytest.mark.parametrize("statement", ["select 1 / 0", "select pg_sleep(9)"])
def test_what_the_database_refuses_holds_up_no_other_account(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    asked: list[AccountId] = []

    def work(runtime: Runtime, account: AccountId) -> int:
        asked.append(account)
        with runtime.database.transaction(account) as connection:
            connection.execute(text("set local statement_timeout = 50"))
            connection.execute(text(statement))
        return 1

    monkeypatch.setattr(sealing, "seal_account", work)
    with pytest.raises(ExceptionGroup):
        jobs.seal_ledgers()
    assert set(asked) == {desk.shop.account for desk in desks}


def test_a_database_that_is_away_ends_a_job_at_once(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[AccountId] = []

    def work(runtime: Runtime, account: AccountId) -> int:
        asked.append(account)
        with runtime.database.transaction(account) as connection:
            connection.connection.driver_connection.close()  # type: ignore[union-attr]
            connection.execute(text("select 1"))
        return 1

    monkeypatch.setattr(sealing, "seal_account", work)
    with pytest.raises(Exception, match="closed") as raised:
        jobs.seal_ledgers()
    assert (isinstance(raised.value, ExceptionGroup), len(asked), len(desks)) == (False, 1, 3)


def test_a_store_whose_keys_are_lost_holds_up_no_other(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[Any] = []
    monkeypatch.setattr(desks[0].runtime.wakes, "wake_now", lambda *given: woken.append(given[-2]))
    desks[0].rows("update stores set credentials = '\\x00' returning id")
    with pytest.raises(ExceptionGroup, match="1 times of 3"):
        jobs.reconcile_in_depth()
    assert set(woken) == {desk.shop.store.id for desk in desks[1:]}

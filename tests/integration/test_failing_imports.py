"""Imports at which something fails: one row is refused, or the import as a whole; no other import waits for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import CapturingLogger

from loyalty.db import Row
from loyalty.engine import bringing
from loyalty.engine.importing import undo_import
from loyalty.errors import OrdersMoved
from loyalty.imports import repository as imports
from tests.builders import Shop, make_document, make_shop
from tests.moving import NOW, REWARDS, TIERS, assert_proven, bring, errors, standings, told
from workers import importing
from workers.importing import run_imports
from workers.runtime import Runtime

FAR = "The date is too far away: its year must be from 1900 to 9000."


@pytest.fixture(params=["Asia/Taipei", "America/Los_Angeles"])
def shop(runtime: Runtime, request: pytest.FixtureRequest) -> Shop:
    return make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS), time_zone=request.param)


@pytest.fixture
def plain(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))


def stage_broken(runtime: Runtime, shop: Shop, *parts: list[Row]) -> int:
    """Stage an import whose parts are not what the program writes."""
    about = {"store_number": None, "key": "import", "is_dry": False, "reason": "imported", "actor": "test"}
    new: Row = {**about, "file_name": "", "columns": ["email"], "ignored": []}
    with runtime.database.transaction(shop.account) as connection:
        number = imports.add_import(connection, shop.account, new)
        for place, rows in enumerate(parts, 1):
            imports.add_part(connection, shop.account, number, place, rows)
    return number


@pytest.mark.parametrize(
    "told", ["9999-12-30", "0001-01-01", "9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00"]
)
def test_a_date_of_another_age_refuses_its_row_only(runtime: Runtime, shop: Shop, told: str) -> None:
    end = told.replace("-31", "-30")
    table = f"email,points,joined_at,lots\na@x.com,,{told},\nb@x.com,5,,5@{end}\nc@x.com,7,,\n"
    done = bring(runtime, shop, table)
    assert (done["state"], done["valid"], done["invalid"]) == ("done", 1, 2)
    assert errors(runtime, shop, done) == [(2, [["joined_at", FAR]]), (3, [["lots", FAR]])]
    again = bring(runtime, shop, "email,points\nd@x.com,1\n")
    assert again["state"] == "done"


def test_the_last_day_of_all_means_that_points_never_die(runtime: Runtime, shop: Shop) -> None:
    done = bring(
        runtime, shop, "email,points,expires_at\na@x.com,5,9999-12-31\nb@x.com,6,9999-12-31T15:59:59Z\n"
    )
    assert (done["valid"], errors(runtime, shop, done)) == (2, [])
    with runtime.database.transaction(shop.account) as connection:
        ends = connection.execute(text("select points, expires_at from lots order by points")).all()
    assert [tuple(end) for end in ends] == [(5, None), (6, None)]
    assert_proven(runtime, shop)


@pytest.mark.parametrize("never", ["never", "9999-12-31"])
def test_a_tier_that_never_ends_is_told_as_a_term_where_tiers_end(runtime: Runtime, never: str) -> None:
    ending = make_shop(
        runtime, make_document(tiers=TIERS, rewards=REWARDS, tier_policy={"validity": {"months": 12}})
    )
    top = TIERS[-1]["key"]
    table = f"email,tier,tier_since,tier_until\na@x.com,{top},2026-01-10,{never}\nb@x.com,{top},2026-01-10,\n"
    done = bring(runtime, ending, table)
    assert (done["valid"], errors(runtime, ending, done)) == (
        1, [(2, [["tier_until", "A tier that never ends is a term: tell it in `terms`."]])],
    )  # fmt: skip
    lasting = make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS, tier_policy={"validity": None}))
    assert bring(runtime, lasting, table)["valid"] == 2


@pytest.mark.parametrize(
    "line",
    [
        '{"email": "b@x.com", "customer_ids": "%s:7"}' % ("9" * 5000),
        '{"email": "b@x.com", "customer_ids": "1:%s"}' % ("9" * 100_000),
        '{"proven_emails": "%s@x.com"}' % ("9" * 100_000),
        '{"email": "b@x.com", "terms": [{"by": "override", "tier": "gold", "cause": {"a": "b"}, "until": "x"}]}',
        '{"email": "b@x.com", "tags": "%s"}' % ("9" * 100_000),
        '{"email": "b\\u0000@x.com", "points": 1}',
        '{"email": "b@x.com", "name": "\\ud800"}',
        f'{{"email": "b@x.com", "name": {"[" * 20_000}1{"]" * 20_000}}}',
        '{"email": "b@x.com", "\\u0000": "1"}',
    ],
    ids=["store", "customer", "proven", "cause", "tag", "zero", "surrogate", "deep", "heading"],
)
def test_an_odd_row_is_refused_alone(runtime: Runtime, plain: Shop, line: str) -> None:
    done = bring(runtime, plain, f'{{"email": "a@x.com"}}\n{line}\n{{"email": "c@x.com"}}\n')
    assert (done["state"], done["valid"], done["invalid"]) == ("done", 2, 1)
    assert [number for number, _ in errors(runtime, plain, done)] == [2]


@pytest.mark.parametrize("email", ["amy", "a@b@c.test", '"amy\nfoo@x.test"', "a@[x"])
@pytest.mark.parametrize("column", ["email", "proven_emails"])
def test_an_address_that_cannot_be_mailed_refuses_its_row(
    runtime: Runtime, plain: Shop, column: str, email: str
) -> None:
    done = bring(runtime, plain, f"phone,{column},points\n,{email},5\n,ken..k.@docomo.ne.jp,7\n")
    assert (done["valid"], done["invalid"]) == (1, 1)
    ((number, mistakes),) = errors(runtime, plain, done)
    assert (number, {field for field, _ in mistakes}) == (2, {column})


def test_a_row_at_which_something_unforeseen_happens_is_refused_and_told_without_its_words(
    runtime: Runtime, plain: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Row] = [
        {"number": 2, "cells": {"email": "a@x.com"}, "mistake": ""},
        {"number": 3, "cells": ["amy@secret.example"], "mistake": ""},
        {"number": 4, "cells": {"email": "c@x.com"}, "mistake": ""},
    ]
    number = stage_broken(runtime, plain, rows)
    monkeypatch.setattr(bringing, "log", log := CapturingLogger())
    run_imports(runtime, plain.account, NOW)
    done = told(runtime, plain, number)
    assert (done["state"], done["valid"], done["invalid"]) == ("done", 2, 1)
    assert errors(runtime, plain, done) == [(3, [["", "The row has a value that cannot be stored."]])]
    (failed,) = log.calls
    assert (failed.method_name, failed.args) == ("error", ("row_failed",))
    assert {name: failed.kwargs[name] for name in ("account", "number", "row")} == {
        "account": str(plain.account), "number": number, "row": 3}  # fmt: skip
    assert failed.kwargs["error"].startswith("AttributeError; ")
    assert "import_rows.py:" in failed.kwargs["error"]
    assert "secret" not in str(failed)


def test_an_import_that_fails_as_a_whole_holds_up_no_other_and_is_undone(
    runtime: Runtime, plain: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[Row] = [{"number": 2, "cells": {"email": "a@x.com", "points": "5"}, "mistake": ""}]
    broken = stage_broken(runtime, plain, first, [{"number": 3}], first)
    monkeypatch.setattr(importing, "log", log := CapturingLogger())
    after = bring(runtime, plain, "email,points\nb@x.com,7\n", key="other")
    failed = told(runtime, plain, broken)
    assert (after["state"], failed["state"], failed["valid"]) == ("done", "failed", 1)
    assert failed["finished_at"] == NOW
    assert [it.kwargs["number"] for it in log.calls if it.args == ("import_failed",)] == [broken]
    with runtime.database.transaction(plain.account) as connection:
        assert connection.execute(text("select count(*) from import_parts")).scalar_one() == 0
    assert {email: it.balance.available for email, it in standings(runtime, plain).items()} == {
        "a@x.com": 5, "b@x.com": 7}  # fmt: skip
    with runtime.database.transaction(plain.account) as connection:
        undo_import(connection, plain.account, broken, "test")
    run_imports(runtime, plain.account, NOW + timedelta(hours=1))
    undone = told(runtime, plain, broken)
    assert (undone["state"], undone["undone"]) == ("undone", 1)
    assert standings(runtime, plain)["a@x.com"].balance.available == 0
    assert_proven(runtime, plain)


@pytest.mark.parametrize(
    "error",
    [OperationalError("select", {}, Exception()), OrdersMoved(), JobTimeoutException("600 s")],
    ids=type,
)
def test_what_passes_by_itself_is_waited_for(
    runtime: Runtime, plain: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    number = stage_broken(runtime, plain, [{"number": 2, "cells": {"email": "a@x.com"}, "mistake": ""}])
    with monkeypatch.context() as patch:
        patch.setattr(importing, "take_step", fail)
        with pytest.raises(type(error)):
            run_imports(runtime, plain.account, NOW)
    assert told(runtime, plain, number)["state"] == "waiting"
    run_imports(runtime, plain.account, NOW)
    assert told(runtime, plain, number)["valid"] == 1


def test_an_import_that_another_worker_went_on_with_is_not_given_up(runtime: Runtime, plain: Shop) -> None:
    number = stage_broken(runtime, plain, [{"number": 2, "cells": {"email": "a@x.com"}, "mistake": ""}])
    with runtime.database.transaction(plain.account) as connection:
        seen = imports.claim_import(connection)
    assert seen is not None
    run_imports(runtime, plain.account, NOW)
    with runtime.database.transaction(plain.account) as connection:
        assert not imports.fail_import(connection, seen, NOW)
    assert told(runtime, plain, number)["state"] == "done"

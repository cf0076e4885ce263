"""Failures that other systems are reported for (FAILURES.md), part 6: moving in and out, millions of members."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from loyalty.engine.book import load_book
from loyalty.engine.import_columns import NAMES
from loyalty.engine.importing import PART, NewImport, stage, take_step, undo_import
from loyalty.imports import repository as imports
from loyalty.imports.refusals import refusals_file
from loyalty.imports.sheets import open_sheet
from loyalty.reports.moving import export_members
from loyalty.reports.people import list_enrolled
from tests.builders import Shop, make_document, make_shop
from tests.moving import NOW, REWARDS, TIERS, assert_proven, bring, errors, figures, standings, told
from workers.importing import run_imports
from workers.runtime import Runtime

MANY = 60_000


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))


def test_u77_an_import_is_tried_out_first_told_row_by_row_and_reversed_at_once(
    runtime: Runtime, shop: Shop
) -> None:
    file = '\ufeffTable 1\r\nE-mail;Points\r\nA@x.com;52,620\r\nb@x.com;"1,000"\r\nc@x.com;ten\r\n'
    dry = bring(runtime, shop, file, is_dry=True)
    assert (dry["valid"], dry["invalid"], dry["points"], standings(runtime, shop)) == (2, 1, 53620, {})
    done = bring(runtime, shop, file)
    assert (done["valid"], done["invalid"], done["points"]) == (2, 1, 53620)
    assert errors(runtime, shop, done) == [
        (5, [["points", "Must be a whole number such as 52620 or 52,620."]])
    ]
    with runtime.database.transaction(shop.account) as connection:
        undo_import(connection, shop.account, done["id"], "owner")
    run_imports(runtime, shop.account, NOW + timedelta(minutes=1))
    assert told(runtime, shop, done["id"])["undone"] == 2
    with runtime.database.transaction(shop.account) as connection:
        sums = connection.execute(text("select sum(points), count(*) from ledger_entries")).one()
        assert list_enrolled(connection, None, None, 10) == []
    assert tuple(sums) == (0, 4)
    assert_proven(runtime, shop)


def test_u78_what_members_have_is_carried_from_one_account_to_an_empty_one(
    runtime: Runtime, shop: Shop
) -> None:
    file = (
        "customer_ids,email,birthday,lots,tier,lifetime_spend,lifetime_orders,joined_at,referral_code,referred_by\n"
        "1:7,amy@x.com,02-29,100@2027-01-31; 20@never,gold,52620,12,2020-01-01,amy,\n"
        ",bob@x.com,1990-05-04,5@2026-12-31@2026-07-01,,800,2,2025-01-01,,amy\n"
    )
    assert bring(runtime, shop, file)["valid"] == 2
    with runtime.database.transaction(shop.account, steady=True) as connection:
        carried = "".join(export_members(connection, shop.account, NOW, "csv"))
    other = make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))
    done = bring(runtime, other, carried)
    assert (done["valid"], errors(runtime, other, done)) == (2, [])
    assert figures(runtime, other) == figures(runtime, shop)
    assert {record["email"]: record.get("referred_by") for record in figures(runtime, other)} == {
        "amy@x.com": None, "bob@x.com": "amy",
    }  # fmt: skip
    assert_proven(runtime, other)


def _statements(runtime: Runtime, shop: Shop, rows: int) -> int:
    """Return how many statements a part of so many new members takes."""
    body = "email,points,birthday\n" + "".join(
        f"m{row}-{rows}@x.com,{row + 1},05-04\n" for row in range(rows)
    )
    with runtime.database.transaction(shop.account) as connection:
        new = NewImport("import", "", "test")
        stage(connection, shop.account, new, open_sheet(io.BytesIO(body.encode()), NAMES), NOW)
    seen: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            seen.append(statement)

    with runtime.database.transaction(shop.account) as connection:
        book = load_book(connection, runtime.vault, shop.account)
        event.listen(runtime.database.engine, "before_cursor_execute", count)
        row = imports.claim_import(connection)
        assert row is not None
        take_step(connection, book, row, NOW)
        event.remove(runtime.database.engine, "before_cursor_execute", count)
    run_imports(runtime, shop.account, NOW)
    return len(seen)


def test_u79_a_part_of_an_import_costs_the_same_statements_whatever_its_size(
    runtime: Runtime, shop: Shop
) -> None:
    few, many = _statements(runtime, shop, 2), _statements(runtime, shop, PART)
    assert few == many <= 30
    with runtime.database.transaction(shop.account) as connection:
        assert connection.execute(text("select count(*) from members")).scalar_one() == PART + 2


def test_u80_valid_rows_are_imported_and_the_others_come_back_in_a_file_to_be_mended(
    runtime: Runtime, shop: Shop
) -> None:
    file = "email,points,name\na@x.com,1,Amy\nb@x.com,2,Bo\nc@x.com,3,=Cy\nnobody,4,-Dan\n"
    done = bring(runtime, shop, file)
    assert (done["valid"], done["invalid"]) == (3, 1)
    with runtime.database.transaction(shop.account) as connection:
        rows = imports.list_errors(connection, done["id"], 0, 10)
        returned = "".join(refusals_file(rows, done["columns"]))
    assert returned.splitlines() == [
        "\ufeffrow,field,message,email,points,name", "5,email,email: Must be an e-mail address.,nobody,4,'-Dan",
    ]  # fmt: skip
    again = bring(runtime, shop, returned.replace("nobody", "d@x.com"))
    assert (again["valid"], again["invalid"], again["ignored"]) == (1, 0, ["row", "field", "message"])
    found = standings(runtime, shop)
    assert {email: (one.name, one.balance.available) for email, one in found.items()} == {
        "a@x.com": ("Amy", 1), "b@x.com": ("Bo", 2), "c@x.com": ("=Cy", 3), "d@x.com": ("-Dan", 4),
    }  # fmt: skip


def test_u81_opening_balances_are_entries_of_their_own_kind_without_any_order(
    runtime: Runtime, shop: Shop
) -> None:
    bring(runtime, shop, "email,lots,debt\na@x.com,100@never; 50@2027-01-31,\nb@x.com,,30\n")
    with runtime.database.transaction(shop.account) as connection:
        rows = connection.execute(
            text("select kind, points, order_key from ledger_entries order by points")
        ).all()
        orders = connection.execute(text("select count(*) from orders")).scalar_one()
    assert [tuple(row) for row in rows] == [
        ("opening", -30, None),
        ("opening", 50, None),
        ("opening", 100, None),
    ]
    assert orders == 0
    assert standings(runtime, shop)["b@x.com"].balance.debt == 30
    assert_proven(runtime, shop)


def test_u83_a_page_of_many_members_is_found_by_its_place_and_soon(runtime: Runtime, shop: Shop) -> None:
    fill = text(
        "insert into members (id, account_id, key, email, enrolled, joined_at)"
        " select gen_random_uuid(), :account, 'email:' || n, n || '@x.com', true, now()"
        " from generate_series(1, :many) n"
    )
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(fill, {"account": shop.account, "many": MANY})
    with runtime.database.transaction(shop.account) as connection:
        ids = connection.execute(text("select id from members order by id limit 1 offset 30000")).scalar_one()
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            page = list_enrolled(connection, None, ids, 51)
            seconds.append(time.perf_counter() - started)
        assert (len(page), page == sorted(page), page[0] > ids) == (51, True, True)
    assert min(seconds) < 0.2

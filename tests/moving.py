"""Files of members brought into a test's account, and what came of them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from loyalty.db import Row
from loyalty.engine.import_columns import NAMES
from loyalty.engine.importing import NewImport, stage
from loyalty.engine.verify import verify_ledger
from loyalty.imports import repository as imports
from loyalty.imports.sheets import open_sheet
from loyalty.reports.moving import list_records
from loyalty.reports.standing import Standing, read_standings
from tests.builders import Shop
from workers.importing import run_imports
from workers.runtime import Runtime

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold", "zh-TW": "金卡"},
        "enter": {"any": [{"metric": "spend", "at_least": "10000"}]}, "benefits": {"entry_reward": "welcome"},
    },
]  # fmt: skip
REWARDS = [{"key": "welcome", "kind": "fixed_discount", "amount": "100", "name": {"en": "Welcome"}}]


def bring(runtime: Runtime, shop: Shop, table: str | bytes, now: datetime = NOW, **options: Any) -> Row:
    """Stage a file, let a worker take it, and return the import."""
    body = table.encode() if isinstance(table, str) else table
    with runtime.database.transaction(shop.account) as connection:
        new = NewImport(options.pop("key", "import"), "members.csv", "test", **options)
        number = stage(connection, shop.account, new, open_sheet(io.BytesIO(body), NAMES), now)
    run_imports(runtime, shop.account, now)
    return told(runtime, shop, number)


def told(runtime: Runtime, shop: Shop, number: int) -> Row:
    with runtime.database.transaction(shop.account) as connection:
        return dict(imports.get_import(connection, number))


def errors(runtime: Runtime, shop: Shop, done: Row) -> list[tuple[int, list[list[str]]]]:
    with runtime.database.transaction(shop.account) as connection:
        return [
            (row["row_number"], row["mistakes"])
            for row in imports.list_errors(connection, done["id"], 0, 100)
        ]


def standings(runtime: Runtime, shop: Shop, now: datetime = NOW) -> dict[str, Standing]:
    with runtime.database.transaction(shop.account) as connection:
        ids = list(connection.execute(text("select id from members order by id")).scalars())
        return {each.email: each for each in read_standings(connection, shop.account, ids, now)}


def assert_proven(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.transaction(shop.account, steady=True) as connection:
        found = verify_ledger(connection, shop.account, rebuild=True)
    assert [(it.what, it.stored, it.expected) for it in found.differences] == []


def figures(runtime: Runtime, shop: Shop) -> list[Row]:
    with runtime.database.transaction(shop.account, steady=True) as connection:
        records = [record for page in list_records(connection, shop.account, NOW) for record in page]
    return sorted(records, key=lambda record: record.get("email", ""))

"""Members and orders from files, and the file of all members."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
from flask.cli import AppGroup

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.import_columns import NAMES
from loyalty.engine.importing import NewImport, stage, undo_import
from loyalty.errors import Invalid
from loyalty.imports import repository
from loyalty.imports.refusals import refusals_file
from loyalty.imports.sheets import open_sheet
from loyalty.reports.moving import FORMS, export_members
from loyalty.stores.service import list_all_stores, list_places
from loyalty.values import AccountId
from webhook_app.api.imports import ERRORS, ImportSchema
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.order_files import import_orders
from webhook_app.tools import Tools
from workers.importing import run_imports
from workers.runtime import Runtime

group = AppGroup("import", help="Members and orders from files.")
_alone = AppGroup("alone", help="Commands without a group.")
SHOWN = ("id", "state", "rows", "valid", "created", "invalid", "undone", "points")
TOLD = 20
SECONDS_BETWEEN_LOOKS = 0.2


@command(group, "members")
@click.argument("file")
@click.option("--store", default="", help="Key of the store whose customer ids are meant, or of the account.")
@click.option("--dry-run", is_flag=True, help="Only find out what would happen.")
@click.option(
    "--key", default="import", show_default=True, help="What a member brings under one key counts once."
)
@click.option("--errors", default="", help="Where refused rows go; FILE.errors.csv unless given.")
def import_members(tools: Tools, file: str, store: str, dry_run: bool, key: str, errors: str) -> Answer:
    """Import the members in FILE (- reads standard input): CSV or JSON Lines. Exit code 1 when rows were refused,
    or the import failed.
    """
    account, number = _place(tools, store)
    with _opened(file) as stream, tools.database.transaction(account) as connection:
        new = NewImport(key, Path(file).name, ACTOR, store_number=number, is_dry=dry_run)
        made = stage(connection, account, new, open_sheet(stream, NAMES), utc_now())
    _work_off(tools, account, made)
    path = errors or ("" if file == "-" else f"{file}.errors.csv")
    return _answer(tools, account, made, path)


@command(group, "undo")
@click.argument("store")
@click.argument("number", type=int)
def undo(tools: Tools, store: str, number: int) -> Answer:
    """Take back all that import NUMBER of the account of STORE brought."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        undo_import(connection, account, number, ACTOR)
    _work_off(tools, account, number)
    with tools.database.transaction(account) as connection:
        done = repository.get_import(connection, number)
    lines = [f"{name}: {done[name]}" for name in SHOWN]
    return Answer(ImportSchema().dump(done), lines, exit_code=0 if done["state"] == "undone" else 1)


@command(group, "list")
@click.argument("store")
def list_(tools: Tools, store: str) -> Answer:
    """List the newest imports of the account of STORE."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        rows = repository.list_imports(connection, None, 50)
    lines = ["  ".join(f"{name} {row[name]}" for name in SHOWN) for row in rows]
    return Answer(ImportSchema(many=True).dump(rows), lines)


@command(group, "orders")
@click.argument("file")
@click.option("--store", default="", help="Key of the till that they are of, or of the account.")
def orders(tools: Tools, file: str, store: str) -> Answer:
    """Put the orders in FILE (JSON Lines, each as POST /api/v1/orders takes it) into the inbox of a till."""
    account, number = _place(tools, store)
    with tools.database.transaction(account) as connection:
        key = next((place.key for place in list_places(connection) if place.number == number), "")
    with _opened(file) as stream:
        done = import_orders(tools, account, key, stream)
    tools.wake_inbox(account)
    refused = [{"row": row, "message": message} for row, message in done.refused]
    complaints = [f"row {row}: {message}" for row, message in done.refused[:TOLD]]
    data = {"accepted": done.accepted, "repeated": done.repeated, "refused": refused}
    lines = [f"{done.accepted} accepted, {done.repeated} known, {len(refused)} refused"]
    return Answer(data, lines, complaints, exit_code=1 if refused else 0)


@command(_alone, "export")
@click.argument("file")
@click.option("--members", "_members", is_flag=True, help="All members; that is what there is.")
@click.option("--store", default="", help="Key of a store or of the account, where there are several.")
@click.option("--format", "form", type=click.Choice(FORMS), help="By the file's name unless given, else csv.")
def export(tools: Tools, file: str, _members: bool, store: str, form: str | None) -> Answer:
    """Write every member who joined into FILE (- writes standard output), as `import members` reads it."""
    account, _ = _place(tools, store)
    form = form or ("jsonl" if file.endswith((".jsonl", ".ndjson")) else "csv")
    with tools.database.transaction(account) as connection:
        note(connection, account, ACTOR, "members.exported", form)
    with tools.database.transaction(account, steady=True) as connection:
        _write(file, export_members(connection, account, utc_now(), form))
    if file == "-":
        return Answer(None, [])
    return Answer({"file": file, "format": form}, [f"written to {file}"])


export_command = _alone.commands["export"]


def _place(tools: Tools, key: str) -> tuple[AccountId, int | None]:
    """Return the account, and the number of the store where a store's key is given; without one the only account."""
    if not key:
        found = {AccountId(row["account_id"]) for row in tools.database.single_statement(list_all_stores)}
        if len(found) != 1:
            raise Invalid("There are several accounts, or none: name one with --store.")
        return found.pop(), None
    account, store = find_account(tools, key)
    with tools.database.transaction(account) as connection:
        numbers = {place.store: place.number for place in list_places(connection)}
    return account, numbers[store] if store is not None else None


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from None


def _write(file: str, lines: Iterable[str]) -> None:
    if file == "-":
        for line in lines:
            click.echo(line, nl=False)
        return
    try:
        with Path(file).open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(lines)
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error.strerror}.") from None


def _work_off(tools: Tools, account: AccountId, number: int) -> None:
    """Take the import here, unless workers do; return when it is over."""
    runtime = Runtime(tools.settings, tools.database, tools.vault, tools.wakes, tools.connectors)
    while True:
        run_imports(runtime, account)
        with tools.database.transaction(account) as connection:
            state = repository.get_import(connection, number)["state"]
        if state in ("done", "failed", "undone"):
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _answer(tools: Tools, account: AccountId, number: int, path: str) -> Answer:
    with tools.database.transaction(account, steady=True) as connection:
        done = repository.get_import(connection, number)
        first = repository.list_errors(connection, number, 0, TOLD)
        if first and path:
            _write(path, refusals_file(_refused(connection, number), done["columns"]))
    complaints = [
        f"row {row['row_number']}: {'; '.join(f'{name}: {text}' if name else text for name, text in row['mistakes'])}"
        for row in first
    ]
    kept = {"errors_file": path} if first and path else {}
    lines = [f"{name}: {done[name]}" for name in SHOWN] + [f"refused rows: {path}" for _ in kept]
    data = {**ImportSchema().dump(done), **kept}
    return Answer(data, lines, complaints, exit_code=1 if done["invalid"] or done["state"] == "failed" else 0)


def _refused(connection: Any, number: int) -> Iterator[Any]:
    after = 0
    while rows := repository.list_errors(connection, number, after, ERRORS):
        yield from rows
        after = rows[-1]["row_number"]

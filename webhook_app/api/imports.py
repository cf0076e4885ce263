"""Members from other systems: files that are imported, what was wrong in them, and the file of all members."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO, cast

from flask import Response, request
from marshmallow import Schema, fields, validate

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.db import Database
from loyalty.engine.import_columns import NAMES
from loyalty.engine.importing import NewImport, stage, undo_import
from loyalty.errors import Invalid
from loyalty.imports import repository
from loyalty.imports.refusals import refusals_file
from loyalty.imports.sheets import open_sheet
from loyalty.reports.moving import FORMS, export_members
from loyalty.stores.service import list_places
from loyalty.values import AccountId
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery, Strict
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("imports", __name__, description="Members from other systems, and back.")
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; larger files are imported by the command line."""
ERRORS = 500
TEXT = {"type": "string", "format": "binary"}
TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}

FORM = {"type": "object", "properties": {"file": TEXT}, "required": ["file"]}
FILES = {kind: {"schema": TEXT} for kind in TYPES.values()}
BODY = {"required": True, "content": {**FILES, "multipart/form-data": {"schema": FORM}}}


class ImportQuery(Strict):
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Find out what would happen only."})
    store = fields.String(
        load_default="", metadata={"description": "Whose customer ids stand without a number."}
    )
    key = fields.String(
        load_default="import",
        validate=validate.Regexp(r"^[a-z0-9_-]{1,64}\Z"),
        metadata={"description": "What a member brings under one key counts once."},
    )
    reason = fields.String(load_default="imported", validate=validate.Regexp(r"(?s).*\S.{0,499}\Z"))
    name = fields.String(load_default="", metadata={"description": "Of the file, for people."})


class ImportSchema(Schema):
    id = fields.Integer()
    state = fields.String(metadata={"description": "waiting, linking, done, failed, undoing, undone"})
    dry_run = fields.Boolean(attribute="is_dry")
    key = fields.String()
    name = fields.String(attribute="file_name")
    columns = fields.List(fields.String())
    ignored = fields.List(fields.String(), metadata={"description": "Columns that say nothing to us."})
    rows = fields.Integer()
    valid = fields.Integer(metadata={"description": "Rows that were imported."})
    invalid = fields.Integer(metadata={"description": "Rows that were refused: see the errors."})
    created = fields.Integer(metadata={"description": "Members who were made; the others were there."})
    points = fields.Integer(metadata={"description": "What they bring, less what they owe."})
    undone = fields.Integer(metadata={"description": "Rows that were taken back."})
    reason = fields.String()
    created_at = Moment()
    finished_at = Moment(allow_none=True)
    undone_at = Moment(allow_none=True)


class ExportQuery(Strict):
    format = fields.String(load_default="csv", validate=validate.OneOf(FORMS))


@blueprint.writes(
    "/imports", ImportSchema, status=202, scope="adjust", query=ImportQuery, largest=LARGEST_FILE
)
@blueprint.doc(requestBody=BODY)  # type: ignore[untyped-decorator]  # flask-smorest has no types
def start(writing: Writing, query: Data) -> Data:
    """Take a file of members, as the body or as `file` of a form: CSV or JSON Lines; a worker imports it part by part.

    Valid rows are imported although others are not.
    """
    account, now = access().account, utc_now()
    stream, name = _file()
    number = _store_number(writing, query["store"])
    new = NewImport(
        query["key"], query["name"] or name, actor(), query["reason"], number, is_dry=query["dry_run"]
    )
    made = stage(writing.connection, account, new, open_sheet(stream, NAMES), now)
    writing.afterwards.append(partial(tools().wake_imports, account))
    return dict(repository.get_import(writing.connection, made))


def _file() -> tuple[BinaryIO, str]:
    sent = request.files.get("file")
    if sent is not None:
        return cast(BinaryIO, sent.stream), (sent.filename or "")[:200]
    if request.mimetype == "multipart/form-data":
        raise Invalid("The form has no file.", {"/file": ["A file is needed."]})
    return io.BytesIO(request.get_data()), ""


def _store_number(writing: Writing, key: str) -> int | None:
    if not key:
        return None
    for place in list_places(writing.connection):
        if place.key == key:
            return place.number
    raise Invalid("There is no store of that key.", {"/store": ["There is no store of that key."]})


@blueprint.reads("/imports", page_of(ImportSchema), PageQuery)
def imports(query: Data) -> Data:
    """List imports, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = repository.list_imports(connection, before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/imports/<int:number>", ImportSchema)
def import_(number: int) -> Data:
    """Return how far an import is, and what came of it."""
    with transaction() as connection:
        return dict(repository.get_import(connection, number))


@blueprint.reads("/imports/<int:number>/errors", TEXT, scope="adjust", content_type=TYPES["csv"])
def errors(number: int) -> Response:
    """Return the refused rows as CSV: number, fields, what is wrong, their own cells; to be mended and sent again."""
    account = access().account
    with transaction() as connection:
        columns = repository.get_import(connection, number)["columns"]
    rows = _refused(tools().database, account, number)
    return _download(refusals_file(rows, columns), f"import-{number}-errors", "csv")


def _refused(database: Database, account: AccountId, number: int) -> Iterator[Data]:
    after = 0
    with database.transaction(account, steady=True) as connection:
        while rows := repository.list_errors(connection, number, after, ERRORS):
            yield from (dict(row) for row in rows)
            after = rows[-1]["row_number"]


@blueprint.writes("/imports/<int:number>/undo", ImportSchema, status=202, scope="adjust")
def undo(writing: Writing, number: int) -> Data:
    """Take back all that an import brought, as if it had never been; what was done since stays."""
    account = access().account
    undo_import(writing.connection, account, number, actor())
    writing.afterwards.append(partial(tools().wake_imports, account))
    return dict(repository.get_import(writing.connection, number))


@blueprint.reads("/exports/members", TEXT, ExportQuery, scope="adjust")
@blueprint.doc(responses={"200": {"content": FILES}})  # type: ignore[untyped-decorator]
def export(query: Data) -> Response:
    """Return every member who joined, with lots, tier, figures and links, as a file that an import takes."""
    account, form = access().account, query["format"]
    with transaction() as connection:
        note(connection, account, actor(), "members.exported", form)
    return _download(_exported(tools().database, account, form), "members", form)


def _exported(database: Database, account: AccountId, form: str) -> Iterator[str]:
    with database.transaction(account, steady=True) as connection:
        yield from export_members(connection, account, utc_now(), form)


def _download(lines: Iterable[str], name: str, form: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(lines, content_type=f"{TYPES[form]}; charset=utf-8", headers=headers)

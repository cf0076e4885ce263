"""Publish, show, check and try the program of an account."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from loyalty.clock import utc_now
from loyalty.engine.publishing import publish_program
from loyalty.engine.simulation import Question, simulate
from loyalty.errors import Invalid, ProgramNotPublished
from loyalty.programs.document import check_document
from loyalty.programs.lint import Notice, lint
from loyalty.programs.presets import get_preset, list_presets
from loyalty.programs.service import get_document, get_draft, load_versions
from webhook_app.api.simulation import SimulationSchema, simulation_data
from webhook_app.cli import ACTOR, Answer, Moment, command, find_account
from webhook_app.commands.simulating import table
from webhook_app.moments import moment_text
from webhook_app.tools import Tools

group = AppGroup("program", help="The rules of an account.")


@command(group, "publish")
@click.argument("store")
@click.argument("file")
@click.option("--effective-from", type=Moment(), help="When it takes effect; now unless given.")
def publish(tools: Tools, store: str, file: str, effective_from: datetime | None) -> Answer:
    """Publish the document in FILE (- reads standard input) for the account of STORE."""
    account, _ = find_account(tools, store)
    document = _read(file)
    with tools.database.transaction(account) as connection:
        done = publish_program(
            connection, account, document, effective_from=effective_from, now=utc_now(), actor=ACTOR
        )
    if done.to_refold:
        tools.wake_inbox(account)
    line = f"version {done.version} takes effect at {moment_text(done.effective_from)}"
    return Answer({"version": done.version, "warnings": _data(done.warnings)}, [line], _lines(done.warnings))


@command(group, "show")
@click.argument("store")
def show(tools: Tools, store: str) -> Answer:
    """Show the program in force for the account of STORE."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        program = load_versions(connection, account).at(utc_now())
        if program is None:
            raise ProgramNotPublished
        document = get_document(connection, program.version)
    start = moment_text(program.effective_from)
    data = {"version": program.version, "effective_from": start, "document": document}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return Answer(data, [f"version {program.version}, in force since {start}", text])


@command(group, "preset")
@click.argument("key", required=False)
def preset(_: Tools, key: str | None) -> Answer:
    """List the presets, or print the document of preset KEY, ready to edit and publish."""
    if key is None:
        return Answer({"presets": list_presets()}, list_presets())
    document = get_preset(key)
    return Answer(document, [json.dumps(document, ensure_ascii=False, indent=2)])


@command(group, "lint")
@click.argument("store")
@click.argument("file", required=False)
def lint_(tools: Tools, store: str, file: str | None) -> Answer:
    """Check the document in FILE, or the program in force; name what does nothing yet, and rules that overlap."""
    account, _ = find_account(tools, store)
    if file is not None:
        document = _read(file)
    else:
        with tools.database.transaction(account) as connection:
            program = load_versions(connection, account).at(utc_now())
            if program is None:
                raise ProgramNotPublished
            document = get_document(connection, program.version)
    notices = lint(check_document(document))
    return Answer({"warnings": _data(notices)}, _lines(notices) or ["nothing to say"])


@command(group, "simulate")
@click.argument("store")
@click.argument("file", required=False)
@click.option(
    "--question",
    type=click.Choice([question.value for question in Question]),
    default=Question.SWITCH.value,
    show_default=True,
    help="switch: what happens when it is published now; history: what if it had always been in force.",
)
def simulate_(tools: Tools, store: str, file: str | None, question: str) -> Answer:
    """Show what the document in FILE (- reads standard input), or the draft, would do to the members of STORE."""
    account, _ = find_account(tools, store)
    document = _read(file) if file is not None else None
    with tools.database.transaction(account, steady=True) as connection:
        if file is None:
            document = get_draft(connection)
        done = simulate(connection, account, document, Question(question), utc_now())
    data = SimulationSchema().dump(simulation_data(done))
    return Answer(data, table(data))


def _read(file: str) -> Any:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise Invalid(f"{file} is no JSON: {error}.") from None


def _data(notices: list[Notice]) -> list[dict[str, Any]]:
    return [{"path": notice.path, "message": notice.message} for notice in notices]


def _lines(notices: list[Notice]) -> list[str]:
    return [f"{notice.path}: {notice.message['en']}" for notice in notices]

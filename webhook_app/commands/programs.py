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
from loyalty.engine.advising import lint_document
from loyalty.engine.publishing import publish_program
from loyalty.engine.simulation import Question, simulate
from loyalty.errors import Invalid, ProgramNotPublished
from loyalty.programs.lint import Notice
from loyalty.programs.presets import all_presets, get_preset
from loyalty.programs.program import LANGUAGES
from loyalty.programs.service import get_document, get_draft, load_versions
from loyalty.stores.service import list_platforms
from webhook_app.api.answers import LintSchema
from webhook_app.api.presets import PresetSchema
from webhook_app.api.rules import sections_data
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
    notices = LintSchema().dump(done)
    complaints = _lines(done.warnings) + _lines(done.advice)
    return Answer({"version": done.version, **notices}, [line], complaints)


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


@command(group, "rules")
@click.argument("store")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True)
def rules(tools: Tools, store: str, language: str) -> Answer:
    """Say the rules in force for the account of STORE in words."""
    (account, _), now = find_account(tools, store), utc_now()
    with tools.database.transaction(account) as connection:
        program = load_versions(connection, account).at(now)
        platforms = list_platforms(connection)
    if program is None:
        raise ProgramNotPublished
    sections = sections_data(program, now, language, platforms)
    lines = [line for each in sections for line in (f"# {each['title']}", *each["sentences"], "")]
    return Answer({"version": program.version, "sections": sections}, lines[:-1])


@command(group, "presets")
def presets(_: Tools) -> Answer:
    """List the presets: their keys, other names, tiers and what they are for."""
    listed = PresetSchema(many=True).dump(all_presets())
    lines = [
        f"{' = '.join((each['key'], *each['aliases']))}: {' → '.join(name['zh-TW'] for name in each['tiers'])}"
        f"\n  {each['about']['zh-TW']}\n  {each['about']['en']}"
        for each in listed
    ]
    return Answer({"presets": listed}, lines)


@command(group, "preset")
@click.argument("key")
def preset(_: Tools, key: str) -> Answer:
    """Print the document of preset KEY, ready to edit and publish."""
    document = get_preset(key)
    return Answer(document, [json.dumps(document, ensure_ascii=False, indent=2)])


@command(group, "lint")
@click.argument("store")
@click.argument("file", required=False)
@click.option("--orders/--no-orders", default=True, show_default=True, help="Also judge by past orders.")
def lint_(tools: Tools, store: str, file: str | None, orders: bool) -> Answer:
    """Check the document in FILE, or the program in force: what does nothing or overlaps, and advice on its design."""
    account, _ = find_account(tools, store)
    document = _read(file) if file is not None else None
    with tools.database.transaction(account, steady=True) as connection:
        if file is None:
            program = load_versions(connection, account).at(utc_now())
            if program is None:
                raise ProgramNotPublished
            document = get_document(connection, program.version)
        found = lint_document(connection, account, document, utc_now(), on_orders=orders)
    lines = _lines(found.warnings) + _lines(found.advice)
    return Answer(LintSchema().dump(found), lines or ["nothing to say"])


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


def _lines(notices: list[Notice]) -> list[str]:
    return [f"{notice.severity}: {notice.path}: {notice.message['en']}" for notice in notices]

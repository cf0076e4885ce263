"""The program: the one in force, the draft, trying it, publishing, and the schema that all must fit."""

from __future__ import annotations

from functools import partial

from flask import Response, jsonify

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.advising import Linted, lint_document
from loyalty.engine.publishing import Published, publish_program
from loyalty.engine.simulation import simulate
from loyalty.errors import ProgramNotPublished
from loyalty.programs.json_schema import program_json_schema
from loyalty.programs.repository import list_versions
from loyalty.programs.service import get_draft, load_versions, save_draft
from loyalty.stores.service import list_platforms
from webhook_app.api.answers import (
    DraftSchema,
    LintSchema,
    ProgramSchema,
    PublishedSchema,
    VersionSchema,
    page_of,
)
from webhook_app.api.parts import Data, Resource, Writing, actor, transaction
from webhook_app.api.questions import DocumentBody, LintRequest, PublishRequest
from webhook_app.api.rules import RulesQuery, RulesSchema, sections_data
from webhook_app.api.simulation import SimulationRequest, SimulationSchema, simulation_data
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("program", __name__, description="The rules, their draft and their versions.")


@blueprint.reads("/program", ProgramSchema)
def show() -> Data:
    """Return the version in force with its document."""
    with transaction() as connection:
        program = load_versions(connection, access().account).at(utc_now())
        rows = list_versions(connection)
    if program is None:
        raise ProgramNotPublished
    return next(dict(row) for row in rows if row["version"] == program.version)


@blueprint.reads("/program/rules", RulesSchema, RulesQuery)
def rules(asked: Data) -> Data:
    """Return the rules in force in words: in one language, or with every text by language."""
    now, language = utc_now(), asked["language"]
    with transaction() as connection:
        program = load_versions(connection, access().account).at(now)
        platforms = list_platforms(connection)
    if program is None:
        raise ProgramNotPublished
    return {"version": program.version, "sections": sections_data(program, now, language, platforms)}


@blueprint.reads("/program/versions", page_of(VersionSchema))
def versions() -> Data:
    """List all versions, newest first."""
    with transaction() as connection:
        rows = list_versions(connection)
    return {"data": sorted(rows, key=lambda row: -row["version"]), "next": None}


@blueprint.reads("/program/schema", {"type": "object"})
def schema() -> Response:
    """Return the JSON Schema of the document."""
    return jsonify(program_json_schema())


@blueprint.reads("/program/draft", DraftSchema)
def show_draft() -> Data:
    """Return the draft."""
    with transaction() as connection:
        return {"document": get_draft(connection)}


@blueprint.writes("/program/draft", DraftSchema, status=200, method="PUT", body=DocumentBody)
def put_draft(writing: Writing, document: Data) -> Data:
    """Check and keep the whole document, which is the body, as the draft."""
    save_draft(writing.connection, access().account, document, utc_now())
    note(writing.connection, access().account, actor(), "program.draft_saved")
    return {"document": document}


@blueprint.writes("/program/publish", PublishedSchema, status=201, body=PublishRequest)
def publish(writing: Writing, asked: Data) -> Published:
    """Publish the draft, or the given document, as the next version."""
    account, document = access().account, asked["document"]
    if document is None:
        document = get_draft(writing.connection)
    start = asked["effective_from"]
    done = publish_program(
        writing.connection, account, document, effective_from=start, now=utc_now(), actor=actor()
    )
    if done.to_refold:
        writing.afterwards.append(partial(tools().wake_inbox, account))
    return done


@blueprint.asks("/program/lint", LintSchema, LintRequest)
def lint(asked: Data) -> Linted:
    """Warn of what in the draft, or the given document, does nothing, and advise on its design."""
    with transaction(steady=True) as connection:
        document = asked["document"]
        if document is None:
            document = get_draft(connection)
        return lint_document(connection, access().account, document, utc_now(), on_orders=asked["on_orders"])


@blueprint.asks("/program/simulations", SimulationSchema, SimulationRequest)
def simulation(asked: Data) -> Data:
    """Show what the draft, or the given document, would do to the members; nothing is changed."""
    with transaction(steady=True) as connection:
        document = asked["document"]
        if document is None:
            document = get_draft(connection)
        return simulation_data(simulate(connection, access().account, document, asked["question"], utc_now()))

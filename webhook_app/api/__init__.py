"""The REST API of one account under /api/v1, described by its own OpenAPI document."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from connectors.till.fields import Instant, Money
from webhook_app.api import (
    automations,
    backfills,
    benefits,
    challenges,
    commands,
    corrections,
    costs,
    credit,
    data_requests,
    draws,
    events,
    imports,
    incidents,
    joining,
    ledger,
    members,
    merges,
    messages,
    orders,
    participation,
    persons,
    polls,
    presets,
    program,
    reconciliations,
    redemptions,
    referrals,
    reports,
    rewards,
)
from webhook_app.api.answers import Problem
from webhook_app.api.fields import Amount, Moment
from webhook_app.errors import MEDIA_TYPE

PREFIX = "/api/v1"
TOPICS = (
    members, joining, persons, merges, benefits, commands, credit, ledger, program, presets, corrections, automations,
    referrals, rewards, redemptions, incidents, events, polls, challenges, draws, participation, orders, messages,
    reconciliations, backfills, imports, costs, reports, data_requests,
)  # fmt: skip
SPEC = {
    "components": {"securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}}},
    "security": [{"apiKey": []}],
}


CONTENT_TYPE = "DEFAULT_RESPONSE_CONTENT_TYPE"


class LaurelApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """Describes errors as the problems that `webhook_app.errors` answers."""

    ERROR_SCHEMA = Problem

    def _register_responses(self) -> None:
        """Describe refusals by their own media type; flask-smorest has one for all answers."""
        usual = getattr(self, CONTENT_TYPE)
        setattr(self, CONTENT_TYPE, MEDIA_TYPE)
        super()._register_responses()
        setattr(self, CONTENT_TYPE, usual)


def register(app: Flask) -> None:
    """Add the API and its description."""
    app.config.update(
        API_TITLE="Laurel",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS=SPEC,
    )
    api = LaurelApi(app)
    api.register_field(Moment, "string", "date-time")
    api.register_field(Amount, "string", "decimal")
    api.register_field(Instant, "string", "date-time")
    api.register_field(Money, "string", "decimal")
    for topic in TOPICS:
        api.register_blueprint(topic.blueprint, url_prefix=PREFIX)

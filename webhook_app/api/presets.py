"""Programs ready to publish: the list of them, which one fits a business, and each as a whole document."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import Response, jsonify
from marshmallow import Schema, fields, validate

from loyalty.programs.fields import DECIMAL
from loyalty.programs.preset_choice import Suggestion, suggest_preset
from loyalty.programs.presets import all_presets, get_preset
from webhook_app.api.answers import words
from webhook_app.api.parts import Data, Resource
from webhook_app.api.questions import Strict

blueprint = Resource("presets", __name__, description="Programs ready to publish.")


def _decimal(meaning: str) -> fields.String:
    rule = validate.Regexp(DECIMAL, error='Must be a decimal string such as "1.5".')
    return fields.String(required=True, validate=rule, metadata={"description": meaning})


class SuggestionQuery(Strict):
    orders_per_year = _decimal("How many orders a usual customer places in a year.")
    basket = _decimal("What a usual order is worth, in the money of the presets (Taiwan dollars).")


class PresetSchema(Schema):
    key = fields.String()
    aliases = fields.List(fields.String())
    led_by = fields.String(metadata={"description": "The metric of its thresholds."})
    about = words()
    names = fields.List(words(), data_key="tiers", metadata={"description": "Lowest first."})


class PresetsSchema(Schema):
    data = fields.List(fields.Nested(PresetSchema))
    next = fields.String(allow_none=True)


class SuggestionSchema(Schema):
    preset = fields.Nested(PresetSchema)
    reason = words()


@blueprint.reads("/program/presets", PresetsSchema)
def presets() -> Data:
    """List the presets with their tiers and what they are for."""
    return {"data": all_presets(), "next": None}


@blueprint.reads("/program/presets/suggestion", SuggestionSchema, SuggestionQuery)
def suggestion(asked: dict[str, Any]) -> Suggestion:
    """Suggest a preset by how often a customer buys and for how much."""
    return suggest_preset(Fraction(asked["orders_per_year"]), Fraction(asked["basket"]))


@blueprint.reads("/program/presets/<key>", {"type": "object"})
def preset(key: str) -> Response:
    """Return a preset's whole document, ready to edit and publish."""
    return jsonify(get_preset(key))

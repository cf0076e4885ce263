"""The rules in words, as the API and the command line show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from loyalty.programs.program import LANGUAGES, Program
from loyalty.programs.rules_page import rules_in_words
from webhook_app.api.questions import Strict


class RulesQuery(Strict):
    language = fields.String(load_default=None, validate=validate.OneOf(LANGUAGES))


class SectionSchema(Schema):
    key = fields.String()
    title = fields.Raw(metadata={"description": "A text; texts by language when none was asked for."})
    sentences = fields.List(fields.Raw(), metadata={"description": "Like the title."})


class RulesSchema(Schema):
    version = fields.Integer()
    sections = fields.List(fields.Nested(SectionSchema))


def sections_data(
    program: Program, now: datetime, language: str | None, platforms: frozenset[str]
) -> list[dict[str, Any]]:
    """Return the sections in a language, None: each text in all of them; `platforms` of the account's open shops."""
    return [
        {
            "key": section.key,
            "title": section.title[language] if language else section.title,
            "sentences": [each[language] if language else each for each in section.sentences],
        }
        for section in rules_in_words(program, now, platforms)
    ]

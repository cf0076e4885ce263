"""The words of a message with its figures filled in; law: what is not known is left out, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty.clock import local_date
from loyalty.programs.automations import PLACEHOLDERS, Message
from loyalty.programs.ladder import Text
from loyalty.programs.program import LANGUAGES, Program, text_in


@dataclass(frozen=True, slots=True)
class Rendered:
    """Subject and body in every language."""

    subject: Text
    body: Text


def render(message: Message, program: Program, name: str, data: Mapping[str, Any]) -> Rendered:
    """Return a message to somebody of that name; `data` is what its cause tells."""
    values = {language: _values(program, name, data, language) for language in LANGUAGES}
    return Rendered(_fill(message.subject, values), _fill(message.body, values))


def _fill(text: Text, values: Mapping[str, Mapping[str, str]]) -> Text:
    return {language: _put(text_in(text, language), values[language]) for language in LANGUAGES}


def _put(text: str, values: Mapping[str, str]) -> str:
    """Replace placeholders only: braces in a member's own name mean nothing."""
    parts = []
    while text:
        before, brace, rest = text.partition("{")
        word, closed, after = rest.partition("}")
        known = brace and closed and word in PLACEHOLDERS
        parts += [before, values[word] if known else brace]
        text = after if known else rest
    return "".join(parts)


def _values(program: Program, name: str, data: Mapping[str, Any], language: str) -> dict[str, str]:
    date = data.get("date")
    coupons = data.get("coupons") or []
    tier = data.get("tier")
    return {
        "name": name,
        "points_name": text_in(program.points_name, language),
        "points": _text(data.get("expiring", data.get("points"))),
        "balance": _text(data.get("balance")),
        "tier": text_in(program.tier(tier).name, language) if tier else "",
        "coupon": _text(data.get("code", coupons[0] if coupons else None)),
        "date": local_date(datetime.fromisoformat(date), program.time_zone).isoformat() if date else "",
        "days": _text(data.get("days")),
        "order": _text(data.get("order")),
    }


def _text(value: object) -> str:
    return "" if value is None else str(value)

"""The schema of campaigns: windows, member days, scope, conditions and limits."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from loyalty.programs.fields import Key, Number, Texts, WallTime, Whole
from loyalty.programs.schema_parts import MatchSchema, Strict, choice, ids, part
from loyalty.programs.terms import Stacking

REGION = re.compile(r"^[A-Z]{2}(-\S.*)?$")


class RegionName(fields.String):
    """An ISO 3166 country, or a state of it: `US`, `US-NY`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip().upper()
        if not REGION.match(text):
            raise ValidationError("Must be a country such as US, or a state of it such as US-NY.")
        return text


class ScopeSchema(MatchSchema):
    """What and whom a campaign means."""

    tiers = ids()
    segments = ids()
    regions = fields.List(RegionName(), load_default=list)
    channels = ids()
    member_tags = ids()


class RecursSchema(Strict):
    """Member days."""

    weekdays = fields.List(Whole(least=1, most=7), load_default=list)
    month_days = fields.List(Whole(least=1, most=31), load_default=list)
    months = fields.List(Whole(least=1, most=12), load_default=list)

    @validates_schema
    def _names_days(self, data: dict[str, Any], **_: Any) -> None:
        if not any(data.values()):
            raise ValidationError("Must name weekdays, month_days or months.")


class CampaignSchema(Strict):
    """One campaign."""

    key = Key(required=True)
    name = Texts(load_default=dict)
    opens = WallTime(required=True, data_key="from")
    closes = WallTime(required=True, data_key="until")
    recurs = fields.Nested(RecursSchema, load_default=None, allow_none=True)
    multiplier = Number(load_default=None, allow_none=True)
    bonus = Whole(least=1, load_default=None, allow_none=True)
    scope = part(ScopeSchema)
    minimum_order = Number(load_default=None, allow_none=True)
    first_order = fields.Boolean(load_default=False)
    nth_order = Whole(least=1, load_default=None, allow_none=True)
    counts_toward_tier = fields.Boolean(load_default=False)
    stacking = choice(Stacking, "best")
    holdout_percent = Whole(most=100, load_default=0)
    budget = Whole(least=1, load_default=None, allow_none=True)
    per_member = Whole(least=1, load_default=None, allow_none=True)

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_: Any) -> None:
        if data["multiplier"] is None and data["bonus"] is None:
            raise ValidationError("Must have a multiplier or a bonus.", "multiplier")
        if data["closes"] <= data["opens"]:
            raise ValidationError("Must be after `from`.", "until")

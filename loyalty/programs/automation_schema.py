"""The schema of segments, automations, messages, referral and limits."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate, validates_schema

from loyalty.programs.automations import PLACEHOLDERS, OncePer, Trigger
from loyalty.programs.campaign_schema import RegionName
from loyalty.programs.fields import ByKey, CalendarLength, Key, Number, Texts, WallTime, Whole
from loyalty.programs.limits import ALERT, BLOCK
from loyalty.programs.schema_parts import Strict, choice
from loyalty.programs.segments import Since
from loyalty.programs.terms import Metric, WindowKind
from loyalty.values import ZERO

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LISTED = ("tier", "tag", "region", "segment")
_OF_KIND = {
    **{kind: {"any_of", "none_of"} for kind in _LISTED},
    "metric": {"metric", "at_least", "below", "window"},
    "days_since": {"since", "at_least", "below"},
    "date": {"opens", "closes"},
}
_OF_TRIGGER: dict[str, set[str]] = {
    Trigger.ORDER_PAID: {"minimum_order"},
    Trigger.ORDER_COUNT: {"count", "every"},
    Trigger.STREAK: {"months"},
    Trigger.TIER_CHANGED: {"tiers", "direction"},
    Trigger.ACTIVITY_RECORDED: {"activities"},
    Trigger.BIRTHDAY: {"days"},
    Trigger.POINTS_EXPIRING: {"days"},
    Trigger.TIER_EXPIRING: {"days", "tiers"},
    Trigger.COUPON_EXPIRING: {"days"},
    Trigger.INACTIVE_FOR: {"days"},
    Trigger.SEGMENT_ENTERED: {"segment"},
    Trigger.SEGMENT_LEFT: {"segment"},
    Trigger.REFERRAL_COMPLETED: {"side"},
}
_NEEDED = {
    Trigger.STREAK: "months",
    Trigger.POINTS_EXPIRING: "days",
    Trigger.TIER_EXPIRING: "days",
    Trigger.COUPON_EXPIRING: "days",
    Trigger.INACTIVE_FOR: "days",
    Trigger.SEGMENT_ENTERED: "segment",
    Trigger.SEGMENT_LEFT: "segment",
}
_OF_ACTION = {
    "points": {"points", "counts_toward_tier"},
    "coupon": {"reward"},
    "tier": {"tier", "length"},
    "tag": {"add", "remove"},
    "message": {"message"},
    "webhook": {"url"},
}
_NEEDED_OF_ACTION = {
    "points": "points",
    "coupon": "reward",
    "tier": "tier",
    "message": "message",
    "webhook": "url",
}


def _refuse_others(data: dict[str, Any], allowed: set[str], what: str) -> None:
    wrong = {name: [f"Does not belong to {what}."] for name in data if name not in allowed}
    if wrong:
        raise ValidationError(wrong)


class CriterionWindowSchema(Strict):
    kind = choice(WindowKind, "lifetime")
    months = Whole(least=1, load_default=12)


class CriterionSchema(Strict):
    """One condition on a member; `kind` says which of the other keys belong to it."""

    kind = fields.String(required=True, validate=validate.OneOf(list(_OF_KIND)))
    any_of = fields.List(fields.String(), validate=validate.Length(min=1))
    none_of = fields.List(fields.String(), validate=validate.Length(min=1))
    metric = fields.String(validate=validate.OneOf([str(metric) for metric in Metric]))
    since = fields.String(validate=validate.OneOf([str(since) for since in Since]))
    at_least = Number()
    below = Number()
    window = fields.Nested(CriterionWindowSchema)
    opens = WallTime(data_key="from")
    closes = WallTime(data_key="until")

    @validates_schema
    def _fits_its_kind(self, data: dict[str, Any], **_: Any) -> None:
        kind = data["kind"]
        _refuse_others({name: 1 for name in data if name != "kind"}, _OF_KIND[kind], f"the kind {kind}")
        if kind in _LISTED and not ("any_of" in data or "none_of" in data):
            raise ValidationError("Must have any_of or none_of.")
        if kind in ("metric", "days_since"):
            self._has_bounds(data, "metric" if kind == "metric" else "since")
        if kind == "region":
            for name in ("any_of", "none_of"):
                data[name] = [RegionName().deserialize(region) for region in data.get(name, ())]
        if kind == "date" and not ("opens" in data and "closes" in data and data["opens"] < data["closes"]):
            raise ValidationError("Must have `from` before `until`.", "from")

    @staticmethod
    def _has_bounds(data: dict[str, Any], subject: str) -> None:
        if subject not in data:
            raise ValidationError("Must be given.", subject)
        if "at_least" not in data and "below" not in data:
            raise ValidationError("Must be given, or below.", "at_least")


class SegmentSchema(Strict):
    """Members who meet any, or all, of some criteria."""

    key = Key(required=True)
    name = Texts(load_default=dict)
    any = fields.List(fields.Nested(CriterionSchema), validate=validate.Length(min=1))
    all = fields.List(fields.Nested(CriterionSchema), validate=validate.Length(min=1))

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("any" in data) == ("all" in data):
            raise ValidationError('Must have either "any" or "all".')
        for word in ("any", "all"):
            for index, criterion in enumerate(data.get(word, ())):
                if criterion["kind"] == "segment":
                    raise ValidationError({word: {index: {"kind": ["Segments cannot name segments."]}}})


class WhenSchema(Strict):
    """What a trigger asks for besides its name."""

    count = Whole(least=1)
    every = Whole(least=1)
    months = Whole(least=2, most=36)
    minimum_order = Number()
    days = Whole(most=3650)
    tiers = fields.List(fields.String())
    direction = fields.String(validate=validate.OneOf(["up", "down", "any"]))
    segment = fields.String()
    activities = fields.List(Key())
    side = fields.String(validate=validate.OneOf(["referrer", "friend"]))


class ActionSchema(Strict):
    """One thing to do; `kind` says which of the other keys belong to it."""

    kind = fields.String(required=True, validate=validate.OneOf(list(_OF_ACTION)))
    points = Whole(least=1)
    counts_toward_tier = fields.Boolean()
    reward = fields.String()
    tier = fields.String()
    length = CalendarLength(data_key="for")
    add = fields.List(Key())
    remove = fields.List(Key())
    message = fields.String()
    url = fields.String(validate=validate.Length(max=2000))

    @validates_schema
    def _fits_its_kind(self, data: dict[str, Any], **_: Any) -> None:
        kind = data["kind"]
        _refuse_others({name: 1 for name in data if name != "kind"}, _OF_ACTION[kind], f"the kind {kind}")
        needed = _NEEDED_OF_ACTION.get(kind)
        if needed is not None and needed not in data:
            raise ValidationError("Must be given.", needed)
        if kind == "tag" and not (data.get("add") or data.get("remove")):
            raise ValidationError("Must be given, or remove.", "add")
        if kind == "webhook" and not _is_https(data["url"]):
            raise ValidationError("Must be an address that begins with https://.", "url")


def actions(**options: Any) -> fields.List[Any]:
    """Return a list of actions."""
    return fields.List(fields.Nested(ActionSchema), **options)


class AutomationSchema(Strict):
    """One automation."""

    key = Key(required=True)
    name = Texts(load_default=dict)
    trigger = fields.String(required=True, validate=validate.OneOf([str(trigger) for trigger in Trigger]))
    when = fields.Nested(WhenSchema, load_default=dict)
    conditions = fields.List(fields.Nested(CriterionSchema), load_default=list)
    actions = actions(required=True, validate=validate.Length(min=1))
    once_per = choice(OncePer, "cause")

    @validates_schema
    def _fits_its_trigger(self, data: dict[str, Any], **_: Any) -> None:
        trigger, when = Trigger(data["trigger"]), data["when"]
        try:
            _refuse_others(when, _OF_TRIGGER.get(trigger, set()), f"the trigger {trigger}")
        except ValidationError as error:
            raise ValidationError({"when": error.messages}) from None
        needed = _NEEDED.get(trigger)
        if needed is not None and needed not in when:
            raise ValidationError({"when": {needed: ["Must be given."]}})
        if trigger is Trigger.ORDER_COUNT and len(when) != 1:
            raise ValidationError({"when": {"count": ["Must have either count or every."]}})


class MessageTexts(Texts):
    """Texts whose `{placeholders}` are known."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str]:
        texts = super()._deserialize(value, attr, data, **kwargs)
        for language, text in texts.items():
            unknown = sorted(set(_PLACEHOLDER.findall(text)) - PLACEHOLDERS)
            if unknown:
                known = ", ".join(sorted(PLACEHOLDERS))
                raise ValidationError(
                    {language: [f"Unknown placeholder {{{unknown[0]}}}; there are {known}."]}
                )
        return texts


class MessageSchema(Strict):
    """One text to members."""

    subject = MessageTexts(required=True)
    body = MessageTexts(required=True)


class ReferralSchema(Strict):
    """What bringing friends is worth."""

    referrer = actions(load_default=list)
    friend = actions(load_default=list)
    hold_days = Whole(load_default=14, most=365)
    minimum_order = Number(load_default=ZERO)
    per_month = Whole(least=1, load_default=None, allow_none=True)
    lifetime = Whole(least=1, load_default=None, allow_none=True)


class ActivityLimitSchema(Strict):
    """What an activity of a kind counts, and how often."""

    score = Whole(load_default=1)
    event = fields.Boolean(load_default=False)
    per_day = Whole(least=1, load_default=None, allow_none=True)
    per_week = Whole(least=1, load_default=None, allow_none=True)
    per_month = Whole(least=1, load_default=None, allow_none=True)
    lifetime = Whole(least=1, load_default=None, allow_none=True)


class DiscountShareSchema(Strict):
    """How much of the revenue discounts may take."""

    percent = Number(positive=True, most=100, required=True)
    days = Whole(least=1, most=366, load_default=30)
    action = choice([ALERT, BLOCK], ALERT)


class LimitsSchema(Strict):
    """Limits that belong to no other part."""

    activities = ByKey(keys=Key(), values=fields.Nested(ActivityLimitSchema), load_default=dict)
    discount_share = fields.Nested(DiscountShareSchema, load_default=None, allow_none=True)
    gross_margin_percent = Number(positive=True, most=100, load_default=None, allow_none=True)


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        return False

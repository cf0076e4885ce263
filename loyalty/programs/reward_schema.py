"""The schema of rewards: what each kind needs, and what it cannot have."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from loyalty.programs.catalogue import (
    CONTENT,
    EVENT_TICKET,
    FORM_KINDS,
    FREE_PRODUCT,
    GIFT_CARD,
    PROMOTION_KINDS,
    REWARD_KINDS,
    SERVICE_KINDS,
    VARIABLE_DISCOUNT,
)
from loyalty.programs.fields import Key, Number, Texts, WallTime, Whole
from loyalty.programs.schema_parts import MatchSchema, Strict, choice, ids, part
from loyalty.values import ZERO

PERIODS = ("day", "week", "month", "year", "lifetime")
NEED_AMOUNT = frozenset(
    {"fixed_discount", "percent_discount", VARIABLE_DISCOUNT, "store_credit", "gift_card"}
)
MOST_FIELDS = 20
MOST_OPTIONS = 50


class UsesSchema(Strict):
    """How often in a period."""

    uses = Whole(least=1, required=True)
    period = choice(PERIODS, "lifetime")


class PerMember(fields.Field[dict[str, Any]]):
    """How often a member may have it: a whole number for ever, or {"uses": n, "period": "month"}."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        given = {"uses": value} if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(given, dict):
            raise ValidationError('Must be a whole number or {"uses": n, "period": "month"}.')
        loaded: dict[str, Any] = UsesSchema().load(given)
        return loaded


class OptionSchema(Strict):
    """One of the answers to choose among."""

    key = Key(required=True)
    text = Texts(required=True)


class FormFieldSchema(Strict):
    """What is asked when a service is redeemed."""

    key = Key(required=True)
    label = Texts(required=True)
    kind = choice(FORM_KINDS, "text")
    required = fields.Boolean(load_default=True)
    options = fields.List(
        fields.Nested(OptionSchema), load_default=list, validate=validate.Length(0, MOST_OPTIONS)
    )

    @validates_schema
    def _options_fit(self, data: dict[str, Any], **_: Any) -> None:
        if (len(data["options"]) >= 2) != (data["kind"] == "choice"):
            raise ValidationError("A choice has at least two, and nothing else has any.", "options")
        _need_unique(data["options"], "options")


def _need_unique(items: list[dict[str, Any]], name: str) -> None:
    if len({item["key"] for item in items}) < len(items):
        raise ValidationError("Must have each key once.", name)


class RewardSchema(Strict):
    """One reward of the catalogue."""

    key = Key(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(REWARD_KINDS))
    name = Texts(load_default=dict)
    terms = Texts(load_default=dict)
    category = Key(load_default=None, allow_none=True)
    points = Whole(load_default=None, allow_none=True)
    amount = Number(positive=True, load_default=None, allow_none=True)
    least = Whole(least=1, load_default=None, allow_none=True, data_key="min")
    most = Whole(least=1, load_default=None, allow_none=True, data_key="max")
    step = Whole(least=1, load_default=1)
    minimum_subtotal = Number(load_default=ZERO)
    minimum_balance = Whole(load_default=0)
    products = part(MatchSchema)
    combinable = fields.Boolean(load_default=False)
    opens = WallTime(load_default=None, allow_none=True, data_key="from")
    closes = WallTime(load_default=None, allow_none=True, data_key="until")
    valid_days = Whole(least=1, load_default=None, allow_none=True)
    on_expiry = choice(["return", "forfeit"], "return")
    tiers = ids()
    from_tier = fields.String(load_default=None, allow_none=True)
    stock = Whole(load_default=None, allow_none=True)
    per_member = PerMember(load_default=None, allow_none=True)
    unit_cost = Number(load_default=None, allow_none=True)
    archived = fields.Boolean(load_default=False)
    event = Key(load_default=None, allow_none=True)
    url = fields.Url(schemes={"https", "http"}, require_tld=False, load_default=None, allow_none=True)
    form = fields.List(
        fields.Nested(FormFieldSchema), load_default=list, validate=validate.Length(0, MOST_FIELDS)
    )

    @validates_schema
    def _form_fits(self, data: dict[str, Any], **_: Any) -> None:
        if data["form"] and data["kind"] not in SERVICE_KINDS:
            raise ValidationError("Only what people carry out asks for anything.", "form")
        _need_unique(data["form"], "form")

    @validates_schema
    def _amount_fits(self, data: dict[str, Any], **_: Any) -> None:
        kind, amount = data["kind"], data["amount"]
        if kind in NEED_AMOUNT and amount is None:
            raise ValidationError("Must be given for this kind.", "amount")
        if kind == "percent_discount" and amount > 100:
            raise ValidationError("Must be at most 100 percent.", "amount")

    @validates_schema
    def _points_fit(self, data: dict[str, Any], **_: Any) -> None:
        if data["kind"] != VARIABLE_DISCOUNT:
            if data["least"] is not None or data["most"] is not None or data["step"] != 1:
                raise ValidationError("Only a variable_discount has min, max and step.", "step")
            return
        if not data["points"]:
            raise ValidationError("Must be how many points the amount is worth.", "points")
        for name, bound in (("min", data["least"]), ("max", data["most"])):
            if bound is not None and bound % data["step"]:
                raise ValidationError("Must be a multiple of `step`.", name)
        if data["least"] is not None and data["most"] is not None and data["most"] < data["least"]:
            raise ValidationError("Must be at least `min`.", "max")

    @validates_schema
    def _parts_fit(self, data: dict[str, Any], **_: Any) -> None:
        kind, products = data["kind"], data["products"]
        if kind == FREE_PRODUCT and not products["product_ids"]:
            raise ValidationError("Must name the free product.", "products")
        if products["skus"] or products["tags"] or (products["product_ids"] and products["category_ids"]):
            raise ValidationError("A code is bound to product_ids or to category_ids only.", "products")
        if kind not in PROMOTION_KINDS:
            for name, given in (("products", any(products.values())), ("combinable", data["combinable"])):
                if given:
                    raise ValidationError("Only a code that takes something off has this.", name)
        if kind == GIFT_CARD:
            for name in ("minimum_subtotal", "valid_days"):
                if data[name]:
                    raise ValidationError("A gift card is money: it has no minimum and no end.", name)
        if (data["event"] is not None) > (kind == EVENT_TICKET):
            raise ValidationError("Only an event_ticket names an event.", "event")
        if (data["url"] is not None) != (kind == CONTENT):
            raise ValidationError("Must be given for content, and for nothing else.", "url")
        if None not in (data["opens"], data["closes"]) and data["closes"] <= data["opens"]:
            raise ValidationError("Must be after `from`.", "until")

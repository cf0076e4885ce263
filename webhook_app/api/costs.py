"""What the program costs by tier beside what the tiers bring in, by API."""

from __future__ import annotations

from datetime import datetime, timedelta

from marshmallow import Schema, ValidationError, fields, validates_schema

from loyalty.clock import utc_now
from loyalty.reports.costs import read_costs
from webhook_app.api.answers import words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, transaction
from webhook_app.api.questions import Strict
from webhook_app.security import access

blueprint = Resource("costs", __name__, description="What the program costs.")
USUALLY = timedelta(days=30)
_SHARE = "A share as a decimal text, 0.0833 for 8.33 %; null where there is nothing to compare with."


class CostsQuery(Strict):
    opens = Moment(data_key="from", load_default=None, metadata={"description": "30 days before `until`."})
    until = Moment(load_default=None, metadata={"description": "Now."})

    @validates_schema
    def _is_a_time(self, data: Data, **_: object) -> None:
        if None not in (data["opens"], data["until"]) and data["until"] <= data["opens"]:
            raise ValidationError("Must be after from.", "until")


class CostSchema(Schema):
    orders = fields.Integer(metadata={"description": "Orders not refunded in full."})
    revenue = fields.String(
        metadata={"description": "Goods and fees without tax and shipping, less refunds."}
    )
    redemptions = fields.Integer()
    unit_costs = fields.String(metadata={"description": "Of rewards that name what they cost."})
    discounts = fields.String(metadata={"description": "What codes of the program took off."})
    cost = fields.String(
        metadata={"description": "`unit_costs`, and the discounts of rewards that name no cost."}
    )
    points = fields.Integer(metadata={"description": "Given, less what was taken back."})
    points_worth = fields.String(allow_none=True)
    margin = fields.String(
        allow_none=True, metadata={"description": "Of the revenue, by `limits.gross_margin_percent`."}
    )
    cost_of_revenue = fields.String(allow_none=True, metadata={"description": _SHARE})
    cost_of_margin = fields.String(allow_none=True, metadata={"description": _SHARE})


class TierCostSchema(CostSchema):
    tier = fields.String()
    name = words()


class DiscountShareSchema(Schema):
    percent = fields.String()
    days = fields.Integer()
    action = fields.String(metadata={"description": "alert or block."})
    judged_at = Moment(allow_none=True)
    discounts = fields.String(allow_none=True)
    revenue = fields.String(allow_none=True)
    share = fields.String(allow_none=True, metadata={"description": _SHARE})
    is_above = fields.Boolean(data_key="above")
    is_blocked = fields.Boolean(data_key="blocked", metadata={"description": "No discount is redeemed now."})


class CostsSchema(Schema):
    since = Moment(data_key="from")
    until = Moment()
    currency = fields.String()
    gross_margin_percent = fields.String(allow_none=True)
    point_worth = fields.String(allow_none=True, metadata={"description": "What one point buys."})
    tiers = fields.List(fields.Nested(TierCostSchema))
    total = fields.Nested(CostSchema)
    discount_share = fields.Nested(DiscountShareSchema, allow_none=True)


@blueprint.reads("/reports/costs", CostsSchema, CostsQuery)
def costs(query: Data) -> Data:
    """Return what rewards cost in each tier, in `[from, until)`, beside what the tier brings in."""
    now = utc_now()
    until: datetime = query["until"] or now
    since: datetime = query["opens"] or until - USUALLY
    with transaction(steady=True) as connection:
        return read_costs(connection, access().account, since, until, now)

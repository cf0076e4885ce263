"""Reports: what somebody should look at, and whom the shop should tell what."""

from __future__ import annotations

from marshmallow import Schema, fields

from loyalty.clock import utc_now
from loyalty.notices.repository import list_notices
from loyalty.reports.effects import read_effects
from loyalty.reports.reviews import list_orders_to_review
from webhook_app.api.answers import ReviewSchema, page_of, words
from webhook_app.api.member_answers import ReminderSchema
from webhook_app.api.parts import Data, Resource, number_cursor, page, text_cursor, transaction
from webhook_app.api.questions import NoticesQuery, PageQuery
from webhook_app.security import access

blueprint = Resource("reports", __name__, description="Reports.")


class CampaignEffectSchema(Schema):
    key = fields.String()
    name = words()
    orders = fields.Integer(metadata={"description": "Orders that it was part of at their award."})
    members = fields.Integer()
    points = fields.Integer(metadata={"description": "What these orders stand at, net of refunds."})
    spend = fields.String(metadata={"description": "Their net base."})


class RewardEffectSchema(Schema):
    key = fields.String()
    name = words()
    coupons = fields.Integer()
    by_state = fields.Dict(keys=fields.String(), values=fields.Integer())


class AutomationEffectSchema(Schema):
    key = fields.String()
    name = words()
    runs = fields.Integer(metadata={"description": "Occasions that time caused."})
    given = fields.Integer(metadata={"description": "How often it gave points."})
    members = fields.Integer(metadata={"description": "To how many members."})
    points = fields.Integer()
    withdrawn = fields.Integer(metadata={"description": "Points taken back."})
    messages = fields.Integer()
    calls = fields.Integer()


class EffectsSchema(Schema):
    campaigns = fields.List(fields.Nested(CampaignEffectSchema))
    rewards = fields.List(fields.Nested(RewardEffectSchema))
    automations = fields.List(fields.Nested(AutomationEffectSchema))


@blueprint.reads("/reports/effects", EffectsSchema)
def effects() -> Data:
    """Return what came of every campaign, reward and automation."""
    with transaction(steady=True) as connection:
        return read_effects(connection, access().account, utc_now())


@blueprint.reads("/reports/orders-to-review", page_of(ReviewSchema), PageQuery)
def orders_to_review(query: Data) -> Data:
    """List orders that earn nothing because the rules cannot judge them, such as those in a foreign currency."""
    limit, after = query["limit"], text_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_orders_to_review(connection, after, limit + 1)
    return page(rows, limit, lambda row: row["key"])


@blueprint.reads("/notices", page_of(ReminderSchema), NoticesQuery)
def notices(query: Data) -> Data:
    """List what members must be told: points or a tier that end soon, or sooner than before; newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_notices(connection, query["member"], before, limit + 1)
    return page(rows, limit, lambda row: row["id"])

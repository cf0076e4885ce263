"""The catalogue by API: what the program offers, and what suits a member."""

from __future__ import annotations

from uuid import UUID

import structlog
from marshmallow import Schema, fields

from loyalty.clock import utc_now
from loyalty.reports.catalogue import list_catalogue, read_member_catalogue
from webhook_app.api.answers import page_of, words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, page, transaction
from webhook_app.api.questions import Strict
from webhook_app.security import access

blueprint = Resource("rewards", __name__, description="The catalogue of rewards.")
MOST_LOGGED = 10

log = structlog.get_logger(__name__)


class CatalogueQuery(Strict):
    tier = fields.String(
        load_default=None, metadata={"description": "Only what members of this tier may have."}
    )
    category = fields.String(load_default=None)


class MemberCatalogueQuery(Strict):
    category = fields.String(load_default=None)
    available = fields.Boolean(
        load_default=None,
        metadata={"description": "true: only what he may redeem now; false: only what he may not."},
    )


class RewardSchema(Schema):
    key = fields.String()
    kind = fields.String()
    name = words()
    terms = words()
    category = fields.String(allow_none=True)
    points = fields.Integer(allow_none=True, metadata={"description": "null: only given, never redeemed."})
    amount = fields.String(
        allow_none=True,
        metadata={
            "description": "Money, or percent of a percent_discount; of a variable_discount what `points` are worth."
        },
    )
    least = fields.Integer(
        data_key="min", allow_none=True, metadata={"description": "Points of a variable discount."}
    )
    most = fields.Integer(data_key="max", allow_none=True)
    step = fields.Integer(allow_none=True)
    minimum_subtotal = fields.String()
    minimum_balance = fields.Integer()
    opens = Moment(data_key="from", allow_none=True)
    closes = Moment(data_key="until", allow_none=True)
    stock_left = fields.Integer(allow_none=True)


class RewardUsesSchema(Schema):
    uses = fields.Integer()
    period = fields.String()


class CatalogueRewardSchema(RewardSchema):
    tiers = fields.List(fields.String(), metadata={"description": "Which tiers may have it."})
    per_member = fields.Nested(RewardUsesSchema, allow_none=True)
    stock = fields.Integer(allow_none=True)
    redeemed = fields.Integer(metadata={"description": "Redemptions that stand."})
    unit_cost = fields.String(allow_none=True)
    is_open = fields.Boolean(data_key="open", metadata={"description": "By its dates, and not archived."})
    archived = fields.Boolean()


class RewardRefusalSchema(Schema):
    code = fields.String(
        metadata={
            "description": "not_offered, archived, not_begun, over, out_of_stock, discount_share, tier, used_up,"
            " minimum_balance, not_enough_points, no_email."
        }
    )
    text = words()


class RewardSuggestionSchema(Schema):
    rank = fields.Integer()
    score = fields.Integer()
    reasons = fields.List(words())


class MemberRewardSchema(RewardSchema):
    available = fields.Boolean(metadata={"description": "He may redeem it now."})
    missing = fields.Integer(allow_none=True, metadata={"description": "Points."})
    refusals = fields.List(fields.Nested(RewardRefusalSchema))
    uses_left = fields.Integer(allow_none=True)
    suggestion = fields.Nested(RewardSuggestionSchema)


@blueprint.reads("/rewards", page_of(CatalogueRewardSchema), CatalogueQuery)
def rewards(query: Data) -> Data:
    """List the rewards of the program in force, as in its document."""
    with transaction(steady=True) as connection:
        rows = list_catalogue(connection, access().account, query["tier"], query["category"], utc_now())
    return page(rows, len(rows), lambda row: row["key"])


@blueprint.reads("/members/<uuid:member>/rewards", page_of(MemberRewardSchema), MemberCatalogueQuery)
def of_member(query: Data, member: UUID) -> Data:
    """List what a member may redeem, what suits him best first, and why he may not have the rest."""
    with transaction(steady=True) as connection:
        found = read_member_catalogue(connection, access().account, member, utc_now(), query["category"])
    rows = [row for row in found if query["available"] in (None, row["available"])]
    log.info(
        "rewards_suggested", account=str(access().account), rewards=[_why(row) for row in rows[:MOST_LOGGED]]
    )
    return page(rows, len(rows), lambda row: row["key"])


def _why(row: Data) -> Data:
    """Return the ground of a suggestion without anything that tells of whom it is."""
    suggestion, tie = row["suggestion"], row["suggestion"]["tie"]
    ground = {"because": str(tie.relation), "orders": tie.orders} if tie else {"because": None}
    return {"reward": row["key"], "rank": suggestion["rank"], "score": suggestion["score"], **ground}

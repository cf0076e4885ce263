"""What a simulation is asked, and what it answers, in the API and on the command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from loyalty.engine.comparison import Losses, Side, Step
from loyalty.engine.simulation import Question, Simulation
from loyalty.values import decimal_floor
from webhook_app.api.fields import Moment
from webhook_app.api.questions import Strict

Data = dict[str, Any]
_NOBODY = {"description": "The tier's key; null: no member."}


class SimulationRequest(Strict):
    document = fields.Dict(load_default=None, metadata={"description": "The draft, unless given."})
    question = fields.Enum(Question, by_value=True, load_default=Question.SWITCH)


class TierCountSchema(Schema):
    key = fields.String()
    members = fields.Integer()


class PointSumsSchema(Schema):
    given = fields.Integer(metadata={"description": "All awards of orders, before refunds and expiry."})
    outstanding = fields.Integer(metadata={"description": "Points that live, pending and held ones too."})
    expired = fields.Integer()
    debt = fields.Integer()


class ShareSchema(Schema):
    members = fields.Integer()
    of = fields.Integer()
    share = fields.String(allow_none=True, metadata={"description": "A decimal text, rounded down."})


class PayoutSchema(Schema):
    reward = fields.String(metadata={"description": "The fixed discount that costs the fewest points."})
    points = fields.Integer()
    amount = fields.String()
    liability = fields.String(metadata={"description": "What the points outstanding are worth."})
    payout_ratio = fields.String(allow_none=True, metadata={"description": "The liability by the net spend."})
    given_ratio = fields.String(
        allow_none=True, metadata={"description": "What all points given are worth, by the net spend."}
    )
    able_now = fields.Nested(ShareSchema)
    able_within_90_days = fields.Nested(
        ShareSchema, metadata={"description": "Of those who joined 90 days ago or earlier, after joining."}
    )


class SideSchema(Schema):
    members = fields.Integer()
    tiers = fields.List(fields.Nested(TierCountSchema), metadata={"description": "As the ladder goes."})
    points = fields.Nested(PointSumsSchema)
    spend = fields.String()
    payout = fields.Nested(
        PayoutSchema, allow_none=True, metadata={"description": "null without a fixed discount for points."}
    )


class MoveSchema(Schema):
    start = fields.String(attribute="from", data_key="from", allow_none=True, metadata=_NOBODY)
    to = fields.String(allow_none=True, metadata=_NOBODY)
    members = fields.Integer()


class MoverSchema(Schema):
    member = fields.UUID()
    start = fields.String(attribute="from", data_key="from", allow_none=True, metadata=_NOBODY)
    to = fields.String(allow_none=True, metadata=_NOBODY)


class LostSchema(Schema):
    members = fields.Integer()
    points = fields.Integer()


class EarlierSchema(LostSchema):
    first_at = Moment(allow_none=True)


class LoserSchema(Schema):
    member = fields.UUID()
    dying = fields.Integer()
    earlier = fields.Integer()
    first_at = Moment(allow_none=True)


class LossesSchema(Schema):
    members = fields.Integer()
    dying = fields.Nested(LostSchema, metadata={"description": "Points that die at the switch."})
    earlier = fields.Nested(EarlierSchema, metadata={"description": "Points that get an earlier date."})
    losers = fields.List(fields.Nested(LoserSchema), metadata={"description": "The first 50 by id."})


class SimulationSchema(Schema):
    question = fields.String()
    at = Moment()
    currency = fields.String()
    people = fields.Integer(metadata={"description": "Everybody who was looked at, members or not."})
    before = fields.Nested(SideSchema)
    after = fields.Nested(SideSchema)
    moved = fields.Integer()
    moves = fields.List(fields.Nested(MoveSchema), metadata={"description": "Largest first."})
    movers = fields.List(fields.Nested(MoverSchema), metadata={"description": "The first 50 by id."})
    losses = fields.Nested(
        LossesSchema, allow_none=True, metadata={"description": "Only of the question `switch`."}
    )


def simulation_data(done: Simulation) -> Data:
    """Return a simulation as the data that SimulationSchema shows."""
    found = done.found
    return {
        "question": done.question.value,
        "at": done.at,
        "currency": done.currency,
        "people": found.people,
        "before": _side(found.before, done.decimals),
        "after": _side(found.after, done.decimals),
        "moved": sum(found.steps.values()),
        "moves": _moves(found.steps),
        "movers": [{"member": member, **_step(step)} for member, step in found.movers],
        "losses": _losses(found.losses) if found.losses is not None else None,
    }


def _side(side: Side, decimals: int) -> Data:
    return {
        "members": side.members,
        "tiers": [{"key": key, "members": members} for key, members in side.ladder()],
        "points": side,
        "spend": f"{decimal_floor(side.spend, decimals):f}",
        "payout": side.payout(decimals),
    }


def _moves(steps: Mapping[Step, int]) -> list[Data]:
    ordered = sorted(steps.items(), key=lambda item: (-item[1], [key or "" for key in item[0]]))
    return [{**_step(step), "members": members} for step, members in ordered]


def _step(step: Step) -> Data:
    return {"from": step[0], "to": step[1]}


def _losses(losses: Losses) -> Data:
    return {
        "members": losses.members,
        "dying": {"members": losses.dying_members, "points": losses.dying_points},
        "earlier": {
            "members": losses.earlier_members,
            "points": losses.earlier_points,
            "first_at": losses.first_at,
        },
        "losers": [
            {"member": member, "dying": loss.dying, "earlier": loss.earlier, "first_at": loss.first_at}
            for member, loss in losses.named
        ],
    }

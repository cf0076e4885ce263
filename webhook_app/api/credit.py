"""Store credit: what a member has, why, credit by hand, and codes that spend it in a shop."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from uuid import UUID

from marshmallow import Schema, fields
from sqlalchemy import Connection

from loyalty.accounts.service import get_account
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.credit.purse import CreditFigures
from loyalty.engine.book import load_book
from loyalty.engine.credit_commands import adjust_credit, make_credit_code
from loyalty.engine.sending import KEEPERS, send_credit, settle_transfer
from loyalty.engine.work import Word
from loyalty.reports.credit import (
    CreditStanding,
    credit_standing,
    list_credit_entries,
    list_transfers,
    money_text,
    read_credit,
)
from loyalty.reports.statements import require_member
from webhook_app.api.answers import OrderRefSchema, page_of, words
from webhook_app.api.benefits import code_store, keeping_store
from webhook_app.api.fields import Amount, Moment, above_zero
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery, ReasonRequest, Strict
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("credit", __name__, description="Store credit: money beside the points.")


class CreditSchema(Schema):
    currency = fields.String()
    balance = fields.String(
        metadata={"description": "All of it; negative when more was taken back than was there."}
    )
    available = fields.String()
    pending = fields.String(metadata={"description": "Credited for orders whose waiting days are not over."})
    held = fields.String(metadata={"description": "Set aside for codes."})


class CreditEntrySchema(Schema):
    id = fields.UUID()
    kind = fields.String()
    amount = fields.String()
    balance_after = fields.String()
    order = fields.Nested(OrderRefSchema, allow_none=True)
    program_version = fields.Integer(allow_none=True)
    reason = words()
    explanation = fields.Dict()
    effective_at = Moment()
    posted_at = Moment()


class CreditAdjustmentRequest(ReasonRequest):
    amount = Amount(required=True)


class CreditAdjustmentSchema(Schema):
    number = fields.Integer()
    member = fields.UUID()
    amount = fields.String(metadata={"description": "What moved: a deduction may be cut off at the balance."})
    reason = fields.String()
    accepted_at = Moment()
    credit = fields.Nested(CreditSchema)


class CreditCodeRequest(Strict):
    amount = Amount(required=True, validate=above_zero)
    store = fields.String(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Key of the store whose code it shall be; the first connected one, unless given."
        },
    )


class CreditCodeSchema(Schema):
    number = fields.Integer()
    member = fields.UUID()
    code = fields.String()
    amount = fields.String()
    expires_at = Moment()
    credit = fields.Nested(CreditSchema)


class CreditTransferRequest(Strict):
    amount = Amount(required=True, validate=above_zero)
    store = fields.String(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Key of the store that keeps it from then on; the first that can, unless given."
        },
    )


class CreditOutcomeRequest(ReasonRequest):
    arrived = fields.Boolean(required=True, truthy={True}, falsy={False})


class CreditTransferSchema(Schema):
    number = fields.Integer()
    store = fields.String()
    amount = fields.String()
    asked_at = Moment()
    state = fields.String(metadata={"description": "requested until the shop has answered, done, failed"})
    failure = fields.String(allow_none=True)


@blueprint.reads("/members/<uuid:member>/credit", CreditSchema)
def show(member: UUID) -> CreditStanding:
    """Return a member's store credit now."""
    with transaction() as connection:
        return read_credit(connection, member, utc_now())


@blueprint.reads("/members/<uuid:member>/credit/entries", page_of(CreditEntrySchema), PageQuery)
def list_of_entries(query: Data, member: UUID) -> Data:
    """List what moved a member's store credit, newest posted first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        require_member(connection, member)
        rows = list_credit_entries(connection, access().account, member, before, limit + 1)
    return page(rows, limit, lambda row: row["sequence"])


@blueprint.writes(
    "/members/<uuid:member>/credit/adjustments",
    CreditAdjustmentSchema,
    status=201,
    scope="adjust",
    body=CreditAdjustmentRequest,
)
def adjust(writing: Writing, asked: Data, member: UUID) -> Data:
    """Give or take store credit by hand."""
    connection, now = writing.connection, utc_now()
    book = load_book(connection, tools().vault, access().account)
    done = adjust_credit(connection, book, member, asked["amount"], Word(asked["reason"], actor()), now)
    writing.afterwards.append(partial(tools().wake_pushes, access().account, done.stores))
    told = {"number": done.number, "amount": f"{asked['amount']:f}"}
    note(connection, access().account, actor(), "credit.adjusted", str(member), **told)
    moved = {"number": done.number, "member": member, "reason": asked["reason"], "accepted_at": now}
    return {**moved, **_told(connection, done.amount, done.figures)}


@blueprint.writes("/members/<uuid:member>/credit/codes", CreditCodeSchema, status=201, body=CreditCodeRequest)
def make_code(writing: Writing, asked: Data, member: UUID) -> Data:
    """Set store credit aside for a code of one use in a shop; what its order does not take is free again at once."""
    connection, amount = writing.connection, asked["amount"]
    store = code_store(connection, asked["store"])
    book = load_book(connection, tools().vault, access().account)
    made = make_credit_code(connection, book, member, amount, store, utc_now(), actor())
    writing.afterwards.append(partial(tools().wake_pushes, access().account, made.stores))
    told = {"number": made.number, "amount": f"{amount:f}"}
    note(connection, access().account, actor(), "credit.code_made", str(member), **told)
    code = {"number": made.number, "member": member, "code": made.code, "expires_at": made.expires_at}
    return {**code, **_told(connection, amount, made.figures)}


@blueprint.reads("/members/<uuid:member>/credit/transfers", page_of(CreditTransferSchema), PageQuery)
def list_of_transfers(query: Data, member: UUID) -> Data:
    """List what went, or goes, over to the credit that shops keep themselves, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        require_member(connection, member)
        rows = list_transfers(connection, member, before, limit + 1)
    return page(rows, limit, lambda row: row["number"])


@blueprint.writes(
    "/members/<uuid:member>/credit/transfers",
    CreditTransferSchema,
    status=201,
    body=CreditTransferRequest,
)
def send(writing: Writing, asked: Data, member: UUID) -> Data:
    """Move store credit to what a shop keeps itself of its customer, to be spent at its checkout; one at a time."""
    connection, amount = writing.connection, asked["amount"]
    store = keeping_store(connection, asked["store"], "store credit", lambda it: it.platform in KEEPERS)
    book = load_book(connection, tools().vault, access().account)
    number = send_credit(connection, book, member, amount, store, utc_now(), actor())
    writing.afterwards.append(partial(tools().wake_pushes, access().account, [store]))
    told = {"number": number, "amount": f"{amount:f}"}
    note(connection, access().account, actor(), "credit.sent", str(member), **told)
    return list_transfers(connection, member, number + 1, 1)[0]


@blueprint.writes(
    "/members/<uuid:member>/credit/transfers/<int:number>/outcome",
    CreditTransferSchema,
    status=200,
    scope="adjust",
    body=CreditOutcomeRequest,
)
def settle(writing: Writing, asked: Data, member: UUID, number: int) -> Data:
    """Say by hand whether credit of which the shop never told has arrived there."""
    connection, word = writing.connection, Word(asked["reason"], actor())
    book = load_book(connection, tools().vault, access().account)
    settle_transfer(connection, book, member, number, word, utc_now(), arrived=asked["arrived"])
    told = {"number": number, "arrived": asked["arrived"]}
    note(connection, access().account, actor(), "credit.settled", str(member), **told)
    return list_transfers(connection, member, number + 1, 1)[0]


def _told(connection: Connection, amount: Decimal, figures: CreditFigures) -> Data:
    """Return an amount and the member's credit with it as they are shown."""
    account = get_account(connection)
    return {
        "amount": money_text(amount, account["decimals"]),
        "credit": credit_standing(account, figures),
    }

"""Points for rewards: redeem, see what became of it, take it back."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.book import AccountBook, load_book
from loyalty.engine.contents import make_link
from loyalty.engine.ending import cancel_redemption, capture_redemption
from loyalty.engine.fulfilling import fulfil
from loyalty.engine.redemptions import Wish, redeem_reward
from loyalty.errors import Invalid
from loyalty.programs.catalogue import CONTENT
from loyalty.reports.redemptions import list_redemptions, read_redemption
from loyalty.rewards.redemption import Fulfilment
from loyalty.stores.service import list_stores
from loyalty.values import StoreId
from webhook_app.api.answers import page_of
from webhook_app.api.parts import Data, Resource, Writing, actor, page, transaction, uuid_cursor
from webhook_app.api.redeeming import (
    CancelRequest,
    ContentLinkSchema,
    FulfilmentRequest,
    RedeemRequest,
    RedemptionSchema,
    RedemptionsQuery,
)
from webhook_app.content import PATH
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("redemptions", __name__, description="Points exchanged for rewards.")


@blueprint.writes("/members/<uuid:member>/redemptions", RedemptionSchema, status=201, body=RedeemRequest)
def redeem(writing: Writing, asked: Data, member: UUID) -> Data:
    """Exchange points for a reward; its code is there as soon as the shop has made it."""
    connection = writing.connection
    lock_account(connection)  # so that wishes are accepted in the order of their times
    now = utc_now()
    wish = Wish(**{**asked, "store": _store(connection, asked["store"])})
    done = redeem_reward(connection, _book(connection), member, wish, now, actor())
    writing.afterwards.append(partial(tools().wake_pushes, access().account, done.stores))
    told = {"number": done.number, "reward": wish.reward}
    note(connection, access().account, actor(), "reward.redeemed", str(member), **told)
    row = read_redemption(connection, number=done.number)
    if row["kind"] == CONTENT:
        row["link"] = make_link(connection, _book(connection), row["id"], _content_page(), now).url
    return row


@blueprint.reads("/redemptions", page_of(RedemptionSchema), RedemptionsQuery)
def show_all(query: Data) -> Data:
    """List redemptions, newest first."""
    limit, before = query["limit"], uuid_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_redemptions(connection, query["member"], query["fulfilment"], before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/redemptions/<uuid:redemption>", RedemptionSchema)
def show(redemption: UUID) -> Data:
    """Return what became of a redemption."""
    with transaction() as connection:
        return read_redemption(connection, redemption=redemption)


@blueprint.writes(
    "/redemptions/<uuid:redemption>", RedemptionSchema, status=202, method="DELETE", body=CancelRequest
)
def cancel(writing: Writing, asked: Data, redemption: UUID) -> Data:
    """Take an unused redemption back: its code is disabled first, then its points return. What was used or may have
    been (content, what another system captured, credit that was spent, a service that is accepted) needs a key with the
    scope adjust, and so does a code in a disconnected store.
    """
    connection = writing.connection
    book, reason = _book(connection), asked["reason"]
    by_staff = "adjust" in access().scopes
    stores = cancel_redemption(connection, book, redemption, reason, utc_now(), actor(), by_staff=by_staff)
    writing.afterwards.append(partial(tools().wake_pushes, access().account, stores))
    note(connection, access().account, actor(), "redemption.cancelled", str(redemption), reason=reason)
    return read_redemption(connection, redemption=redemption)


@blueprint.writes("/redemptions/<uuid:redemption>/capture", RedemptionSchema, status=200)
def capture(writing: Writing, redemption: UUID) -> Data:
    """Say that a reward of another system was used there: what is held for it is spent."""
    connection = writing.connection
    stores = capture_redemption(connection, _book(connection), redemption, utc_now(), actor())
    writing.afterwards.append(partial(tools().wake_pushes, access().account, stores))
    return read_redemption(connection, redemption=redemption)


@blueprint.writes(
    "/redemptions/<uuid:redemption>/fulfilment", RedemptionSchema, status=200, body=FulfilmentRequest
)
def carry_on(writing: Writing, asked: Data, redemption: UUID) -> Data:
    """Say how far a service is: accepted, then done, or refused with a note; what is refused gives its points back."""
    connection, step = writing.connection, Fulfilment(asked["step"])
    book, reason = _book(connection), asked["note"].strip()
    stores = fulfil(connection, book, redemption, step, reason, utc_now(), actor())
    writing.afterwards.append(partial(tools().wake_pushes, access().account, stores))
    note(connection, access().account, actor(), f"redemption.{step}", str(redemption))
    return read_redemption(connection, redemption=redemption)


@blueprint.writes("/redemptions/<uuid:redemption>/link", ContentLinkSchema, status=201)
def link(writing: Writing, redemption: UUID) -> Data:
    """Return a link that opens the content of a redemption for 15 minutes."""
    connection = writing.connection
    return make_link(connection, _book(connection), redemption, _content_page(), utc_now())._asdict()


def _content_page() -> str:
    return f"{tools().settings.public_url}{PATH}"


def _book(connection: Connection) -> AccountBook:
    return load_book(connection, tools().vault, access().account)


def _store(connection: Connection, key: str | None) -> StoreId | None:
    if key is None:
        return None
    stores = list_stores(connection, tools().vault)
    meant = next((store.id for store in stores if store.key == key and store.is_connected), None)
    if meant is None:
        message = "There is no connected store of that key."
        raise Invalid(message, {"/store": [message]})
    return meant

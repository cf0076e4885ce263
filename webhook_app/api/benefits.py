"""What a member gets by his tier: his benefits, and the code that carries them to the shop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.standing import make_standing_code
from loyalty.errors import Conflict, Invalid, NotFound
from loyalty.programs.ladder import Benefits
from loyalty.programs.rules_words_tiers import benefits_ahead
from loyalty.programs.service import load_versions
from loyalty.reports.claimable import list_claimable
from loyalty.reports.coupons import find_standing_code
from loyalty.reports.standing import read_standings
from loyalty.stores.service import Place, list_places
from loyalty.values import StoreId
from webhook_app.api.member_answers import BenefitsSchema, StandingCodeSchema
from webhook_app.api.parts import Data, Resource, Writing, transaction
from webhook_app.api.questions import BenefitCodeRequest
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("benefits", __name__, description="What members get by their tier.")


@blueprint.reads("/members/<uuid:member>/benefits", BenefitsSchema)
def show(member: UUID) -> Data:
    """Return what a member may do and gets by the tier he stands in now."""
    now = utc_now()
    with transaction() as connection:
        found = read_standings(connection, access().account, [member], now)
        if not found:
            raise NotFound("There is no member of that id.")
        program, tier = load_versions(connection, access().account).at(now), found[0].tier
        code = find_standing_code(connection, member, tier)
        claimable = list_claimable(connection, program, found[0], now) if program else []
    benefits = program.tier(tier.key).benefits if program and tier else Benefits()
    ahead = benefits_ahead(program, tier.key) if program and tier else ()
    code = code if benefits.has_code else None
    return {"tier": tier, "benefits": benefits, "code": code, "ahead": ahead, "claimable": claimable}


@blueprint.writes(
    "/members/<uuid:member>/benefits/code", StandingCodeSchema, status=200, body=BenefitCodeRequest
)
def make_code(writing: Writing, asked: Data, member: UUID) -> Data:
    """Return the member's personal code for his tier's discount and free shipping, made where there is none."""
    connection, account = writing.connection, access().account
    store, book = code_store(connection, asked["store"]), load_book(connection, tools().vault, account)
    code, stores = make_standing_code(connection, book, member, store, utc_now())
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    return code


def code_store(connection: Connection, key: str | None) -> StoreId:
    """Return the connected store of a key, or the first one, that keeps codes; raises Conflict, Invalid."""
    return keeping_store(connection, key, "codes", lambda place: not place.is_till)


def keeping_store(
    connection: Connection, key: str | None, what: str, is_able: Callable[[Place], bool]
) -> StoreId:
    """Return the connected store of a key, or the first one, that is able; raises Conflict, Invalid."""
    shops = [place for place in list_places(connection) if place.is_connected and is_able(place)]
    meant = next((shop for shop in shops if key in (None, shop.key)), None)
    if meant is None and key is None:
        raise Conflict(f"The account has no connected store that keeps {what}.")
    if meant is None:
        message = f"There is no connected store of that key that keeps {what}."
        raise Invalid(message, {"/store": [message]})
    return meant.store

"""Content that a redemption opens: the link to it, and who may follow that now (S61)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine import codec
from loyalty.engine.book import AccountBook
from loyalty.engine.due import settle
from loyalty.errors import NotFound, NotPermitted, RedemptionEnded, RewardNotAvailable
from loyalty.members.repository import list_members
from loyalty.programs.catalogue import CONTENT
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.rewards.content import LIFE, Pass, is_valid, make_token, signed_address
from loyalty.rewards.eligibility import TIER
from loyalty.rewards.redemption import OPEN
from loyalty.rewards.redemption_repository import get_redemption


class Link(NamedTuple):
    """Where content is opened, and until when."""

    url: str
    ends_at: datetime


def make_link(connection: Connection, book: AccountBook, redemption: UUID, page: str, now: datetime) -> Link:
    """Return a link below a page to the content of a redemption, for 15 minutes.

    Raises NotFound, RedemptionEnded, and RewardNotAvailable when the member's tier no longer admits him.
    """
    _entitled(connection, book, redemption, now)
    ends_at = now + LIFE
    return Link(f"{page}/{make_token(book.content_key(), book.id, redemption, ends_at)}", ends_at)


def open_content(connection: Connection, book: AccountBook, said: Pass, token: str, now: datetime) -> str:
    """Return the address behind a token, signed for the shop's server. Raises NotPermitted for a token that is over or
    none of ours, and as `make_link`.
    """
    if said.account != book.id or not is_valid(book.content_key(), token, now):
        raise NotPermitted("The link is no longer valid.")
    url = _entitled(connection, book, said.redemption, now)
    return signed_address(book.webhook_secret(), url, now + LIFE)


def _entitled(connection: Connection, book: AccountBook, redemption: UUID, now: datetime) -> str:
    """Return where the content of a redemption that stands lies, by the version that it was redeemed in."""
    row = get_redemption(connection, redemption)
    versions = load_versions(connection, book.id)
    program = versions.numbered(row["program_version"])
    reward = program.reward(row["reward_key"]) if program else None
    if reward is None or reward.kind != CONTENT or reward.url is None:
        raise NotFound("This redemption has no content.")
    if row["state"] not in OPEN or (row["ends_at"] is not None and row["ends_at"] <= now):
        raise RedemptionEnded
    current = versions.at(now)
    if current is None or not current.admits(reward, _present_tier(connection, row, versions, now)):
        raise RewardNotAvailable("The member's tier does not have it.", told={"refusals": [TIER]})
    return reward.url


def _present_tier(
    connection: Connection, row: Mapping[Any, Any], versions: Versions, now: datetime
) -> str | None:
    (member,) = list_members(connection, [row["survivor"]])
    state = codec.member_state(dict(member))
    settle(state, now, versions)
    return state.tier_key

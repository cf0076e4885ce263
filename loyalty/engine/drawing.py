"""Lucky draws; law: one draw only, whoever asks; the winners follow from the seed and the entries alone (S99).

The seed is made with the draw and its SHA-256 shown from then on, so that nobody can choose it once entrants are known.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.community import draw_repository as draws
from loyalty.community.refusals import refusal
from loyalty.community.repository import GATHERINGS
from loyalty.community.sampling import SEED_BYTES, commitment, draw_winners
from loyalty.community.things import get_thing
from loyalty.db import Row
from loyalty.engine.activities import record_if_counted
from loyalty.engine.book import AccountBook
from loyalty.errors import Invalid, NotFound
from loyalty.members.repository import list_members
from loyalty.programs.service import load_versions

Found = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw that is done, its winners, and the stores for which pushes were written."""

    draw: Found
    winners: Sequence[Found]
    pushed: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Rerun:
    """What drawing again from what is recorded gives."""

    is_same: bool
    """The same winners in the same order."""
    is_committed: bool
    """The seed is the one whose hash was shown from the start."""
    entrants: int
    winners: Sequence[UUID]


def make_draw(connection: Connection, book: AccountBook, data: Row, now: datetime) -> Found:
    """Write a new draw with its seed; raises Invalid, ParticipationRefused when its key is in use."""
    _check_entrants(connection, book, data["entrants"], now)
    seed = secrets.token_bytes(SEED_BYTES)
    made = draws.add_draw(connection, book.id, {**data, "seed": seed, "commitment": commitment(seed)})
    if made is None:
        raise refusal("key_taken")
    return made


def _check_entrants(
    connection: Connection, book: AccountBook, rule: Mapping[str, Any], now: datetime
) -> None:
    """Raise Invalid when a rule names what is not there."""
    kind, known = rule["kind"], True
    if kind == "segment":
        program = load_versions(connection, book.id).at(now)
        known = program is not None and program.segment(rule["segment"]) is not None
    elif kind == "members":
        ids = {UUID(each) for each in rule["members"]}
        known = len(list_members(connection, ids)) == len(ids)
    elif kind == "event":
        try:
            get_thing(connection, GATHERINGS, rule["event"])
        except NotFound:
            known = False
    if not known:
        raise Invalid(None, {f"/entrants/{kind}": ["There is none of that key or id."]})


def draw(connection: Connection, book: AccountBook, key: str, now: datetime, actor: str) -> Drawn:
    """Draw the winners, once, and record that they won; a draw that is done is returned as it is.

    Raises ParticipationRefused while nobody takes part, NotFound.
    """
    lock_account(connection)
    found = get_thing(connection, draws.DRAWS, key, lock=True)
    if found["drawn_at"] is not None:
        return Drawn(found, draws.list_winners(connection, found["id"]))
    entrants = draws.list_entrants(connection, found["entrants"])
    if not entrants:
        raise refusal("nobody")
    ranks = _ranks(found, [name for _, name in entrants])
    rows = [
        {"position": place, "member_id": member, "member_key": name, "rank": ranks.get(place)}
        for place, (member, name) in enumerate(entrants)
    ]
    draws.add_entries(connection, book.id, found["id"], rows, now)
    pushed = _reward(connection, book, found, now, actor)
    winners = draws.list_winners(connection, found["id"])
    return Drawn(get_thing(connection, draws.DRAWS, key), winners, pushed)


def _ranks(found: Found, keys: Sequence[str]) -> dict[int, int]:
    """Return the place among the winners, from 1, by the place among the entrants."""
    places = draw_winners(bytes(found["seed"]), keys, found["winners"])
    return {place: rank for rank, place in enumerate(places, 1)}


def _reward(
    connection: Connection, book: AccountBook, found: Found, now: datetime, actor: str
) -> frozenset[UUID]:
    pushed: frozenset[UUID] = frozenset()
    counted = []
    for row in draws.list_winners(connection, found["id"]):
        done = record_if_counted(
            connection, book, row["member_id"], found["activity"], found["key"], now, actor
        )
        pushed |= done.pushed if done else frozenset()
        counted.append({"position": row["position"], "is_counted": done is not None})
    draws.put_counted(connection, found["id"], counted)
    return pushed


def run_again(connection: Connection, key: str) -> Rerun:
    """Draw again from the recorded seed and entries, in memory. Raises NotFound, ParticipationRefused."""
    found = get_thing(connection, draws.DRAWS, key)
    if found["drawn_at"] is None:
        raise refusal("not_drawn")
    entries = draws.list_entries(connection, found["id"], -1, None)
    ranks = _ranks(found, [row["member_key"] for row in entries])
    recorded = {row["position"]: row["rank"] for row in entries if row["rank"] is not None}
    committed = commitment(bytes(found["seed"])) == bytes(found["commitment"])
    winners = [entries[place]["member_id"] for place in sorted(ranks, key=lambda place: ranks[place])]
    return Rerun(ranks == recorded, committed, len(entries), winners)

"""Draft, check and publish an account's program; built versions are kept until one is added or corrected."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.db import PUBLISHED
from loyalty.errors import Invalid, NotFound
from loyalty.programs import repository
from loyalty.programs.corrections import correct
from loyalty.programs.document import Context, build_program, check_document
from loyalty.programs.program import Program, Versions
from loyalty.stores.service import list_points_from
from loyalty.values import AccountId

_built: dict[AccountId, tuple[int, Versions]] = {}
"""Versions with the number under which `laurel_begin` would announce them."""
CORRECTED = 1 << 32
WITH_PASTS = 1 << 48
_OF_RELEASE_2 = frozenset({"segments", "automations", "referral", "messages", "limits"})
_KINDS_OF_RELEASE_2 = frozenset({"fixed_discount", "percent_discount", "free_shipping"})
_REWARD_OF_RELEASE_2 = frozenset(
    {"key", "kind", "name", "amount", "minimum_subtotal", "valid_days", "unit_cost"}
)


def load_versions(connection: Connection, account: AccountId) -> Versions:
    """Return all published versions of the account, their campaigns as corrected; what is built is not read again."""
    built = _built.get(account)
    if built is not None and built[0] == connection.info.get(PUBLISHED):
        return built[1]
    announced = connection.info.get(PUBLISHED, WITH_PASTS)
    points_from = list_points_from(connection) if announced >= WITH_PASTS else {}
    programs = tuple(read_version(dict(row)) for row in repository.list_versions(connection))
    corrections = repository.list_corrections(connection) if announced >= CORRECTED else []
    changes = len(corrections) + sum(each.undone_at is not None for each in corrections)
    number = len(programs) + changes * CORRECTED + len(points_from) * WITH_PASTS
    _built[account] = number, correct(Versions(programs, points_from), corrections)
    return _built[account][1]


def read_version(row: dict[str, Any]) -> Program:
    """Return the program of a version's row."""
    context = Context(row["currency"], row["time_zone"], row["decimals"])
    document = acted_on(row["document"], row["acts_on"])
    program = build_program(document, context, row["version"], row["effective_from"])
    return replace(program, past=True) if row["past"] else program


def acted_on(document: dict[str, Any], acts_on: int) -> dict[str, Any]:
    """Return a document without the parts that the release which published it did not act on (decision 0010)."""
    if acts_on < 2:
        document = _without_automations(document)
    if acts_on < 3:
        document = _without_redeeming(document)
    return document


def _without_automations(document: dict[str, Any]) -> dict[str, Any]:
    kept = {name: part for name, part in document.items() if name not in _OF_RELEASE_2}
    campaigns = [
        campaign for campaign in kept.get("campaigns", ()) if not campaign.get("scope", {}).get("segments")
    ]
    return {**kept, "campaigns": campaigns}


def _without_redeeming(document: dict[str, Any]) -> dict[str, Any]:
    """Rewards could only be given, as codes of three kinds; the others stay as names that give nothing."""
    rewards = [_as_given(reward) for reward in document.get("rewards", ())]
    return {**document, "rewards": rewards, "cash_back": {}}


def _as_given(reward: dict[str, Any]) -> dict[str, Any]:
    """Return a reward without its price and limits: they were kept, and not checked as they are now."""
    if reward["kind"] not in _KINDS_OF_RELEASE_2:
        name = reward.get("name") or {"en": reward["key"]}
        return {"key": reward["key"], "kind": "service", "name": name, "archived": True}
    return {name: part for name, part in reward.items() if name in _REWARD_OF_RELEASE_2}


def publish(
    connection: Connection,
    account: AccountId,
    document: Any,
    context: Context,
    *,
    effective_from: datetime | None,
    now: datetime,
) -> int:
    """Publish a document as the next version, now or later; only the first may start in the past. Raises Invalid."""
    check_document(document)
    start = effective_from or now
    if start < now and repository.list_versions(connection):
        message = "A later version cannot take effect in the past; only an account's first one can."
        raise Invalid(message, {"/effective_from": [message]})
    return repository.add_version(connection, account, document, context, start, now)


def save_draft(connection: Connection, account: AccountId, document: Any, now: datetime) -> None:
    """Check and keep the draft; raises Invalid."""
    check_document(document)
    repository.put_draft(connection, account, document, now)


def get_draft(connection: Connection) -> Any:
    """Return the draft document; raises NotFound."""
    document = repository.find_draft(connection)
    if document is None:
        raise NotFound("There is no draft of the program.")
    return document


def get_document(connection: Connection, version: int) -> Any:
    """Return the document of a published version; raises NotFound."""
    for row in repository.list_versions(connection):
        if row["version"] == version:
            return row["document"]
    raise NotFound("There is no version of that number.", version=version)

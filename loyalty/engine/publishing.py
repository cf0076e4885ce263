"""Publish a program: the next version, its warnings, and the members whom an account's first version makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.activity.service import note
from loyalty.engine.announcement import switch_warning
from loyalty.members.repository import expect_rules, mark_all_for_refold
from loyalty.programs.design import list_advice
from loyalty.programs.document import Context, build_program, check_document
from loyalty.programs.lint import Notice, lint
from loyalty.programs.lint_rewards import list_reward_warnings
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions, publish
from loyalty.stores.service import list_platforms
from loyalty.values import AccountId


@dataclass(frozen=True, slots=True)
class Published:
    """The new version, what to know of it, advice on its design, and how many members must be folded again."""

    version: int
    effective_from: datetime
    warnings: list[Notice]
    advice: list[Notice]
    to_refold: int


def publish_program(
    connection: Connection,
    account: AccountId,
    document: Any,
    *,
    effective_from: datetime | None,
    now: datetime,
    actor: str,
) -> Published:
    """Publish a document as the account's next version; the caller wakes the account when members must be folded again.

    Raises Invalid. Before its first version an account stored orders without rating them; that version rates them all.
    A version that looks further back than those before needs figures that the heads of the folds have forgotten.
    """
    row, known = lock_account(connection), load_versions(connection, account)
    warnings = lint(check_document(document), list_platforms(connection))
    context = Context(row["currency"], row["time_zone"], row["decimals"])
    version = publish(connection, account, document, context, effective_from=effective_from, now=now)
    start = effective_from or now
    program = build_program(document, context, version, start)
    reaches_further = program.reach() > known.reach
    warnings += [*list_reward_warnings(program), *switch_warning(known, program, now)]
    to_refold = mark_all_for_refold(connection) if version == 1 or reaches_further else 0
    if known.programs and _changes_members(known.programs[-1], program):
        expect_rules(connection, start)
    note(connection, account, actor, "program.published", str(version), effective_from=start.isoformat())
    return Published(version, start, warnings, list_advice(program), to_refold)


def _changes_members(old: Program, new: Program) -> bool:
    """Return whether everybody must be looked at when a version takes effect."""
    return (old.living(), old.segments) != (new.living(), new.segments)

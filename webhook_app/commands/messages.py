"""What shops sent and what they were told: list it, and take it again."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from loyalty.activity.service import note
from loyalty.engine.retrying import retry_all, retry_pushes
from loyalty.inbox import repository as inbox_messages
from loyalty.inbox.repository import Which
from loyalty.outbox import repository as pushes
from loyalty.stores.service import list_places
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.moments import moment_text
from webhook_app.tools import Tools

inbox = AppGroup("inbox", help="What shops sent.")
outbox = AppGroup("outbox", help="What shops were told.")
INBOX_STATUSES = ("pending", "reading", "processed", "failed", "ignored")
PUSH_STATUSES = ("waiting", "done", "failed", "superseded")


@command(inbox, "list")
@click.argument("store")
@click.option("--status", type=click.Choice(INBOX_STATUSES))
@click.option("--topic", help="Such as order.updated.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_inbox(tools: Tools, store: str, status: str | None, topic: str | None, limit: int) -> Answer:
    """List the newest messages of the account of STORE."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        rows = inbox_messages.list_messages(connection, status, None, limit, topic)
    names = ("id", "source", "topic", "status", "reason", "received_at")
    return _listed(rows, names)


@command(inbox, "replay")
@click.argument("store")
@click.argument("ids", nargs=-1, type=int)
@click.option("--status", type=click.Choice(INBOX_STATUSES[2:]), help="All messages of this status.")
@click.option("--topic", help="Only those of a topic, such as order.updated.")
@click.option("--first", type=int, help="Only those of this id and later ones.")
@click.option("--last", type=int, help="Only those up to this id.")
def replay(
    tools: Tools, store: str, ids: tuple[int, ...], status: str | None, topic: str | None, first: int | None,
    last: int | None,
) -> Answer:  # fmt: skip
    """Take messages of the account of STORE again: those of these IDS, or all of a status, a topic, a range."""
    if not ids and (status, topic, first, last) == (None,) * 4:
        raise click.UsageError("Name the messages, or a --status, a --topic, or a range.")
    account, _ = find_account(tools, store)
    which = Which(ids or None, status, topic, first, last)
    with tools.database.transaction(account) as connection:
        count = inbox_messages.replay(connection, which)
        note(connection, account, ACTOR, "inbox.replayed", status or "", count=count, topic=topic)
    tools.wake_inbox(account)
    return Answer({"replayed": count}, [f"{count} messages wait again"])


@command(outbox, "list")
@click.argument("store")
@click.option("--status", type=click.Choice(PUSH_STATUSES))
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_outbox(tools: Tools, store: str, status: str | None, limit: int) -> Answer:
    """List the newest pushes of the account of STORE."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        rows = pushes.list_pushes(connection, status, None, limit)
    return _listed(rows, ("id", "kind", "subject", "status", "reason", "detail", "created_at"))


@command(outbox, "retry")
@click.argument("store")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "is_all", is_flag=True, help="All failed ones.")
@click.option("--reason", help="All that failed for this reason, such as permission.")
def retry(tools: Tools, store: str, ids: tuple[int, ...], is_all: bool, reason: str | None) -> Answer:
    """Try failed pushes of the account of STORE again: those of these IDS, or all."""
    if bool(ids) == (is_all or reason is not None):
        raise click.UsageError("Name the pushes, or --all, or a --reason.")
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        count = retry_pushes(connection, ids) if ids else retry_all(connection, reason)
        note(connection, account, ACTOR, "pushes.retried", "", count=count)
        stores = [place.store for place in list_places(connection)]
    tools.wake_pushes(account, stores)
    return Answer({"retried": count}, [f"{count} pushes wait again"])


def _listed(rows: list[dict[str, Any]], names: tuple[str, ...]) -> Answer:
    data = [{name: _plain(row[name]) for name in names} for row in rows]
    return Answer(data, ["  ".join(str(value) for value in row.values()) for row in data])


def _plain(value: Any) -> Any:
    return moment_text(value) if hasattr(value, "astimezone") else value

"""The command line: `flask --app webhook_app GROUP COMMAND`, and `… backfill STORE`."""

from __future__ import annotations

from flask import Flask

from webhook_app.commands import (
    accounts,
    backfill,
    importing,
    jobs,
    messages,
    programs,
    recovering,
    secrets,
    stores,
)

GROUPS = (
    stores.group,
    secrets.group,
    programs.group,
    jobs.group,
    accounts.ledger,
    accounts.member,
    accounts.api_key,
    messages.inbox,
    messages.outbox,
    importing.group,
    recovering.group,
    recovering.copies,
    importing.export_command,
    backfill.backfill,
)


def register(app: Flask) -> None:
    """Add every group of commands."""
    for group in GROUPS:
        app.cli.add_command(group)

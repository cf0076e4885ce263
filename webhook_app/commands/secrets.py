"""Encrypt stored secrets under the newest key, and give stores other webhook secrets."""

from __future__ import annotations

from datetime import timedelta

import click
from flask.cli import AppGroup

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.rekeying import rekey
from loyalty.errors import NotFound
from loyalty.values import AccountId
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.commands.recovering import complain, list_accounts, list_unreadable
from webhook_app.commands.stores import group as stores
from webhook_app.rotating import rotate_webhook_secret
from webhook_app.tools import Tools

group = AppGroup("secrets", help="What is stored encrypted.")
PAGE = 200


@command(group, "rotate")
def rotate(tools: Tools) -> Answer:
    """Encrypt everything under the first of ENCRYPTION_KEYS; may be stopped and run again at any time. Exit code 1
    when something is left that none of the keys opens.
    """
    accounts = list_accounts(tools)
    data = {"accounts": len(accounts), "encrypted_anew": sum(_rotate(tools, each) for each in accounts)}
    left = list_unreadable(tools)
    lines = [f"{name.replace('_', ' ')}: {count}" for name, count in data.items()]
    return Answer({**data, "unreadable": left}, lines, complain(left), exit_code=1 if left else 0)


def _rotate(tools: Tools, account: AccountId) -> int:
    """Commit page by page, so that what is done stays done."""
    renewed = 0
    while True:
        with tools.database.transaction(account) as connection:
            done = rekey(connection, tools.vault, PAGE)
            renewed += done
            if not done:
                if renewed:
                    note(connection, account, ACTOR, "secrets.rotated", values=renewed)
                return renewed


@command(stores, "rotate-secret")
@click.argument("key")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 24 * 30))
def rotate_secret(tools: Tools, key: str, overlap_hours: int) -> Answer:
    """Give the store KEY another webhook secret; the old one is accepted for some hours more."""
    account, store = find_account(tools, key)
    if store is None:
        raise NotFound(f"There is no store of the key {key}.")
    done = rotate_webhook_secret(tools, account, store, timedelta(hours=overlap_hours), ACTOR, utc_now())
    data = {
        "store": key,
        "webhooks": done.webhooks,
        "webhook_secret": done.secret,
        "older_until": done.older_until.isoformat(),
    }
    return Answer(data, [f"{name.replace('_', ' ')}: {value}" for name, value in data.items()])

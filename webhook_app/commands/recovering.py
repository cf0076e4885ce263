"""The keys that stored secrets are encrypted with: do they fit, and what to do when they are lost."""

from __future__ import annotations

from dataclasses import asdict

import click
from flask.cli import AppGroup

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.crypto import Undecryptable
from loyalty.engine.recovering import read_sealed, renew_secrets
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.tools import Tools

group = AppGroup("keys", help="The encryption keys of the installation.")


@command(group, "check")
def check(tools: Tools) -> Answer:
    """Tell whether ENCRYPTION_KEYS open what is stored; exit code 1 when they do not."""
    sealed = tools.database.single_statement(read_sealed)
    try:
        fit = sealed is None or bool(tools.vault.open(sealed))
    except Undecryptable as error:
        return Answer(
            {"fit": False}, ["the keys do not fit"], [error.message.replace("\n", " ")], exit_code=1
        )
    return Answer({"fit": fit}, ["the keys fit"])


@command(group, "renew")
@click.argument("store")
def renew(tools: Tools, store: str) -> Answer:
    """After the keys of the account of STORE are lost for good: begin with new ones, and name the shops to connect."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        done = renew_secrets(connection, tools.vault, utc_now())
        note(connection, account, ACTOR, "keys.renewed", "", stores=list(done.stores), mails=done.mails)
    lines = [f"connect {key} again" for key in done.stores]
    if done.mails:
        lines.append(f"{done.mails} waiting mails are lost: who still wants one must ask again")
    return Answer(asdict(done), lines or ["done" if done.coupon_key else "nothing was lost"])

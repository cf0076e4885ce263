"""After a loss: do the encryption keys fit, what to do when they are lost, and how a restored copy goes on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup

from loyalty.accounts.service import get_account
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.crypto import Undecryptable
from loyalty.engine.recovering import renew_secrets, skip_command_numbers
from loyalty.engine.rekeying import count_unreadable
from loyalty.stores.service import list_all_stores
from loyalty.values import AccountId
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.tools import Tools

group = AppGroup("keys", help="The encryption keys of the installation.")
copies = AppGroup("copy", help="A restored copy of the database.")


@command(group, "check")
def check(tools: Tools) -> Answer:
    """Tell whether ENCRYPTION_KEYS open all that is stored, of every account; exit code 1 when they do not."""
    found = list_unreadable(tools)
    data = {"fit": not found, "unreadable": found}
    if found:
        return Answer(data, ["the keys do not fit"], complain(found), exit_code=1)
    return Answer(data, ["the keys fit"])


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


@command(copies, "go-on")
def go_on(tools: Tools) -> Answer:
    """Before a restored copy goes on in the place of what was lost: let it make no code made since the dump."""
    accounts = list_accounts(tools)
    for account in accounts:
        with tools.database.transaction(account) as connection:
            number = skip_command_numbers(connection, utc_now())
            note(connection, account, ACTOR, "copy.went_on", "", number=number)
    return Answer({"accounts": len(accounts)}, [f"accounts: {len(accounts)}", "unset LAUREL_PUSH to go on"])


def list_accounts(tools: Tools) -> list[AccountId]:
    """Return every account of the installation."""
    rows = tools.database.single_statement(list_all_stores)
    return list(dict.fromkeys(AccountId(row["account_id"]) for row in rows))


def list_unreadable(tools: Tools) -> list[dict[str, Any]]:
    """Return the accounts with values that none of the keys opens, and how many by table.column."""
    found = []
    for account in list_accounts(tools):
        with tools.database.transaction(account, steady=True) as connection:
            values = count_unreadable(connection, tools.vault)
            if values:
                found.append({"account": get_account(connection)["key"], "values": values})
    return found


def complain(unreadable: list[dict[str, Any]]) -> list[str]:
    """Say of each account what is unreadable, and what to do about it."""
    lines = [
        f"{each['account']}: no key opens {', '.join(f'{name} ({count})' for name, count in each['values'].items())}"
        for each in unreadable
    ]
    return [*lines, Undecryptable().message.replace("\n", " ")] if lines else []

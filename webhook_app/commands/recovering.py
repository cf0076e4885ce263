"""After a loss: do the encryption keys fit, what to do when they are lost, and how a restored copy goes on."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from loyalty.accounts.recovering import read_sealed, renew_secrets, skip_command_numbers
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.crypto import Undecryptable
from loyalty.stores.service import list_all_stores
from loyalty.values import AccountId
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.tools import Tools

group = AppGroup("keys", help="The encryption keys of the installation.")
copies = AppGroup("copy", help="A restored copy of the database.")


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
        done = renew_secrets(connection, tools.vault)
        note(connection, account, ACTOR, "keys.renewed", "", stores=list(done.stores))
    data = {"coupon_key": done.coupon_key, "stores": list(done.stores)}
    lines = [f"connect {key} again" for key in done.stores] or [
        "nothing was lost" if not done.coupon_key else "done"
    ]
    return Answer(data, lines)


@command(copies, "go-on")
def go_on(tools: Tools) -> Answer:
    """Before a restored copy goes on in the place of what was lost: let it make no code made since the dump."""
    rows = tools.database.single_statement(list_all_stores)
    accounts = dict.fromkeys(AccountId(row["account_id"]) for row in rows)
    for account in accounts:
        with tools.database.transaction(account) as connection:
            number = skip_command_numbers(connection, utc_now())
            note(connection, account, ACTOR, "copy.went_on", "", number=number)
    return Answer({"accounts": len(accounts)}, [f"accounts: {len(accounts)}", "unset LAUREL_PUSH to go on"])

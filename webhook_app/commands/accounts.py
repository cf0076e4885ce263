"""Verify a ledger, show a member, make and revoke API keys."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import AppGroup

from loyalty.accounts.service import SCOPES, find_api_access, make_api_key, revoke_api_key
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.verify import Verification, verify_ledger
from loyalty.errors import Invalid, NotFound
from loyalty.reports.people import list_ids_of_email
from loyalty.reports.roots import has_seal, list_roots
from loyalty.reports.standing import read_standings
from webhook_app.api.answers import MemberSchema
from webhook_app.api.ledger import RootSchema
from webhook_app.cli import ACTOR, Answer, command, find_account
from webhook_app.tools import Tools

ledger = AppGroup("ledger", help="The ledger of points.")
member = AppGroup("member", help="Members.")
api_key = AppGroup("api-key", help="Keys of the API.")


@command(ledger, "verify")
@click.argument("store")
@click.option("--rebuild", is_flag=True, help="Also fold every member from nothing and compare.")
@click.option("--root", "roots", multiple=True, help="A root that was kept: it must still be there.")
def verify(tools: Tools, store: str, rebuild: bool, roots: tuple[str, ...]) -> Answer:
    """Check the ledger of the account of STORE; exit code 1 when something differs."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account, steady=True) as connection:
        result = verify_ledger(connection, account, rebuild=rebuild)
        lost = [root for root in roots if not has_seal(connection, _hash(root))]
    complaints = _complaints(result) + [f"root {root}: no seal has it" for root in lost]
    data = {"members": result.members, "entries": result.entries, "differences": len(complaints)}
    lines = [f"{name}: {count}" for name, count in data.items()]
    return Answer(data, lines, complaints, exit_code=1 if complaints else 0)


def _complaints(result: Verification) -> list[str]:
    return [
        f"{f'member {it.member}: ' if it.member else ''}{it.what}: stored {it.stored}, expected {it.expected}"
        for it in result.differences
    ]


def _hash(root: str) -> bytes:
    try:
        return bytes.fromhex(root)
    except ValueError:
        raise Invalid(f"{root} is no root: it has hexadecimal digits only.") from None


@command(ledger, "roots")
@click.argument("store")
@click.option("--days", default=31, show_default=True, type=click.IntRange(1), help="How many days.")
def roots_(tools: Tools, store: str, days: int) -> Answer:
    """Print the last seal of each day of the account of STORE, newest first: keep them elsewhere."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        rows = list_roots(connection, None, days)
    data = [RootSchema().dump(row) for row in rows]
    return Answer(data, [f"{row['day']}  {row['number']}  {row['sha256']}" for row in data])


@command(member, "show")
@click.argument("store")
@click.argument("email")
def show(tools: Tools, store: str, email: str) -> Answer:
    """Show the member of an e-mail address of the account of STORE."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        ids = list_ids_of_email(connection, email)
        if not ids:
            raise NotFound("There is no member of that e-mail address.")
        found = read_standings(connection, account, ids[:1], utc_now())[0]
    data = {**MemberSchema().dump(found), "others": [str(other) for other in ids[1:]]}
    return Answer(data, [f"{name}: {value}" for name, value in data.items()])


@command(api_key, "make")
@click.argument("store")
@click.option("--name", default="api", show_default=True, help="What the key is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="May be given several times."
)
def make(tools: Tools, store: str, name: str, scopes: tuple[str, ...]) -> Answer:
    """Make an API key for the account of STORE; it is shown once."""
    account, _ = find_account(tools, store)
    granted = scopes or ("read",)
    with tools.database.transaction(account) as connection:
        key = make_api_key(connection, account, name, granted)
        note(connection, account, ACTOR, "api_key.made", name, scopes=list(granted))
        made = find_api_access(connection, key)
    key_id = str(made.key_id) if made else ""
    return Answer({"id": key_id, "api_key": key, "scopes": list(granted)}, [f"{key_id}  {key}"])


@command(api_key, "revoke")
@click.argument("store")
@click.argument("key_id", type=click.UUID)
def revoke(tools: Tools, store: str, key_id: UUID) -> Answer:
    """Let an API key of the account of STORE work no longer."""
    account, _ = find_account(tools, store)
    with tools.database.transaction(account) as connection:
        revoke_api_key(connection, key_id, utc_now())
        note(connection, account, ACTOR, "api_key.revoked", str(key_id))
    return Answer({"revoked": str(key_id)}, [f"{key_id} is revoked"])

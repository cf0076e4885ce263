"""Connect a till: a store without an address, in an account whose money it takes over, or in a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from loyalty.accounts.service import get_account
from loyalty.clock import is_zone
from loyalty.commerce import ShopSettings
from loyalty.errors import Invalid
from loyalty.stores.service import TILL
from webhook_app.connect import Connected, NewShop, find_account, write_store
from webhook_app.tools import Tools

SCOPES = ("read", "write")
"""A till tells of orders and reads what they earned; it gives nobody points by hand."""
CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class NewTill:
    """A till to connect: `account` is the key of an account or store, or empty; then the rest says what a new account
    counts in.
    """

    name: str
    account: str
    currency: str
    time_zone: str
    decimals: int | None
    actor: str


def connect_till(tools: Tools, till: NewTill) -> Connected:
    """Connect a till, or one of that name again; raises Invalid, Conflict and NotFound."""
    name = till.name.strip()
    if not name:
        raise Invalid("A till needs a name.", {"/name": ["Must not be empty."]})
    settings = _of_account(tools, till) if till.account else _given(till)
    noted = {"currency": settings.currency, "decimals": str(settings.decimals)}
    # The name stands where shops have their address, so that a till that comes back is known again.
    address = f"{TILL}:{name.casefold()}"
    shop = NewShop(TILL, address, noted, name, till.account, register=False, actor=till.actor)
    return write_store(tools, shop, settings, SCOPES)


def _of_account(tools: Tools, till: NewTill) -> ShopSettings:
    if till.currency or till.time_zone or till.decimals is not None:
        raise Invalid("A till of an account takes over its currency, time zone and decimals.")
    with tools.database.transaction(find_account(tools, till.account)) as connection:
        row = get_account(connection)
    return ShopSettings(row["currency"], row["time_zone"], row["decimals"], prices_include_tax=True)


def _given(till: NewTill) -> ShopSettings:
    mistakes = {}
    if not CURRENCY.fullmatch(till.currency):
        mistakes["/currency"] = ["Must be a code of ISO 4217, such as TWD."]
    if not is_zone(till.time_zone):
        mistakes["/time_zone"] = ["Must be a name of IANA, such as Asia/Taipei."]
    if till.decimals is None:
        mistakes["/decimals"] = ["Must be given."]
    if mistakes or till.decimals is None:
        raise Invalid("A new account needs a currency, a time zone and decimals.", mistakes)
    return ShopSettings(till.currency, till.time_zone, till.decimals, prices_include_tax=True)

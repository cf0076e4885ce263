"""What the engine needs of an account beside its program: its coupon key and the numbers of its stores."""

from __future__ import annotations

from sqlalchemy import Connection

from loyalty.accounts.service import get_account
from loyalty.crypto import Vault
from loyalty.engine.work import AccountBook
from loyalty.stores.service import list_places
from loyalty.values import AccountId


def load_book(connection: Connection, vault: Vault, account: AccountId) -> AccountBook:
    """Return an account's book; raises NotFound. It may be kept until a store of the account is missing in it."""
    row = get_account(connection)
    places = list_places(connection)
    return AccountBook(
        account,
        vault.open(row["coupon_key"]),
        {place.store: place.number for place in places},
        {place.store: place.platform for place in places},
        frozenset(place.store for place in places if place.sells_gift_cards),
        row["currency"],
        frozenset(place.store for place in places if place.is_till),
        frozenset(place.store for place in places if not place.is_connected),
    )

"""Try again what a shop refused: the push waits anew, and so does the coupon that it failed to make."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from loyalty.outbox import repository as outbox
from loyalty.rewards.redemption_repository import list_causes
from loyalty.rewards.repository import request_again
from loyalty.values import StoreId

PAGE = 500


def retry_pushes(connection: Connection, ids: Sequence[int]) -> int:
    """Let these failed pushes be delivered again; return how many there were.

    The code of a redemption is not: its points went back when it failed, and the member may redeem again.
    """
    codes = outbox.list_codes_to_put(connection, ids)
    ended = list_causes(connection, codes.values()) if codes else {}
    retried = outbox.retry(connection, [each for each in ids if codes.get(each) not in ended])
    failed = [codes[each] for each in retried if each in codes]
    if failed:
        request_again(connection, failed)
    return len(retried)


def retry_all(connection: Connection, reason: str | None, store: StoreId | None = None) -> int:
    """Let all failed pushes be delivered again, of a reason and a store where these are given; return how many."""
    count, after = 0, 0
    while ids := outbox.list_failed(connection, reason, after, PAGE, store):
        count += retry_pushes(connection, ids)
        after = ids[-1]
    return count

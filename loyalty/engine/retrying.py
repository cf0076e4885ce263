"""Try again what a shop refused: the push waits anew, and so does the coupon that failed with it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from loyalty.engine.issuing import COUPON_SUBJECT
from loyalty.outbox import repository as outbox
from loyalty.rewards.repository import request_again


def retry_pushes(connection: Connection, ids: Sequence[int]) -> int:
    """Let these failed pushes be delivered again; return how many there were."""
    subjects = outbox.retry(connection, ids)
    codes = [name.removeprefix(COUPON_SUBJECT) for name in subjects if name.startswith(COUPON_SUBJECT)]
    if codes:
        request_again(connection, codes)
    return len(subjects)

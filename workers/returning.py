"""Give points back for tickets without a seat, batch by batch; late or twice changes nothing."""

from __future__ import annotations

from datetime import datetime
from time import monotonic

from loyalty.clock import utc_now
from loyalty.engine.returning import return_some
from loyalty.values import AccountId, StoreId
from workers.queues import RETURN_POINTS, Queues
from workers.runtime import Runtime

SECONDS = 30.0
"""After so long another job goes on, so that others are not kept waiting."""


def return_points(
    runtime: Runtime, account: AccountId, now: datetime | None = None, *, seconds: float = SECONDS
) -> int:
    """Give back what is owed in an account; return for how many tickets. What is left after so many seconds is left to
    another job, which is woken.
    """
    done, deadline = 0, monotonic() + seconds
    while monotonic() < deadline:
        with runtime.database.transaction(account) as connection:
            returned = return_some(connection, runtime.book(connection, account, set()), now or utc_now())
        if returned is None:
            return done
        done += returned.tickets
        for store in returned.pushed:
            runtime.wake_store(Queues.PUSH, account, StoreId(store))
    runtime.wakes.wake_now(Queues.DRAIN, RETURN_POINTS, f"tickets:{account}", account)
    return done

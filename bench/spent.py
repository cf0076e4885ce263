"""Where the time of a drain goes: the milliseconds an order of each of its steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any
from unittest import mock

from bench.drain import loaded_merchant
from bench.figures import Figure
from bench.stage import Stage
from loyalty.engine import apply, finishing, loading
from loyalty.engine.work import MemberWork
from loyalty.inbox import repository as inbox
from workers import draining
from workers.draining import BATCH, drain_account
from workers.runtime import Runtime

ORDERS = 4000
STEPS = ("claim", "parse", "load", "decide", "save", "mark", "commit", "rest")
_PLACES: tuple[tuple[str, Any, str], ...] = (
    ("claim", inbox, "claim_pending"),
    ("parse", draining, "_parse"),
    ("load", apply, "enrol"),
    ("load", loading, "load"),
    ("load", loading, "load_histories"),
    ("decide", apply, "gather"),
    ("decide", apply, "_restate_orders"),
    ("decide", MemberWork, "plan"),
    ("decide", MemberWork, "decide"),
    ("save", finishing, "save"),
    ("mark", inbox, "mark"),
)


def measure_spent(stage: Stage, scale: float = 1.0) -> list[Figure]:
    """Return the milliseconds an order of the whole drain, its steps beside it."""
    orders = max(BATCH, int(ORDERS * scale))
    with stage.place() as place:
        merchant, runtime = loaded_merchant(place, orders), place.runtime()
        try:
            with clocks(runtime) as spent:
                started = perf_counter()
                drain_account(runtime, merchant.account)
                whole = perf_counter() - started
        finally:
            runtime.database.dispose()
    spent["rest"] = whole - sum(spent.values())
    notes: dict[str, object] = {f"{step}_ms": spent[step] * 1000 / orders for step in STEPS}
    return [Figure("drain_ms_per_order", whole * 1000 / orders, "ms", notes=notes)]


@contextmanager
def clocks(runtime: Runtime) -> Iterator[dict[str, float]]:
    """Yield the seconds spent in each step so far."""
    spent: dict[str, float] = defaultdict(float)
    commit = ("commit", runtime.database.engine.dialect, "do_commit")
    with ExitStack() as stack:
        for step, owner, name in (*_PLACES, commit):
            stack.enter_context(mock.patch.object(owner, name, _timed(getattr(owner, name), spent, step)))
        yield spent


def _timed(function: Callable[..., Any], spent: dict[str, float], step: str) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[step] += perf_counter() - started

    return timed

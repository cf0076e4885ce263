"""No queue without a worker, no periodic job without a function."""

from __future__ import annotations

import pytest

from workers import jobs, queues
from workers.cron import PERIODIC
from workers.queues import Queues

WOKEN = [
    value for name, value in vars(queues).items() if name.isupper() and str(value).startswith("workers.")
]


def test_workers_listen_to_every_queue() -> None:
    named = {value for name, value in vars(Queues).items() if name.isupper() and name != "ALL"}
    assert named == set(Queues.ALL)


@pytest.mark.parametrize("name", [*WOKEN, *(each.function for each in PERIODIC)])
def test_every_named_job_exists(name: str) -> None:
    module, _, function = name.rpartition(".")
    assert module == "workers.jobs"
    assert callable(getattr(jobs, function))

"""The profile of the property tests: the same examples in every run."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import accumulate, count
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from loyalty import values
from loyalty.accounts import service as accounts

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=QUIET, print_blob=False
)
settings.register_profile("search", deadline=None, suppress_health_check=QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

BEGINNING, MILLISECOND = 1_800_000_000 * 10**9, 10**6
"""Nanoseconds since 1970."""


@pytest.fixture
def seed_ids(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let ids and the keys of codes come from a seed: members stand in the same order, with the same codes, in every
    run. Some ids are of one millisecond, as in life.
    """

    def seed(number: int) -> None:
        random = Random(number)
        ticks = accumulate((random.choice((0, 0, 0, MILLISECOND)) for _ in count()), initial=BEGINNING)
        monkeypatch.setattr(values, "os", SimpleNamespace(urandom=random.randbytes))
        monkeypatch.setattr(values, "time", SimpleNamespace(time_ns=lambda: next(ticks)))
        monkeypatch.setattr(accounts, "secrets", SimpleNamespace(token_bytes=random.randbytes))

    return seed

"""One year of a store with 1,000 customers: all laws hold each month, whatever the habits of its jobs."""

from __future__ import annotations

from bench.years import Years, live_with_habits
from workers.runtime import Runtime

SEED = 20261122


def test_a_year_with_any_habit_of_the_jobs_ends_in_the_same_figures(runtime: Runtime) -> None:
    assert live_with_habits(runtime, Years(1000, 365, 5, SEED)) == []

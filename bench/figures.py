"""What a measurement says: one line for people, one object for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `goal` is what the ratio, or the value where there is no ratio, must reach."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    goal: float | None = None
    at_most: bool = False
    """The goal is an upper limit."""
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Return whether the goal is reached; a figure without a goal always is."""
        if self.goal is None:
            return True
        measured = self.value if self.ratio is None else self.ratio
        return measured <= self.goal if self.at_most else measured >= self.goal

    def line(self) -> str:
        """Return `bench NAME value=… ratio=… goal=… ok|short` with the notes behind."""
        sign = "<=" if self.at_most else ">="
        parts = [f"bench {self.name}", f"value={self.value:.4g}{self.unit}"]
        parts.append(f"ratio={'-' if self.ratio is None else f'{self.ratio:.3g}'}")
        parts.append(f"goal={'-' if self.goal is None else f'{sign}{self.goal:g}'}")
        parts.append("ok" if self.is_ok else "short")
        notes = " ".join(f"{name}={_plain(value)}" for name, value in self.notes.items())
        return " ".join(parts) + (f"  ({notes})" if notes else "")


def write_figures(figures: Sequence[Figure], path: Path) -> None:
    """Replace the file of figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "ok": figure.is_ok} for figure in figures]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -int(-len(ranked) * share // 1) - 1))]


def interleaved(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Return what each measure gave in each round; in a round they run one after the other."""
    results: list[list[float]] = [[] for _ in measures]
    for number in range(rounds):
        # The order turns round, so that none always runs on what the same other one left behind.
        turns = list(enumerate(measures))
        for place, measure in turns if number % 2 == 0 else reversed(turns):
            results[place].append(measure())
    return results


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the ratio of the medians."""
    return median(ours) / median(theirs)


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    started = perf_counter()
    action()
    return perf_counter() - started


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ",".join(_plain(each) for each in value)
    return str(value)

"""Segments of a program: saved conditions on a member; law: judged by his figures at an instant, by nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from loyalty.programs.ladder import Text, Window
from loyalty.programs.terms import Metric, WindowKind

LIFETIME = Window(WindowKind.LIFETIME)


class Since(StrEnum):
    """From which day the days of a criterion are counted."""

    JOINED = "joined"
    LAST_ORDER = "last_order"


@dataclass(frozen=True, slots=True)
class OneOf:
    """His tier, tags, region or segments: any of some words, or none of others."""

    kind: str
    """`tier`, `tag`, `region` or `segment`."""
    any_of: frozenset[str] = frozenset()
    none_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric over a window: at least so much, below so much; None: no such bound."""

    metric: Metric
    at_least: Fraction | None = None
    below: Fraction | None = None
    window: Window = LIFETIME


@dataclass(frozen=True, slots=True)
class Days:
    """Whole local days since he joined, or since his last order was awarded; who never ordered meets no bound."""

    since: Since
    at_least: int | None = None
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """The instant lies in `[opens, closes)`."""

    opens: datetime
    closes: datetime


Criterion = OneOf | Figure | Days | Between


@dataclass(frozen=True, slots=True)
class Segment:
    """Members who meet `any` or all of some criteria."""

    key: str
    any_of: bool
    criteria: tuple[Criterion, ...]
    name: Text = field(default_factory=dict)

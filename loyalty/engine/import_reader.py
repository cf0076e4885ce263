"""The cells of a row as values; law: everything that is wrong with a row is collected, not only the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from loyalty.imports.cells import Unreadable, read_end, read_instant, read_whole
from loyalty.programs.program import Program

LONGEST_WORD = 200
_WORD = re.compile(rf"[^\x00-\x1f\x7f]{{1,{LONGEST_WORD}}}")
Cells = Mapping[str, Any]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Ground:
    """By what rows are judged: the rules in force, the time, and the stores whose customers they may name."""

    program: Program
    now: datetime
    stores: frozenset[int]
    """The numbers of the account's stores."""
    store: int | None = None
    """The one whose customer ids stand without a number."""

    @property
    def tz(self) -> str:
        """Return the account's time zone."""
        return self.program.time_zone


@dataclass(slots=True)
class Reader:
    """Reads the cells of a row and collects what is wrong with them."""

    cells: Cells
    ground: Ground
    mistakes: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, name: str, message: str) -> None:
        """Note that a cell cannot be taken."""
        self.mistakes.append((name, message))

    def text(self, name: str) -> str:
        """Return a cell as a short text."""
        return self.word(name, str(self.cells.get(name, "")).strip())

    def word(self, name: str, told: str) -> str:
        """Return a text of a cell, or of a part of it; of one that is too long, which is a mistake, the beginning."""
        if told and not _WORD.fullmatch(told):
            self.refuse(name, f"Must be a text of at most {LONGEST_WORD} characters without line breaks.")
        return told[:LONGEST_WORD]

    def read(self, name: str, reader: Callable[[str], Value], default: Value, text: Any = None) -> Value:
        """Return a value of a cell, or of a part of it; the default for an empty one, and for a mistake."""
        told = self.cells.get(name, "") if text is None else text
        if told in ("", []):
            return default
        try:
            return reader(told if isinstance(told, str) else str(told))
        except Unreadable as error:
            self.refuse(name, str(error))
        except (ValueError, ArithmeticError):
            self.refuse(name, "Cannot be read.")
        return default

    def count(self, name: str, text: Any = None, *, signed: bool = False) -> int:
        """Return a whole number, 0 for an empty cell."""
        found = self.read(name, read_whole, 0, text)
        if found < 0 and not signed:
            self.refuse(name, "Must not be below 0.")
        return found

    def past(self, name: str, text: Any = None) -> datetime | None:
        """Return an instant that does not lie ahead."""
        tz = self.ground.tz
        found: datetime | None = self.read(name, lambda told: read_instant(told, tz), None, text)
        if found is not None and found > self.ground.now:
            self.refuse(name, "Lies ahead.")
        return found

    def ahead(self, name: str, text: Any = None) -> datetime | None:
        """Return an end that lies ahead, None for never or an empty cell."""
        tz = self.ground.tz
        found = self.read(name, lambda told: read_end(told, tz), None, text)
        if found is not None and found <= self.ground.now:
            self.refuse(name, "Is over already.")
        return found

    def tier(self, name: str, text: Any = None) -> str:
        """Return the key of a tier of the program, empty for none."""
        told = str(self.cells.get(name, "") if text is None else text).strip()
        if not told:
            return ""
        for tier in self.ground.program.tiers:
            if told.casefold() in {tier.key.casefold(), *(each.casefold() for each in tier.name.values())}:
                return tier.key
        self.refuse(name, f"There is no tier {told}.")
        return ""

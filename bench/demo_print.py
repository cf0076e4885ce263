"""What the demonstration tells its reader: steps, tables, and whether each claim is true."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence


class Report:
    """Prints as it goes, and remembers whether all claims were true."""

    def __init__(self) -> None:
        self.is_true = True

    def step(self, chinese: str, english: str) -> None:
        """Say what happens next."""
        print(f"\n● {chinese}  {english}", flush=True)

    def line(self, text: str) -> None:
        """Say something about the step."""
        print(f"  {text}", flush=True)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print rows below heads, columns aligned also where letters are wide."""
        cells = [[str(cell) for cell in row] for row in (heads, *rows)]
        widths = [max(_width(row[column]) for row in cells) for column in range(len(heads))]
        for row in cells:
            self.line(
                "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )

    def claim(self, is_true: bool, chinese: str, english: str) -> None:
        """Say that something is so, or that it is not."""
        self.is_true = self.is_true and is_true
        print(f"  {'✓' if is_true else '✗'} {chinese}  {english}", flush=True)


def be_utf8() -> None:
    """Let standard output take Chinese also where the locale names no encoding."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))

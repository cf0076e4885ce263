"""Refused rows as a file that can be mended and imported again; law: what was right in a row is still there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from loyalty.db import json_text
from loyalty.imports.guarding import guarded

ABOUT = ("row", "field", "message")
"""What stands before the columns of the file itself; an import leaves it out."""


def refusals_file(rows: Iterable[Mapping[Any, Any]], columns: Sequence[str]) -> Iterator[str]:
    """Yield CSV with a line for each refused row: its number, the fields and what is wrong with them, its own cells."""
    yield "\ufeff" + _line([*ABOUT, *columns])
    for row in rows:
        fields = "; ".join(dict.fromkeys(name for name, _ in row["mistakes"] if name))
        messages = "; ".join(f"{name}: {text}" if name else text for name, text in row["mistakes"])
        cells = (_text(row["cells"].get(name, "")) for name in columns)
        yield _line([str(row["row_number"]), fields, messages, *map(guarded, cells)])


def _text(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return "; ".join(each if isinstance(each, str) else json_text(each) for each in value)


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()

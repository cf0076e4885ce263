"""Rows of a file as text, one after the other, whatever program wrote it; law: a row is never shifted, cut or guessed.

Read are CSV with commas, semicolons or tabs, quoted cells, any line end, a title above the header, a byte order mark,
UTF-8 or UTF-16; and JSON Lines. Of a file no more than a row is in memory.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from loyalty.errors import Invalid
from loyalty.imports.guarding import unguarded

Cells = dict[str, Any]
DELIMITERS = ",;\t"
LINES_BEFORE_HEADER = 5
LONGEST_ROW = 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNCLOSED = "unexpected end of data"
"""What `csv` says of a file that ends within quotes."""
_NAMES_SOMEBODY = re.compile(r"\s*\S+@\S+\s*|[\s0-9:+().-]*[0-9][\s0-9:+().-]*")
LONGEST_NAME = 254
"""Of an address, a phone or an id that can be imported."""
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
"""What JSON can escape and PostgreSQL does not store."""


class NoText(ValueError):
    """A text has characters that no text has."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the number that people see in their spreadsheet; `mistake`: why it cannot be read."""

    number: int
    cells: Cells
    mistake: str = ""


@dataclass(slots=True)
class Sheet:
    """The columns of a file by our names, those that say nothing to us, and its rows, to be read once."""

    columns: list[str]
    ignored: list[str]
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class Names:
    """The columns that we know, other names of theirs, and which of them say that a line is the header."""

    known: frozenset[str]
    aliases: dict[str, str]
    telling: frozenset[str]

    def of(self, heading: str) -> str:
        """Return our name of a column."""
        name = re.sub(r"[\s\-./]+", "_", heading.strip().casefold()).strip("_")
        return self.aliases.get(name, name)


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table, and what separates its cells."""

    columns: list[str]
    names: Names
    delimiter: str

    def is_row(self, line: str) -> bool:
        """Return whether a line of a cell looks like a row: as many cells, and where a row names somebody, it does."""
        cells = line.split(self.delimiter)
        if len(cells) < len(self.columns) or len(cells) == 1:
            return False
        return any(
            name in self.names.telling and len(cell) <= LONGEST_NAME and _NAMES_SOMEBODY.fullmatch(cell)
            for name, cell in zip(self.columns, cells, strict=False)
        )


def open_sheet(stream: BinaryIO, names: Names) -> Sheet:
    """Return the rows of a file; raises Invalid when it has no header, or is no text."""
    text = _text_of(stream)
    lines = _lines(text)
    first = next(lines, None)
    if first is None:
        raise Invalid("The file is empty.")
    if first.lstrip().startswith("{"):
        return Sheet(sorted(names.known), [], _objects(first, lines, names))
    return _table(first, lines, names)


def _text_of(stream: BinaryIO) -> io.TextIOWrapper:
    buffered = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
    start = buffered.peek(4)[:4] if isinstance(buffered, io.BufferedReader) else _start(buffered)
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    return io.TextIOWrapper(buffered, encoding=encoding, errors="strict", newline="")


def _start(stream: BinaryIO) -> bytes:
    start = stream.read(4)
    stream.seek(0)
    return start


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    try:
        for line in text:
            if len(line) > LONGEST_ROW:
                raise Invalid("A line is longer than a megabyte: is this a table?")
            yield line.replace("\x00", "")
    except UnicodeDecodeError:
        raise Invalid("The file is no UTF-8: save it as CSV UTF-8.") from None
    finally:
        with suppress(ValueError):  # it is closed already
            text.detach()  # whoever opened the file closes it


def _objects(first: str, lines: Iterator[str], names: Names) -> Iterator[Row]:
    for number, line in enumerate(_again(first, lines), 1):
        if line.strip():
            yield _object(number, line, names)


def _object(number: int, line: str, names: Names) -> Row:
    try:
        found = _plain(json.loads(line, parse_float=str, parse_int=str))
    except NoText:
        return Row(number, {}, "The line has characters that are no text.")
    except (ValueError, RecursionError):
        return Row(number, {}, "The line is no JSON.")
    if not isinstance(found, dict):
        return Row(number, {}, "The line is no JSON object.")
    cells = {names.of(name): value for name, value in found.items()}
    unknown = sorted(cells.keys() - names.known)
    mistake = f"Unknown: {', '.join(unknown)}." if unknown else ""
    return Row(number, {name: value for name, value in cells.items() if value not in ("", [])}, mistake)


def _plain(value: Any) -> Any:
    """Return a JSON value as text, or as a list or an object of such; raises NoText."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {_plain(name): _plain(each) for name, each in value.items()}
    told = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if _NO_TEXT.search(told):
        raise NoText
    return told


def _table(first: str, lines: Iterator[str], names: Names) -> Sheet:
    line, delimiter, above = _find_header(first, lines, names)
    reader = csv.reader(_again(line, lines), delimiter=delimiter, strict=True)
    try:
        header = _headings(next(reader, []))
    except csv.Error as error:
        raise Invalid(f"The header, in line {above + 1}, cannot be read: {error}.") from None
    found = [names.of(heading) for heading in header]
    twice = sorted({name for name in found if name in names.known and found.count(name) > 1})
    if twice:
        raise Invalid(f"Columns are there twice: {', '.join(twice)}.")
    known = [name for name in found if name in names.known]
    ignored = [heading for heading, name in zip(header, found, strict=True) if heading and name not in known]
    return Sheet(known, ignored, _rows(reader, Table(found, names, delimiter), above))


def _headings(cells: list[str]) -> list[str]:
    return [unguarded(cell.strip().lstrip("\ufeff")) for cell in cells]


def _find_header(line: str, lines: Iterator[str], names: Names) -> tuple[str, str, int]:
    """Return the header, what separates its cells, and how many lines stand above: `sep=;` as Excel writes it, a title
    as Numbers does, empty ones. Raises Invalid.
    """
    for above in range(LINES_BEFORE_HEADER):
        for delimiter in sorted(DELIMITERS, key=line.count, reverse=True):
            cells = _headings(_cells(line, delimiter))
            if names.telling & {names.of(heading) for heading in cells}:
                return line, delimiter, above
        following = next(lines, None)
        if following is None:
            break
        line = following
    wanted = ", ".join(sorted(names.telling))
    raise Invalid(f"No line of the first {LINES_BEFORE_HEADER} is a header with one of: {wanted}.")


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line, none where they cannot be read: it is no header then."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _rows(reader: Any, table: Table, above: int) -> Iterator[Row]:
    """Yield the rows; raises Invalid where a quote is not closed, since nobody knows where the next row begins."""
    number = above + 1
    while True:
        number, line = number + 1, above + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            last = above + reader.line_num
            if last > line or _UNCLOSED in str(error):
                told = f"A quoted cell that begins in line {line} does not end as it should"
                raise Invalid(f"{told}, up to line {last}: is a quote not closed?") from None
            yield Row(number, {}, f"The row cannot be read: {error}.")
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _row(number, line, cells, table)


def _row(number: int, line: int, cells: list[str], table: Table) -> Row:
    for cell in cells:
        if any(table.is_row(within) for within in cell.splitlines()[1:]):
            told = f"A quoted cell that begins in line {line} holds what looks like other rows: is a quote not closed?"
            return Row(number, {}, told)
    columns, names = table.columns, table.names
    found = {
        name: unguarded(cell.strip())
        for name, cell in zip(columns, cells, strict=False)
        if name in names.known and cell.strip()
    }
    extra = [cell for cell in cells[len(columns) :] if cell.strip()]
    if extra:
        counts = f"{len(columns) + len(extra)} cells, the header {len(columns)}"
        return Row(number, found, f"The row has {counts}: is a number with a comma not in quotes?")
    return Row(number, found)


def _again(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines

"""Files as the programs of this world write them, row by row, and values as people write them."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.engine.import_columns import COLUMNS, NAMES
from loyalty.errors import Invalid
from loyalty.imports.cells import Unreadable, read_birthday, read_end, read_instant, read_money, read_whole
from loyalty.imports.guarding import guarded, unguarded
from loyalty.imports.sheets import Row, open_sheet

TABLE = 'email,points,name\na@x.com,"52,620",Amy\n'
READ = [Row(2, {"email": "a@x.com", "points": "52,620", "name": "Amy"})]
TAIPEI = "Asia/Taipei"


def rows(body: bytes) -> list[Row]:
    return list(open_sheet(io.BytesIO(body), NAMES).rows)


@pytest.mark.parametrize(
    "body",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.encode("utf-16"),
        b"email;points;name\r\na@x.com;52,620;Amy\r\n",
        b"email\tpoints\tname\na@x.com\t52,620\tAmy\n",
        b'"E-Mail","Points Balance","Name"\n"a@x.com","52,620","Amy"\n',
        b'email , POINTS,Name\n a@x.com ,"52,620", Amy\n\n,,\n',
        b'email,points,name,\na@x.com,"52,620",Amy,\n',
    ],
    ids=[
        "lf",
        "bom",
        "crlf",
        "cr",
        "utf-16",
        "semicolons",
        "tabs",
        "quoted",
        "spaces and empty rows",
        "numbers' last",
    ],
)
def test_a_table_is_read_whoever_wrote_it(body: bytes) -> None:
    assert rows(body) == READ


def test_a_line_too_long_for_a_cell_is_no_header() -> None:
    with pytest.raises(Invalid, match="is a header"):
        rows(b"[" * 200_000)
    assert rows(b"x" * 200_000 + b"\n" + TABLE.encode()) == [Row(3, READ[0].cells)]


@pytest.mark.parametrize("above", ["sep=,\n", "Table 1\n", "Members 2026,,\n", "\n"])
def test_titles_above_the_header_are_left_out_and_rows_keep_their_numbers(above: str) -> None:
    assert rows((above + TABLE).encode()) == [Row(3, READ[0].cells)]


def test_other_names_and_languages_of_columns_are_known() -> None:
    sheet = open_sheet(io.BytesIO("電子郵件,點數,備註\na@x.com,5,x\n".encode()), NAMES)
    assert (sheet.columns, sheet.ignored) == (["email", "points"], ["備註"])
    assert [row.cells for row in sheet.rows] == [{"email": "a@x.com", "points": "5"}]


def test_a_number_with_a_comma_that_is_not_quoted_is_told_and_shifts_nothing() -> None:
    (row,) = rows(b"email,points\na@x.com,52,620\n")
    assert "5 cells" not in row.mistake
    assert row.mistake.startswith("The row has 3 cells, the header 2")


HEADER = "email,points,note\n"
OTHERS = "b@x.com,20,x\nc@x.com,30,y\n"


@pytest.mark.parametrize(
    "rest",
    [
        'a@x.com,10,"great customer\n' + OTHERS,
        'a@x.com,10,"great customer\n' + OTHERS + 'd@x.com,40,"nice"\n',
        'a@x.com,"10,great customer\n' + OTHERS * 10_000,
        'a@x.com,10,"great customer\r\n' + OTHERS.replace("\n", "\r\n"),
    ],
    ids=["to the end", "to another quote", "through a long file", "crlf"],
)
@pytest.mark.parametrize("above", ["", "sep=,\n", "Members\n\n"])
def test_a_quote_that_is_not_closed_swallows_no_row(rest: str, above: str) -> None:
    line = 2 + above.count("\n")
    with pytest.raises(Invalid, match=rf"in line {line} .*is a quote not closed") as raised:
        rows((above + HEADER + rest).encode())
    assert "great" not in raised.value.message


@pytest.mark.parametrize("closing", ['d@x.com,40,"\n', '"\n', '",\n'])
def test_rows_within_a_cell_that_another_quote_closes_are_refused(closing: str) -> None:
    first, second = rows((HEADER + 'a@x.com,10,"great\n' + OTHERS + closing + "e@x.com,5,\n").encode())
    assert (first.number, first.cells) == (2, {})
    assert first.mistake.startswith("A quoted cell that begins in line 2 holds what looks like other rows")
    assert second == Row(3, {"email": "e@x.com", "points": "5"})


@pytest.mark.parametrize(
    "note",
    [
        "two\nlines",
        "Main St 1, Berlin\nGermany, Europe",
        "a\r\nb\n\nc",
        'said ""hi""\nand left',
        "Hi,\nbye, yours, Bo",
        "To:\nHouse 5, Main St, Berlin",
    ],
)
def test_a_cell_of_several_lines_is_one_cell_and_rows_count_as_in_a_spreadsheet(note: str) -> None:
    found = rows(f'{HEADER}a@x.com,10,"{note}"\nb@x.com,20,x\n'.encode())
    assert found == [
        Row(2, {"email": "a@x.com", "points": "10"}),
        Row(3, {"email": "b@x.com", "points": "20"}),
    ]


def test_a_long_number_within_a_cell_is_looked_at_once() -> None:
    """What looks for other rows within a cell must not try each of its places: that took a minute."""
    started = time.monotonic()
    (row,) = rows(f'{HEADER}a@x.com,10,"a\n{"1" * 100_000}x,2,3"\n'.encode())
    assert row.cells == {"email": "a@x.com", "points": "10"}
    assert time.monotonic() - started < 5


def test_a_list_of_several_lines_is_read_whole() -> None:
    (row,) = rows(b'email;lots\na@x.com;"100@2027-01-31\n20@never"\n')
    assert row.cells["lots"] == "100@2027-01-31\n20@never"


def test_text_behind_a_quoted_cell_refuses_its_row_only() -> None:
    first, second = rows(b'email,points,name\na@x.com,1,"Amy" Lee\nb@x.com,2,5" pipe\n')
    assert first == Row(2, {}, "The row cannot be read: ',' expected after '\"'.")
    assert second.cells["name"] == '5" pipe'


@pytest.mark.parametrize("header", ['email,"points\na@x.com,1\n', 'email,"points"x\na@x.com,1\n'])
def test_a_header_that_cannot_be_read_is_told(header: str) -> None:
    with pytest.raises(Invalid, match="header, in line 2"):
        rows(f"Members\n{header}".encode())


def test_json_lines_are_read_with_exact_numbers() -> None:
    lots_told = b'[{"points": 1, "expires_at": null}]'
    told = b'{"email": "a@x.com", "points": 52620, "lots": %s, "registered": true}'
    body = told % lots_told + b"\n\n[1]\n{\n"
    first, second, third = rows(body)
    lots = [{"points": "1", "expires_at": ""}]
    assert first == Row(1, {"email": "a@x.com", "points": "52620", "lots": lots, "registered": "true"})
    assert (second.mistake, third.mistake) == ("The line is no JSON object.", "The line is no JSON.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"points\n5\n", "header"),
        ("email\n\u4e2d".encode("big5"), "UTF-8"),
        (b"email,email\na,b\n", "twice"),
    ],
)
def test_a_file_that_is_no_table_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        rows(body)


@given(st.text(alphabet=st.sampled_from("'=+-@ab,\"1"), max_size=8))
def test_what_is_guarded_is_read_back_and_is_no_formula(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert guarded(cell)[:1] not in set("=+-@")


@pytest.mark.parametrize(
    ("text", "number"),
    [("52620", 52620), ("52,620", 52620), ("1,052,620", 1052620), ("52 620", 52620), ("52’620", 52620), ("５２６", 526),
     ("52620.00", 52620), ("52,620.0", 52620), ("-7", -7)],
)  # fmt: skip
def test_whole_numbers(text: str, number: int) -> None:
    assert read_whole(text) == number


@pytest.mark.parametrize("text", ["52.620", "5,26", "52,62", "1.5", "abc", "", "1e3", "10000000000000"])
def test_what_may_be_read_in_two_ways_is_no_number(text: str) -> None:
    with pytest.raises(Unreadable):
        read_whole(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1234.5", "1234.5"), ("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("1234,5", "1234.5"), ("1,234", "1234"),
     ("NT$1,200", "1200"), ("-$5", "-5"), ("TWD 90", "90")],
)  # fmt: skip
def test_money(text: str, amount: str) -> None:
    assert read_money(text) == Decimal(amount)


def test_times() -> None:
    midnight = datetime(2027, 1, 30, 16, tzinfo=UTC)
    assert read_instant("2027-01-31", TAIPEI) == midnight
    assert read_instant("2027/1/31 00:00", TAIPEI) == midnight
    assert read_instant("2027-01-31T00:00:00+08:00", "UTC") == midnight
    assert read_end("2027-01-31", TAIPEI) == datetime(2027, 1, 31, 16, tzinfo=UTC)
    assert read_end("Never", TAIPEI) is None
    assert (read_birthday("1990-05-04"), read_birthday("05-04")) == ((5, 4, 1990), (5, 4, None))
    for wrong in ("31/01/2027", "01-02-2027", "2027-02-30", "2027-01-31 25:00"):
        with pytest.raises(Unreadable):
            read_instant(wrong, TAIPEI)


FAR = ["0001-01-01", "0001-01-01T00:00:00+08:00", "1899-12-31", "9001-01-01 12:00", "9999-12-31", "99991231T235959Z",
       "9999-12-31 23:59:59", "9999-12-31T23:59:59-08:00"]  # fmt: skip


@pytest.mark.parametrize("zone", [TAIPEI, "UTC", "America/Los_Angeles"])
@pytest.mark.parametrize("told", FAR)
def test_a_date_of_another_age_is_no_instant_in_any_zone(told: str, zone: str) -> None:
    with pytest.raises(Unreadable, match="must be"):
        read_instant(told, zone)


@pytest.mark.parametrize("told", ["1900-01-01", "9000-12-31", "1900-01-01T00:00:00Z", "9000-12-31T23:59:59Z"])
def test_the_first_and_the_last_year_are_instants(told: str) -> None:
    assert abs(read_instant(told, TAIPEI).year - int(told[:4])) <= 1


@pytest.mark.parametrize(
    "told",
    [
        "9999-12-31",
        "9999/12/31 23:59",
        "9999-12-31 23:59:59.997",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T15:59:59Z",
    ],
)
def test_the_last_day_there_is_means_never_as_an_end(told: str) -> None:
    assert read_end(told, TAIPEI) is None


@pytest.mark.parametrize("told", ["9999-12-30", "9999-12-31 25:00", "9999-12-31x", "0001-01-01"])
def test_another_far_day_is_no_end(told: str) -> None:
    with pytest.raises(Unreadable):
        read_end(told, TAIPEI)


def test_every_column_has_one_name() -> None:
    assert all(NAMES.of(name) == name for name in COLUMNS)
    assert set(NAMES.aliases.values()) <= set(COLUMNS)

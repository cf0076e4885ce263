"""Values as people and spreadsheets write them; law: what may be read in two ways is refused, never guessed."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal

from loyalty.clock import day_end, day_start, local_instant, read_moment

LARGEST = 10**12
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([,' ][0-9]{3})+")
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_EMPTY_DECIMALS = re.compile(r"\.0{1,2}$|\.0{4,}$")
_CURRENCY = re.compile(r"^(-?)(?:[A-Z]{0,3}[$€£¥]|[A-Z]{3} )")
_MONEY = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,4})?")
_DAY = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_WALL = re.compile(r"[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?")
_BIRTHDAY = re.compile(r"(?:--)?([0-9]{1,2})[-/.]([0-9]{1,2})")
NEVER = ("never", "none", "永久", "无限期", "無限期")
LAST_DAY = (9999, 12, 31)
"""What programs write as an end that never comes: the largest date of SQL Server, MySQL and .NET."""
EARLIEST, LATEST = 1900, 9000
"""Years; beyond them the calendar of Python has no room for what is counted from an instant, or for its local time."""


class Unreadable(ValueError):
    """The text is no such value; the message says what is expected."""


def plain(text: str) -> str:
    """Return a text as it is meant: full-width digits and odd spaces as the usual ones, trimmed."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).replace("\u2019", "'").strip()


def read_whole(text: str) -> int:
    """Return a whole number: 52620, "52,620", "52 620" or 52620.00; raises Unreadable, also for 52.620."""
    digits = plain(text)
    if _GROUPED.match(digits):
        digits = re.sub("[,' ]", "", digits) if _is_grouped(digits) else digits
    digits = _EMPTY_DECIMALS.sub("", digits)
    if not _WHOLE.fullmatch(digits):
        raise Unreadable("Must be a whole number such as 52620 or 52,620.")
    number = int(digits)
    if abs(number) > LARGEST:
        raise Unreadable("The number is too large.")
    return number


def _is_grouped(digits: str) -> bool:
    whole, dot, decimals = digits.partition(".")
    return _GROUPED.fullmatch(whole) is not None and (not dot or not decimals.strip("0"))


def read_money(text: str) -> Decimal:
    """Return money of at most four decimals: 1234.5, "1,234.50", "1.234,50", "NT$1,200"; raises Unreadable."""
    digits = _CURRENCY.sub(r"\1", plain(text))
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma > dot >= 0:
        digits = digits.replace(".", "").replace(",", ".")
    elif dot > comma >= 0 or _GROUPED.fullmatch(digits):
        digits = re.sub("[,' ]", "", digits)
    elif comma >= 0:
        digits = digits.replace(",", ".")
    if not _MONEY.fullmatch(digits):
        raise Unreadable("Must be an amount such as 1234.50.")
    return Decimal(digits)


def read_day(text: str) -> date:
    """Return a date whose year comes first: 2027-01-31 or 2027/1/31; raises Unreadable."""
    found = _DAY.fullmatch(plain(text))
    try:
        if found:
            return date(*(int(part) for part in found.groups()))
    except ValueError:
        pass
    raise Unreadable("Must be a date with the year first, such as 2027-01-31.")


def read_instant(text: str, tz: str, *, is_end: bool = False) -> datetime:
    """Return the instant of a time with its offset, of a wall time, or of a date: its beginning, of an end its end;
    raises Unreadable, also for one of another age.
    """
    told = plain(text)
    day = _DAY.match(told)
    if day and not EARLIEST <= int(day[1]) <= LATEST:
        raise _far_away()
    try:
        moment = read_moment(told)
    except ValueError:
        return _local_instant(told, tz, is_end=is_end)
    if not EARLIEST <= moment.year <= LATEST:
        raise _far_away()
    return moment


def _far_away() -> Unreadable:
    return Unreadable(f"The date is too far away: its year must be from {EARLIEST} to {LATEST}.")


def _local_instant(told: str, tz: str, *, is_end: bool) -> datetime:
    if _DAY.fullmatch(told):
        return day_end(read_day(told), tz) if is_end else day_start(read_day(told), tz)
    day = _DAY.match(told)
    wall = _WALL.fullmatch(told[day.end() :]) if day else None
    if day is None or wall is None:
        raise Unreadable("Must be a date such as 2027-01-31, or a time such as 2027-01-31T00:00:00+08:00.")
    return _wall_time(read_day(day.group()), [int(part or 0) for part in wall.groups()], tz)


def _wall_time(day: date, clock: list[int], tz: str) -> datetime:
    hour, minute, second = clock
    try:
        return local_instant(datetime.combine(day, time(hour, minute, second)), tz)
    except ValueError:
        raise Unreadable("There is no such time.") from None


def read_end(text: str, tz: str) -> datetime | None:
    """Return when something ends, None for never and for any time of the last day there is; a date ends with its day.

    Raises Unreadable.
    """
    told = plain(text)
    if told.casefold() in NEVER:
        return None
    day = _DAY.match(told)
    if day and tuple(int(part) for part in day.groups()) == LAST_DAY:
        rest = re.sub(r"\.[0-9]+", "", told[day.end() :])
        read_instant(f"2000-12-31{rest}", tz)  # what follows the day must be a time
        return None
    return read_instant(told, tz, is_end=True)


def read_birthday(text: str) -> tuple[int, int, int | None]:
    """Return month, day and year of a birthday: 1990-05-04, or 05-04 where the year is not known."""
    found = _BIRTHDAY.fullmatch(plain(text))
    if found:
        return int(found[1]), int(found[2]), None
    day = read_day(text)
    return day.month, day.day, day.year


def read_flag(text: str) -> bool:
    """Return yes or no; raises Unreadable."""
    told = plain(text).casefold()
    if told in ("true", "yes", "1", "y", "是"):
        return True
    if told in ("false", "no", "0", "n", "否"):
        return False
    raise Unreadable("Must be yes or no.")

"""Words for people in three languages: sentences, exact numbers, money, dates and lists; law: no number is rounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from string import Formatter

from loyalty.clock import zone
from loyalty.programs.ladder import Text
from loyalty.programs.program import LANGUAGES, text_in
from loyalty.programs.terms import Duration

Part = Text | str | int
HUNDRED = 100
MOST_DIGITS = 9
"""Decimals that a number of a program document may have."""
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MONEY = {
    "TWD": ("新臺幣 {} 元", "新台币 {} 元", "NT${}"),
    "CNY": ("人民幣 {} 元", "人民币 {} 元", "CN¥{}"),
    "HKD": ("港幣 {} 元", "港币 {} 元", "HK${}"),
    "USD": ("{} 美元", "{} 美元", "US${}"),
    "JPY": ("{} 日圓", "{} 日元", "JP¥{}"),
    "EUR": ("{} 歐元", "{} 欧元", "€{}"),
}


def say(traditional: str, simplified: str, english: str, **parts: Part) -> Text:
    """Return a sentence in each language with its `{parts}` filled in."""
    templates = zip(LANGUAGES, (traditional, simplified, english), strict=True)
    return {language: _filled(template, language, parts) for language, template in templates}


def _filled(template: str, language: str, parts: Mapping[str, Part]) -> str:
    """Fill a template in; a space of the template goes where both of its sides turn out to be Chinese."""
    done = ""
    for literal, name, _, _ in Formatter().parse(template):
        done = _beside(done, literal)
        if name:
            done = _beside(done, inside(parts[name], language))
    return done


def _beside(left: str, right: str) -> str:
    if left.endswith(" ") and _is_chinese(left[-2:-1]) and _is_chinese(right[:1]):
        return left[:-1] + right
    if right.startswith(" ") and _is_chinese(left[-1:]) and _is_chinese(right[1:2]):
        return left + right[1:]
    return left + right


def _is_chinese(sign: str) -> bool:
    return "\u3000" <= sign <= "\uffef"


def inside(part: Part, language: str) -> str:
    """Return a part as it stands in a sentence of a language."""
    return text_in(part, language) if isinstance(part, dict) else str(part)


def named(name: Text, key: str) -> Text:
    """Return a name in each language, the key where there is none."""
    return {language: text_in(name, language).strip() or key for language in LANGUAGES}


def number(value: Fraction | int, least_digits: int = 0) -> str:
    """Return a number exactly, with commas between thousands: `1,234.5`; what has no end stays a fraction, `10/3`."""
    exact = Fraction(value)
    scaled = exact * 10**MOST_DIGITS
    if scaled.denominator != 1:
        return str(exact)
    whole, rest = divmod(scaled.numerator, 10**MOST_DIGITS)
    digits = f"{rest:0{MOST_DIGITS}}".rstrip("0")
    if digits:
        digits = digits.ljust(least_digits, "0")
    return f"{whole:,}.{digits}" if digits else f"{whole:,}"


def percent(share: Fraction) -> str:
    """Return a share of one as a percentage with one decimal at most, rounded down; only for what was counted."""
    return f"{number(Fraction((share * HUNDRED * 10).__floor__(), 10))}%"


def money(value: Fraction, currency: str, decimals: int) -> Text:
    """Return an amount of a currency (ISO 4217); fractions show at least its decimals."""
    shown = number(value, decimals)
    forms = _MONEY.get(currency, (f"{{}} {currency}",) * 2 + (f"{currency} {{}}",))
    return {language: form.format(shown) for language, form in zip(LANGUAGES, forms, strict=True)}


def counted(value: int, traditional: str, simplified: str, english: str) -> Text:
    """Return so many of something; `english` is the singular, which takes an s."""
    shown = number(value)
    plural = english if value == 1 else f"{english}s"
    return say(f"{shown} {traditional}", f"{shown} {simplified}", f"{shown} {plural}")


def days(value: int) -> Text:
    """Return a number of days."""
    return counted(value, "天", "天", "day")


def length(duration: Duration) -> Text:
    """Return a length on the calendar."""
    if duration.months:
        return counted(duration.months, "個月", "个月", "month")
    return days(duration.days)


def moment(instant: datetime, tz: str) -> Text:
    """Return an instant on the wall clock of a zone."""
    local = instant.astimezone(zone(tz))
    clock = f"{local:%H:%M}" + (f":{local:%S}" if local.second else "")
    chinese = f"{local.year} 年 {local.month} 月 {local.day} 日 {clock}"
    return say(chinese, chinese, f"{clock} on {local.day} {MONTHS[local.month - 1]} {local.year}")


def day_text(instant: datetime, tz: str) -> Text:
    """Return the day of an instant on the calendar of a zone."""
    local = instant.astimezone(zone(tz))
    chinese = f"{local.year} 年 {local.month} 月 {local.day} 日"
    return say(chinese, chinese, f"{local.day} {MONTHS[local.month - 1]} {local.year}")


def joined(parts: Sequence[Part], chinese: tuple[str, str], english: str) -> Text:
    """Return parts with a word between them, in Chinese (traditional and simplified) and in English."""
    words = dict(zip(LANGUAGES, (*chinese, english), strict=True))
    texts = {}
    for language, word in words.items():
        texts[language] = inside(parts[0], language) if parts else ""
        for part in parts[1:]:
            texts[language] = _beside(_beside(texts[language], word), inside(part, language))
    return texts


def either(parts: Sequence[Part]) -> Text:
    """Return parts of which any is meant."""
    return joined(parts, (" 或 ", " 或 "), " or ")


def both(parts: Sequence[Part]) -> Text:
    """Return parts all of which are meant."""
    return joined(parts, ("、", "、"), ", ")


def together(parts: Sequence[Part]) -> Text:
    """Return clauses all of which must hold."""
    return joined(parts, (" 且 ", " 且 "), " and ")


def clauses(parts: Sequence[Part]) -> Text:
    """Return clauses one after the other."""
    return joined(parts, ("；", "；"), "; ")


def ordered(values: Iterable[str]) -> tuple[str, ...]:
    """Return words of a set in an order that never changes: numbers by size, then the rest by letters."""
    return tuple(sorted(values, key=lambda it: (not it.isdecimal(), int(it) if it.isdecimal() else 0, it)))

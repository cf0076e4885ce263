"""Shopify's search syntax, as far as the connector writes it (shopify.dev/docs/api/usage/search-syntax)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from graphql import GraphQLError

from connectors.shopify.sandbox.state import Json

TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<word>AND|OR)(?=[\s(])|(?P<not>-|NOT\s+)?"""
    r"""(?:(?P<field>\w+):(?P<sign>>=|<=|>|<)?)?(?P<value>'[^']*'|"[^"]*"|[^\s()]+))"""
)
PLAIN = "default"
"""Shopify's own name of the search for a word of no field."""
Read = Callable[[Json], Any]
Test = Callable[[Json], bool]


def matcher(query: str | None, fields: Mapping[str, Read], zone: str) -> Test:
    """Return what says whether a row fits a query; raises GraphQLError for what the sandbox does not play, where
    Shopify would ignore it silently.
    """
    if not (query or "").strip():
        return lambda _row: True
    tokens = _tokens(str(query))
    test = _Parser(tokens, fields, zone).any_of()
    if tokens:
        raise GraphQLError(f"The sandbox cannot read the search {query!r}.")
    return test


class _Parser:
    """Reads tokens from the left; AND may be left out and binds more strongly than OR."""

    def __init__(self, tokens: list[re.Match[str]], fields: Mapping[str, Read], zone: str) -> None:
        self._tokens = tokens
        self._fields = fields
        self._zone = zone

    def any_of(self) -> Test:
        """Read alternatives."""
        tests = [self._all_of()]
        while self._tokens and self._tokens[0]["word"] == "OR":
            self._tokens.pop(0)
            tests.append(self._all_of())
        return lambda row: any(test(row) for test in tests)

    def _all_of(self) -> Test:
        tests: list[Test] = []
        while self._tokens and not self._tokens[0]["close"] and self._tokens[0]["word"] != "OR":
            token = self._tokens.pop(0)
            if token["open"]:
                tests.append(self.any_of())
                self._tokens.pop(0)
            elif token["value"]:
                tests.append(self._term(token))
        return lambda row: all(test(row) for test in tests)

    def _term(self, token: re.Match[str]) -> Test:
        name, sign, value = token["field"] or PLAIN, token["sign"] or "", token["value"].strip("'\"")
        read = self._fields.get(name)
        if read is None:
            raise GraphQLError(f"The sandbox does not play the search field {name!r}.")
        is_wanted = not token["not"]
        return lambda row: self._fits(read(row), sign, value) == is_wanted

    def _fits(self, found: Any, sign: str, value: str) -> bool:
        if isinstance(found, datetime):
            return self._fits_time(found, sign, value)
        if isinstance(found, list):
            return any(self._fits(each, sign, value) for each in found)
        if isinstance(found, int) and not isinstance(found, bool):
            return _compare(found, sign, int(value.rpartition("/")[2]))
        return str(found).casefold() == value.casefold()

    def _fits_time(self, found: datetime, sign: str, value: str) -> bool:
        """A day without an hour begins in the shop's zone; equal to it is the whole day."""
        if "T" in value:
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return _compare(found.replace(microsecond=0), sign, moment)
        start = datetime.combine(date.fromisoformat(value), time(), ZoneInfo(self._zone))
        if not sign:
            return start <= found < start + timedelta(days=1)
        return _compare(found, sign, start)


def _compare(found: Any, sign: str, wanted: Any) -> bool:
    results = {">": found > wanted, ">=": found >= wanted, "<": found < wanted, "<=": found <= wanted}
    return bool(results.get(sign, found == wanted))


def _tokens(query: str) -> list[re.Match[str]]:
    found, place = [], 0
    while place < len(query.rstrip()):
        token = TOKEN.match(query, place)
        if token is None:
            raise GraphQLError(f"The sandbox cannot read the search {query!r}.")
        found.append(token)
        place = token.end()
    return found

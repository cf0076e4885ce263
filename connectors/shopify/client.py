"""Asks one shop by GraphQL: within its points, with its refusals in our words, and with what it gave in spite of them.

A throttled query is answered with HTTP 200 and the code THROTTLED; an unapproved field is null beside an entry of
`errors` (https://shopify.dev/docs/api/usage/response-codes).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import structlog

from connectors.http import Answer, Door
from connectors.shopify.bucket import Bucket
from connectors.shopify.documents import Document, document, numbered, several
from loyalty.pushes import OneFailed, PushError

API_VERSION = "2026-10"
PATH = f"admin/api/{API_VERSION}/graphql.json"
LONGEST_WAIT = 60.0
"""Seconds that one question may wait for points in all."""
JITTER = 0.25
DENIED = "ACCESS_DENIED"
CLOSED = frozenset({"SHOP_INACTIVE"})
"""Codes that are about the shop, whatever it is asked for."""
Json = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger(__name__)


class TooCostly(OneFailed):
    """The query costs more points than a single one may."""

    def __init__(self, cost: object) -> None:
        """`cost` is what the shop says that it would have cost."""
        super().__init__("The query costs too much.", permanent=True, reason="configuration")
        self.cost = cost


@dataclass(frozen=True, slots=True)
class Reply:
    """What a shop gave, and the errors beside it: `data` may lack what they name."""

    data: Json
    errors: tuple[Json, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def require(self, *path: object) -> None:
        """Raise PushError when an error stands at this path of the data, above or below it."""
        error = self.refusal_at(*path)
        if error is not None:
            raise error

    def refusal_at(self, *path: object) -> PushError | None:
        """Return the error at this path of the data, above or below it: what is null there is not gone, as an error
        empties everything above it that may be empty.
        """
        for error in self.errors:
            place = error.get("path")
            if not isinstance(place, list) or tuple(place[: len(path)]) == path[: len(place)]:
                return refusal([error])
        return None

    def require_denied(self) -> None:
        """Raise PushError when anything else is missing than what we have no right to."""
        for error in self.errors:
            if _extensions(error).get("code") != DENIED:
                raise refusal([error])


class Shopify:
    """Asks one shop, and keeps what it said of its points and its version."""

    def __init__(self, door: Door) -> None:
        """`door` leads to the shop and bears its token."""
        self.door = door
        self.bucket = Bucket()
        self._fell = False

    def ask(self, asked: Document, variables: Mapping[str, Any] | None = None, *, size: int = 1) -> Reply:
        """Return the answer to a document that asks for so many things; waits for points. Raises PushError."""
        waited = 0.0
        while True:
            waited += self._pause(self.bucket.shortage(asked.name, size), waited)
            answer = self.door.call(
                "POST", PATH, payload={"query": asked.text, "variables": dict(variables or {})}
            )
            self._note_version(answer)
            body = _object(answer)
            cost = _cost(body)
            self.bucket.note(cost, asked.name, size)
            errors = _errors(body)
            if "THROTTLED" not in _codes(errors):
                return _reply(body, errors, answer.headers)
            needed = cost.get("requestedQueryCost") or 0
            if not self.bucket.may_hold(needed):
                raise TooCostly(needed)
            wait = self.bucket.wait_for(float(needed)) or 1.0
            waited += self._pause(wait + _jitter(), waited)

    def ask_for(self, file: str, variables: Mapping[str, Any] | None = None, *needed: str) -> Json:
        """Return the data of a document by its file; an error beside it is raised, but where only these top fields are
        needed and the rest is not ours to see. Raises PushError.
        """
        reply = self.ask(document(file), variables)
        reply.require_denied()
        if not needed or any(reply.data.get(name) is None for name in needed):
            reply.require()
        self._note_partial(file, reply)
        return reply.data

    def nodes(self, file: str, gids: Sequence[str], guess: int) -> dict[str, Json | None]:
        """Return things by their global ids, None: the shop does not have one; raises PushError."""
        found: dict[str, Json | None] = {}
        for chunk, reply in self._chunks(
            document(file).name, gids, guess, lambda ids: self._nodes(file, ids)
        ):
            if isinstance(reply, PushError):
                raise reply
            rows = reply.data.get("nodes")
            if rows is None:
                reply.require("nodes")
            if not isinstance(rows, list) or len(rows) != len(chunk):
                raise PushError(
                    "The shop answered another number of things.", permanent=False, reason="unreachable"
                )
            for place, (each, row) in enumerate(zip(chunk, rows, strict=True)):
                if row is None:
                    reply.require("nodes", place)
                found[each] = row
            reply.require_denied()
            self._note_partial(file, reply)
        return found

    def each(self, file: str, field: str, rows: Sequence[Mapping[str, Any]], guess: int) -> list[Any]:
        """Return what a field gave for each set of variables, many in a request, in order; a PushError where it gave
        nothing but an error, and where its request failed as a whole: what another one did is done.
        """
        results: list[Any] = []
        name = document(file).name
        for chunk, reply in self._chunks(name, rows, guess, lambda some: self._several(file, some)):
            if isinstance(reply, PushError):
                is_over = not reply.permanent and not isinstance(reply, OneFailed)
                # Where the shop is away, or wants to be left alone, nobody asks for the rest.
                results += [reply] * (len(rows) - len(results) if is_over else len(chunk))
                if is_over:
                    return results
                continue
            for place in range(len(chunk)):
                own = f"r{place}_{field}"
                given = reply.data.get(own)
                results.append(reply.refusal_at(own) if given is None else given)
        return results

    def _nodes(self, file: str, gids: Sequence[str]) -> Reply:
        return self.ask(document(file), {"ids": list(gids)}, size=len(gids))

    def _several(self, file: str, rows: Sequence[Mapping[str, Any]]) -> Reply:
        variables = {
            name: value for place, row in enumerate(rows) for name, value in numbered(row, place).items()
        }
        return self.ask(several(file, len(rows)), variables, size=len(rows))

    def _chunks(
        self, name: str, items: Sequence[T], guess: int, call: Callable[[Sequence[T]], R]
    ) -> Iterator[tuple[Sequence[T], R | PushError]]:
        """Yield runs of items with their answers, or why there is none; a run that costs too much is made smaller."""
        start = 0
        while start < len(items):
            chunk = items[start : start + self.bucket.size(name, guess)]
            try:
                answer: R | PushError = call(chunk)
            except PushError as error:
                if isinstance(error, TooCostly) and len(chunk) > 1:
                    self.bucket.learn(name, error.cost, len(chunk))
                    guess = min(len(chunk) // 2, self.bucket.size(name, guess))
                    continue
                answer = error
            yield chunk, answer
            start += len(chunk)

    def _pause(self, seconds: float, waited: float) -> float:
        if seconds + waited > LONGEST_WAIT:
            raise PushError(
                "The shop's points are spent.", permanent=False, reason="limit", retry_after=seconds
            )
        time.sleep(seconds)
        return seconds

    def _note_version(self, answer: Answer) -> None:
        """An inaccessible version is answered by the oldest accessible one, without a word in the body."""
        given = answer.headers.get("X-Shopify-API-Version", API_VERSION)
        if given != API_VERSION and not self._fell:
            self._fell = True
            log.warning("api_version_fell", asked=API_VERSION, given=given)

    def _note_partial(self, file: str, reply: Reply) -> None:
        if reply.errors:
            codes = ",".join(sorted(_codes(reply.errors)))
            log.warning("partial_answer", document=file, codes=codes, errors=len(reply.errors))


def refusal(errors: Sequence[Json], *, was_run: bool = True) -> PushError:
    """Return the PushError of the errors of an answer; one without data was not run (GraphQL specification §7.1)."""
    codes = _codes(errors)
    message = f"The shop answered {', '.join(sorted(codes)) or str(errors[0].get('message', ''))[:200]}."
    if DENIED in codes:
        return PushError(f"{message}{_wanted_right(errors)}", permanent=True, reason="permission")
    if "MAX_COST_EXCEEDED" in codes:
        return TooCostly(next((_extensions(each).get("cost") for each in errors), None))
    if (codes or not was_run) and not any(code.isupper() for code in codes):
        # What is wrong with a query is told in words such as undefinedField.
        return PushError(message, permanent=True, reason="configuration")
    # Whatever is not known to be final may have been done all the same, and may pass.
    kind = PushError if codes & CLOSED else OneFailed
    return kind(message, permanent=False, reason="unreachable")


def _wanted_right(errors: Sequence[Json]) -> str:
    """Return which right a shop says is missing, as the end of a message; empty where it names none."""
    named = (_extensions(each).get("requiredAccess") for each in errors)
    right = next((str(each)[:160] for each in named if each), "")
    return f" Needed: {right}" if right else ""


def _reply(body: Json, errors: tuple[Json, ...], headers: Mapping[str, str]) -> Reply:
    """Return what was given; errors without any data are raised."""
    data = body.get("data")
    if errors and not isinstance(data, dict):
        raise refusal(errors, was_run="data" in body)
    if not isinstance(data, dict):
        raise PushError("The shop answered no data.", permanent=False, reason="unreachable")
    return Reply(data, errors, headers)


def _object(answer: Answer) -> Json:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        message = f"The shop answered {answer.status}; its address or the version of the API is wrong."
        raise PushError(message, permanent=True, reason="configuration")
    if not isinstance(answer.data, dict):
        raise PushError("The shop answered no object.", permanent=False, reason="unreachable")
    return answer.data


def _errors(body: Json) -> tuple[Json, ...]:
    errors = body.get("errors")
    if isinstance(errors, str):
        return ({"message": errors},)
    return tuple([each for each in errors if isinstance(each, dict)]) if isinstance(errors, list) else ()


def _codes(errors: Sequence[Json]) -> set[str]:
    return {str(code) for each in errors if (code := _extensions(each).get("code"))}


def _extensions(error: Json) -> Json:
    found = error.get("extensions")
    return found if isinstance(found, dict) else {}


def _cost(body: Json) -> Json:
    extensions = body.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    return cost if isinstance(cost, dict) else {}


def _jitter() -> float:
    return random.SystemRandom().uniform(0.0, JITTER)

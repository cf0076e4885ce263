"""Answers kept for repeated requests; law: the effect and its answer are one transaction, so a key is never stuck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from loyalty.db import json_text
from loyalty.errors import Conflict, Invalid
from loyalty.values import AccountId

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered: the status of HTTP and the JSON body."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may come again: the caller's key, and the SHA-256 of what is asked."""

    account: AccountId
    key: str
    sha256: bytes


def begin(connection: Connection, request: Request) -> Answered | None:
    """Return the answer of the same request; None: it is new and ours until the transaction's end.

    Raises Conflict while the same key is being worked on, Invalid when the key was used for something else.
    """
    if not 1 <= len(request.key) <= LONGEST_KEY:
        raise _mistake(f"The key must have 1 to {LONGEST_KEY} characters.")
    lock = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    if not connection.execute(lock, {"name": f"{request.account}:{request.key}"}).scalar_one():
        raise Conflict("A request with this Idempotency-Key is still running.")
    found = text("select request_sha256, status, response from idempotent_requests where key = :key")
    row = connection.execute(found, {"key": request.key}).first()
    if row is None:
        return None
    if bytes(row[0]) != request.sha256:
        raise _mistake("The key was used for another request.")
    return Answered(row[1], row[2])


def _mistake(message: str) -> Invalid:
    return Invalid(message, {"/Idempotency-Key": [message]})


def keep(connection: Connection, request: Request, answer: Answered) -> None:
    """Keep the answer of a request that `begin` said is new."""
    statement = text(
        "insert into idempotent_requests (account_id, key, request_sha256, status, response)"
        " values (:account, :key, :sha256, :status, cast(:response as jsonb))"
    )
    values = {
        "account": request.account,
        "key": request.key,
        "sha256": request.sha256,
        "status": answer.status,
        "response": json_text(answer.body),
    }
    connection.execute(statement, values)


def forget_answers(connection: Connection, words: Sequence[str]) -> None:
    """Forget the kept answers that name one of these words; such a request is carried out anew when it is repeated."""
    statement = text(
        "delete from idempotent_requests"
        " where exists (select from unnest(:words) as word where position(word in cast(response as text)) > 0)"
    ).bindparams(bindparam("words", type_=ARRAY(Text)))
    connection.execute(statement, {"words": list(words)})

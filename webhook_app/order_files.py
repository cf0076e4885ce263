"""Files of orders, each line as a till tells of one; law: a line is taken or refused alone, and twice is once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from marshmallow import ValidationError
from sqlalchemy import Connection

from connectors.till.schemas import ORDER
from loyalty.clock import utc_now
from loyalty.errors import Invalid, LoyaltyError
from loyalty.programs.document import flatten_messages
from loyalty.stores.service import TILL, Place, list_places
from loyalty.values import AccountId
from webhook_app.bodies import find_halves
from webhook_app.till_orders import accept_order, find_till, judge_buyer, judge_times
from webhook_app.tools import Tools

BATCH = 200


@dataclass(slots=True)
class ImportedOrders:
    """How many orders are new to the inbox, how many it knew, and which lines were refused, with their reasons."""

    accepted: int = 0
    repeated: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def import_orders(tools: Tools, account: AccountId, till: str, stream: BinaryIO) -> ImportedOrders:
    """Put the orders of a file into the inbox, some hundreds in a transaction; raises Conflict and Invalid."""
    done, lines = ImportedOrders(), _lines(stream)
    while batch := list(islice(lines, BATCH)):
        with tools.database.transaction(account) as connection:
            places = list_places(connection)
            for number, line in batch:
                _import(tools, connection, account, find_till(places, till), number, line, done)
    return done


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(stream, 1):
        text = line.strip().removeprefix(b"\xef\xbb\xbf")
        if text:
            yield number, text


def _import(
    tools: Tools,
    connection: Connection,
    account: AccountId,
    till: Place,
    number: int,
    line: bytes,
    done: ImportedOrders,
) -> None:
    try:
        read = json.loads(line)
        if find_halves(line, read):
            raise Invalid("The line has characters that are no text.")
        order = ORDER.load(read)
        judge_times(order, utc_now())
        judge_buyer(connection, order["buyer"])
        _, is_new = accept_order(connection, account, tools.connectors[TILL], till, order["id"], line)
    except ValidationError as error:
        told = flatten_messages(error.messages)
        done.refused.append((number, "; ".join(f"{path}: {' '.join(texts)}" for path, texts in told.items())))
    except LoyaltyError as error:
        done.refused.append((number, error.message))
    except (ValueError, RecursionError):
        done.refused.append((number, "The line is no JSON."))
    else:
        done.accepted += is_new
        done.repeated += not is_new

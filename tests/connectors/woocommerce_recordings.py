"""The recordings of a running WooCommerce, as the tests read them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "payloads" / "woocommerce"


@dataclass(frozen=True)
class Delivery:
    name: str
    topic: str
    headers: dict[str, str]
    body: bytes
    secret: str


@dataclass(frozen=True)
class RestCall:
    method: str
    path: str
    query: dict[str, str]
    sent: Any
    status: int
    answer: Any


def deliveries() -> list[Delivery]:
    return [_delivery(path) for path in sorted((FOLDER / "deliveries").glob("*.json"))]


def delivery(number: str) -> Delivery:
    return next(each for each in deliveries() if each.name.startswith(number))


def rest(name: str) -> RestCall:
    found = json.loads((FOLDER / "rest" / f"{name}.json").read_text())
    asked, answered = found["request"], found["response"]
    query = {key: str(value) for key, value in asked["query"].items()}
    return RestCall(
        asked["method"], asked["path"], query, asked["body"], answered["status"], answered["body_json"]
    )


def _delivery(path: Path) -> Delivery:
    found = json.loads(path.read_text())
    headers = dict(found["request"]["headers"])
    body = base64.b64decode(found["body_base64"])
    return Delivery(path.stem, found["topic"] or "", headers, body, found["webhook_secret"])

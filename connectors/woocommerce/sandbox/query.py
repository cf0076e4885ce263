"""Reads the query of a request as WordPress does, and cuts a list to pages with its X-WP headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.woocommerce.sandbox.errors import invalid_param
from connectors.woocommerce.sandbox.state import Json

INDEX = re.compile(r"\[\d*\]$")


@dataclass(frozen=True, slots=True)
class Request:
    """A call that was admitted: path parameters, query, JSON body, and the address under which the shop was called."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    base: str


@dataclass(slots=True)
class Reply:
    """What is answered; `ping` is called before the answer leaves, after the shop is unlocked."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    ping: Any = None


def read_query(text: str) -> dict[str, str]:
    """Return the parameters; the elements of `name[]` and `name[0]` are joined with commas."""
    found: dict[str, str] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        name = INDEX.sub("", key)
        found[name] = f"{found[name]},{value}" if name != key and name in found else value
    return found


def ids_in(query: dict[str, str], name: str) -> set[int]:
    """Return the ids of a comma-separated parameter."""
    return {int(part) for part in query.get(name, "").split(",") if part.strip().isdigit()}


def page_of(request: Request, rows: Sequence[Json], render: Callable[[Json], Json] = dict) -> Reply:
    """Return one page of rows, each as `render` states it; beyond the end the total is 0
    (rest orders-list-page-too-far); over 100 a page is a 400.
    """
    size, page = _number(request.query, "per_page", 10), _number(request.query, "page", 1)
    if not 1 <= size <= 100:
        message = "per_page must be between 1 (inclusive) and 100 (inclusive)"
        raise invalid_param("per_page", message, "rest_out_of_bounds")
    shown = rows[(page - 1) * size : page * size]
    total = len(rows) if shown or page == 1 else 0
    pages = -(-total // size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    links = _links(request, page, pages)
    return Reply(200, [render(row) for row in shown], headers | ({"Link": links} if links else {}))


def only_fields(query: dict[str, str], body: Any) -> Any:
    """Return the body with only the keys that `_fields` asks for."""
    wanted = {name.strip() for name in query.get("_fields", "").split(",") if name.strip()}
    if not wanted:
        return body
    if isinstance(body, list):
        return [{key: row[key] for key in row if key in wanted} for row in body]
    return {key: body[key] for key in body if key in wanted}


def asks_only_for(plain: Container[str], query: dict[str, str]) -> bool:
    """Return whether `_fields` asks for nothing but these."""
    return all(name.strip() in plain for name in query.get("_fields", "*").split(","))


def links_of(request: Request, collection: str, number: int) -> Json:
    """Return the `_links` of a row."""
    base = f"{request.base}/wp-json/wc/v3/{collection}"
    hints = {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
    return {"self": [{"href": f"{base}/{number}", "targetHints": hints}], "collection": [{"href": base}]}


def is_true(value: Any) -> bool:
    """Return whether a parameter means yes."""
    return str(value).lower() in ("true", "1", "yes")


def _links(request: Request, page: int, pages: int) -> str:
    places = [("prev", page - 1 if page <= pages else pages)] if page > 1 else []
    places += [("next", page + 1)] if page < pages else []
    url = f"{request.base}{request.path}"
    return ", ".join(
        f'<{url}?{urlencode({**request.query, "page": at})}>; rel="{name}"' for name, at in places
    )


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    return int(text) if text.isdigit() else default

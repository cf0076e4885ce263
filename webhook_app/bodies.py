"""Bodies of requests; law: one that ends before the length in its header is refused, never taken for whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from flask import Request

MOST_NAMED = 20
NO_TEXT = "Has characters that are no text."
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class WholeRequest(Request):
    """A request whose body is read up to its length. Where a server says that it ends bodies, as gunicorn does,
    werkzeug takes any end for theirs, also that of a caller who hung up.
    """

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if environ.get("CONTENT_LENGTH"):
            environ.pop("wsgi.input_terminated", None)
        super().__init__(environ, *args, **kwargs)


def find_halves(body: bytes, value: Any) -> dict[str, list[str]]:
    """Return the first places of a JSON value, as `a/0/b`, where a text has half of a character, as programs leave that
    cut texts inside of an emoji: nothing can store them. `body` is the JSON itself, in UTF-8.
    """
    if _ESCAPED_HALF.search(body) is None:
        return {}
    return {path or "_schema": [NO_TEXT] for path in islice(_halves(value), MOST_NAMED)}


def _halves(value: Any) -> Iterator[str]:
    waiting = [("", value)]
    while waiting:
        path, each = waiting.pop()
        if isinstance(each, str) and _HALF.search(each):
            yield path
        elif isinstance(each, list):
            waiting.extend((_join(path, place), one) for place, one in enumerate(each))
        elif isinstance(each, dict):
            if any(_HALF.search(name) for name in each):
                yield path
            waiting.extend((_join(path, name), one) for name, one in each.items())


def _join(path: str, name: object) -> str:
    return f"{path}/{name}" if path else str(name)

"""Bodies of requests; law: one that ends before the length in its header is refused, never taken for whole."""

from __future__ import annotations

from typing import Any

from flask import Request


class WholeRequest(Request):
    """A request whose body is read up to its length. Where a server says that it ends bodies, as gunicorn does,
    werkzeug takes any end for theirs, also that of a caller who hung up.
    """

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if environ.get("CONTENT_LENGTH"):
            environ.pop("wsgi.input_terminated", None)
        super().__init__(environ, *args, **kwargs)

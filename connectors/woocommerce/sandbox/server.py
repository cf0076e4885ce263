"""The HTTP side of the sandbox WooCommerce: who may call, what is answered, and with which headers."""

from __future__ import annotations

import json
from typing import Any

from connectors.sandbox import Fault, PlayHandler, PlayServer, Seen, Sent
from connectors.woocommerce.sandbox.authentication import Gate
from connectors.woocommerce.sandbox.errors import RestError
from connectors.woocommerce.sandbox.query import Reply, Request, read_query
from connectors.woocommerce.sandbox.routes import allowed_on, answer
from connectors.woocommerce.sandbox.state import State

__all__ = ["Fault", "Seen", "ShopServer"]
PUBLIC = ("/wp-json", "/wp-json/")


class ShopServer(PlayServer):
    """Serves one shop on a free port."""

    def __init__(self, address: tuple[str, int], state: State, gate: Gate) -> None:
        super().__init__(address, Handler, state.lock, lambda: state.now())
        self.state = state
        self.gate = gate


class Handler(PlayHandler):
    """Answers one connection."""

    server: ShopServer

    def respond(self, path: str, query: str, body: bytes) -> Sent:
        """Carry out a call of the REST API and return the answer."""
        reply = self._reply(path, query, body)
        return Sent(reply.status, self._headers(path) | reply.headers, json.dumps(reply.body).encode())

    def read_query(self, text: str) -> dict[str, str]:
        """Return the parameters as WordPress reads them."""
        return read_query(text)

    def _reply(self, path: str, query: str, body: bytes) -> Reply:
        base = self.base()
        try:
            if path not in PUBLIC:
                url, authorization = f"{base}{path}", self.headers.get("Authorization", "")
                is_secure = self.is_secure()
                self.server.gate.admit(self.command, url, query, authorization, is_secure=is_secure)
            request = Request(self.command, path, read_query(query), _parse(body), base)
            with self.server.state.lock:
                reply = answer(self.server.state, request)
        except RestError as error:
            return Reply(error.status, error.body)
        if reply.ping is not None:
            reply.ping()
        return reply

    def _headers(self, path: str) -> dict[str, str]:
        return {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Robots-Tag": "noindex",
            "X-Content-Type-Options": "nosniff",
            "Allow": allowed_on(path),
            "Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private",
        }


def _parse(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError:
        error = {"json_error_code": 4, "json_error_message": "Syntax error"}
        raise RestError(400, "rest_invalid_json", "Invalid JSON body passed.", **error) from None

"""The HTTP side of the sandbox shop: a threading server with keep-alive that keeps a log and plays faults."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from connectors.woocommerce.sandbox.authentication import Gate
from connectors.woocommerce.sandbox.errors import RestError
from connectors.woocommerce.sandbox.query import Reply, Request, read_query
from connectors.woocommerce.sandbox.routes import allowed_on, answer
from connectors.woocommerce.sandbox.state import State

PUBLIC = ("/wp-json", "/wp-json/")


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that the shop got, and the status of its answer."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    status: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What the shop answers instead of the truth, to calls whose path contains `path`."""

    status: int
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"<html>Service Unavailable</html>"
    delay: float = 0.0
    after: bool = False
    """Carry the call out first: the answer is lost, the deed is done."""


class ShopServer(ThreadingHTTPServer):
    """Serves one shop on a free port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], state: State, gate: Gate) -> None:
        super().__init__(address, Handler)
        self.state = state
        self.gate = gate
        self.log: list[Seen] = []
        self.faults: list[Fault] = []
        self.is_tls = False

    def take_fault(self, path: str) -> Fault | None:
        """Return the next fault that is meant for a path, once."""
        with self.state.lock:
            fault = next((each for each in self.faults if each.path in path), None)
            if fault is not None:
                self.faults.remove(fault)
            return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is part of the play."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: ShopServer
    protocol_version = "HTTP/1.1"
    # With Nagle's algorithm each answer on a kept connection would take 44 ms.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        fault = self.server.take_fault(parts.path)
        reply = self._reply(parts.path, parts.query, body) if fault is None or fault.after else None
        if fault is not None:
            self._play(fault, parts.path, parts.query, body)
        elif reply is not None:
            self._note(parts.path, parts.query, body, reply.status)
            self._send(
                reply.status, self._headers(parts.path) | reply.headers, json.dumps(reply.body).encode()
            )

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the header Date: the shop's own clock, right or wrong."""
        return super().date_time_string(
            self.server.state.now().timestamp() if timestamp is None else timestamp
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet; `Seen` is the log."""

    def _reply(self, path: str, query: str, body: bytes) -> Reply:
        is_secure = self.server.is_tls or self.headers.get("X-Forwarded-Proto") == "https"
        base = f"{'https' if is_secure else 'http'}://{self.headers.get('Host')}"
        try:
            if path not in PUBLIC:
                url, authorization = f"{base}{path}", self.headers.get("Authorization", "")
                self.server.gate.admit(self.command, url, query, authorization, is_secure=is_secure)
            request = Request(self.command, path, read_query(query), _parse(body), base)
            with self.server.state.lock:
                reply = answer(self.server.state, request)
        except RestError as error:
            return Reply(error.status, error.body)
        if reply.ping is not None:
            reply.ping()
        return reply

    def _play(self, fault: Fault, path: str, query: str, body: bytes) -> None:
        time.sleep(fault.delay)
        self._note(path, query, body, fault.status)
        self._send(fault.status, {"Content-Type": "text/html", **fault.headers}, fault.body)

    def _headers(self, path: str) -> dict[str, str]:
        return {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Robots-Tag": "noindex",
            "X-Content-Type-Options": "nosniff",
            "Allow": allowed_on(path),
            "Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private",
        }

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _note(self, path: str, query: str, body: bytes, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            sent = json.loads(body) if body else None
        except ValueError:
            sent = body
        self.server.log.append(Seen(self.command, path, read_query(query), headers, sent, status))


def _parse(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError:
        error = {"json_error_code": 4, "json_error_message": "Syntax error"}
        raise RestError(400, "rest_invalid_json", "Invalid JSON body passed.", **error) from None

"""The HTTP side of a sandbox shop: a threading server with keep-alive that keeps a log and plays faults."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


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
class Sent:
    """What the shop answers."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What the shop answers instead of the truth, to calls with `path` in their path and `text` in their body."""

    status: int
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"<html>Service Unavailable</html>"
    delay: float = 0.0
    after: bool = False
    """Carry the call out first: the answer is lost, the deed is done."""
    text: str = ""


class PlayServer(ThreadingHTTPServer):
    """Serves one shop, on a free port when none is named; `clock` is the shop's own time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        lock: threading.RLock,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(address, handler)
        self.lock = lock
        self.clock = clock
        self.log: list[Seen] = []
        self.faults: list[Fault] = []
        self.is_tls = False

    def take_fault(self, path: str, body: bytes) -> Fault | None:
        """Return the next fault that is meant for a call, once."""
        with self.lock:
            fits = (each for each in self.faults if each.path in path and each.text.encode() in body)
            fault = next(fits, None)
            if fault is not None:
                self.faults.remove(fault)
            return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is part of the play."""


class PlayHandler(BaseHTTPRequestHandler, ABC):
    """Answers one connection: subclasses say what to `respond`."""

    server: PlayServer
    protocol_version = "HTTP/1.1"
    # With Nagle's algorithm each answer on a kept connection would take 44 ms.
    disable_nagle_algorithm = True

    @abstractmethod
    def respond(self, path: str, query: str, body: bytes) -> Sent:
        """Carry out a call and return the answer."""

    def read_query(self, text: str) -> dict[str, str]:
        """Return the parameters of a query as the platform reads them."""
        return dict(parse_qsl(text, keep_blank_values=True))

    def do_GET(self) -> None:
        """Answer any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        fault = self.server.take_fault(parts.path, body)
        sent = self.respond(parts.path, parts.query, body) if fault is None or fault.after else None
        if fault is not None:
            time.sleep(fault.delay)
            sent = Sent(fault.status, {"Content-Type": "text/html", **fault.headers}, fault.body)
        if sent is not None:
            self._note(parts.path, parts.query, body, sent.status)
            self._send(sent)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the header Date: the shop's own clock, right or wrong."""
        return super().date_time_string(self.server.clock().timestamp() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet; `Seen` is the log."""

    def is_secure(self) -> bool:
        """Return whether the call came over https, here or at a proxy before."""
        return self.server.is_tls or self.headers.get("X-Forwarded-Proto") == "https"

    def base(self) -> str:
        """Return the address under which the shop was called."""
        return f"{'https' if self.is_secure() else 'http'}://{self.headers.get('Host')}"

    def _send(self, sent: Sent) -> None:
        self.send_response(sent.status)
        for name, value in sent.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent.body)))
        self.end_headers()
        self.wfile.write(sent.body)

    def _note(self, path: str, query: str, body: bytes, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            given = json.loads(body) if body else None
        except ValueError:
            given = body
        self.server.log.append(Seen(self.command, path, self.read_query(query), headers, given, status))

"""A load generator: some kept-alive connections, each sends its next request when the last one is answered."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from bench.figures import percentile

SECONDS_OF_SILENCE = 30.0


@dataclass(slots=True)
class Answers:
    """What became of the requests: how long each took in seconds, and how many were answered otherwise than 200."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        """Answered requests per second."""
        return len(self.latencies) / self.seconds

    def milliseconds(self, share: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return percentile(self.latencies, share) * 1000


class _Line:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._received = b""

    def send(self, request: bytes) -> None:
        """Send a whole request."""
        self._received = b""
        self.sent_at = perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int:
        """Read what is there; return the status once the answer is complete, else 0. Raises ConnectionError."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed a connection")
        self._received += chunk
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return 0
        return int(head[9:12])


def bombard(port: int, requests: Sequence[bytes], connections: int) -> Answers:
    """Send all requests over so many connections; return how they were answered."""
    waiting = iter(requests)
    selector = selectors.DefaultSelector()
    lines = [_Line(port) for _ in range(connections)]
    answers = Answers(0.0)
    started = perf_counter()
    try:
        active = sum(_send_next(selector, line, waiting, is_new=True) for line in lines)
        while active:
            active -= _answer(selector, waiting, answers)
    finally:
        selector.close()
        for line in lines:
            line.socket.close()
    answers.seconds = perf_counter() - started
    return answers


def _answer(selector: selectors.BaseSelector, waiting: Iterator[bytes], answers: Answers) -> int:
    """Take the answers that are there and send the next requests; return how many connections have no more."""
    ended = 0
    ready = selector.select(SECONDS_OF_SILENCE)
    if not ready:
        raise TimeoutError("the server is silent")
    for key, _ in ready:
        line: _Line = key.data
        status = line.receive()
        if not status:
            continue
        answers.latencies.append(perf_counter() - line.sent_at)
        answers.refused += status != 200
        ended += not _send_next(selector, line, waiting)
    return ended


def _send_next(
    selector: selectors.BaseSelector, line: _Line, waiting: Iterator[bytes], *, is_new: bool = False
) -> bool:
    request = next(waiting, None)
    if request is None:
        if not is_new:
            selector.unregister(line.socket)
        return False
    if is_new:
        selector.register(line.socket, selectors.EVENT_READ, line)
    line.send(request)
    return True


def post_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return the bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0

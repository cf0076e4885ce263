"""A sandbox shop that runs: its threads, its log, its faults and its clock."""

from __future__ import annotations

import ssl
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

from connectors.sandbox.server import Fault, PlayServer, Seen

POLL_SECONDS = 0.2


class RunningShop(ABC):
    """A running shop; use it as a context manager, or call `start` and `stop`. A subclass says what to `deliver`."""

    def __init__(
        self, server: PlayServer, queued: threading.Event, *, tls: ssl.SSLContext | None, auto_deliver: bool
    ) -> None:
        self._server = server
        self._queued = queued
        server.is_tls = tls is not None
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        self.port = server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)]
        if auto_deliver:
            self._threads.append(threading.Thread(target=self._deliver_always, daemon=True))

    def start(self) -> Self:
        """Begin to serve."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End, and free the port."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def requests(self) -> list[Seen]:
        """Every call that the shop got, in order."""
        return self._server.log

    def fail_next(self, times: int = 1, status: int = 503, **how: Any) -> None:
        """Answer the next calls with a fault instead; `how` are the fields of `Fault`."""
        self._server.faults += [Fault(status, **how)] * times

    def recover(self) -> None:
        """Answer again as usual: what `fail_next` asked for is over."""
        with self._server.lock:
            self._server.faults.clear()

    @abstractmethod
    def deliver(self) -> int:
        """Deliver every waiting webhook call; return how many were taken from the queue."""

    def _deliver_always(self) -> None:
        while not self._stopping.is_set():
            # Also without a sign: a delivery that failed is due again by time alone.
            self._queued.wait(POLL_SECONDS)
            self.deliver()

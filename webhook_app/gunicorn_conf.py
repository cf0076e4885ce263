"""How gunicorn serves the web: some processes with some threads each, metrics of all of them in one folder; no caller
holds a thread for long, however slowly he speaks or listens.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
from pathlib import Path
from time import monotonic
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker

from workers.lifetime import die_with_parent

metrics_folder = Path(os.environ.get("LAUREL_DATA") or "var").resolve() / "prometheus"
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(metrics_folder))

# The client library looks for the variable once, when it is imported.
from prometheus_client import multiprocess  # noqa: E402

bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
# The classes stand here: the master loads them, and must not load the application that its children serve.
PATIENCE, FOR_READERS = 15.0, 60.0
"""Seconds: so long a request is waited for in all, and so long a caller may take to read any more of an answer."""
SLOWEST = 10_000
"""Bytes a second: what comes earns time for the rest at this rate, so that a large body comes through."""
workers = int(os.environ.get("WEB_WORKERS") or "2")
threads = int(os.environ.get("WEB_THREADS") or "8")
timeout = 30
graceful_timeout = 20
keepalive = 5
# A request of more, or longer, headers is refused before the application sees it.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL") or "info"
accesslog = None
control_socket_disable = True


class Caller(socket.socket):
    """The connection of a caller; law: who is too slow is treated as if he had hung up."""

    _left = PATIENCE

    def setblocking(self, flag: bool, /) -> None:
        """A thread sets it before each request, whose time begins then; the poller unsets it between two."""
        self._left = PATIENCE
        self.settimeout(FOR_READERS if flag else 0.0)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Return what has come, and nothing when the caller hung up. Raises ConnectionResetError when his time is over,
        and TimeoutError where gunicorn set a shorter one.
        """
        limit = self.gettimeout()
        if not limit:
            return super().recv(size, flags)
        began = monotonic()
        self.settimeout(min(limit, max(self._left, 0.001)))
        try:
            data = super().recv(size, flags)
        except TimeoutError:
            if limit < self._left:
                raise
            # Nothing waits for him any more, neither the body nor the closing.
            self.shutdown(socket.SHUT_RD)
            raise ConnectionResetError(errno.ECONNRESET, "The caller is too slow.") from None
        finally:
            self.settimeout(limit)
        self._left = min(PATIENCE, self._left - (monotonic() - began) + len(data) / SLOWEST)
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all, however long that takes as long as some of it is read; raises BrokenPipeError."""
        rest = memoryview(data).cast("B")
        try:
            while rest:
                rest = rest[self.send(rest, flags) :]
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "The caller reads nothing.") from None

    def linger(self) -> None:
        """Wait a little until the caller, too, ends: nothing is waited for when the connection is closed then."""
        with contextlib.suppress(OSError):
            close_graceful(self.dup())
            self.shutdown(socket.SHUT_RD)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves callers whose slowness ends."""

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection to a thread."""
        if not isinstance(conn.sock, Caller):
            conn.sock = Caller(fileno=conn.sock.detach())
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Serve a request. gunicorn closes in the loop that serves all callers, so what may take time is done here."""
        kept = super().handle(conn)
        if kept is False:
            conn.sock.linger()
        return kept


worker_class = PatientWorker


def on_starting(_server: Any) -> None:
    """Empty the metrics folder; not on a reload, which would lose the counters."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def post_fork(_server: Any, worker: Any) -> None:
    """End with the master, even with a request that hangs."""
    die_with_parent(worker.ppid)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a process that is gone."""
    multiprocess.mark_process_dead(worker.pid)

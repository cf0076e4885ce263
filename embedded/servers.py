"""The embedded servers of one data folder: found where they run, else started for as long as needed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded.postgres import Postgres
from embedded.process import EmbeddedError
from embedded.state import DataFolder, Running, ServerUrls
from embedded.valkey import Valkey

SECONDS_TO_FIND = 120.0


class Servers:
    """PostgreSQL and Valkey on one folder, either left out where its address is given from outside."""

    def __init__(
        self, folder: Path, *, postgres: bool = True, valkey: bool = True, throwaway: bool = False
    ) -> None:
        self._postgres = Postgres(folder, throwaway=throwaway) if postgres else None
        self._valkey = Valkey(folder, throwaway=throwaway) if valkey else None

    @property
    def members(self) -> list[Postgres | Valkey]:
        """The servers in the order in which they start; they stop in the opposite one."""
        return [server for server in (self._postgres, self._valkey) if server is not None]

    def start(self) -> None:
        """Start all of them and wait until they answer; raises EmbeddedError."""
        for server in self.members:
            server.start()

    def stop(self) -> None:
        """Stop all of them: Valkey first, PostgreSQL last."""
        for server in reversed(self.members):
            server.stop()

    def urls(self) -> ServerUrls:
        """Return the addresses of the running servers."""
        postgres = self._postgres
        return ServerUrls(
            app=postgres.url("laurel_app") if postgres else "",
            owner=postgres.url("laurel_owner") if postgres else "",
            superuser=postgres.url("postgres") if postgres else "",
            redis=self._valkey.url if self._valkey else "",
        )

    def running(self, purpose: str) -> Running:
        """Return what other processes may know of these servers."""
        pids = {server.name: server.child.pid for server in self.members if server.child is not None}
        ports = tuple(server.port for server in self.members)
        return Running(purpose=purpose, pid=os.getpid(), server_pids=pids, ports=ports, urls=self.urls())


@contextmanager
def running_servers(
    data: Path, *, postgres: bool = True, valkey: bool = True, throwaway: bool = False
) -> Iterator[ServerUrls]:
    """Yield the addresses of a data folder's servers: those of `make run`, else own ones that stop again.

    `throwaway`: in a folder of their own below `data`, fast, not durable, gone afterwards. Call it from the
    main thread: the servers end with the thread that starts them.
    """
    if throwaway:
        with _throwaway(data, postgres=postgres, valkey=valkey) as urls:
            yield urls
        return
    folder = DataFolder(data)
    found = _found_or_locked(folder)
    if found is not None:
        yield found.urls
        return
    with _own(folder, Servers(folder.path, postgres=postgres, valkey=valkey)) as urls:
        yield urls


@contextmanager
def _throwaway(data: Path, *, postgres: bool, valkey: bool) -> Iterator[ServerUrls]:
    data.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="laurel-", dir=data)).resolve()
    servers = Servers(folder, postgres=postgres, valkey=valkey, throwaway=True)
    try:
        servers.start()
        yield servers.urls()
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own(folder: DataFolder, servers: Servers) -> Iterator[ServerUrls]:
    try:
        servers.start()
        folder.publish(servers.running("command"))
        yield servers.urls()
    finally:
        servers.stop()
        folder.unlock()


def _found_or_locked(folder: DataFolder) -> Running | None:
    """Return servers that will stay, or None with the folder locked for us; waits for other commands."""
    end = time.monotonic() + SECONDS_TO_FIND
    while time.monotonic() < end:
        if folder.try_lock():
            return None
        running = folder.find_running()
        if running is not None and running.purpose == "run":
            return running
        time.sleep(0.05)
    raise EmbeddedError(
        f"Another command has kept the data folder {folder.path} for {SECONDS_TO_FIND:.0f} s."
    )

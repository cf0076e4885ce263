"""Everything on one machine: the servers, the migrations, the programs of the Procfile; ended in the right order."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from embedded.process import (
    LOOPBACK,
    EmbeddedError,
    bound_to_parent,
    die_with_parent,
    is_port_free,
    kill_group,
    wait_or_kill,
)
from embedded.programs import Program, Tended, read_procfile
from embedded.servers import Servers
from embedded.state import DataFolder

RELEASE = "release"
LAST_TO_STOP = "worker"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_FOR_FOLDER = 30.0
SECONDS_FOR_PORT = 10.0
SECONDS_TO_STOP = 30.0
TICK = 0.1


class StopRequested(BaseException):
    """Somebody asked us to stop; no handler of errors may take it for one."""


class Supervisor:
    """Runs until it is told to stop; may be used once, in the main thread."""

    def __init__(self, environ: Mapping[str, str], procfile: Path) -> None:
        self._environ = environ
        self._port = _port(environ)
        self._commands = read_procfile(procfile)
        self._folder = DataFolder(Path(environ.get("LAUREL_DATA") or "var"))
        self._servers = Servers(
            self._folder.path,
            postgres=not _is_set(environ, "DATABASE_URL"),
            valkey=not _is_set(environ, "REDIS_URL"),
        )
        self._programs: list[Program] = []

    def run(self) -> None:
        """Start everything, say so, keep it running, and stop it when told; raises EmbeddedError."""
        try:
            self._listen_for_signals()
            self._lock()
            self._servers.start()
            self._release()
            self._folder.publish(self._servers.running("run"))
            self._start_programs()
            self._watch()
        except StopRequested:
            sys.stderr.write("stopping\n")
        finally:
            self._stop()

    def _lock(self) -> None:
        """Take the data folder and find the port free; raises EmbeddedError."""
        stated = self._folder.stated()
        is_ours = self._folder.try_lock()
        if not is_ours and (stated is None or stated.purpose != "run"):
            is_ours = self._folder.lock_within(SECONDS_FOR_FOLDER)
        if not is_ours:
            holder = f" (process {stated.pid})" if stated else ""
            raise EmbeddedError(f"Laurel runs already on the data folder {self._folder.path}{holder}.")
        if not _becomes_free(self._port):
            raise EmbeddedError(
                f"Port {self._port} is used by another program; choose another: PORT=8001 make run"
            )

    def _listen_for_signals(self) -> None:
        if "MAKELEVEL" in os.environ:
            # make cannot pass on a SIGKILL: ask the kernel for word of its end.
            die_with_parent(signal.SIGTERM)
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN or number is not signal.SIGHUP:
                signal.signal(number, _request_stop)

    def _release(self) -> None:
        if RELEASE not in self._commands:
            return
        argv = bound_to_parent(self._commands[RELEASE], signal.SIGKILL)
        environ = self._child_environ()
        code = subprocess.run(
            argv, env=environ, stdin=subprocess.DEVNULL, start_new_session=True, check=False
        ).returncode
        if code != 0:
            raise EmbeddedError(f"The release command failed (code {code}): nothing was started.")

    def _start_programs(self) -> None:
        environ = self._child_environ()
        for name, argv in self._commands.items():
            if name != RELEASE:
                self._programs.append(Program(name, argv, environ))
                self._programs[-1].start()

    def _child_environ(self) -> dict[str, str]:
        """Return the environment of the programs: ours, the servers' addresses, and this Python's programs first."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{self._environ.get('PATH', os.defpath)}"
        ours = {"PATH": path, "PORT": str(self._port), "LAUREL_DATA": str(self._folder.path)}
        return {**self._environ, **ours, **self._servers.urls().environment()}

    def _watch(self) -> None:
        """Keep everything running; say once that the web answers."""
        servers = [Tended(server) for server in self._servers.members]
        programs = [Tended(program) for program in self._programs]
        is_ready = False
        while True:
            if any(server.tend() for server in servers):
                self._folder.publish(self._servers.running("run"))
            for program in programs:
                program.tend()
            if not is_ready and _is_healthy(self._port):
                is_ready = True
                print(f"ready http://{LOOPBACK}:{self._port}", flush=True)
            time.sleep(TICK)

    def _stop(self) -> None:
        """Web and clock first, then the workers, then Valkey, then PostgreSQL; a second Ctrl-C does not wait."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._kill_programs)
        self._end([program for program in self._programs if program.name != LAST_TO_STOP])
        self._end([program for program in self._programs if program.name == LAST_TO_STOP])
        self._servers.stop()
        self._folder.unlock()

    def _end(self, programs: list[Program]) -> None:
        children = [program.child for program in programs if program.child is not None]
        for child in children:
            child.terminate()
        end = time.monotonic() + SECONDS_TO_STOP
        for child in children:
            wait_or_kill(child, max(0.0, end - time.monotonic()))

    def _kill_programs(self, _number: int, _frame: FrameType | None) -> None:
        for program in self._programs:
            if program.child is not None and program.child.returncode is None:
                kill_group(program.child)


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequested


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _port(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT") or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise EmbeddedError("PORT must be a whole number from 1 to 65535.")
    return int(text)


def _becomes_free(port: int) -> bool:
    """Return whether the port is free, after a while for a web that was just killed."""
    end = time.monotonic() + SECONDS_FOR_PORT
    while not is_port_free(port):
        if time.monotonic() >= end:
            return False
        time.sleep(0.1)
    return True


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

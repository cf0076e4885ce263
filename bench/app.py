"""The whole program in a folder of its own: started by its supervisor, spoken to by command line and HTTP."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

from bench.stage import PROJECT, plain_url
from embedded.process import free_port

SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 40.0
SET_FROM_OUTSIDE = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PUBLIC_URL", "MAKELEVEL")


class NotReady(Exception):
    """The program did not start, or not in time."""


@dataclass(slots=True)
class App:
    """One `python -m embedded run` with its data folder and port."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the web."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start everything and wait until the web answers; raises NotReady."""
        log = (self.folder / "app.log").open("ab")
        argv = [sys.executable, "-m", "embedded", "run"]
        with log:
            self.process = subprocess.Popen(
                argv, cwd=PROJECT, env=self._environ(), stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )  # fmt: skip
        if not _says(self.process, b"ready ", SECONDS_TO_START):
            self.kill()
            raise NotReady(f"The program does not start; its last words:\n{self.last_words()}")

    def stop(self) -> None:
        """Stop everything in order."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS_TO_STOP)
        self.kill()

    def kill(self) -> None:
        """End the supervisor without a word, and wait for nobody else: what it left holds its pipe too."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def is_running(self) -> bool:
        """Return whether the supervisor lives."""
        return self.process is not None and self.process.poll() is None

    def command(self, *arguments: str, ok: tuple[int, ...] = (0,), seconds: float = 120) -> Any:
        """Run a command of the command line with --json; return what it prints. Raises RuntimeError."""
        argv = [sys.executable, "-m", "flask", "--app", "webhook_app", *arguments, "--json"]
        done = subprocess.run(
            argv,
            cwd=PROJECT,
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode not in ok:
            raise RuntimeError(f"{' '.join(arguments[:2])} failed ({done.returncode}): {done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def get(self, path: str, api_key: str = "") -> Any:
        """Return the JSON answer to a GET; raises OSError."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any, api_key: str) -> Any:
        """Return the JSON answer to a POST of JSON; raises OSError."""
        headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def server_pids(self) -> dict[str, int]:
        """Return the process ids of the embedded servers."""
        stated: dict[str, int] = self._state()["server_pids"]
        return stated

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection of the superuser, who sees all accounts."""
        return psycopg.connect(plain_url(self._state()["urls"]["superuser"]), autocommit=True)

    def flush_queue(self) -> bool:
        """Delete everything that the queue's server keeps; return whether it answered."""
        with redis.Redis.from_url(self._state()["urls"]["redis"]) as client:
            try:
                return bool(client.flushall())
            except redis.RedisError:
                return False

    def last_words(self) -> str:
        """Return the end of what the program said."""
        return "\n".join((self.folder / "app.log").read_text(errors="replace").splitlines()[-12:])

    def _state(self) -> Any:
        return json.loads((self.folder / "var" / "servers.json").read_text())

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in SET_FROM_OUTSIDE}
        if kept.pop("PYTHONDONTWRITEBYTECODE", ""):
            # Without compiled files each of the many starts would compile all libraries again.
            kept.setdefault("PYTHONPYCACHEPREFIX", str(self.folder / "pycache"))
        ours = {"PORT": str(self.port), "LAUREL_DATA": str(self.folder / "var"), "LOG_LEVEL": "warning"}
        return {**kept, **ours, "ALLOW_PRIVATE_SHOPS": "1", **self.environ}


def wait_for(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Return whether a condition came true in time; what it cannot ask yet counts as not true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (OSError, psycopg.Error):
            pass
        time.sleep(pause)
    return False


def is_drained(app: App) -> bool:
    """Return whether no message and no push waits."""
    waiting = app.get("/readyz")
    return not waiting["messages"]["waiting"] and not waiting["pushes"]["waiting"]


def _says(process: subprocess.Popen[bytes], word: bytes, seconds: float) -> bool:
    """Return whether a process says the word before it ends and before the time is over."""
    assert process.stdout is not None
    end, said = time.monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < end:
            if not selector.select(0.5):
                continue
            chunk = os.read(process.stdout.fileno(), 4096)
            said += chunk
            if word in said or not chunk:
                return word in said
    return False

"""`make run`: everything starts, is kept running, keeps its data, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from embedded.process import free_port

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 30.0

WEB = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SLEEPER = """
import signal, sys, time
def note(*_):
    with open(sys.argv[1], "a") as file: file.write(sys.argv[2] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, note)
time.sleep(100)
"""
FORKER = """
import os, sys, time
sys.path.insert(0, {project!r})
from workers.lifetime import die_with_parent
parent = os.getpid()
if os.fork() == 0: die_with_parent(parent)
time.sleep(100)
"""


@dataclass
class Run:
    """One `python -m embedded run` on a folder with a small Procfile."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def start(self, **environ: str) -> None:
        argv = [sys.executable, "-m", "embedded", "run", "--procfile", str(self.folder / "Procfile")]
        given = {"PORT": str(self.port), "LAUREL_DATA": str(self.folder / "var"), **environ}
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "MAKELEVEL")
        }
        self.process = subprocess.Popen(
            argv,
            cwd=PROJECT,
            env={**kept, **given},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait_ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"ready http://127.0.0.1:{self.port}\n"

    def end(self, number: signal.Signals) -> str:
        """Send a signal and return what was said on stderr."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.communicate(timeout=SECONDS)[1]

    def state(self) -> dict[str, object]:
        state: dict[str, object] = json.loads((self.folder / "var" / "servers.json").read_text())
        return state

    def database(self) -> psycopg.Connection:
        urls = self.state()["urls"]
        assert isinstance(urls, dict)
        return psycopg.connect(urls["owner"].replace("+psycopg", ""))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    folder = tmp_path / "a b"
    folder.mkdir()
    (folder / "web.py").write_text(WEB)
    (folder / "sleeper.py").write_text(SLEEPER)
    (folder / "forker.py").write_text(FORKER.format(project=str(PROJECT)))
    stops = f"'{folder / 'sleeper.py'}' '{folder / 'stops'}'"
    lines = [
        f"web: python '{folder / 'web.py'}'",
        f"worker: python {stops} worker",
        f"cron: python {stops} cron",
    ]
    (folder / "Procfile").write_text("\n".join([*lines, f"forker: python '{folder / 'forker.py'}'", ""]))
    run = Run(folder)
    yield run
    if run.process is not None:
        run.process.kill()
        run.process.communicate()


def test_data_outlives_a_clean_stop(run: Run) -> None:
    run.start()
    run.wait_ready()
    with run.database() as connection:
        connection.execute("create table kept (a int)")
    assert "stopping" in run.end(signal.SIGINT)
    assert run.process is not None
    assert run.process.returncode == 0
    assert (run.folder / "stops").read_text().split() == ["cron", "worker"]
    assert not processes_of(run.folder)
    started = time.monotonic()
    run.start()
    run.wait_ready()
    assert time.monotonic() - started < 5
    with run.database() as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)
    run.end(signal.SIGTERM)
    assert not processes_of(run.folder)


def test_kill_leaves_nothing_and_the_next_run_starts(run: Run) -> None:
    run.start()
    run.wait_ready()
    servers = dict(run.state()["server_pids"])  # type: ignore[call-overload]
    assert len(processes_of(run.folder)) >= 5
    run.end(signal.SIGKILL)
    assert comes_true(lambda: not processes_of(run.folder)), processes_of(run.folder)
    assert comes_true(lambda: not any(Path("/proc", str(pid), "exe").exists() for pid in servers.values()))
    run.start()
    run.wait_ready()


def test_what_dies_is_started_again(run: Run) -> None:
    run.start()
    run.wait_ready()
    first_web, first_servers = web_pid(run.port), run.state()["server_pids"]
    assert isinstance(first_servers, dict)
    for pid in (first_web, *first_servers.values()):
        os.kill(pid, signal.SIGKILL)
    assert comes_true(lambda: web_pid(run.port) not in (0, first_web))
    assert comes_true(
        lambda: not set(first_servers.values()) & set(dict(run.state()["server_pids"]).values())
    )  # type: ignore[call-overload]
    with run.database() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_second_run_is_refused(run: Run) -> None:
    run.start()
    run.wait_ready()
    second = Run(run.folder)
    second.start()
    assert second.process is not None
    said = second.process.communicate(timeout=SECONDS)[1]
    assert "Laurel runs already on the data folder" in said
    assert second.process.returncode == 1
    assert web_pid(run.port)


def test_failed_release_starts_nothing(run: Run) -> None:
    with (run.folder / "Procfile").open("a") as file:
        file.write("release: python -c 'raise SystemExit(3)'\n")
    run.start()
    assert run.process is not None
    said = run.process.communicate(timeout=SECONDS)[1]
    assert "The release command failed (code 3)" in said
    assert run.process.returncode == 1
    assert not processes_of(run.folder)


def test_given_servers_are_not_started(run: Run) -> None:
    run.start(DATABASE_URL="postgresql://u@127.0.0.1:1/d", REDIS_URL="redis://127.0.0.1:1/0")
    run.wait_ready()
    assert run.state()["server_pids"] == {}
    assert not (run.folder / "var" / "postgres").exists()


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that name the folder."""
    argv = ["ps", "-ww", "-eo", "stat=,pid=,args="]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if str(folder) in line and "embedded run" not in line and line[0] != "Z"]


def web_pid(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return int(answer.read())
    except OSError:
        return 0


def comes_true(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False

"""The processes of a running program that may be killed, by their names."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from bench.app import App

NAMES = ("web", "web child", "worker", "worker child", "cron", "postgres", "valkey", "supervisor")
_MARKS = {"web": "gunicorn", "worker": "workers.runner", "cron": "workers.cron"}


@dataclass(frozen=True, slots=True)
class Process:
    """A process as the kernel tells of it."""

    pid: int
    parent: int
    command: str


def kill_nine(app: App, name: str) -> bool:
    """Kill one process of a name with SIGKILL; return whether there was one."""
    if name == "supervisor":
        app.kill()
        return True
    pid = _find(app, name)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def left_overs(app: App) -> list[Process]:
    """Return the processes that still name the program's folder, its supervisor not counted."""
    folder = str(app.folder)
    own = app.process.pid if app.process else 0
    return [each for each in _processes() if folder in each.command and each.pid not in (own, os.getpid())]


def _find(app: App, name: str) -> int | None:
    if name in ("postgres", "valkey"):
        return app.server_pids().get(name)
    assert app.process is not None
    kind, _, child = name.partition(" ")
    everybody = _processes()
    mothers = [
        each.pid for each in everybody if each.parent == app.process.pid and _MARKS[kind] in each.command
    ]
    if not mothers or not child:
        return mothers[0] if mothers else None
    children = [each.pid for each in everybody if each.parent == mothers[0]]
    return children[0] if children else None


def _processes() -> list[Process]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            found.append(Process(int(folder.name), parent, command))
    return found

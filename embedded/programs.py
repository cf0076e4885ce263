"""The programs of a Procfile, and how anything that ended is started again: soon, then later, then not any more."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from embedded.process import Child, EmbeddedError, kill_group, spawn

QUICK_SECONDS = 10.0
MOST_QUICK_DEATHS = 5
FIRST_DELAY = 0.25
LONGEST_DELAY = 8.0


def read_procfile(path: Path) -> dict[str, list[str]]:
    """Return each process's name with its command; `python` is the one we run on. Raises EmbeddedError."""
    if not path.exists():
        raise EmbeddedError(f"There is no {path}.")
    commands: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, colon, command = line.partition(":")
        if line.startswith("#") or not colon:
            continue
        argv = shlex.split(command)
        commands[name.strip()] = [sys.executable, *argv[1:]] if argv[:1] == ["python"] else argv
    return commands


class Program:
    """One process of the Procfile."""

    def __init__(self, name: str, argv: list[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self.child: Child | None = None
        self._argv = argv
        self._environ = environ

    def start(self) -> None:
        """Start it, bound to this process."""
        self.child = spawn(self._argv, self._environ)


class Startable(Protocol):
    """What can be tended: a program or a server."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def child(self) -> Child | None:
        """The running process, or the last one; None before the first start."""

    def start(self) -> None:
        """Start it."""


class Tended:
    """A program or a server that is started again when it ends."""

    def __init__(self, what: Startable) -> None:
        self._what = what
        self._started = time.monotonic()
        self._due: float | None = None
        self._quick_deaths = 0

    def tend(self) -> bool:
        """Start it again when it has ended and its time has come; return whether that happened."""
        child = self._what.child
        if child is not None and child.poll() is None:
            return False
        now = time.monotonic()
        if self._due is None:
            if child is not None:
                kill_group(child)
            self._due = now + self._note_death(now, child)
        if now < self._due:
            return False
        self._what.start()
        self._started, self._due = time.monotonic(), None
        return True

    def _note_death(self, now: float, child: Child | None) -> float:
        """Return how long to wait; raises EmbeddedError when it ended too often just after its start."""
        is_quick = now - self._started < QUICK_SECONDS
        self._quick_deaths = self._quick_deaths + 1 if is_quick else 1
        code = None if child is None else child.returncode
        if self._quick_deaths >= MOST_QUICK_DEATHS:
            raise EmbeddedError(
                f"{self._what.name} ended {self._quick_deaths} times just after its start (code {code})."
            )
        delay = min(FIRST_DELAY * 2.0**self._quick_deaths, LONGEST_DELAY)
        sys.stderr.write(f"{self._what.name} ended (code {code}): starting it again in {delay:.1f} s\n")
        return delay

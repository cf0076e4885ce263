"""Child processes that end with their parent, free ports, and waiting until a child is ready."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
LOOPBACK = "127.0.0.1"
LONGEST_LOG = 10_000_000
# The kernel tells only of an end that comes after it was asked: look once whether the parent is still there.
UNLESS_ORPHANED = 'parent=$1; shift; [ "$PPID" = "$parent" ] || exit 1; exec "$@"'

Child = subprocess.Popen[bytes]


class EmbeddedError(Exception):
    """An embedded server cannot be used; the message says why and what to do."""


def bound_to_parent(argv: Sequence[str], death: signal.Signals, user: str | None = None) -> list[str]:
    """Return argv that gets the signal `death` when its parent ends, and that runs as `user` if one is named.

    The parent is this process; where it ended before the kernel was asked, the program does not start.
    The signal follows the thread that starts the child: call this from the main thread.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user is not None:
            raise EmbeddedError("PostgreSQL never runs as root and there is no setpriv: be an ordinary user.")
        return list(argv)
    wrapped = [setpriv, "--pdeathsig", death.name.removeprefix("SIG")]
    if user is not None:
        # The capability lets the server cross folders that only root may enter; no folder's mode is changed.
        # Without the secure bit access(2) would look away from it, and the server not find its own program.
        wrapped += ["--reuid", user, "--regid", user, "--clear-groups", "--securebits", "+no_setuid_fixup"]
        wrapped += ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
    return [*wrapped, "--", "sh", "-c", UNLESS_ORPHANED, "sh", str(os.getpid()), *argv]


def die_with_parent(sig: signal.Signals) -> None:
    """Ask the kernel to send this process `sig` when its parent ends (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(sig))


def spawn_server(argv: Sequence[str], log: Path) -> Child:
    """Start a server in a session of its own, without our environment; its words go to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    mode = "wb" if log.exists() and log.stat().st_size > LONGEST_LOG else "ab"
    with log.open(mode) as file:
        return subprocess.Popen(
            argv,
            cwd="/",
            env=bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def spawn(argv: Sequence[str], environ: Mapping[str, str]) -> Child:
    """Start a program in a session of its own: a Ctrl-C in the terminal reaches only its parent."""
    wrapped = bound_to_parent(argv, signal.SIGKILL)
    return subprocess.Popen(wrapped, env=dict(environ), stdin=subprocess.DEVNULL, start_new_session=True)


def bare_environment() -> dict[str, str]:
    """Return the environment of a server: no secrets, no variables that change its behaviour."""
    return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}


def stop(child: Child, sig: signal.Signals, seconds: float) -> None:
    """End a child: `sig`, and SIGKILL for it and what it started when it takes longer."""
    if child.poll() is None:
        child.send_signal(sig)
    wait_or_kill(child, seconds)


def wait_or_kill(child: Child, seconds: float) -> None:
    """Wait for a child that was told to end; then kill what is left of its session."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        kill_group(child)
        child.wait()


def kill_group(child: Child) -> None:
    """Kill all that is left of a child's session."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def wait_until(ready: Callable[[], bool], child: Child, seconds: float) -> bool:
    """Return whether `ready()` came true; False when the child ended before or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return True
        if child.poll() is not None:
            return False
        time.sleep(0.02)
    return False


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def is_port_free(port: int) -> bool:
    """Return whether a server could listen on this port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def accepts_connections(port: int) -> bool:
    """Return whether something listens on this port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2):
            return True
    except OSError:
        return False


def last_lines(log: Path, count: int = 8) -> str:
    """Return the end of a log, for people."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])

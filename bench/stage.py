"""Durable servers in a temporary data folder, with a migrated template and a fresh database for each measurement."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet

from embedded import ServerUrls, running_servers
from loyalty.config import load_settings
from workers.runtime import Runtime, build_runtime

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATE = "laurel"


@dataclass(frozen=True, slots=True)
class Place:
    """One database of its own with the environment in which programs find it."""

    name: str
    app_url: str
    owner_url: str
    superuser_url: str
    environ: dict[str, str]

    def runtime(self) -> Runtime:
        """Return the tools of a worker on this database."""
        return build_runtime(load_settings(self.environ))

    def execute(self, *statements: str) -> None:
        """Run statements as the superuser, each alone."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return what a query of the superuser finds: all accounts."""
        with psycopg.connect(self.superuser_url, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(query.encode()).fetchall()


@dataclass(slots=True)
class Stage:
    """The servers of one benchmark run."""

    urls: ServerUrls
    folder: Path
    encryption_key: str = field(default_factory=lambda: Fernet.generate_key().decode())

    def add_place(self) -> Place:
        """Return a fresh, migrated, analysed database."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        self._superuser(f"create database {name} template {TEMPLATE} owner laurel_owner")
        app, owner, superuser = (
            f"{url.rpartition('/')[0]}/{name}"
            for url in (self.urls.app, self.urls.owner, self.urls.superuser)
        )
        return Place(name, app, owner, plain_url(superuser), self._environ(app, owner))

    def drop_place(self, place: Place) -> None:
        """Remove a database and whoever is connected to it."""
        self._superuser(f"drop database {place.name} with (force)")

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Yield a fresh database that is gone afterwards."""
        place = self.add_place()
        try:
            yield place
        finally:
            self.drop_place(place)

    def migrate(self) -> None:
        """Make the template that the databases are copies of."""
        environ = {**os.environ, **self.urls.environment()}
        argv = [sys.executable, "-m", "alembic", "upgrade", "head"]
        subprocess.run(argv, cwd=PROJECT, env=environ, check=True)

    def _superuser(self, statement: str) -> None:
        address = plain_url(self.urls.superuser).rpartition("/")[0]
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _environ(self, app: str, owner: str) -> dict[str, str]:
        return {
            "DATABASE_URL": app,
            "DATABASE_OWNER_URL": owner,
            "REDIS_URL": self.urls.redis,
            "SECRET_KEY": "x" * 40,
            "ENCRYPTION_KEYS": self.encryption_key,
            "LAUREL_DATA": str(self.folder),
            "ALLOW_PRIVATE_SHOPS": "1",
            "LOG_LEVEL": "warning",
        }


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Yield durable embedded servers in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="laurel-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with running_servers(folder) as urls:
            stage = Stage(urls, folder)
            stage.migrate()
            yield stage


def plain_url(url: str) -> str:
    """Return an address of SQLAlchemy's form as psycopg takes it."""
    return url.replace("postgresql+psycopg", "postgresql")

"""Real servers for the tests: one PostgreSQL and one Valkey for each session, one database for each test."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from builders import make_runtime
from databases import Database

from embedded import ServerUrls, running_servers
from loyalty.logs import configure_logging
from workers.runtime import Runtime

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATE = "laurel"


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUrls]:
    """PostgreSQL and Valkey, fast and not durable."""
    with running_servers(tmp_path_factory.mktemp("servers"), throwaway=True) as urls:
        yield urls


@pytest.fixture(scope="session")
def template_database(servers: ServerUrls) -> str:
    """The name of a database that the migrations have made, as `laurel_owner`; nobody is connected to it."""
    environ = {**os.environ, **servers.environment()}
    argv = [sys.executable, "-m", "alembic", "upgrade", "head"]
    done = subprocess.run(argv, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return TEMPLATE


@pytest.fixture
def database(servers: ServerUrls, template_database: str) -> Iterator[Database]:
    """A database of its own for one test."""
    yield from _database(servers, template_database)


@pytest.fixture
def empty_database(servers: ServerUrls) -> Iterator[Database]:
    """A database that nothing has made yet."""
    yield from _database(servers, "template0")


@pytest.fixture(scope="module")
def module_database(servers: ServerUrls, template_database: str) -> Iterator[Database]:
    """One database that the tests of a module share."""
    yield from _database(servers, template_database)


@pytest.fixture
def redis_url(servers: ServerUrls) -> str:
    """An empty Valkey."""
    with redis.Redis.from_url(servers.redis) as connection:
        connection.flushall()
    return servers.redis


@pytest.fixture
def runtime(database: Database, redis_url: str) -> Iterator[Runtime]:
    """The tools of a job on a database of its own."""
    configure_logging("critical")
    tools = make_runtime(database.app_url, database.owner_url, redis_url)
    yield tools
    tools.database.dispose()


def _database(servers: ServerUrls, template: str) -> Iterator[Database]:
    name = f"test_{uuid.uuid4().hex}"
    _execute(servers, f"create database {name} template {template} owner laurel_owner")
    app_url, owner_url = (f"{url.rpartition('/')[0]}/{name}" for url in (servers.app, servers.owner))
    try:
        superuser_url = f"{servers.superuser.rpartition('/')[0]}/{name}"
        yield Database(name=name, app_url=app_url, owner_url=owner_url, superuser_url=superuser_url)
    finally:
        _execute(servers, f"drop database {name} with (force)")


def _execute(servers: ServerUrls, statement: str) -> None:
    address = servers.superuser.replace("postgresql+psycopg", "postgresql").rpartition("/")[0]
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(statement.encode())

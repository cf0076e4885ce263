"""How a command runs: it finds its servers or starts them, prints for people or programs, and fails in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import OperationalError

from embedded import EmbeddedError, running_servers
from loyalty.clock import read_moment
from loyalty.config import Settings
from loyalty.errors import LoyaltyError, NotFound
from loyalty.stores.service import find_account_of
from loyalty.values import AccountId, StoreId
from webhook_app.tools import SETTINGS, TOOLS, Tools, build_tools

ACTOR = "command line"
REFUSED = 2
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command prints: `data` with --json, else the lines; `complaints` go to standard error.

    None: the command has written to standard output itself.
    """

    data: Any
    lines: list[str]
    complaints: list[str] = field(default_factory=list)
    exit_code: int = 0


def command(group: AppGroup, name: str) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function that takes the tools and its options and returns an Answer."""
    return _command(group.command(name))


def run_command(name: str, help: str) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command that stands in no group; else as `command`."""
    return _command(lambda function: click.command(name, help=help)(with_appcontext(function)))


def _command(
    make: Callable[[Callable[..., None]], click.Command],
) -> Callable[[Callable[..., Answer]], click.Command]:
    def decorate(function: Callable[..., Answer]) -> click.Command:
        @wraps(function)
        def run(*, as_json: bool, **options: Any) -> None:
            answer = _answer(function, options)
            for line in answer.complaints:
                click.echo(line, err=True)
            if answer.data is None:
                return
            text = json.dumps(answer.data, ensure_ascii=False) if as_json else "\n".join(answer.lines)
            click.echo(text)
            if answer.exit_code:
                sys.exit(answer.exit_code)

        with_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(run)
        return make(with_json)

    return decorate


def _answer(function: Callable[..., Answer], options: dict[str, Any]) -> Answer:
    try:
        with session() as tools:
            return function(tools, **options)
    except OperationalError:
        click.echo("The database does not answer.", err=True)
    except LoyaltyError as error:
        click.echo(_line(error), err=True)
    except EmbeddedError as error:
        click.echo(str(error), err=True)
    sys.exit(REFUSED)


def _line(error: LoyaltyError) -> str:
    fields: Any = error.attributes.get("fields") or {}
    details = [f"{path}: {text}" for path, texts in fields.items() for text in texts if text != error.message]
    return " ".join([error.message.replace("\n", " "), "; ".join(details)]).strip()


@contextmanager
def session() -> Iterator[Tools]:
    """Yield the tools of a command, on the servers of the settings, of `make run`, or on own ones that stop again."""
    ready = current_app.extensions.get(TOOLS)
    if ready is not None:
        yield ready
        return
    settings: Settings = current_app.extensions[SETTINGS]
    wanted = {"postgres": not settings.database_url, "valkey": not settings.redis_url}
    with running_servers(settings.data_folder, **wanted) as urls:
        tools = build_tools(
            replace(
                settings,
                database_url=settings.database_url or urls.app,
                database_owner_url=settings.database_owner_url or urls.owner,
                redis_url=settings.redis_url or urls.redis,
            )
        )
        try:
            if not tools.database.is_migrated():
                _migrate(tools.settings)
            yield tools
        finally:
            tools.database.dispose()


def _migrate(settings: Settings) -> None:
    """Make the tables of a data folder that no `make run` has seen yet."""
    urls = {
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url,
    }
    argv = [sys.executable, "-m", "alembic", "upgrade", "head"]
    done = subprocess.run(
        argv, cwd=PROJECT, env={**os.environ, **urls}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EmbeddedError(f"The tables could not be made: {done.stderr.strip().splitlines()[-1:]}")


def find_account(tools: Tools, key: str) -> tuple[AccountId, StoreId | None]:
    """Return the account, and the store where it is one's, that a key means; raises NotFound."""
    found = tools.database.single_statement(lambda connection: find_account_of(connection, key))
    if found is None:
        raise NotFound(f"There is no store or account of the key {key}.")
    return found


class Moment(click.ParamType[datetime]):
    """An instant of RFC 3339 with its offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant; fails the command for one without an offset."""
        if isinstance(value, datetime):
            return value
        try:
            return read_moment(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

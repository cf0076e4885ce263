"""The command line of the embedded servers: run, servers, dump, restore."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from embedded.dump import dump, restore
from embedded.process import EmbeddedError
from embedded.servers import running_servers
from embedded.supervisor import Supervisor

FILES = {"dump": dump, "restore": restore}


def main(argv: list[str]) -> int:
    """Carry out one command; return the exit code."""
    arguments = _parser().parse_args(argv)
    data = Path(os.environ.get("LAUREL_DATA") or "var")
    try:
        if arguments.command == "run":
            Supervisor(os.environ, arguments.procfile).run()
        elif arguments.command in FILES:
            _require_embedded(arguments.command)
            FILES[arguments.command](data, arguments.file)
        else:
            return _execute(data, arguments.exec)
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start servers, migrations and all programs, until Ctrl-C")
    run.add_argument("--procfile", type=Path, default=Path("Procfile"))
    servers = commands.add_parser(
        "servers", help="run a command with the servers' addresses in its environment"
    )
    servers.add_argument("--exec", nargs=argparse.REMAINDER, required=True, metavar="COMMAND")
    for name, what in (
        ("dump", "write the database into a file"),
        ("restore", "fill an empty database from a file"),
    ):
        commands.add_parser(name, help=what).add_argument("file", type=Path)
    return parser


def _require_embedded(command: str) -> None:
    """Raise EmbeddedError where the database is a server of one's own: the file would hold, or fill, another one."""
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        raise EmbeddedError(
            f"DATABASE_URL names a server of your own: {command} is for the embedded one. See docs/backup.md."
        )


def _execute(data: Path, command: list[str]) -> int:
    wanted = {"postgres": "DATABASE_URL" not in os.environ, "valkey": "REDIS_URL" not in os.environ}
    with running_servers(data, **wanted) as urls:
        return subprocess.run(command, env={**os.environ, **urls.environment()}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The way from one PostgreSQL version to the next: the database as one file, and back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from embedded.cluster import Cluster, binary_folder
from embedded.process import EmbeddedError
from embedded.servers import running_servers


def dump(data: Path, file: Path) -> None:
    """Write the embedded database into a file; raises EmbeddedError, also where there is none to be kept."""
    if not Cluster(data / "postgres").exists():
        raise EmbeddedError(f"There is no database in {data.resolve()}: which LAUREL_DATA does it run with?")
    with running_servers(data, valkey=False) as urls:
        _run(urls.superuser, "pg_dump", "--format=custom", f"--file={file}", "laurel")


def restore(data: Path, file: Path) -> None:
    """Fill a new, empty embedded database from a file, all or nothing; raises EmbeddedError."""
    with running_servers(data, valkey=False) as urls:
        _run(
            urls.superuser,
            "pg_restore",
            "--single-transaction",
            "--exit-on-error",
            "--dbname=laurel",
            str(file),
        )


def _run(url: str, program: str, *arguments: str) -> None:
    address = urlsplit(url)
    login = {
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGUSER": address.username or "",
        "PGPASSWORD": address.password or "",
    }
    code = subprocess.run(
        [str(binary_folder() / program), *arguments], env={**os.environ, **login}, check=False
    ).returncode
    if code != 0:
        raise EmbeddedError(f"{program} failed (code {code}).")

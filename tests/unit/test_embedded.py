"""The embedded servers: roles, kept data, found and stale state, other versions."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from embedded import EmbeddedError, ServerUrls, running_servers
from embedded.cluster import major_version
from embedded.process import bound_to_parent, is_port_free
from embedded.programs import MOST_QUICK_DEATHS, Program, Tended, read_procfile
from embedded.state import DataFolder, Running

HOLDER = """
import sys, time
from pathlib import Path
from embedded import running_servers
with running_servers(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""
RUN = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("with a space") / "var"


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs servers on the folder."""
    argv = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_roles_have_no_power(servers: ServerUrls) -> None:
    found = query(servers.app, "select rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles "
                               "where rolname like 'laurel%' order by 1")  # fmt: skip
    assert found == [("laurel_app", False, False, False, False), ("laurel_owner", False, False, False, False)]
    assert query(servers.app, "select current_user") == [("laurel_app",)]
    assert query(
        servers.app, "select count(*) from pg_class c where pg_get_userbyid(relowner) = 'laurel_app'"
    ) == [(0,)]


def test_database_belongs_to_the_owner(servers: ServerUrls) -> None:
    owner = "select pg_get_userbyid(datdba) from pg_database where datname = 'laurel'"
    assert query(servers.owner, owner) == [("laurel_owner",)]


def test_password_is_asked_for(servers: ServerUrls) -> None:
    wrong = servers.app.replace("laurel_app:", "laurel_app:x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        query(wrong, "select 1")


def test_chinese_text_has_trigrams(servers: ServerUrls) -> None:
    with psycopg.connect(servers.owner.replace("+psycopg", "")) as connection:
        connection.execute("create extension if not exists pg_trgm")
        (trigrams,) = connection.execute("select cardinality(show_trgm('王小明'))").fetchone() or (0,)
        connection.rollback()
    assert trigrams > 0


def test_data_is_kept(folder: Path) -> None:
    with running_servers(folder) as urls:
        with psycopg.connect(urls.owner.replace("+psycopg", "")) as connection:
            connection.execute("create table kept (a int)")
            connection.execute("insert into kept values (7)")
        with redis.Redis.from_url(urls.redis) as server:
            server.set("kept", 7)
    with running_servers(folder) as urls:
        assert query(urls.owner, "select a from kept") == [(7,)]
        with redis.Redis.from_url(urls.redis) as server:
            assert server.get("kept") == b"7"


def test_no_value_comes_into_the_log_however_slow_or_wrong_a_statement_is(tmp_path: Path) -> None:
    with (
        running_servers(tmp_path, valkey=False) as urls,
        psycopg.connect(urls.owner.replace("+psycopg", ""), autocommit=True) as connection,
    ):
        connection.execute("create table people (email text primary key check (email like '%@%'))")
        connection.execute("select pg_sleep(1.1), %b::text", ["slow@people.test"])
        connection.execute("insert into people values (%b)", ["twice@people.test"])
        for email in ("twice@people.test", "nowhere"):
            with pytest.raises(psycopg.IntegrityError):
                connection.execute("insert into people values (%b)", [email])
    said = (tmp_path / "log" / "postgres.log").read_text()
    assert "pg_sleep(1.1)" in said
    assert said.count("insert into people") == 2
    assert [word for word in ("slow@", "twice@", "nowhere") if word in said] == []


def test_nothing_is_no_backup(tmp_path: Path) -> None:
    """In another folder, or without LAUREL_DATA, there is nothing to dump; an empty file would replace a good one."""
    told = embedded("dump", tmp_path / "kept.dump", LAUREL_DATA=str(tmp_path / "var"))
    assert (told.returncode, told.stderr.startswith("There is no database in")) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["dump", "restore"])
@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE"])
def test_a_server_of_ones_own_is_not_taken_for_the_embedded_one(
    tmp_path: Path, command: str, name: str
) -> None:
    told = embedded(command, tmp_path / "kept.dump", LAUREL_DATA=str(tmp_path / "var"), **{name: "given"})
    assert (told.returncode, "docs/backup.md" in told.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def embedded(command: str, file: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    argv = [sys.executable, "-m", "embedded", command, str(file)]
    return subprocess.run(argv, env=kept | environ, capture_output=True, text=True, check=False)


def test_files_are_private(folder: Path) -> None:
    with running_servers(folder):
        modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("servers.json", "postgres")}
        passwords = stat.S_IMODE((folder / "postgres-passwords.json").stat().st_mode)
    assert modes == {"servers.json": 0o600, "postgres": 0o700}
    assert passwords == 0o600
    assert not (folder / "servers.json").exists()


def test_lost_passwords_are_made_anew(folder: Path) -> None:
    (folder / "postgres-passwords.json").unlink()
    with running_servers(folder, valkey=False) as urls:
        assert query(urls.app, "select 1") == [(1,)]


def test_other_version_is_refused(folder: Path) -> None:
    version = folder / "postgres" / "PG_VERSION"
    version.write_text("17\n")
    try:
        with (
            pytest.raises(EmbeddedError, match=r"PostgreSQL 17(?s:.*)embedded dump"),
            running_servers(folder),
        ):
            pass
    finally:
        version.write_text(f"{major_version()}\n")


def test_killed_holder_leaves_nothing(folder: Path, holder: subprocess.Popen[str]) -> None:
    running = DataFolder(folder).find_running()
    assert running is not None
    holder.kill()
    assert all_end(running.server_pids.values(), seconds=5)
    assert DataFolder(folder).find_running() is None


def test_next_one_starts_after_a_kill(folder: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    with running_servers(folder) as urls:
        assert query(urls.owner, "select a from kept") == [(7,)]


def test_servers_of_a_run_are_found(tmp_path: Path, servers: ServerUrls) -> None:
    script = "import sys; from pathlib import Path; from embedded import running_servers\n"
    script += "with running_servers(Path(sys.argv[1])) as urls: print(urls.redis)"
    data = DataFolder(tmp_path)
    assert data.try_lock()
    data.publish(Running("run", os.getpid(), {}, (int(servers.redis.rpartition(":")[2][:-2]),), servers))
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    data.unlock()
    assert found.stdout.strip() == servers.redis


def test_state_without_its_holder_is_stale(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.publish(Running("run", os.getpid(), {}, (), ServerUrls()))
    assert data.stated() is not None
    assert data.find_running() is None


def test_unreadable_state_is_none(tmp_path: Path) -> None:
    (tmp_path / "servers.json").write_text('{"purpose": "run"')
    assert DataFolder(tmp_path).stated() is None


def test_throwaway_leaves_no_files(tmp_path: Path) -> None:
    with running_servers(tmp_path, postgres=False, throwaway=True) as urls:
        assert urls.app == ""
        port = int(urls.redis.rpartition(":")[2][:-2])
        assert not is_port_free(port)
    assert not any(tmp_path.iterdir())
    assert is_port_free(port)


def test_procfile_runs_this_python(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# comment\nweb: python -m 'a b'\n\ncron: sleep 1\n")
    assert read_procfile(tmp_path / "Procfile") == {
        "web": [sys.executable, "-m", "a b"],
        "cron": ["sleep", "1"],
    }


def test_program_that_always_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.programs.FIRST_DELAY", 0.001)
    program = Program("web", [sys.executable, "-c", "raise SystemExit(3)"], os.environ)
    program.start()
    tended = Tended(program)
    with pytest.raises(EmbeddedError, match=rf"web ended {MOST_QUICK_DEATHS} times .*code 3"):
        tend_for(tended, seconds=10)


def test_program_whose_parent_has_gone_does_not_start(tmp_path: Path) -> None:
    """The parent was killed between its fork and the question to the kernel: nobody tells of its end any more."""
    argv = bound_to_parent(["touch", str(tmp_path / "it runs")], signal.SIGKILL)
    of_another = subprocess.run([sys.executable, "-c", RUN, *argv], check=False)
    assert (of_another.returncode, list(tmp_path.iterdir())) == (1, [])
    ours = subprocess.run(argv, check=False)
    assert (ours.returncode, [made.name for made in tmp_path.iterdir()]) == (0, ["it runs"])


def tend_for(tended: Tended, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tended.tend()
        time.sleep(0.01)


def all_end(pids: Iterable[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(is_alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

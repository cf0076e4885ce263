"""The web as gunicorn serves it: callers who stall, drip or do not listen hold no thread for long."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded.process import free_port
from tests.builders import Shop
from tests.web.conftest import Caller
from workers.runtime import Runtime

PROJECT = Path(__file__).resolve().parents[2]
CONF = """
exec(open({conf!r}).read())
PATIENCE, FOR_READERS = 1.0, 2.0
"""
THREADS = 4
ASKED = b"GET /healthz HTTP/1.1\r\nHost: shop.example\r\n"
WHOLE = ASKED + b"Connection: close\r\n\r\n"


@dataclass
class Web:
    """One process of the web with some threads, under the real settings but with less patience."""

    port: int
    process: subprocess.Popen[bytes]
    said: Path

    def connect(self, sent: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(sent)
        return connection

    def ask(self, sent: bytes = WHOLE) -> bytes:
        with self.connect(sent) as connection:
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    told = b""
    with contextlib.suppress(ConnectionResetError):
        while some := connection.recv(65536):
            told += some
    return told


@pytest.fixture
def web(runtime: Runtime, tmp_path: Path) -> Iterator[Web]:
    conf = tmp_path / "conf.py"
    conf.write_text(CONF.format(conf=str(PROJECT / "webhook_app" / "gunicorn_conf.py")))
    settings, port, said = runtime.settings, free_port(), tmp_path / "said.txt"
    environ = {
        **os.environ, "DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url, "SECRET_KEY": settings.secret_key, "PORT": str(port),
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys), "LAUREL_DATA": str(tmp_path),
        "WEB_WORKERS": "1", "WEB_THREADS": str(THREADS),
    }  # fmt: skip
    argv = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        str(conf),
        "--chdir",
        str(PROJECT),
        "webhook_app.wsgi:app",
    ]
    with (
        said.open("wb") as output,
        subprocess.Popen(argv, cwd=PROJECT, env=environ, stderr=output) as process,
    ):
        made = Web(port, process, said)
        wait_for(made)
        yield made
        process.terminate()


def wait_for(web: Web) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and web.process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            web.ask()
            return
        time.sleep(0.05)
    raise AssertionError(web.said.read_text())


def body_of(shop: Shop, framing: bytes, sent: bytes) -> bytes:
    """The beginning of a delivery to a known address."""
    path = f"/webhooks/woocommerce/{shop.store.webhook_token}".encode()
    kind = b"Host: shop.example\r\nX-WC-Webhook-Topic: order.updated\r\nContent-Type: application/json\r\n"
    return b"POST " + path + b" HTTP/1.1\r\n" + kind + framing + b"\r\n\r\n" + sent


@pytest.fixture
def stalled(shop: Shop) -> list[bytes]:
    """What callers send who then say nothing more: more of them than there are threads."""
    return [
        b"G", ASKED + b"X-Half: a", ASKED + b"Content-Length: 100\r\n\r\nab",
        body_of(shop, b"Content-Length: 100", b"ab"),
        body_of(shop, b"Transfer-Encoding: chunked", b"64\r\nab"),
        body_of(shop, b"Transfer-Encoding: chunked", b"6"),
    ]  # fmt: skip


def test_stalled_callers_are_let_go_and_others_answered(
    web: Web, runtime: Runtime, shop: Shop, stalled: list[bytes]
) -> None:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(web.connect(sent)) for sent in stalled]
        started = time.monotonic()
        assert web.ask().startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - started < 10
        told = [read_all(connection) for connection in held]
    answered = [each.split(b"\r\n")[0] for each in told if each]
    assert told[:2] == [b"", b""]
    assert told[2].startswith(b"HTTP/1.1 200 "), "a body that nobody asks for is not waited for"
    assert answered[1:] == [b"HTTP/1.1 408 REQUEST TIMEOUT"] * 3
    with runtime.database.transaction(shop.account) as connection:
        assert connection.exec_driver_sql("select count(*) from inbox_messages").scalar_one() == 0
    assert "Traceback" not in web.said.read_text()
    assert "request_failed" not in web.said.read_text()


def test_a_caller_who_drips_is_let_go(web: Web) -> None:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(web.connect(ASKED + b"X-Long: ")) for _ in range(THREADS)]
        started = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - started < 6:
                for connection in held:
                    connection.sendall(b"x")
                time.sleep(0.1)
        assert time.monotonic() - started < 5
        assert web.ask().startswith(b"HTTP/1.1 200 ")


def test_a_large_body_may_come_for_longer_than_a_small_one(web: Web, shop: Shop) -> None:
    body = body_of(shop, b"Connection: close\r\nContent-Length: 1000000", b"")
    with web.connect(body) as connection:
        for _ in range(20):
            connection.sendall(b" " * 50_000)
            time.sleep(0.1)
        assert read_all(connection).startswith(b"HTTP/1.1 401 ")


def test_a_caller_who_keeps_his_connection_has_the_time_for_each_request(web: Web) -> None:
    with web.connect(b"") as connection:
        for _ in range(4):
            connection.sendall(ASKED)
            time.sleep(0.5)
            connection.sendall(b"\r\n")
            told = b""
            while not told.endswith(b"}\n"):
                told += connection.recv(65536)
            assert told.startswith(b"HTTP/1.1 200 ")


def test_callers_who_read_nothing_are_let_go_and_slow_readers_get_all(web: Web) -> None:
    asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: shop.example\r\n"
    whole = web.ask(asked + b"Connection: close\r\n\r\n")
    with contextlib.ExitStack() as stack:
        for _ in range(THREADS):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", web.port))
            connection.sendall((asked + b"\r\n") * 60)
        time.sleep(1)
        started = time.monotonic()
        assert web.ask().startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - started < 10
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", web.port))
        connection.sendall(asked + b"Connection: close\r\n\r\n")
        told = b""
        while some := connection.recv(8192):
            told += some
            time.sleep(0.02)
    assert (len(whole) > 100_000, len(told)) == (True, len(whole))
    assert "Traceback" not in web.said.read_text()


def test_a_body_whose_caller_hangs_up_is_not_taken_for_whole(
    web: Web, runtime: Runtime, shop: Shop, caller: Caller
) -> None:
    """What came of this file is one by itself: three rows were meant."""
    head = f"Authorization: Bearer {caller.key}\r\nContent-Type: text/csv\r\nContent-Length: 60\r\n\r\n"
    asked = f"POST /api/v1/imports HTTP/1.1\r\nHost: shop.example\r\n{head}email,points\na@b.example,5\n"
    with web.connect(asked.encode()) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
    with runtime.database.transaction(shop.account) as connection:
        assert connection.exec_driver_sql("select count(*) from imports").scalar_one() == 0


def test_callers_who_leave_answered_connections_open_hold_up_nobody(web: Web) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(THREADS - 1):
            stack.enter_context(web.connect(WHOLE))
        time.sleep(0.5)
        started = time.monotonic()
        assert web.ask().startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - started < 1.2


def test_stalled_callers_do_not_keep_the_web_from_stopping(web: Web, stalled: list[bytes]) -> None:
    with contextlib.ExitStack() as stack:
        for sent in stalled:
            stack.enter_context(web.connect(sent))
        time.sleep(0.2)
        web.process.send_signal(signal.SIGTERM)
        assert web.process.wait(timeout=15) == 0

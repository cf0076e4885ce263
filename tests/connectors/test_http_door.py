from __future__ import annotations

import contextlib
import gzip
import ipaddress
import re
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors import deadline
from connectors.addresses import is_allowed
from connectors.http import Door, Pace, retry_after
from connectors.woocommerce.auth import auth_for
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.pushes import OneTooSlow, PushError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}


def door(shop: SandboxShop, **options: object) -> Door:
    return Door(shop.url, **{"allow_private": True, "per_second": 10_000, **options})  # type: ignore[arg-type]


def failure(shop: SandboxShop, **options: object) -> PushError:
    with pytest.raises(PushError) as caught:
        door(shop, **options).get("wp-json/")
    return caught.value


def test_answer_is_json_with_exact_numbers(woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=200, headers=JSON, body=b'\xef\xbb\xbf{"amount": 0.1}')
    assert str(door(woo_shop).get("wp-json/").data["amount"]) == "0.1"


def test_one_connection_serves_many_calls(woo_shop: SandboxShop) -> None:
    one, taken = door(woo_shop), []
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(20):
            one.get("wp-json/")
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.5, "other tests may hold the processors for a while, but not three times"


@pytest.mark.parametrize(
    ("status", "permanent", "reason"),
    [
        (301, True, "configuration"),
        (302, False, "configuration"),
        (307, False, "configuration"),
        (401, True, "permission"),
        (403, True, "permission"),
        (429, False, "limit"),
        (500, False, "unreachable"),
        (503, False, "unreachable"),
    ],
)
def test_status_decides_whether_to_try_again(
    woo_shop: SandboxShop, status: int, permanent: bool, reason: str
) -> None:
    woo_shop.fail_next(status=status, headers={"Location": f"{woo_shop.url}/wp-json/"})
    error = failure(woo_shop)
    assert (error.permanent, error.reason) == (permanent, reason)
    assert len(woo_shop.requests) == 1


@pytest.mark.parametrize("status", [200, 404])
def test_page_instead_of_json_is_tried_again(woo_shop: SandboxShop, status: int) -> None:
    woo_shop.fail_next(status=status)
    error = failure(woo_shop)
    assert (error.permanent, error.reason) == (False, "unreachable")


def test_wait_of_the_shop_is_passed_on(woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=429, headers={"Retry-After": "7"})
    assert failure(woo_shop).retry_after == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("999999999", 86400.0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


def test_big_body_is_given_up(woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=200, body=b"[" + b" " * 5000 + b"]")
    assert failure(woo_shop, largest_body=5000).reason == "unreachable"


def test_small_body_that_unpacks_to_a_big_one_is_given_up(woo_shop: SandboxShop) -> None:
    packed = gzip.compress(b" " * 30_000_000)
    woo_shop.fail_next(status=200, headers={"Content-Encoding": "gzip"}, body=packed)
    assert len(packed) < 50_000
    assert "large" in failure(woo_shop).message


def test_slow_shop_is_given_up(woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=200, delay=0.5)
    error = failure(woo_shop, timeout=(1.0, 0.05))
    assert (error.permanent, error.reason) == (False, "unreachable")


class _Dripping(socketserver.BaseRequestHandler):
    """Sends the beginning of an answer at once, and the rest a byte each 0.1 seconds."""

    ANSWERS: ClassVar = {
        "/header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 60),
        "/body": (b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n", b" " * 60),
        "/chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3c\r\n", b" " * 60),
        "/sizes": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 60),
        "/continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3),
        "/packed": (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 60\r\n\r\n",
            gzip.compress(b" " * 30_000_000)[:60],
        ),
    }

    def handle(self) -> None:
        beginning, rest = self.ANSWERS[self.request.recv(65536).split()[1].decode()]
        with contextlib.suppress(OSError):
            self.request.sendall(beginning)
            for each in rest:
                time.sleep(0.1)
                self.request.sendall(bytes([each]))


class _Secured(_Dripping):
    CONTEXT: ssl.SSLContext

    def setup(self) -> None:
        self.request = self.CONTEXT.wrap_socket(self.request, server_side=True)

    def finish(self) -> None:
        self.request.close()


@contextlib.contextmanager
def dripping(handler: type[_Dripping]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("fails_at_things", [False, True])
@pytest.mark.parametrize("path", _Dripping.ANSWERS)
def test_answer_that_drips_is_given_up(
    monkeypatch: pytest.MonkeyPatch, path: str, fails_at_things: bool
) -> None:
    monkeypatch.setattr(deadline, "WHOLE_SECONDS", 0.5)
    with dripping(_Dripping) as port:
        one = Door(f"http://127.0.0.1:{port}", allow_private=True, fails_at_things=fails_at_things)
        started = time.monotonic()
        with pytest.raises(PushError) as caught:
            one.send("GET", path, None)
        assert 0.4 < time.monotonic() - started < 3
    assert (caught.value.permanent, caught.value.reason) == (False, "unreachable")
    assert isinstance(caught.value, OneTooSlow) is fails_at_things


def test_file_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "WHOLE_SECONDS", 0.5)
    with dripping(_Dripping) as port:
        started = time.monotonic()
        with pytest.raises(PushError):
            Door("", allow_private=True).read_bytes(f"http://127.0.0.1:{port}/body", 0, 60)
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("path", ["/header", "/body"])
def test_secured_answer_that_drips_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    monkeypatch.setattr(deadline, "WHOLE_SECONDS", 0.5)
    certificate = make_certificate(tmp_path, "shop.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with dripping(type("_Here", (_Secured,), {"CONTEXT": context})) as port:
        one = Door(
            f"https://shop.example:{port}",
            allow_private=True,
            verify=str(certificate),
            resolve=lambda host, port: ["127.0.0.1"],
        )
        started = time.monotonic()
        with pytest.raises(PushError) as caught:
            one.get(path)
        assert 0.4 < time.monotonic() - started < 3
    assert "Timeout" in caught.value.message or "ConnectionError" in caught.value.message


def test_each_answer_of_a_connection_has_the_whole_time(
    monkeypatch: pytest.MonkeyPatch, woo_shop: SandboxShop
) -> None:
    monkeypatch.setattr(deadline, "WHOLE_SECONDS", 0.5)
    one = door(woo_shop)
    for _ in range(4):
        woo_shop.fail_next(status=200, headers=JSON, body=b"{}", delay=0.2)
        assert one.get("wp-json/").status == 200


def test_nobody_listening_is_tried_again() -> None:
    with SandboxShop() as shop:
        pass
    assert failure(shop).reason == "unreachable"


def test_private_address_is_refused_before_any_call(woo_shop: SandboxShop) -> None:
    error = failure(woo_shop, allow_private=False)
    assert (error.permanent, error.reason, woo_shop.requests) == (True, "configuration", [])


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.215.14", True, True),
        ("2606:2800:21f::1", True, True),
        ("127.0.0.1", False, True),
        ("10.0.0.1", False, True),
        ("192.168.1.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:169.254.169.254", False, False),
        ("169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("64:ff9b::808:808", True, True),
        ("64:ff9b::7f00:1", False, True),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:808:808::", True, True),
        ("2002:a9fe:a9fe::", False, False),
        ("2002:7f00:1::", False, True),
        ("::127.0.0.1", False, True),
        ("::169.254.169.254", False, False),
        ("2001:0:7f00:1::", False, True),
        ("100.64.0.1", False, False),
        ("192.0.0.8", False, False),
        ("168.63.129.16", False, False),
        ("fd00:ec2::254", False, True),
        ("3fff::1", False, False),
        ("2606:4700::1111", True, True),
    ],
)
def test_only_global_addresses_are_public(address: str, public: bool, private: bool) -> None:
    assert is_allowed(address, allow_private=False) is public
    assert is_allowed(address, allow_private=True) is private


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    one = Door("http://shop.example", resolve=lambda host, port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(PushError, match="not public"):
        one.get("/")


def test_name_is_resolved_once_and_the_checked_address_is_called(woo_shop: SandboxShop) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    one = Door(f"http://shop.example:{woo_shop.port}", allow_private=True, resolve=rebinding)
    assert one.get("wp-json/").status == one.get("wp-json/").status == 200
    assert asked == ["shop.example"]
    assert {seen.headers["host"] for seen in woo_shop.requests} == {f"shop.example:{woo_shop.port}"}


def test_next_address_is_tried_after_a_dead_one(woo_shop: SandboxShop) -> None:
    url = f"http://shop.example:{woo_shop.port}"
    one = Door(url, allow_private=True, resolve=lambda host, port: ["127.9.9.9", "127.0.0.1"])
    with pytest.raises(PushError):
        one.get("wp-json/")
    assert one.get("wp-json/").status == 200


def test_unknown_name_is_tried_again() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(PushError) as caught:
        Door("http://shop.example", resolve=unknown).get("/")
    assert (caught.value.permanent, caught.value.reason) == (False, "unreachable")


@pytest.mark.parametrize("url", ["ftp://shop.example", "shop.example", "http://"])
def test_address_that_is_none_is_a_matter_of_configuration(url: str) -> None:
    with pytest.raises(PushError) as caught:
        Door(url).get("/")
    assert (caught.value.permanent, caught.value.reason) == (True, "configuration")


def test_pace_keeps_calls_apart() -> None:
    pace = Pace(per_second=50)
    started = time.monotonic()
    for _ in range(4):
        pace.wait()
    assert time.monotonic() - started >= 0.06


def test_certificate_is_checked_against_the_name_not_the_address(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "shop.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with SandboxShop(tls=context) as shop:

        def named(name: str) -> Door:
            url = f"https://{name}:{shop.port}"
            auth = auth_for(url, shop.consumer_key, shop.consumer_secret)
            return Door(
                url,
                auth=auth,
                allow_private=True,
                verify=str(certificate),
                resolve=lambda host, port: ["127.0.0.1"],
            )

        assert named("shop.example").get("wp-json/wc/v3/orders").data == []
        with pytest.raises(PushError, match="SSLError"):
            named("other.example").get("wp-json/wc/v3/orders")


def make_certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName(
        [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.9.9.9"))]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "shop.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class _Files(BaseHTTPRequestHandler):
    """Serves one file; `/whole` knows no ranges."""

    FILE = bytes(range(256)) * 1024

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if self.path == "/gone":
            return self._send(404, b"gone")
        if self.path == "/whole" or asked is None:
            return self._send(200, self.FILE)
        start, end = int(asked[1]), int(asked[2])
        if start >= len(self.FILE):
            return self._send(416, b"")
        return self._send(206, self.FILE[start : end + 1])

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/ranges", "/whole"])
@pytest.mark.parametrize(
    "start", [0, 1, 100_000, len(_Files.FILE) - 10, len(_Files.FILE), len(_Files.FILE) + 5]
)
def test_part_of_a_file_is_read_whether_the_server_knows_ranges_or_not(
    files: str, path: str, start: int
) -> None:
    part = Door("", allow_private=True, per_second=10_000).read_bytes(f"{files}{path}", start, 70_000)
    assert part == _Files.FILE[start : start + 70_000]


def test_file_that_is_gone_is_tried_again_and_a_private_one_is_refused(files: str) -> None:
    with pytest.raises(PushError) as gone:
        Door("", allow_private=True).read_bytes(f"{files}/gone", 0, 10)
    assert (gone.value.permanent, gone.value.reason) == (False, "unreachable")
    with pytest.raises(PushError):
        Door("").read_bytes(f"{files}/ranges", 0, 10)

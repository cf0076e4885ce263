"""The single door to the network: one session per store, checked addresses, limits of size, time and rate."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests
from requests.auth import AuthBase
from requests.exceptions import ChunkedEncodingError, ContentDecodingError, ReadTimeout, RequestException
from urllib3.exceptions import ReadTimeoutError

from connectors.addresses import PinnedAdapter, Resolve, resolve
from loyalty.clock import utc_now
from loyalty.pushes import OneFailed, OneTooSlow, PushError

CONNECT_SECONDS, READ_SECONDS = 3.0, 20.0
LARGEST_BODY = 20 * 1024 * 1024
CHUNK = 64 * 1024
LONGEST_WAIT = 86400.0
PER_SECOND = 10.0
USER_AGENT = "Laurel"
SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a shop answered: `data` is its JSON with exact numbers."""

    status: int
    headers: Mapping[str, str]
    data: Any


class Pace:
    """Keeps a minimal distance between the calls to one store."""

    def __init__(self, per_second: float) -> None:
        self._distance = 1 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may start."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._distance
        time.sleep(start - now)


class Door:
    """Calls one store over HTTP; every failure of network, rights or form is a PushError.

    Where `fails_at_things`, a 500, no JSON and an answer without end are raised as OneFailed: a program of the shop
    died or hangs, for which what the call asks for may be to blame.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase | None = None,
        allow_private: bool = False,
        per_second: float = PER_SECOND,
        largest_body: int = LARGEST_BODY,
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        verify: bool | str = True,
        resolve: Resolve = resolve,
        now: Callable[[], datetime] = utc_now,
        fails_at_things: bool = False,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._largest_body = largest_body
        self._timeout = timeout
        self._now = now
        self._failed = OneFailed if fails_at_things else PushError
        self._too_slow = OneTooSlow if fails_at_things else PushError
        self._pace = Pace(per_second)
        self._session = _open_session(auth, verify)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PinnedAdapter(allow_private=allow_private, resolve=resolve))

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a GET; raises PushError."""
        return self.call("GET", path, params=params)

    def call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, payload: Any = None
    ) -> Answer:
        """Return the answer of the shop, also a 4xx that is not about rights or rate; raises PushError."""
        with self._request(method, path, params, payload) as response:
            return Answer(response.status_code, response.headers, self._read_json(response))

    def send(self, method: str, path: str, payload: Any) -> int:
        """Return the status of an answer whose body does not matter; raises PushError as `call` does."""
        with self._request(method, path, None, payload) as response:
            self._read(response)
            return response.status_code

    def read_bytes(self, url: str, start: int, limit: int) -> bytes:
        """Return at most so many bytes of a file at a whole address, fewer only at its end; raises PushError.

        A server that knows no ranges sends the beginning too, which is thrown away.
        """
        headers = {"Range": f"bytes={start}-{start + limit - 1}", "Accept-Encoding": "identity"}
        with self._request("GET", "", None, None, url=url, headers=headers) as response:
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return b""
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                message = f"The file cannot be read ({response.status_code})."
                raise PushError(message, permanent=False, reason="unreachable")
            skip = 0 if response.status_code == HTTPStatus.PARTIAL_CONTENT else start
            return self._read_slice(response, skip, limit)

    def _read_slice(self, response: requests.Response, skip: int, limit: int) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk[skip:]
            skip = max(0, skip - len(chunk))
            if len(body) >= limit:
                break
        return bytes(body[:limit])

    @contextmanager
    def _request(
        self, method: str, path: str, params: Mapping[str, str] | None, payload: Any, *,
        url: str | None = None, headers: Mapping[str, str] | None = None,
    ) -> Iterator[requests.Response]:  # fmt: skip
        """`url` stands for the path under the base address where it is given."""
        self._pace.wait()
        try:
            with self._session.request(
                method,
                url or f"{self._base_url}/{path.lstrip('/')}",
                params=params,
                json=payload,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                self._refuse(response)
                yield response
        except RequestException as error:
            raise self._unreachable(error) from None

    def _refuse(self, response: requests.Response) -> None:
        """Raise PushError for the statuses that mean the same on every platform."""
        status = response.status_code
        if status in (401, 403):
            raise PushError(f"The shop refused our key ({status}).", permanent=True, reason="permission")
        if status == 429:
            wait = retry_after(response.headers, self._now())
            raise PushError(
                "The shop wants fewer calls (429).", permanent=False, reason="limit", retry_after=wait
            )
        if status >= 500:
            wait = retry_after(response.headers, self._now())
            # 502, 503 and 504 say that nobody carried the call out.
            kind = self._failed if status == 500 else PushError
            raise kind(
                f"The shop failed ({status}).", permanent=False, reason="unreachable", retry_after=wait
            )
        if 300 <= status < 400:
            message = f"The shop redirects ({status}); its address in the settings must be the final one."
            raise PushError(message, permanent=status in (301, 308), reason="configuration")

    def _read(self, response: requests.Response) -> bytes:
        """Return the decompressed body; a huge one is given up here, a dripping one by the connection."""
        body = bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > self._largest_body:
                message = "The answer is too large."
                raise self._too_slow(message, permanent=False, reason="unreachable")
        return bytes(body)

    def _read_json(self, response: requests.Response) -> Any:
        try:
            return json.loads(self._read(response).decode("utf-8-sig"), parse_float=Decimal)
        except (ValueError, RecursionError, ArithmeticError):
            raise self._failed("The answer is no JSON.", permanent=False, reason="unreachable") from None

    def _unreachable(self, error: RequestException) -> PushError:
        """An address that is none stays so (these errors are ValueErrors too); everything else may pass."""
        message = f"The shop cannot be reached: {type(error).__name__}"
        if isinstance(error, ValueError):
            return PushError(message, permanent=True, reason="configuration")
        kind = self._failed if isinstance(error, ChunkedEncodingError | ContentDecodingError) else PushError
        kind = self._too_slow if _is_too_slow(error) else kind
        return kind(message, permanent=False, reason="unreachable")


def _open_session(auth: AuthBase | None, verify: bool | str) -> requests.Session:
    session = requests.Session()
    # Neither proxies nor .netrc of the machine: what a shop is told depends on its own settings only.
    session.trust_env = False
    session.auth = auth
    session.verify = verify
    session.headers["User-Agent"] = USER_AGENT
    return session


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, given as seconds or as a date (RFC 9110 §10.2.3); None without."""
    value = headers.get("Retry-After", "").strip()
    # Shopify writes 2.0 where the standard has whole seconds.
    if SECONDS.fullmatch(value):
        return min(float(value), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)


def _is_too_slow(error: RequestException) -> bool:
    """Return whether a shop took the call and did not answer in time; in the middle of an answer requests calls that
    a failed connection.
    """
    return isinstance(error, ReadTimeout) or any(isinstance(each, ReadTimeoutError) for each in error.args)

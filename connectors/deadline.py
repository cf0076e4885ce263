"""Connections on which an answer ends in time; law: the seconds of one answer are counted from its first header to the
last byte of its body, in however small pieces it comes.
"""

from __future__ import annotations

import io
from http.client import HTTPResponse
from socket import socket
from time import monotonic
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

WHOLE_SECONDS = 60.0


class _InTime(io.RawIOBase):
    """The bytes of one answer: a read waits as long as the connection allows, and never beyond the whole time."""

    def __init__(self, raw: io.RawIOBase, connection: socket) -> None:
        self._raw = raw
        self._connection = connection
        self._longest = connection.gettimeout()
        self._end = monotonic() + WHOLE_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has come; raises TimeoutError."""
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError("The answer takes too long.")
        self._connection.settimeout(left if self._longest is None else min(left, self._longest))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_InTime(self.fp.detach(), sock))


class _Plain(HTTPConnection):
    response_class = _Answer


class _Secure(HTTPSConnection):
    response_class = _Answer


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}
"""What a pool manager of urllib3 makes its connections of."""

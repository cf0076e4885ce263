"""Which network addresses a shop may have, and the adapter that connects to exactly the address that was checked."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as ConnectionFailed

from connectors.deadline import POOLS
from loyalty.pushes import PushError

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the numeric addresses of a host name; raises OSError."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
KEPT_SECONDS = 60.0
_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_NOT_GLOBAL = [
    ipaddress.ip_network(each)
    for each in (
        "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20",
        # Answers only from within the virtual machines of one host of clouds, with their secrets.
        "168.63.129.16/32",
    )
]  # fmt: skip


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, the preferred first (getaddrinfo); raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_allowed(address: str, *, allow_private: bool) -> bool:
    """Return whether we may connect to an address: a global one, or (for tests and local shops) a private one."""
    ip = _reached(ipaddress.ip_address(address))
    if ip.is_multicast or ip.is_link_local or ip.is_unspecified:
        return False
    return _is_global(ip) or (allow_private and ip.is_private)


def _is_global(ip: IPAddress) -> bool:
    """Return what the standard library says, narrowed to what is global on every version of Python."""
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _UNICAST:
        return False
    return ip.is_global and not any(ip in network for network in _NOT_GLOBAL)


def _reached(ip: IPAddress) -> IPAddress:
    """Return the IPv4 address to which a gateway, or this machine, takes an IPv6 address that carries one."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


class PinnedAdapter(HTTPAdapter):
    """Resolves a host once, checks every address, connects to one of them; TLS and Host still speak of the name.

    An answer that does not end in time is a time-out of reading.
    """

    def __init__(self, *, allow_private: bool, resolve: Resolve = resolve) -> None:
        super().__init__(pool_connections=2, pool_maxsize=4)
        self.poolmanager.pool_classes_by_scheme = POOLS
        self._allow_private = allow_private
        self._resolve = resolve
        self._known: dict[tuple[str, int], tuple[float, list[str]]] = {}

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Return the pool of the checked address, with the certificate to be checked against the name."""
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(request, verify, cert)
        name = str(host_params["host"])
        host_params["host"] = self._address(name, _port(request.url))
        if host_params["scheme"] == "https":
            return host_params, {**pool_kwargs, "server_hostname": name, "assert_hostname": name}
        return host_params, pool_kwargs

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send with the Host header of the name; after a failed connection the next address is tried first."""
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc.rpartition("@")[2]
        try:
            return super().send(request, *args, **kwargs)
        except ConnectionFailed:
            self._rotate(str(parts.hostname), _port(request.url))
            raise

    def _address(self, host: str, port: int) -> str:
        seen, addresses = self._known.get((host, port), (0.0, []))
        if not addresses or time.monotonic() - seen > KEPT_SECONDS:
            addresses = self._checked(host, port)
            self._known[host, port] = (time.monotonic(), addresses)
        return addresses[0]

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError) as error:
            message = f"The name {host} cannot be resolved: {error}"
            raise PushError(message, permanent=False, reason="unreachable") from None
        # One bad address among good ones is enough to refuse: a rebinding name mixes them on purpose.
        if not addresses or not all(
            is_allowed(each, allow_private=self._allow_private) for each in addresses
        ):
            message = f"The name {host} leads to an address that is not public."
            raise PushError(message, permanent=True, reason="configuration")
        return addresses

    def _rotate(self, host: str, port: int) -> None:
        seen, addresses = self._known.get((host, port), (0.0, []))
        self._known[host, port] = (seen, addresses[1:] + addresses[:1])


def _port(url: str | None) -> int:
    parts = urlsplit(str(url))
    return parts.port or (443 if parts.scheme == "https" else 80)

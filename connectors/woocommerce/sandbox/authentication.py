"""Whom the sandbox shop lets in: OAuth 1.0a over http, Basic over https, as rest/error-401-* shows."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from urllib.parse import parse_qsl, quote

from connectors.woocommerce.sandbox.errors import RestError

WINDOW_SECONDS = 15 * 60
DIGESTS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
REFUSED = "woocommerce_rest_authentication_error"


class Gate:
    """Knows the one key of the shop and the nonces it has seen."""

    def __init__(self, key: str, secret: str) -> None:
        self.key = key
        self.secret = secret
        self.permissions = "read_write"
        self._nonces: set[str] = set()

    def admit(self, method: str, url: str, query: str, authorization: str, *, is_secure: bool) -> None:
        """Return when the caller may do this; raises RestError 401."""
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        if is_secure and authorization.startswith("Basic "):
            self._check_basic(authorization, method)
        elif is_secure and "consumer_key" in parameters:
            self._check_pair(parameters["consumer_key"], parameters.get("consumer_secret", ""), method)
        elif "oauth_consumer_key" in parameters:
            self._check_oauth(method, url, parameters)
        else:
            # Over plain http Basic is not even looked at: the caller is a stranger.
            raise cannot(method)
        if method != "GET" and self.permissions == "read":
            raise RestError(401, REFUSED, "The API key provided does not have write permissions.")

    def _check_basic(self, authorization: str, method: str) -> None:
        try:
            key, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise cannot(method) from None
        self._check_pair(key, secret, method)

    def _check_pair(self, key: str, secret: str, method: str) -> None:
        if key != self.key:
            raise cannot(method)
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            raise RestError(401, REFUSED, "Consumer secret is invalid.")

    def _check_oauth(self, method: str, url: str, parameters: dict[str, str]) -> None:
        if parameters["oauth_consumer_key"] != self.key:
            raise RestError(401, REFUSED, "Consumer key is invalid.")
        given = parameters.pop("oauth_signature", "")
        digest = DIGESTS.get(parameters.get("oauth_signature_method", ""))
        if digest is None:
            raise RestError(401, REFUSED, "Invalid signature - signature method is invalid.")
        wanted = hmac.new(f"{self.secret}&".encode(), base_string(method, url, parameters), digest).digest()
        if not hmac.compare_digest(base64.b64encode(wanted), given.encode()):
            raise RestError(401, REFUSED, "Invalid signature - provided signature does not match.")
        self._check_nonce(parameters)

    def _check_nonce(self, parameters: dict[str, str]) -> None:
        stamp, nonce = parameters.get("oauth_timestamp", "0"), parameters.get("oauth_nonce", "")
        if abs(time.time() - int(stamp)) > WINDOW_SECONDS:
            raise RestError(401, REFUSED, "Invalid timestamp.")
        if nonce in self._nonces:
            raise RestError(401, REFUSED, "Invalid nonce - nonce has already been used.")
        self._nonces.add(nonce)


def base_string(method: str, url: str, parameters: dict[str, str]) -> bytes:
    """Return what OAuth 1.0a signs (RFC 5849 §3.4.1)."""
    pairs = sorted((quote(key, safe="~"), quote(value, safe="~")) for key, value in parameters.items())
    joined = "&".join(f"{key}={value}" for key, value in pairs)
    return f"{method}&{quote(url, safe='~')}&{quote(joined, safe='~')}".encode()


def cannot(method: str) -> RestError:
    """Return what a stranger is told."""
    if method == "GET":
        return RestError(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    return RestError(401, "woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources.")

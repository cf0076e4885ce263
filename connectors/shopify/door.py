"""The door to one shop: its token goes with every call, and a refused token that can be had anew is told as such."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from connectors.http import PER_SECOND, Door
from loyalty.clock import utc_now
from loyalty.pushes import PushError, TokenRefused

TOKEN_HEADER = "X-Shopify-Access-Token"
FRESH = timedelta(seconds=60)
"""A token this young was just had anew: when it is refused too, another would not help."""


class TokenAuth(AuthBase):
    """Puts the access token of an app into a request."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Return the request with the token."""
        request.headers[TOKEN_HEADER] = self._token
        return request


class ShopDoor(Door):
    """Calls one shop with the token of its credentials."""

    def __init__(
        self,
        url: str,
        credentials: Mapping[str, str],
        *,
        allow_private: bool = False,
        per_second: float = PER_SECOND,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`credentials` are those of a store: `mode`, `access_token`, `issued_at`, `refresh_token`, ..."""
        token = TokenAuth(credentials.get("access_token", ""))
        super().__init__(url, auth=token, allow_private=allow_private, per_second=per_second, now=now)
        self._credentials = credentials

    def _refuse(self, response: Response) -> None:
        status = response.status_code
        if status == HTTPStatus.UNAUTHORIZED and self._may_renew():
            raise TokenRefused("The shop refused our token (401).")
        if status in (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.LOCKED):
            # A frozen shop has not paid, a locked one is under review: both may come back.
            raise PushError(f"The shop is closed ({status}).", permanent=False, reason="configuration")
        super()._refuse(response)

    def _may_renew(self) -> bool:
        """Return whether a newer token may be had than the refused one."""
        mode = self._credentials.get("mode")
        refreshes = mode == "authorization_code" and bool(self._credentials.get("refresh_token"))
        if mode != "client_credentials" and not refreshes:
            return False
        issued = self._credentials.get("issued_at", "")
        return not issued or datetime.fromisoformat(issued) + FRESH < self._now()

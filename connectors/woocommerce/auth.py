"""How we prove to a WooCommerce store who we are: Basic over https, signed queries over http."""

from __future__ import annotations

import secrets
from functools import partial

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth
from woocommerce.oauth import OAuth


class SignedQuery(AuthBase):
    """OAuth 1.0a in the query: over plain http WooCommerce skips Basic (class-wc-rest-authentication.php)."""

    def __init__(self, consumer_key: str, consumer_secret: str) -> None:
        self._key = consumer_key
        self._secret = consumer_secret

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Return the request with its query signed; a parameter must not be repeated, the signer keeps the last."""
        signer = OAuth(
            url=request.url,
            consumer_key=self._key,
            consumer_secret=self._secret,
            version="wc/v3",
            method=request.method,
        )
        # The package draws its nonce from eight digits: on a busy store one soon repeats, and the shop refuses it.
        signer.generate_nonce = partial(secrets.token_hex, 16)
        request.url = signer.get_oauth_url()
        return request


def auth_for(url: str, consumer_key: str, consumer_secret: str) -> AuthBase:
    """Return the way of signing that fits the scheme of the shop's address."""
    if url.lower().startswith("https://"):
        return HTTPBasicAuth(consumer_key.encode(), consumer_secret.encode())
    return SignedQuery(consumer_key, consumer_secret)

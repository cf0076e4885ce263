"""How the app comes to a token of the sandbox shop: client credentials, authorization code, refresh, a pasted key."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from connectors.shopify.sandbox.state import ALL_SCOPES, Json, State

CREDENTIALS_LIFE = timedelta(seconds=86399)
ACCESS_LIFE = timedelta(seconds=3600)
REFRESH_LIFE = timedelta(seconds=7776000)
CODE_LIFE = timedelta(minutes=10)


@dataclass(slots=True)
class Token:
    """An access token; without `expires_at` it lives for ever."""

    scopes: frozenset[str]
    expires_at: datetime | None = None


@dataclass(slots=True)
class Pair:
    """A refresh token: `heir` came of it and has not been used yet, so it may be used again."""

    scopes: frozenset[str]
    expires_at: datetime
    access: str
    heir: str | None = None


class OAuthError(Exception):
    """The answer is a refusal with a status."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "error_description": description}


@dataclass(slots=True)
class Office:
    """Gives out tokens; the shop's lock guards it."""

    state: State
    pasted: str = ""
    """A key of a custom app, which never expires."""
    granted: frozenset[str] = frozenset(ALL_SCOPES)
    tokens: dict[str, Token] = field(default_factory=dict)
    pairs: dict[str, Pair] = field(default_factory=dict)
    codes: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pasted:
            self.tokens[self.pasted] = Token(self.granted)

    def scopes_of(self, token: str) -> frozenset[str] | None:
        """Return what a token may do; None when the shop does not know it, or no more."""
        found = self.tokens.get(token)
        if found is None or not self.state.installed:
            return None
        if found.expires_at is not None and self.state.now() >= found.expires_at:
            return None
        self._retire_ancestors(token)
        return found.scopes

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the merchant's browser is sent after he agreed; raises OAuthError."""
        if query.get("client_id") != self.state.options.client_id:
            raise OAuthError(400, "application_cannot_be_found", "Could not find a Shopify API application.")
        code = secrets.token_hex(16)
        self.codes[code] = self.state.now() + CODE_LIFE
        self.state.installed = True
        if query.get("scope"):
            self.granted = frozenset(query["scope"].replace(" ", "").split(","))
        domain = self.state.options.domain
        host = (
            base64.b64encode(f"admin.shopify.com/store/{domain.split('.')[0]}".encode()).decode().rstrip("=")
        )
        back = {"code": code, "host": host, "shop": domain, "state": query.get("state", "")}
        back["timestamp"] = str(int(self.state.now().timestamp()))
        return f"{query.get('redirect_uri', '')}?{urlencode({**back, 'hmac': self.sign(back)})}"

    def exchange(self, given: Json) -> Json:
        """Return a token for what is given; raises OAuthError."""
        options = self.state.options
        secret = str(given.get("client_secret", "")).encode()
        if given.get("client_id") != options.client_id or not hmac.compare_digest(
            secret, options.client_secret.encode()
        ):
            raise OAuthError(400, "invalid_client", "The client credentials are not valid.")
        kind = given.get("grant_type", "authorization_code")
        if kind == "client_credentials":
            return self._by_credentials()
        if kind == "refresh_token":
            return self._by_refresh(str(given.get("refresh_token", "")))
        if kind != "authorization_code":
            raise OAuthError(400, "unsupported_grant_type", "The sandbox does not play this grant.")
        return self._by_code(str(given.get("code", "")), is_expiring=str(given.get("expiring")) == "1")

    def sign(self, query: Json) -> str:
        """Return the hex hmac of a query of Shopify's."""
        message = "&".join(f"{key}={query[key]}" for key in sorted(query) if key != "hmac")
        return hmac.new(self.state.options.client_secret.encode(), message.encode(), "sha256").hexdigest()

    def _by_credentials(self) -> Json:
        if not self.state.installed:
            raise OAuthError(400, "app_not_installed", "The application is not installed on this shop.")
        token = f"shpat_{secrets.token_hex(16)}"
        self.tokens[token] = Token(self.granted, self.state.now() + CREDENTIALS_LIFE)
        return self._told(token) | {"expires_in": int(CREDENTIALS_LIFE.total_seconds())}

    def _by_code(self, code: str, *, is_expiring: bool) -> Json:
        until = self.codes.pop(code, None)
        if until is None or self.state.now() >= until:
            message = "The authorization code was not found or was already used"
            raise OAuthError(400, "invalid_request", message)
        if is_expiring:
            # One refreshable token for app and shop: a new one kills the older refresh tokens at once.
            self.pairs.clear()
            return self._new_pair(self.granted)
        token = f"shpat_{secrets.token_hex(16)}"
        self.tokens[token] = Token(self.granted)
        return self._told(token)

    def _by_refresh(self, refresh: str) -> Json:
        """A refresh token is good until the pair that came of it is used ("More resilient refreshes", 2026-08)."""
        pair = self.pairs.get(refresh)
        if pair is None or self.state.now() >= pair.expires_at or not self.state.installed:
            raise OAuthError(400, "invalid_grant", "This request requires an active refresh_token")
        if pair.heir is not None:
            stale = self.pairs.pop(pair.heir, None)
            if stale is not None:
                self.tokens.pop(stale.access, None)
        told = self._new_pair(pair.scopes)
        pair.heir = told["refresh_token"]
        return told

    def _new_pair(self, scopes: frozenset[str]) -> Json:
        now = self.state.now()
        token, refresh = f"shpat_{secrets.token_hex(16)}", f"shprt_{secrets.token_hex(16)}"
        self.tokens[token] = Token(scopes, now + ACCESS_LIFE)
        self.pairs[refresh] = Pair(scopes, now + REFRESH_LIFE, token)
        told = self._told(token) | {"expires_in": int(ACCESS_LIFE.total_seconds()), "refresh_token": refresh}
        return told | {"refresh_token_expires_in": int(REFRESH_LIFE.total_seconds())}

    def _retire_ancestors(self, token: str) -> None:
        own = next((name for name, pair in self.pairs.items() if pair.access == token), None)
        if own is not None:
            for name in [name for name, pair in self.pairs.items() if pair.heir == own]:
                del self.pairs[name]

    def _told(self, token: str) -> Json:
        return {"access_token": token, "scope": ",".join(sorted(self.tokens[token].scopes))}

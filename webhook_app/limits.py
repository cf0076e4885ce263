"""How often one may call: by API key, by address where there is none; deliveries of shops are never counted."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from flask import Flask, Response, g, request
from flask_limiter import ApplicationLimit, Limiter
from werkzeug.middleware.proxy_fix import ProxyFix

from loyalty.config import Settings
from webhook_app.health import is_alive, is_ready, show_metrics
from webhook_app.security import given_key
from webhook_app.tools import SETTINGS, TOOLS
from webhook_app.webhooks import ENDPOINTS as DELIVERIES

REDIS_SECONDS = 1
"""A Redis that does not answer sooner is away: each process then counts for itself."""
MOST_KEYS = 10_000
"""So many of the keys that were used last are known."""
UNCOUNTED = DELIVERIES | {is_alive.__name__, is_ready.__name__, show_metrics.__name__, "show_asset"}


def register(app: Flask) -> None:
    """Count requests in Redis, or in the process while Redis is away; above the limit the answer is 429."""
    settings: Settings = app.extensions[SETTINGS]
    if settings.trusted_proxies:
        # Only the address: nothing else that a proxy says is used.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]
    if TOOLS in app.extensions:
        _Counter(settings).register(app)


class _Counter:
    """Knows which keys of this process's callers are right.

    A key gets a bucket of its own once it was seen to be right. Until then its requests count for the address they came
    from, so that trying keys is limited with a single count, which is all that a request pays for.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._right: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def register(self, app: Flask) -> None:
        """Count the requests of an application."""
        limiter = Limiter(
            self._bucket,
            app=app,
            application_limits=[ApplicationLimit(self._limit)],
            storage_uri=self._settings.redis_url.replace("unix://", "redis+unix://", 1),
            storage_options={"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS},
            key_prefix="laurel",
            swallow_errors=True,
            in_memory_fallback_enabled=True,
        )
        limiter.request_filter(_is_uncounted)
        app.after_request(self._remember)

    def _bucket(self) -> str:
        """Return what is counted together; no key stands in Redis."""
        key = _key()
        return f"key:{key}" if key in self._right else f"address:{request.remote_addr or 'unknown'}"

    def _limit(self) -> str:
        own = _key() in self._right
        return f"{self._settings.api_per_minute if own else self._settings.pages_per_minute}/minute"

    def _remember(self, response: Response) -> Response:
        if "access" in g:
            with self._lock:
                self._right[_key()] = None
                self._right.move_to_end(_key())
                if len(self._right) > MOST_KEYS:
                    self._right.popitem(last=False)
        return response


def _key() -> str:
    return hashlib.sha256(given_key().encode()).hexdigest()[:32]


def _is_uncounted() -> bool:
    return request.endpoint in UNCOUNTED

"""The web: what shops, merchants and programs call; each request opens a transaction, calls one thing and closes it."""

from __future__ import annotations

import os

from flask import Flask

from loyalty.config import Settings, load_settings
from loyalty.logs import configure_logging
from webhook_app import (
    api,
    assets,
    commands,
    content,
    errors,
    health,
    limits,
    links,
    metrics,
    rules,
    security,
    shopify_pages,
    webhooks,
)
from webhook_app.bodies import WholeRequest
from webhook_app.tools import SETTINGS, TOOLS, build_tools

LARGEST_BODY = 5 * 1024 * 1024
"""Bytes; anything larger is answered 413."""


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application; without servers only its commands work. Raises ConfigurationError."""
    settings = settings or load_settings(os.environ)
    configure_logging(settings.log_level)
    app = Flask(__name__, static_folder=None)
    app.request_class = WholeRequest
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.extensions[SETTINGS] = settings
    if settings.database_url and settings.redis_url:
        app.extensions[TOOLS] = build_tools(settings)
    webhooks.register(app)
    health.register(app)
    assets.register(app)
    links.register(app)
    shopify_pages.register(app)
    rules.register(app)
    content.register(app)
    api.register(app)
    errors.register(app)
    metrics.register(app)
    security.register(app)
    limits.register(app)
    commands.register(app)
    return app

"""The style sheet and icon of the pages: addressed by the digest of their content, so that browsers may keep them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from webhook_app.tools import SETTINGS

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
KEPT = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=60"
"""For an address with another digest or none, as during an upgrade: its content may change."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    content: bytes
    media_type: str
    digest: str


def register(app: Flask) -> None:
    """Serve the files; templates get the address of one by `asset(name)`."""
    assets = {path.name: _read(path) for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}

    @app.get("/static/<name>")
    def show_asset(name: str) -> Response:
        return _answer(assets[name]) if name in assets else abort(404)

    # Behind a proxy that serves us below a path, browsers know our files by that path.
    above = urlsplit(app.extensions[SETTINGS].public_url).path
    app.jinja_env.globals["asset"] = lambda name: f"{above}/static/{name}?v={assets[name].digest}"


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])


def _answer(asset: Asset) -> Response:
    response = Response(asset.content, content_type=asset.media_type)
    response.headers["Cache-Control"] = KEPT if request.args.get("v") == asset.digest else BRIEFLY
    response.set_etag(asset.digest)
    response.make_conditional(request)
    return response

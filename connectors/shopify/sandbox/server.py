"""The HTTP side of the sandbox Shopify: GraphQL, the pages of OAuth, the files of bulk operations."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from connectors.sandbox import PlayHandler, PlayServer, Sent
from connectors.shopify.sandbox import bulk
from connectors.shopify.sandbox.bucket import Bucket
from connectors.shopify.sandbox.executing import answer
from connectors.shopify.sandbox.oauth import OAuthError, Office
from connectors.shopify.sandbox.state import State

GRAPHQL = re.compile(r"/admin/api/(?P<version>[\w-]+)/graphql\.json")
FILE = re.compile(r"/bulk/(?P<number>\d+)\.jsonl")
RANGE = re.compile(r"bytes=(?P<start>\d+)-(?P<end>\d*)")
UNKNOWN_KEY = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class ShopifyServer(PlayServer):
    """Serves one shop on a free port."""

    def __init__(self, address: tuple[str, int], state: State, bucket: Bucket, office: Office) -> None:
        super().__init__(address, Handler, state.lock, lambda: state.now())
        self.state = state
        self.bucket = bucket
        self.office = office


class Handler(PlayHandler):
    """Answers one connection."""

    server: ShopifyServer

    def respond(self, path: str, query: str, body: bytes) -> Sent:
        """Carry out a call and return the answer."""
        asked, file = GRAPHQL.fullmatch(path), FILE.fullmatch(path)
        with self.server.lock:
            if asked and self.command == "POST":
                return self._graphql(asked["version"], body)
            if file and self.command == "GET":
                return self._file(int(file["number"]))
            if path == "/admin/oauth/access_token" and self.command == "POST":
                return self._token(body)
            if path == "/admin/oauth/authorize" and self.command == "GET":
                return self._agreed(query)
        return _json(404, {"errors": "Not Found"})

    def _graphql(self, version: str, body: bytes) -> Sent:
        state = self.server.state
        scopes = self.server.office.scopes_of(self.headers.get("X-Shopify-Access-Token", ""))
        if scopes is None:
            return _json(401, {"errors": UNKNOWN_KEY})
        # An inaccessible version is answered by the oldest accessible one, without a word but this header.
        served = version if version in (*state.versions, "unstable") else state.versions[0]
        try:
            given = json.loads(body)
        except ValueError:
            given = None
        if not isinstance(given, dict) or "query" not in given:
            return _json(400, {"errors": {"query": "Required parameter missing or invalid"}})
        told = answer(state, self.server.bucket, scopes, served, given)
        return _json(200, told, {"X-Shopify-API-Version": served, "X-Request-Id": str(uuid4())})

    def _token(self, body: bytes) -> Sent:
        try:
            given = json.loads(body)
        except ValueError:
            given = dict(parse_qsl(body.decode(), keep_blank_values=True))
        try:
            return _json(200, self.server.office.exchange(given))
        except OAuthError as error:
            return _json(error.status, error.body)

    def _agreed(self, query: str) -> Sent:
        try:
            place = self.server.office.authorize(self.read_query(query))
        except OAuthError as error:
            return _json(error.status, error.body)
        return Sent(302, {"Location": place}, b"")

    def _file(self, number: int) -> Sent:
        """A signed address elsewhere in truth: no token is asked for. It answers ranges."""
        file = bulk.result_of(self.server.state, number)
        if file is None:
            return Sent(404, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>")
        kind = {"Content-Type": "application/jsonl", "Accept-Ranges": "bytes"}
        part = RANGE.fullmatch(self.headers.get("Range", ""))
        if part is None:
            return Sent(200, kind, file)
        start = int(part["start"])
        if start >= len(file):
            return Sent(416, {"Content-Range": f"bytes */{len(file)}"}, b"")
        end = min(int(part["end"] or len(file)), len(file) - 1)
        kind["Content-Range"] = f"bytes {start}-{end}/{len(file)}"
        return Sent(206, kind, file[start : end + 1])


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> Sent:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Sent(status, kind | (headers or {}), json.dumps(body).encode())

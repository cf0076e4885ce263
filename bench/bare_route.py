"""The yardstick of the receiver: a Flask route with the same signature check and pool that only stores the body."""

from __future__ import annotations

import base64
import hmac
import os

from flask import Flask, Response, abort, request
from sqlalchemy import text

from loyalty.db import Database

SECRET = os.environ.get("BENCH_SECRET", "").encode()
TABLE = "bench_bodies"
CREATE = f"create table {TABLE} (id bigint generated always as identity primary key, body bytea not null)"
GRANT = f"grant insert, select on {TABLE} to laurel_app"

app = Flask(__name__)
database = Database(os.environ.get("DATABASE_URL", "postgresql+psycopg://"))
_INSERT = text(f"insert into {TABLE} (body) values (:body)")


@app.post("/bare")
def store() -> Response:
    """Store a signed body, then answer."""
    body = request.get_data(cache=False)
    expected = base64.b64encode(hmac.digest(SECRET, body, "sha256"))
    if not hmac.compare_digest(expected, request.headers.get("X-WC-Webhook-Signature", "").encode()):
        abort(401)
    database.single_statement(lambda connection: connection.execute(_INSERT, {"body": body}))
    return Response(status=200)

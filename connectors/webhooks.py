"""Tell another system of an event: signed JSON to an address that a merchant named, through the one checked door."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

import orjson
from requests import PreparedRequest
from requests.auth import AuthBase

from connectors.http import Door
from loyalty.pushes import PostWebhook, PushError, PushReceipt

SIGNATURE = "X-Laurel-Signature"
EVENT = "X-Laurel-Event"


class Signed(AuthBase):
    """Signs the raw body: hexadecimal HMAC-SHA256 after `sha256=`, the event's id beside it."""

    def __init__(self, secret: bytes, event_id: str) -> None:
        self._secret = secret
        self._event_id = event_id

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Return the request with both headers."""
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        request.headers[SIGNATURE] = "sha256=" + hmac.new(self._secret, raw, hashlib.sha256).hexdigest()
        request.headers[EVENT] = self._event_id
        return request


def post_webhook(
    command: PostWebhook, secret: bytes, *, allow_private: bool = False
) -> PushReceipt | PushError:
    """Post an event; any 2xx is success, what is answered is not looked at. Never raises PushError."""
    parts = urlsplit(command.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    payload = orjson.loads(orjson.dumps({"id": command.event_id, **command.data}))
    door = Door(
        f"{parts.scheme}://{parts.netloc}",
        auth=Signed(secret, command.event_id),
        allow_private=allow_private,
        largest_body=64 * 1024,
    )
    try:
        status = door.send("POST", path, payload)
    except PushError as error:
        return error
    if status >= 400:
        return PushError(f"The address answered {status}.", permanent=status != 408, reason="rejected")
    return PushReceipt()

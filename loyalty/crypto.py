"""Encryption of stored credentials: the first key encrypts, every key decrypts."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from loyalty.errors import LoyaltyError


class Undecryptable(LoyaltyError):
    """What is stored was encrypted with a key that is not among ENCRYPTION_KEYS any more: put back the keys of the
    backup, or see docs/backup.md for what can be done without them.
    """


class Vault:
    """Seals small values with the keys of the installation (Fernet: AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._newest = Fernet(keys[0])
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, value: bytes) -> bytes:
        """Return the encrypted value."""
        return self._fernet.encrypt(value)

    def open(self, sealed: bytes) -> bytes:
        """Return the value again; raises Undecryptable."""
        try:
            return self._fernet.decrypt(bytes(sealed))
        except InvalidToken:
            raise Undecryptable from None

    def opens(self, sealed: bytes) -> bool:
        """Return whether one of the keys sealed it."""
        try:
            self.open(sealed)
        except Undecryptable:
            return False
        return True

    def is_newest(self, sealed: bytes) -> bool:
        """Return whether the newest key sealed it."""
        try:
            self._newest.decrypt(bytes(sealed))
        except InvalidToken:
            return False
        return True

    def renew(self, sealed: bytes) -> bytes:
        """Return the same value sealed with the newest key; raises Undecryptable."""
        return self.seal(self.open(sealed))

    def seal_json(self, value: Any) -> bytes:
        """Return a JSON value encrypted."""
        return self.seal(json.dumps(value).encode())

    def open_json(self, sealed: bytes) -> Any:
        """Return the JSON value again; raises Undecryptable."""
        return json.loads(self.open(sealed))

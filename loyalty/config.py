"""The settings of the whole program, read once from the environment; every mistake is reported, not only the first."""

from __future__ import annotations

import base64
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from loyalty.errors import ConfigurationError

DATABASE_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")
SECRET_KEY_FILE = "secret-key"
ENCRYPTION_KEYS_FILE = "encryption-keys"
SHORTEST_SECRET = 16
SWITCH = {
    "on": True,
    "1": True,
    "true": True,
    "yes": True,
    "off": False,
    "0": False,
    "false": False,
    "no": False,
}
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; an empty text means: not set."""

    database_url: str = field(repr=False)
    """Logs in as `laurel_app`."""
    database_owner_url: str = field(repr=False)
    """Logs in as `laurel_owner`, for migrations; empty: `database_url` migrates too."""
    redis_url: str = field(repr=False)
    data_folder: Path
    port: int
    public_url: str
    """Without a slash at its end."""
    secret_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    """Fernet keys: the first encrypts, all decrypt."""
    push: bool
    """Off: nothing is sent to shops or people."""
    shopify_api_key: str
    shopify_api_secrets: tuple[str, ...] = field(repr=False)
    """The newest first."""
    smtp_url: str = field(repr=False)
    allow_private_shops: bool
    log_level: str
    web_workers: int
    workers: int
    api_per_minute: int
    """Requests of one API key."""
    pages_per_minute: int
    """Requests of one address without a key, and wrong keys of one address."""
    trusted_proxies: int
    """How many proxies stand in front, each of which names the address it was called from."""


def load_settings(environ: Mapping[str, str], *, need_servers: bool = False) -> Settings:
    """Return the settings of an environment; raises ConfigurationError with one line for each mistake.

    With `need_servers` an unset DATABASE_URL or REDIS_URL is a mistake too.
    """
    reader = _Reader(environ)
    port = reader.number("PORT", 8000, 1, 65535)
    settings = Settings(
        database_url=reader.database_url("DATABASE_URL", required=need_servers),
        database_owner_url=reader.database_url("DATABASE_OWNER_URL"),
        redis_url=reader.url("REDIS_URL", ("redis", "rediss", "unix"), required=need_servers),
        data_folder=Path(reader.text("LAUREL_DATA") or "var"),
        port=port,
        public_url=(reader.url("PUBLIC_URL", ("http", "https")) or f"http://127.0.0.1:{port}").rstrip("/"),
        secret_key=reader.secret_key("SECRET_KEY"),
        encryption_keys=reader.fernet_keys("ENCRYPTION_KEYS"),
        push=reader.switch("LAUREL_PUSH", default=True),
        shopify_api_key=reader.text("SHOPIFY_API_KEY"),
        shopify_api_secrets=reader.list("SHOPIFY_API_SECRET"),
        smtp_url=reader.url("SMTP_URL", ("smtp", "smtps")),
        allow_private_shops=reader.switch("ALLOW_PRIVATE_SHOPS", default=False),
        log_level=reader.choice("LOG_LEVEL", "info", LOG_LEVELS),
        **_sizes(reader),
    )
    if bool(settings.shopify_api_key) != bool(settings.shopify_api_secrets):
        reader.mistake("SHOPIFY_API_KEY", "goes together with SHOPIFY_API_SECRET; set both or neither")
    reader.check()
    return settings


def _sizes(reader: _Reader) -> dict[str, int]:
    """Return how many processes run, how often one may call, and how many proxies stand in front."""
    return {
        "web_workers": reader.number("WEB_WORKERS", 2, 1, 64),
        "workers": reader.number("WORKERS", 2, 1, 64),
        "api_per_minute": reader.number("API_PER_MINUTE", 3000, 1, 10**9),
        "pages_per_minute": reader.number("PAGES_PER_MINUTE", 300, 1, 10**9),
        "trusted_proxies": reader.number("TRUSTED_PROXIES", 0, 0, 9),
    }


def ensure_secrets(settings: Settings) -> Settings:
    """Return the settings with both secrets, made once in the data folder (mode 0600) where they are not set."""
    folder = settings.data_folder
    if not settings.secret_key:
        settings = replace(settings, secret_key=_kept(folder / SECRET_KEY_FILE, secrets.token_urlsafe(48)))
    if not settings.encryption_keys:
        key = base64.urlsafe_b64encode(os.urandom(32)).decode()
        kept = _kept(folder / ENCRYPTION_KEYS_FILE, key)
        reader = _Reader({"ENCRYPTION_KEYS": kept})
        settings = replace(settings, encryption_keys=reader.fernet_keys("ENCRYPTION_KEYS"))
        reader.check()
    return settings


def _kept(path: Path, made: str) -> str:
    """Return what the file holds; a file that is not there appears at once with its whole content."""
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(made + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A hard link never replaces: of two processes that start together one wins, and both read its file.
        os.link(temporary, path)
        sys.stderr.write(f"made {path}: keep a backup of it, the data cannot be read without it\n")
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
    return path.read_text().strip()


class _Reader:
    """Reads variables, each also as X_FILE, and collects the mistakes; never repeats a value, it may be a secret."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._mistakes: list[str] = []

    def mistake(self, name: str, what: str) -> None:
        """Remember a mistake."""
        self._mistakes.append(f"{name}: {what}")

    def check(self) -> None:
        """Raise ConfigurationError with all mistakes, if there are any."""
        if self._mistakes:
            raise ConfigurationError("\n".join(self._mistakes))

    def text(self, name: str) -> str:
        """Return the value without blanks around it; empty when it is not set."""
        value, file = self._environ.get(name, ""), self._environ.get(f"{name}_FILE", "")
        if not file:
            return value.strip()
        if value:
            self.mistake(name, f"is set together with {name}_FILE; set only one of them")
            return value.strip()
        try:
            return Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            self.mistake(f"{name}_FILE", f"cannot be read ({error.__class__.__name__})")
            return ""

    def list(self, name: str) -> tuple[str, ...]:
        """Return the parts between commas, empty ones left out."""
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number within its limits."""
        text = self.text(name)
        if not text:
            return default
        if text.isascii() and text.isdigit() and lowest <= int(text) <= highest:
            return int(text)
        self.mistake(name, f"must be a whole number from {lowest} to {highest}")
        return default

    def switch(self, name: str, *, default: bool) -> bool:
        """Return whether a switch is on."""
        text = self.text(name).lower()
        if text and text not in SWITCH:
            self.mistake(name, "must be on or off")
        return SWITCH.get(text, default)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices, in lower case."""
        text = self.text(name).lower() or default
        if text not in choices:
            self.mistake(name, f"must be one of {', '.join(choices)}")
        return text

    def url(self, name: str, schemes: tuple[str, ...], *, required: bool = False) -> str:
        """Return an address with one of the schemes; empty when it is not set."""
        text = self.text(name)
        if not text:
            if required:
                self.mistake(name, "is not set; `make run` starts a server of its own")
            return ""
        if not _is_url(text, schemes):
            self.mistake(
                name, f"must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}"
            )
        return text

    def database_url(self, name: str, *, required: bool = False) -> str:
        """Return the address of a PostgreSQL database in the form that SQLAlchemy takes for psycopg 3."""
        text = self.url(name, DATABASE_SCHEMES, required=required)
        return f"postgresql+psycopg://{text.partition('://')[2]}" if text else ""

    def secret_key(self, name: str) -> str:
        """Return a secret that is long enough; empty when it is not set."""
        text = self.text(name)
        if text and len(text) < SHORTEST_SECRET:
            self.mistake(name, f"must have at least {SHORTEST_SECRET} characters")
        return text

    def fernet_keys(self, name: str) -> tuple[str, ...]:
        """Return Fernet keys: each 32 bytes as URL-safe base64."""
        keys = self.list(name)
        for number, key in enumerate(keys, start=1):
            if not _is_fernet_key(key):
                self.mistake(name, f"key {number} is no Fernet key (32 bytes as URL-safe base64)")
        return keys


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.netloc or parts.path) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32
    except ValueError:
        return False

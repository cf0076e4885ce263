"""The whole program with a connected store of a sandbox shop, for measurements from the outside."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.app import App
from connectors.woocommerce.sandbox import SandboxShop


@dataclass(frozen=True, slots=True)
class LiveStore:
    """A running program with one store: where deliveries go and how they are signed."""

    app: App
    key: str
    path: str
    secret: str


@contextmanager
def live_store(document: dict[str, Any], *, currency: str, decimals: int, since: str) -> Iterator[LiveStore]:
    """Yield the running program with a store whose program is in force since then; all of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="laurel-bench-", ignore_cleanup_errors=True) as name:
        app, program = App(Path(name)), Path(name) / "program.json"
        program.write_text(json.dumps(document))
        try:
            app.start()
            with SandboxShop(currency, decimals) as shop:
                keys = ("--consumer-key", shop.consumer_key, "--consumer-secret", shop.consumer_secret)
                store = app.command(
                    "store", "connect", "woocommerce", "--url", shop.url, *keys, "--no-register"
                )
                app.command("program", "publish", store["store"], str(program), "--effective-from", since)
                yield LiveStore(
                    app, store["store"], urlsplit(store["webhook_url"]).path, store["webhook_secret"]
                )
        finally:
            app.stop()

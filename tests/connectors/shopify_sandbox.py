"""How the tests of the sandbox Shopify talk to it: over real HTTP, with the sandbox's own operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from graphql import parse, print_ast
from graphql.utilities import separate_operations

from connectors.shopify.sandbox import ShopifySandbox, prune

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads" / "shopify"
OPERATIONS = {
    name: print_ast(document)
    for name, document in separate_operations(
        parse((prune.HERE / "operations.graphql").read_text(encoding="utf-8"))
    ).items()
}
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **how: float) -> None:
        self.at += timedelta(**how)


def post(shop: ShopifySandbox, query: str, variables: Any = None, **how: Any) -> requests.Response:
    """Send a query as an app does."""
    version, token = how.get("version", "2026-10"), how.get("token", shop.access_token)
    return requests.post(
        f"{shop.url}/admin/api/{version}/graphql.json",
        json={"query": query, "variables": variables or {}},
        headers={"X-Shopify-Access-Token": token},
        timeout=10,
    )


def ask(shop: ShopifySandbox, query: str, /, **variables: Any) -> Any:
    """Return the data of a query, which must have no errors; an operation may be named."""
    told = post(shop, OPERATIONS.get(query, query), variables).json()
    assert "errors" not in told, told["errors"]
    return told["data"]


def refusals(shop: ShopifySandbox, query: str, /, **variables: Any) -> list[tuple[str, str | None]]:
    """Return place and code of the user errors of a mutation."""
    (payload,) = ask(shop, query, **variables).values()
    return [(".".join(each["field"]), each.get("code")) for each in payload["userErrors"]]


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def coupon(code: str = "LAUREL-1", /, **more: Any) -> dict[str, Any]:
    """An input of discountCodeBasicCreate: ten percent, for all."""
    given: dict[str, Any] = {"title": f"Laurel {code}", "code": code, "startsAt": "2026-01-01T00:00:00Z"}
    given |= {"context": {"all": "ALL"}}
    return given | {"customerGets": {"value": {"percentage": 0.1}, "items": {"all": True}}} | more

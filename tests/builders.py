"""Makers of accounts, orders and deliveries for tests; `make_` functions take only what a test is about."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet

from loyalty.accounts.service import NewAccount, open_account
from loyalty.commerce import (
    Buyer,
    LineKind,
    OrderLine,
    OrderSnapshot,
    OrderState,
    ProductFacts,
    Refund,
    RefundLine,
    ShopSettings,
)
from loyalty.config import load_settings
from loyalty.programs.document import Context, build_program
from loyalty.programs.program import Program, Versions
from loyalty.programs.service import publish
from loyalty.stores.service import TILL, NewStore, Store, add_store, get_store
from loyalty.values import AccountId, StoreId, new_id
from workers.runtime import Runtime, build_runtime

STORE = StoreId(UUID(int=1))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
"""Noon in Taipei."""
SECRET = "a-webhook-secret"
TIERS: list[dict[str, Any]] = [
    {"key": "regular", "name": {"zh-TW": "普通會員", "zh-CN": "普通会员", "en": "Regular"}}
]


def make_document(**parts: Any) -> dict[str, Any]:
    """A program: 1 point per 1, one tier, unless said otherwise."""
    return {"points_name": {"zh-TW": "積分", "zh-CN": "积分", "en": "points"}, "tiers": TIERS, **parts}


def make_program(
    version: int = 1,
    effective_from: datetime = LONG_AGO,
    *,
    currency: str = "TWD",
    time_zone: str = "Asia/Taipei",
    decimals: int = 0,
    **parts: Any,
) -> Program:
    """A built version."""
    return build_program(
        make_document(**parts), Context(currency, time_zone, decimals), version, effective_from
    )


def make_versions(**parts: Any) -> Versions:
    """An account's versions: one program that was always in force."""
    return Versions((make_program(**parts),))


def make_line(
    id: str = "1",
    total: str = "100",
    *,
    subtotal: str | None = None,
    tax: str = "0",
    quantity: int = 1,
    **more: Any,
) -> OrderLine:
    """A product line; `tax` is the tax of both amounts."""
    before = Decimal(subtotal if subtotal is not None else total)
    kind = more.pop("kind", LineKind.PRODUCT)
    more.setdefault("product_id", f"p{id}")
    return OrderLine(id, kind, quantity, before, Decimal(tax), Decimal(total), Decimal(tax), **more)


def make_order(
    id: str = "1",
    total: str | None = None,
    *,
    lines: Sequence[OrderLine] | None = None,
    at: datetime = NOON,
    **more: Any,
) -> OrderSnapshot:
    """A paid order of one line of 100, or of these lines; its total is theirs unless given."""
    parts = tuple(lines) if lines is not None else (make_line(total=total or "100"),)
    whole = sum((line.total + line.total_tax for line in parts), Decimal(0))
    order = OrderSnapshot(
        store_id=STORE,
        external_id=id,
        number=id,
        state=OrderState.LIVE,
        status="processing",
        currency="TWD",
        total=Decimal(total) if total is not None else whole,
        prices_include_tax=False,
        placed_at=at,
        modified_at=at,
        paid_at=at,
        completed_at=None,
        lines=parts,
        buyer=Buyer(customer_id="7", email="amy@example.test"),
    )
    return replace(order, **more)


def make_mixed_order() -> OrderSnapshot:
    """Goods of 100 + 10 tax with 20 + 2 off, shipping of 7 + 1, a gift card of 50, a tip of 3."""
    goods = replace(make_line("1", "80", subtotal="100", tax="8"), subtotal_tax=Decimal(10))
    shipping = make_line("2", "7", tax="1", kind=LineKind.SHIPPING)
    card = make_line("3", "50", product=ProductFacts(gift_card=True))
    return make_order(lines=[goods, shipping, card, make_line("4", "3", kind=LineKind.TIP)])


def make_refund(
    id: str = "501",
    amount: str = "100",
    *,
    at: datetime = NOON + timedelta(hours=1),
    lines: dict[str, str] | None = None,
) -> Refund:
    """A refund by amount, or of these lines: id → amount with tax."""
    named = tuple(RefundLine(line, 1, Decimal(value)) for line, value in (lines or {}).items())
    return Refund(id, at, Decimal(amount), named)


def make_runtime(app_url: str, owner_url: str, redis_url: str) -> Runtime:
    """The tools of a job on a test's own database."""
    environ = {
        "DATABASE_URL": app_url,
        "DATABASE_OWNER_URL": owner_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "x" * 40,
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "ALLOW_PRIVATE_SHOPS": "1",
        "LOG_LEVEL": "error",
        "API_PER_MINUTE": "1000000",
        "PAGES_PER_MINUTE": "1000000",
    }
    return build_runtime(load_settings(environ))


@dataclass(frozen=True, slots=True)
class Shop:
    """A connected store of a test, with its account."""

    account: AccountId
    store: Store
    currency: str
    time_zone: str
    decimals: int


def make_shop(
    runtime: Runtime,
    document: dict[str, Any] | None = None,
    *,
    url: str = "http://127.0.0.1:9",
    credentials: dict[str, str] | None = None,
    currency: str = "TWD",
    time_zone: str = "Asia/Taipei",
    decimals: int = 0,
    effective_from: datetime = LONG_AGO,
    sells_gift_cards: bool = False,
) -> Shop:
    """An account with one WooCommerce store and, when given, a program that was always in force."""
    account = AccountId(new_id())
    key = f"shop-{account.hex[-8:]}"
    settings = ShopSettings(
        currency, time_zone, decimals, prices_include_tax=False, sells_gift_cards=sells_gift_cards
    )
    keys = credentials or {"consumer_key": "ck", "consumer_secret": "cs"}
    with runtime.database.transaction(account) as connection:
        open_account(
            connection, runtime.vault, NewAccount(account, key, "Shop", currency, time_zone, decimals)
        )
        new = NewStore(key, "Shop", "woocommerce", url, keys, SECRET)
        store = get_store(
            connection, runtime.vault, add_store(connection, runtime.vault, account, new, settings)
        )
        if document is not None:
            context = Context(currency, time_zone, decimals)
            publish(
                connection, account, document, context, effective_from=effective_from, now=datetime.now(UTC)
            )
    return Shop(account, store, currency, time_zone, decimals)


def make_till(runtime: Runtime, account: AccountId, name: str = "Counter") -> Store:
    """A till of an account that counts in TWD."""
    settings = ShopSettings("TWD", "Asia/Taipei", 0, prices_include_tax=True)
    noted = {"currency": "TWD", "decimals": "0"}
    key = f"{name.casefold()}-{account.hex[-8:]}"
    new = NewStore(key, name, TILL, f"{TILL}:{name.casefold()}", noted, SECRET, registers_webhooks=False)
    with runtime.database.transaction(account) as connection:
        return get_store(
            connection, runtime.vault, add_store(connection, runtime.vault, account, new, settings)
        )


def make_sale(id: str = "R-1", total: str = "1000", **more: Any) -> dict[str, Any]:
    """An order of one line as a till tells it, handed over at noon; nobody is named."""
    sale: dict[str, Any] = {
        "id": id, "state": "completed", "currency": "TWD", "total": total,
        "placed_at": "2026-03-10T12:00:00+08:00", "modified_at": "2026-03-10T12:00:00+08:00",
        "lines": [{"id": "1", "total": total, "sku": "MUG-1"}],
    }  # fmt: skip
    return {**sale, **more}


def sign(body: bytes, secret: str = SECRET) -> str:
    """The signature header of a WooCommerce delivery."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def make_woo_order(id: int = 25, total: str = "1000", **more: Any) -> dict[str, Any]:
    """A WooCommerce order body as `order.updated` carries it: processing, paid, one line."""
    order: dict[str, Any] = {
        "id": id, "number": str(id), "status": "processing", "currency": "TWD", "prices_include_tax": False,
        "total": total, "customer_id": 7, "date_created_gmt": "2026-03-10T04:00:00",
        "date_modified_gmt": "2026-03-10T04:00:00", "date_paid_gmt": "2026-03-10T04:00:00", "date_completed_gmt": None,
        "created_via": "checkout",
        "billing": {
            "first_name": "Amy", "last_name": "Chen", "email": "amy@example.test", "phone": "",
            "country": "TW", "state": "",
        },
        "line_items": [
            {
                "id": id * 10, "name": "Mug", "product_id": 11, "variation_id": 0, "quantity": 1, "sku": "MUG-1",
                "subtotal": total, "subtotal_tax": "0", "total": total, "total_tax": "0", "meta_data": [],
            }
        ],
        "shipping_lines": [], "fee_lines": [], "coupon_lines": [], "refunds": [],
    }  # fmt: skip
    return {**order, **more}


def woo_body(data: dict[str, Any]) -> bytes:
    """The bytes that a shop would send."""
    return json.dumps(data, separators=(",", ":")).encode()

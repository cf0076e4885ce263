"""What members redeem at random in the life of an account, and a shop that makes and disables their codes at random."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from sqlalchemy import text

from connectors.base import Connector, StoreAccess
from loyalty.engine.book import AccountBook
from loyalty.engine.ending import cancel_redemption, capture_redemption
from loyalty.engine.redemptions import Wish, redeem_reward
from loyalty.errors import LoyaltyError
from loyalty.pushes import DisableCoupon, PushCommand, PushError, PushReceipt, PutCoupon
from loyalty.stores.service import set_state
from loyalty.values import AccountId, StoreId
from workers.pushing import TRIES, push_store
from workers.runtime import Runtime
from workers.settling import close_tier_periods, expire_points

REWARDS: list[dict[str, Any]] = [
    {"key": "ten-off", "kind": "fixed_discount", "amount": "10"},
    {"key": "off", "kind": "fixed_discount", "points": 120, "amount": "12", "valid_days": 3},
    {
        "key": "gone",
        "kind": "percent_discount",
        "points": 90,
        "amount": "5",
        "valid_days": 2,
        "on_expiry": "forfeit",
    },
    {"key": "money", "kind": "store_credit", "points": 70, "amount": "6"},
    {"key": "any", "kind": "variable_discount", "points": 10, "amount": "1"},
    {"key": "talk", "kind": "service", "points": 70, "per_member": {"uses": 2, "period": "week"}},
    {"key": "partner", "kind": "external", "points": 50, "stock": 9},
]
WISHES = [
    Wish("off"),
    Wish("off"),
    Wish("gone"),
    Wish("any", points=75),
    Wish("any", amount=Decimal(9), checkout=True),
    Wish("money"),
    Wish("talk"),
    Wish("partner"),
]


class Orders(Protocol):
    """A shop whose orders may use codes."""

    codes: set[str]

    def count_uses(self, code: str) -> int: ...


@dataclass
class CodeShop:
    """A shop's connector whose pushes succeed, fail or are never answered at random; the rest is the real one's."""

    inner: Connector
    orders: Orders
    random: Random

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def push(self, access: StoreAccess, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
        return [self._answer(command) for command in commands]

    def _answer(self, command: PushCommand) -> PushReceipt | PushError:
        if isinstance(command, DisableCoupon):
            self.orders.codes.discard(command.code)
            return PushReceipt("1", self.orders.count_uses(command.code))
        if not isinstance(command, PutCoupon) or not re.search(": (redemption|credit):", command.description):
            return PushReceipt("1")
        chance = self.random.random()
        if chance < 0.08:
            return PushError("no", permanent=True, reason="rejected")
        if chance < 0.3:
            if chance < 0.15:
                self.orders.codes.add(command.code)
            return PushError("silence", permanent=False, reason="unreachable")
        self.orders.codes.add(command.code)
        return PushReceipt("1")


@dataclass
class Redeemers:
    """Members who redeem, cancel and wait for their codes."""

    runtime: Runtime
    account: AccountId
    store: StoreId
    members: Sequence[str]
    orders: Orders
    random: Random
    accepted: int = 0
    refused: int = 0
    done: list[Callable[[datetime], None]] = field(init=False)

    def __post_init__(self) -> None:
        connectors = self.runtime.connectors
        connectors["woocommerce"] = CodeShop(connectors["woocommerce"], self.orders, self.random)
        self.done = [self.redeem, self.redeem, self.redeem, self.cancel, self.capture, self.settle, self.lose]

    def step(self, now: datetime) -> None:
        """Let one of many things happen, or nothing; then the shop may answer."""
        if self.random.random() < 0.5:
            self.random.choice(self.done)(now)
        if self.random.random() < 0.3:
            push_store(self.runtime, self.account, self.store, now)

    def redeem(self, now: datetime) -> None:
        key, wish = self.random.choice(self.members), self.random.choice(WISHES)
        self._do(
            "select id from members where key = :key", {"key": key},
            lambda connection, book, member: redeem_reward(connection, book, member, wish, now, "api"),
        )  # fmt: skip

    def cancel(self, now: datetime) -> None:
        self._do(
            "select id from redemptions where state in ('held', 'captured') order by number desc limit 1 offset :n",
            {"n": self.random.randint(0, 9)},
            lambda connection, book, one: cancel_redemption(connection, book, one, "no more", now, "api"),
        )  # fmt: skip

    def capture(self, now: datetime) -> None:
        self._do(
            "select id from redemptions where kind = 'external' order by number desc limit 1 offset :n",
            {"n": self.random.randint(0, 2)},
            lambda connection, book, one: capture_redemption(connection, book, one, now, "api"),
        )  # fmt: skip

    def settle(self, now: datetime) -> None:
        close_tier_periods(self.runtime, self.account, now)
        expire_points(self.runtime, self.account, now)

    def lose(self, now: datetime) -> None:
        """The shop has been silent for hours, or is disconnected for a while."""
        with self.runtime.database.transaction(self.account) as connection:
            connection.execute(text("update pushes set attempts = :n where status = 'waiting'"), {"n": TRIES})
            set_state(connection, self.store, self.random.choice(("connected", "connected", "disconnected")))

    def _do(self, find: str, values: dict[str, Any], act: Callable[[Any, AccountBook, Any], object]) -> None:
        """Do something for what a query finds, in one transaction; a refusal leaves nothing."""
        try:
            with self.runtime.database.transaction(self.account) as connection:
                book = self.runtime.book(connection, self.account, set())
                found = connection.execute(text(find), values).scalar_one_or_none()
                if found is not None:
                    act(connection, book, found)
                    self.accepted += 1
        except LoyaltyError:
            self.refused += 1

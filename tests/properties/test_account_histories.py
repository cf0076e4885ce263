"""A thousand random steps of an account through the database: the ledger rebuilds, and arrival does not matter."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from builders import Shop, make_document, make_shop, make_woo_order, woo_body
from redeemers import REWARDS, Redeemers
from sqlalchemy import text

from bench.dumps import differences, dump, rows, statuses
from loyalty.accounts.service import next_command_number
from loyalty.engine import codec
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import AdjustCredit, AdjustPoints, Command, RedeemReward, SpendCredit
from loyalty.engine.referring import claim, personal_code
from loyalty.engine.verify import verify_ledger
from loyalty.errors import Conflict
from loyalty.inbox import repository as inbox
from loyalty.members.repository import mark_all_for_refold
from loyalty.programs.service import load_versions
from loyalty.rewards.coupon import coupon_code
from workers.automating import run_automations
from workers.draining import drain_account, refold_account
from workers.runtime import Runtime

START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
END = datetime(2027, 3, 1, tzinfo=UTC)
INSTANTS = [END, END + timedelta(days=30), END + timedelta(days=400)]
MEMBERS = 15
STEPS = 1000
PROGRAM = make_document(
    earning={"pending_days": 3, "caps": {"per_day": 700}, "points_per_unit": "0.7"},
    expiry={"mode": "lot", "after": {"days": 40}},
    refunds={"negative_balance": "allow"},
    tiers=[
        {"key": "regular", "name": {"en": "Regular"}},
        *(
            {
                "key": key, "name": {"en": key}, "enter": {"any": [{"metric": "spend", "at_least": threshold}]},
                "benefits": {"multiplier": multiplier, "entry_reward": "ten-off"},
            }
            for key, threshold, multiplier in (("silver", "1500", "1.25"), ("gold", "4000", "1.5"))
        ),
    ],
    tier_policy={"window": {"kind": "rolling", "months": 3}, "validity": {"days": 9}, "grace_days": 2},
    rewards=[
        {"key": "ten-off", "kind": "fixed_discount", "amount": "10"},
        {"key": "money", "kind": "store_credit", "points": 70, "amount": "6"},
    ],
    cash_back={"percent": "1.5", "tiers": {"gold": "2.25"}},
    campaigns=[
        {"key": "spring", "from": "2026-03-01T00:00", "until": "2026-03-20T00:00", "multiplier": "2"},
        {
            "key": "scarce", "from": "2026-02-01T00:00", "until": "2026-06-01T00:00", "multiplier": "2",
            "budget": 3000, "per_member": 900,
        },
        {"key": "third", "from": "2026-01-01T00:00", "until": "2027-01-01T00:00", "bonus": 40, "nth_order": 3},
    ],
)  # fmt: skip
GIFT = {"kind": "coupon", "reward": "ten-off"}
LIVELY = {
    **PROGRAM,
    "rewards": REWARDS,
    "segments": [{"key": "buyers", "all": [
        {"kind": "metric", "metric": "orders", "at_least": 3, "window": {"kind": "rolling", "months": 1}}]}],
    "automations": [
        {"key": "hello", "trigger": "member_joined", "actions": [{"kind": "points", "points": 9}]},
        {"key": "fourth", "trigger": "order_count", "when": {"every": 4},
         "actions": [{"kind": "points", "points": 40, "counts_toward_tier": True}, GIFT]},
        {"key": "faithful", "trigger": "streak", "when": {"months": 2}, "actions": [GIFT]},
        {"key": "rise", "trigger": "tier_changed", "once_per": "month", "actions": [{"kind": "points", "points": 25}]},
        {"key": "in", "trigger": "segment_entered", "when": {"segment": "buyers"},
         "actions": [{"kind": "points", "points": 11}]},
        {"key": "away", "trigger": "inactive_for", "when": {"days": 4}, "actions": [GIFT]},
        {"key": "brought", "trigger": "referral_completed", "actions": [{"kind": "tag", "add": ["advocate"]}]},
    ],
    "referral": {"referrer": [{"kind": "points", "points": 70}], "friend": [GIFT], "hold_days": 2},
}  # fmt: skip
FLOOR = {
    **PROGRAM,
    "refunds": {"negative_balance": "floor"},
    "expiry": {"mode": "inactivity", "after": {"days": 5}},
    "tier_policy": {"validity": {"days": 20}, "on_refund": "at_once", "downgrade": "one_step"},
}


Accepted = tuple[str, Command]
"""The key of a member and what was accepted for him."""


@dataclass(frozen=True)
class Message:
    """Something the shop sent, or answered when it was asked."""

    source: str
    topic: str
    body: bytes
    observed_at: datetime | None

    def is_gone(self) -> bool:
        return self.source == "fetch" and json.loads(self.body)["order"] is None

    def codes(self) -> set[str]:
        """The codes on the order that it tells of."""
        return {code.decode().casefold() for code in re.findall(rb'"code":"([^"]+)"', self.body)}


@dataclass
class Merchant:
    """A shop whose orders change at random, with the refunds of each order beside it."""

    random: Random
    now: datetime = START
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    ids: int = 100
    customers: list[int] = field(default_factory=lambda: list(range(1, MEMBERS + 1)))
    codes: set[str] = field(default_factory=set)
    """What the shop takes at the checkout, whoever brings it."""

    def step(self) -> list[Message]:
        """Let some time pass and something happen to an order; return what is told of it."""
        self.now += timedelta(seconds=self.random.choice((1, 60, 3600, 20 * 3600)))
        alive = [id for id in self.orders if self.orders[id]["status"] != "gone"]
        if not alive or self.random.random() < 0.3:
            return self.tell(self.place())
        id = self.random.choice(alive[-40:])
        change = self.random.choice(CHANGES)
        return change(self, id)

    def place(self) -> int:
        self.ids += 1
        amounts = [
            self.random.choice(("0", "50", "199", "640", "1000")) for _ in range(self.random.randint(1, 3))
        ]
        customer = self.random.choice(self.customers)
        order = make_woo_order(
            self.ids, str(sum(map(int, amounts))), customer_id=customer, status="processing"
        )
        line = order["line_items"][0]
        order["line_items"] = [
            {**line, "id": self.ids * 10 + n, "subtotal": amount, "total": amount}
            for n, amount in enumerate(amounts)
        ]
        order["billing"] = {**order["billing"], "email": f"c{customer}@example.test"}
        order |= dict.fromkeys(("date_created_gmt", "date_paid_gmt"), self.stamp())
        if self.random.random() < 0.1:
            order |= {"status": "pending", "date_paid_gmt": None}
        self.use_codes(order)
        self.orders[self.ids], self.refunds[self.ids] = order, []
        return self.ids

    def use_codes(self, order: dict[str, Any]) -> None:
        """Put one or two codes on an order, or take off those that are there."""
        if not self.codes or self.random.random() < 0.6:
            return
        there = sorted(self.codes)
        chosen = {self.random.choice(there) for _ in range(self.random.choice((0, 1, 1, 1, 2)))}
        order["coupon_lines"] = [
            {"code": self.random.choice((code, code.upper())), "discount": "3", "discount_tax": "0"}
            for code in sorted(chosen)
        ]

    def count_uses(self, code: str) -> int:
        """On how many orders a code stands that the shop counts."""
        return sum(
            use["code"].casefold() == code
            for order in self.orders.values()
            for use in order["coupon_lines"]
            if order["status"] not in ("pending", "cancelled", "gone")
        )

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S")

    def tell(self, id: int, *, modified: bool = True) -> list[Message]:
        """Send the order as it is now; one with refunds is read, as the delivery itself says too little."""
        order = self.orders[id]
        if modified:
            order["date_modified_gmt"] = self.stamp()
        told = {**order, "refunds": [{"id": each["id"]} for each in self.refunds[id]]}
        delivery = Message("webhook", "order.updated", woo_body(told), None)
        answer = {"id": str(id), "order": told, "refunds": self.refunds[id], "products": None}
        read = Message("fetch", "fetch.order", woo_body(answer), self.now)
        if self.refunds[id] or not modified:
            return [read]
        return [delivery, read] if self.random.random() < 0.2 else [delivery]


def set_status(status: str) -> Any:
    def change(shop: Merchant, id: int) -> list[Message]:
        order = shop.orders[id]
        order["status"] = status
        if status in ("processing", "completed") and order["date_paid_gmt"] is None:
            order["date_paid_gmt"] = shop.stamp()
        if status == "completed":
            order["date_completed_gmt"] = shop.stamp()
        return shop.tell(id)

    return change


def refund(shop: Merchant, id: int) -> list[Message]:
    order = shop.orders[id]
    shop.ids += 1
    line = shop.random.choice(order["line_items"])
    amount = shop.random.choice((line["total"], order["total"], "10", "0"))
    made: dict[str, Any] = {
        "id": shop.ids,
        "date_created_gmt": shop.stamp(),
        "amount": amount,
        "line_items": [],
    }
    if shop.random.random() < 0.6:
        meta = [{"key": "_refunded_item_id", "value": str(line["id"])}]
        made["line_items"] = [
            {
                "id": shop.ids,
                "quantity": -1,
                "total": f"-{line['total']}",
                "total_tax": "0",
                "meta_data": meta,
            }
        ]
    shop.refunds[id].append(made)
    return shop.tell(id)


def delete_refund(shop: Merchant, id: int) -> list[Message]:
    if not shop.refunds[id]:
        return shop.tell(id)
    shop.refunds[id].pop(shop.random.randrange(len(shop.refunds[id])))
    return shop.tell(id, modified=False)


def edit(shop: Merchant, id: int) -> list[Message]:
    order = shop.orders[id]
    line = shop.random.choice(order["line_items"])
    line["total"] = line["subtotal"] = shop.random.choice(("10", "333", "900"))
    order["total"] = str(sum(int(each["total"]) for each in order["line_items"]))
    shop.use_codes(order)
    return shop.tell(id)


def forget(shop: Merchant, id: int) -> list[Message]:
    if shop.random.random() < 0.8:
        return shop.tell(id)
    shop.orders[id]["status"] = "gone"
    body = {"id": str(id), "order": None, "refunds": [], "products": None}
    return [Message("fetch", "fetch.order", woo_body(body), shop.now)]


CHANGES = (
    set_status("completed"), set_status("completed"), set_status("cancelled"), set_status("processing"),
    set_status("pending"), set_status("refunded"), refund, refund, refund, delete_refund, edit, forget,
)  # fmt: skip


@dataclass
class Account:
    """Our side: an account that takes messages and commands."""

    runtime: Runtime
    shop: Shop

    def store(self, message: Message) -> None:
        key = hashlib.sha256(message.body + str(message.observed_at).encode()).digest()
        with self.runtime.database.transaction(None) as connection:
            inbox.accept(
                connection, self.shop.account, self.shop.store.id,
                key=key, source=message.source, topic=message.topic, delivery_id="d", body=message.body,
                observed_at=message.observed_at,
            )  # fmt: skip

    def drain(self, now: datetime, batch: int) -> None:
        drain_account(self.runtime, self.shop.account, batch=batch, now=now)

    def accept(self, key: str, build: Callable[[int], Command], now: datetime) -> bool:
        """Accept a command for a member; return whether there is one of that key."""
        with self.runtime.database.transaction(self.shop.account) as connection:
            book = self.runtime.book(connection, self.shop.account, set())
            found = rows(connection, f"select id from members where key = '{key}'")
            if not found:
                return False
            carry_out(connection, book, found[0][0], build(next_command_number(connection)), now)
        return True

    def accept_again(self, key: str, command: Command, now: datetime) -> bool:
        """Accept a command of another run under its own number."""
        with self.runtime.database.transaction(self.shop.account) as connection:
            connection.execute(text("update accounts set commands = :n"), {"n": command.number - 1})
        return self.accept(key, lambda number: replace(command, number=number), now)

    def share_codes(self, other: Account) -> None:
        """Make the same codes as another account, before there is any."""
        with self.runtime.database.transaction(other.shop.account) as connection:
            key = rows(connection, "select coupon_key from accounts")[0][0]
        with self.runtime.database.transaction(self.shop.account) as connection:
            connection.execute(text("update accounts set coupon_key = :key"), {"key": key})

    def code(self, command: RedeemReward | SpendCredit) -> str:
        """The code of a redemption, or of credit."""
        what = "redemption" if isinstance(command, RedeemReward) else "credit"
        with self.runtime.database.transaction(self.shop.account) as connection:
            book = self.runtime.book(connection, self.shop.account, set())
        return coupon_code(book.coupon_key, f"{what}:{command.number}")

    def accepted(self) -> list[Accepted]:
        """Every command by number, those of rules too, with the key of its member."""
        with self.runtime.database.transaction(self.shop.account) as connection:
            statement = text(
                "select commands.*, members.key from commands join members on members.id = member_id order by number"
            )
            found = connection.execute(statement).mappings().all()
        return [(row["key"], codec.command(row)) for row in found]

    def redeemers(self, merchant: Merchant, random: Random) -> Redeemers | None:
        """The members who redeem, where the program has something for them."""
        with self.runtime.database.transaction(self.shop.account) as connection:
            (program,) = load_versions(connection, self.shop.account).programs
        if program.reward("off") is None:
            return None
        keys = [f"customer:1:{number}" for number in range(1, MEMBERS + 1)]
        return Redeemers(self.runtime, self.shop.account, self.shop.store.id, keys, merchant, random)

    def bring(self, friend: str, by: str, now: datetime) -> None:
        """Let somebody come by another's code, if he still may."""
        with self.runtime.database.transaction(self.shop.account) as connection:
            book = self.runtime.book(connection, self.shop.account, set())
            ids = [rows(connection, f"select id from members where key = '{key}'") for key in (friend, by)]
            if not all(ids):
                return
            code = personal_code(connection, book, ids[1][0][0])
            with suppress(Conflict), connection.begin_nested():
                claim(connection, book, code, ids[0][0][0], "", now)

    def register(self, customer: int, now: datetime) -> None:
        """Let the shop tell of a customer who has bought nothing yet."""
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S")
        order = make_woo_order(customer_id=customer)
        body = {
            "id": customer, "email": f"c{customer}@example.test", "first_name": "C", "last_name": "L",
            "username": f"c{customer}", "role": "customer", "is_paying_customer": False,
            "date_created_gmt": stamp, "date_modified_gmt": stamp, "billing": order["billing"],
        }  # fmt: skip
        self.store(Message("webhook", "customer.created", woo_body(body), None))
        self.drain(now, 400)

    def settle(self, now: datetime) -> None:
        """Fold everybody again at an instant, as `--rebuild` would."""
        with self.runtime.database.transaction(self.shop.account) as connection:
            mark_all_for_refold(connection)
        refold_account(self.runtime, self.shop.account, now)

    def allocations(self) -> list[tuple[Any, ...]]:
        """What limited campaigns gave to each order."""
        with self.runtime.database.transaction(self.shop.account) as connection:
            return rows(
                connection, "select order_key, campaign_key, granted, returned from campaign_allocations"
            )

    def inject(self, allocations: Sequence[tuple[Any, ...]]) -> None:
        """Take the allocations of another run for one's own, and nothing else (DESIGN §8): what died there before
        anybody saw it alive was given nothing.
        """
        put = text(
            "insert into campaign_allocations (account_id, order_key, campaign_key, member_id, granted, returned)"
            " select account_id, key, :campaign, member_id, :granted, :returned from orders where key = :key"
            " on conflict (account_id, order_key, campaign_key) do update"
            " set granted = excluded.granted, returned = excluded.returned"
        )
        count = text(
            "update campaign_budgets set used = (select sum(granted - returned) from campaign_allocations given"
            " where given.campaign_key = campaign_budgets.campaign_key)"
        )
        with self.runtime.database.transaction(self.shop.account) as connection:
            connection.execute(text("update campaign_allocations set granted = 0, returned = 0"))
            for key, campaign, granted, returned in allocations:
                values = {"key": key, "campaign": campaign, "granted": granted, "returned": returned}
                connection.execute(put, values)
            connection.execute(count)

    def differences(self) -> list[object]:
        with self.runtime.database.transaction(self.shop.account) as connection:
            return list(verify_ledger(connection, self.shop.account, rebuild=True).differences)


def live(account: Account, random: Random) -> tuple[list[Message], list[Accepted]]:
    """Run the steps: messages late, twice and in batches, commands in between; the ledger is proved on the way."""
    merchant, told = Merchant(random), []
    redeemers = account.redeemers(merchant, random)
    under_way: list[Message] = []
    for step in range(1, STEPS + 1):
        messages = merchant.step()
        told += messages
        under_way += messages
        if random.random() < 0.08:
            adjust(account, random, merchant.now, marked=step % 2 == 0)
        if random.random() < 0.08:
            move_credit(account, random, merchant.now)
        if redeemers is not None:
            redeemers.step(merchant.now)
        if step % 20 == 0:
            newcomer = MEMBERS + step
            account.register(newcomer, merchant.now)
            account.bring(f"customer:1:{newcomer}", f"customer:1:{random.randint(1, MEMBERS)}", merchant.now)
            merchant.customers.append(newcomer)
            run_automations(account.runtime, account.shop.account, merchant.now)
        if random.random() < 0.4:
            under_way = arrive(account, random, under_way, merchant.now)
        if step % 100 == 0:
            assert account.differences() == [], step
    for message in under_way:
        account.store(message)
    account.drain(merchant.now, 400)
    if redeemers is not None:
        assert redeemers.accepted > 50
    return told, account.accepted()


def adjust(account: Account, random: Random, now: datetime, *, marked: bool) -> None:
    """Give or take points of some member by hand."""
    points = random.choice((-500, -20, 5, 300))
    account.accept(
        f"customer:1:{random.randint(1, MEMBERS)}",
        lambda number: AdjustPoints(number, now, points, "because", marked, "staff"),
        now,
    )


def move_credit(account: Account, random: Random, now: datetime) -> None:
    """Give or take credit by hand, redeem points for some, or set some aside for a code."""
    amount, until = random.choice(("-30", "-4", "12")), now + timedelta(days=random.choice((1, 30)))

    def build(number: int) -> Command:
        return random.choice(
            (
                AdjustCredit(number, now, amount, "because", "staff"),
                RedeemReward(number, now, "money", "store_credit", 70, "", 0, None, "redeemed", "api"),
                SpendCredit(number, now, "5", 1, until, "a code", "api"),
            )
        )

    account.accept(f"customer:1:{random.randint(1, MEMBERS)}", build, now)


def arrive(account: Account, random: Random, messages: list[Message], now: datetime) -> list[Message]:
    """Store some of the messages, in any order, some twice, and drain; return those that are still under way."""
    late = [each for each in messages if random.random() < 0.15 and not each.is_gone()]
    arriving = sensible([each for each in messages if each not in late], random)
    for message in [*arriving, *arriving[: random.randint(0, 2)]]:
        account.store(message)
    account.drain(now, random.choice((1, 3, 400)))
    return late


def sensible(messages: Sequence[Message], random: Random) -> list[Message]:
    """The messages in any order, but what is gone is told last."""
    shuffled = random.sample(list(messages), len(messages))
    return sorted(shuffled, key=Message.is_gone)


def replay(account: Account, random: Random, told: list[Message], commands: list[Accepted]) -> None:
    """Let the same arrive in another order, with the commands at their accepted times, then rebuild. Nobody tells of a
    code before it was redeemed.
    """
    messages, known = sensible(told, random), set[str]()
    waiting = list(commands)
    while messages or waiting:
        ready = [message for message in messages if message.codes() <= known][: random.choice((1, 20, 90))]
        for message in ready:
            account.store(message)
        messages = [message for message in messages if message not in ready]
        account.drain(END, random.choice((7, 400)))
        while waiting and (not ready or random.random() < 0.5):
            key, command = waiting[0]
            if not account.accept_again(key, command, END):
                break
            if isinstance(command, RedeemReward | SpendCredit):
                known.add(account.code(command))
            waiting.pop(0)
    account.settle(END)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "document"), [(1, PROGRAM), (2, FLOOR), (3, LIVELY)], ids=["allow", "floor", "lively"]
)
def test_a_thousand_steps_and_the_same_in_another_order(
    runtime: Runtime, seed_ids: Callable[[int], None], seed: int, document: dict[str, Any]
) -> None:
    seed_ids(seed)
    first, second = (Account(runtime, make_shop(runtime, document)) for _ in range(2))
    second.share_codes(first)
    told, commands = live(first, Random(seed))
    assert first.differences() == []
    first.settle(END)
    assert first.differences() == []
    replay(second, Random(seed + 100), told, commands)
    recorded = first.allocations()
    assert sum(granted - returned for _, _, granted, returned in recorded) <= 3000
    second.inject(recorded)
    second.settle(END)

    assert dict(statuses(runtime, first.shop.account)).keys() == {"processed"}
    assert second.differences() == []
    here, there = (dump(runtime, account.shop.account, INSTANTS) for account in (first, second))
    found = differences(here, there)
    assert not found, found


def test_order_that_one_run_saw_alive_and_the_other_only_dead(runtime: Runtime) -> None:
    seen_dead, seen_alive = (Account(runtime, make_shop(runtime, LIVELY)) for _ in range(2))
    merchant = Merchant(Random(4), now=datetime(2026, 2, 10, tzinfo=UTC), customers=[1])
    id = merchant.place()
    alive = merchant.tell(id)[0]
    merchant.now += timedelta(hours=1)
    dead = set_status("cancelled")(merchant, id)[0]
    seen_alive.store(alive)
    seen_alive.drain(merchant.now, 400)
    for account in (seen_alive, seen_dead):
        account.store(dead)
        account.drain(merchant.now, 400)
    assert [granted > 0 for *_, granted, _ in seen_alive.allocations()] == [True]
    assert seen_dead.allocations() == []

    seen_alive.inject(seen_dead.allocations())
    seen_alive.settle(END)
    seen_dead.settle(END)
    here, there = (dump(runtime, account.shop.account, INSTANTS) for account in (seen_dead, seen_alive))
    found = differences(here, there)
    assert not found, found

"""Tills whose statements arrive in any order, twice, in any batches: everybody ends with the same (RULES §2)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_sale, make_shop, make_till

from bench.dumps import Rows, dump, statuses
from loyalty.engine.people import enrol
from loyalty.engine.verify import verify_ledger
from loyalty.inbox.repository import accept
from loyalty.members.identity import Identity
from workers.draining import drain_account
from workers.runtime import Runtime

START = datetime(2026, 3, 1, 4, tzinfo=UTC)
END = START + timedelta(days=60)
PROGRAM = make_document(
    earning={"points_per_unit": "0.7", "pending_days": 2, "caps": {"per_day": 900}},
    tiers=[
        {"key": "regular", "name": {"en": "Regular"}},
        {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "2000"}]},
         "benefits": {"multiplier": "1.5", "entry_reward": "gift"}},
    ],
    rewards=[{"key": "gift", "kind": "fixed_discount", "amount": "100"}],
)  # fmt: skip
BUYERS = (
    {"customer_id": "1"}, {"customer_id": "2", "email": "two@example.test"}, {"email": "two@example.test"},
    {"phone": "+886912345678"}, {"member": 0}, {"member": 1}, None,
)  # fmt: skip
MEMBERS = [Identity("email", f"m{number}@example.test") for number in range(2)]
Statement = dict[str, Any]


def life(random: Random, id: str) -> list[Statement]:
    """What a till says of one order, oldest first: sold, given back in part, voided, brought back, deleted."""
    at, refunds, told = START + timedelta(hours=random.randrange(24 * 20)), [], []
    buyer, total = random.choice(BUYERS), random.choice(("90", "640", "1500"))
    placed = at.isoformat()
    for number in range(random.randint(1, 6)):
        state = random.choice(("paid", "completed", "completed", "refunded", "cancelled", "open", "deleted"))
        if random.random() < 0.3:
            refunds = [*refunds, {"id": str(number), "created_at": at.isoformat(), "amount": "50"}]
        if random.random() < 0.3:
            buyer = random.choice(BUYERS)
        more = {"paid_at": placed} if random.random() < 0.5 else {}
        told.append(
            make_sale(id, total, state=state, placed_at=placed, modified_at=at.isoformat(), refunds=refunds,
                      buyer=buyer, **more)
        )  # fmt: skip
        at += timedelta(minutes=random.choice((1, 600, 3000)))
    return told


def run(runtime: Runtime, statements: list[Statement], batches: Random | None) -> dict[str, Rows]:
    """What an account holds after these statements, taken one by one or in random batches."""
    shop = make_shop(runtime, PROGRAM)
    till = make_till(runtime, shop.account)
    with runtime.database.transaction(shop.account) as connection:
        people = enrol(connection, shop.account, MEMBERS)
    ids = [people[identity].id for identity in MEMBERS]
    for statement in statements:
        body = json.dumps(_named(statement, ids)).encode()
        key = runtime.connectors["till"].message_key("order", {}, body)
        with runtime.database.transaction(shop.account) as connection:
            accept(
                connection, shop.account, till.id, key=key, source="api", topic="order",
                delivery_id=statement["id"], body=body,
            )  # fmt: skip
        if batches is None or batches.random() < 0.2:
            drain_account(runtime, shop.account, now=END)
    drain_account(runtime, shop.account, now=END)
    assert {status for status, _ in statuses(runtime, shop.account)} == {"processed"}
    with runtime.database.transaction(shop.account) as connection:
        assert verify_ledger(connection, shop.account, rebuild=True).differences == []
    return dump(runtime, shop.account, [END])


def _named(statement: Statement, ids: list[UUID]) -> Statement:
    buyer = statement["buyer"]
    if buyer is None or "member" not in buyer:
        return statement
    return {**statement, "buyer": {"member": str(ids[buyer["member"]])}}


@pytest.mark.parametrize("seed", range(6))
def test_every_order_of_arrival_ends_alike(runtime: Runtime, seed: int) -> None:
    random = Random(seed)
    lives = [life(random, f"R-{number}") for number in range(12)]
    told = sorted((one for each in lives for one in each), key=lambda one: one["modified_at"])
    shuffled = [*told, *random.sample(told, len(told) // 3)]
    random.shuffle(shuffled)
    sorted_end = run(runtime, told, None)
    assert sorted_end["points"]
    assert run(runtime, shuffled, random) == sorted_end

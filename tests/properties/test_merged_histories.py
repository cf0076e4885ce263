"""Merges at random in the life of an account: the ledger rebuilds at every moment, and undone they leave no trace."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from builders import make_shop
from histories import FIRST, LAST, History, histories
from hypothesis import given, settings
from hypothesis import strategies as st
from test_account_histories import (
    END,
    FLOOR,
    INSTANTS,
    MEMBERS,
    PROGRAM,
    Account,
    Merchant,
    Message,
    arrive,
)

from bench.dumps import differences, dump, rows
from loyalty.accounts.service import next_command_number
from loyalty.engine.commands import AdjustPoints, MergeMember, UnmergeMember
from loyalty.engine.commands import Command as Accepted
from loyalty.engine.decide import refold
from loyalty.engine.merging import list_merges, merge_members, undo_merge
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import OrderRef
from loyalty.engine.work import Word
from loyalty.errors import MemberMerged
from workers.runtime import Runtime

STEPS = 200
WORD = Word("the same person", "staff")
UNLIMITED = {
    **PROGRAM,
    "campaigns": [campaign for campaign in PROGRAM["campaigns"] if "budget" not in campaign],
}


@dataclass
class People:
    """The members of an account, who are merged and freed at random."""

    account: Account
    random: Random
    others: list[Account] = field(default_factory=list)
    """Accounts without merges, whose commands are to have the same numbers."""
    merged: int = 0

    def ids(self, connection: Any) -> list[UUID]:
        return [
            row[0]
            for row in rows(connection, "select id from members where merged_into is null order by key")
        ]

    def merge(self, now: datetime) -> None:
        with self.account.runtime.database.transaction(self.account.shop.account) as connection:
            book = self.account.runtime.book(connection, self.account.shop.account, set())
            alone = self.ids(connection)
            if len(alone) > 1:
                survivor, other = self.random.sample(alone, 2)
                merge_members(connection, book, survivor, other, WORD, now)
                self.merged += 1
                self.skip_number()

    def skip_number(self) -> None:
        for account in self.others:
            with account.runtime.database.transaction(account.shop.account) as connection:
                next_command_number(connection)

    def undo(self, now: datetime) -> bool:
        """Take one merge back; return whether there was one."""
        with self.account.runtime.database.transaction(self.account.shop.account) as connection:
            book = self.account.runtime.book(connection, self.account.shop.account, set())
            merges = [
                (member, merge["number"])
                for member in self.ids(connection)
                for merge in list_merges(connection, member)
                if merge["undone_at"] is None
            ]
            if merges:
                undo_merge(connection, book, *self.random.choice(merges), WORD, now)
                self.skip_number()
            return bool(merges)


@dataclass
class Life:
    """What two accounts are told: one merges people meanwhile, the other does not."""

    accounts: list[Account]
    people: People
    random: Random
    merchant: Merchant = field(init=False)

    def __post_init__(self) -> None:
        self.merchant = Merchant(self.random)

    def run(self) -> None:
        under_way: list[Message] = []
        for step in range(1, STEPS + 1):
            under_way += self.merchant.step()
            if self.random.random() < 0.08:
                self.adjust(marked=step % 2 == 0)
            if self.random.random() < 0.06:
                self.people.merge(self.merchant.now)
            if self.random.random() < 0.03:
                self.people.undo(self.merchant.now)
            if self.random.random() < 0.4:
                under_way = self.arrive(under_way)
            if step % 50 == 0:
                assert [account.differences() for account in self.accounts] == [[]] * len(self.accounts), step
        for account in self.accounts:
            for message in under_way:
                account.store(message)
            account.drain(END, 400)

    def adjust(self, *, marked: bool) -> None:
        """Give or take points by hand, where the member stands for himself."""
        key = f"customer:1:{self.random.randint(1, MEMBERS)}"
        points, now = self.random.choice((-500, -20, 5, 300)), self.merchant.now
        try:
            for account in self.accounts:
                account.accept(
                    key, lambda number: AdjustPoints(number, now, points, "because", marked, "staff"), now
                )
        except MemberMerged:
            pass

    def arrive(self, messages: list[Message]) -> list[Message]:
        seed, late = self.random.random(), messages
        for account in self.accounts:
            late = arrive(account, Random(seed), messages, self.merchant.now)
        return late


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "document"),
    [(1, UNLIMITED), (2, FLOOR | {"campaigns": UNLIMITED["campaigns"]})],
    ids=["allow", "floor"],
)
def test_merges_rebuild_and_undone_they_leave_no_trace(
    runtime: Runtime, seed: int, document: dict[str, Any]
) -> None:
    merging, plain = (Account(runtime, make_shop(runtime, document)) for _ in range(2))
    people = People(merging, Random(seed), [plain])
    Life([merging, plain], people, Random(seed + 10)).run()
    assert people.merged > 5
    while people.undo(END):
        assert merging.differences() == []
    for account in (merging, plain):
        account.settle(END)

    here, there = (dump(runtime, account.shop.account, INSTANTS) for account in (merging, plain))
    found = differences(here, there)
    assert not found, found


@pytest.mark.slow
@pytest.mark.parametrize("document", [PROGRAM, FLOOR], ids=["allow", "floor"])
def test_merges_rebuild_with_limited_campaigns(runtime: Runtime, document: dict[str, Any]) -> None:
    account = Account(runtime, make_shop(runtime, document))
    people = People(account, Random(5))
    Life([account], people, Random(6)).run()
    while people.undo(END):
        pass
    assert people.merged > 5
    assert account.differences() == []


def member(history: History, key: str, *more: Accepted, order: str = "") -> MemberState:
    """A member with all that a history says, under other ids and numbers where another member has them."""
    state = MemberState(key)
    for id, said in history.shop().items():
        ref = OrderRef(1, f"{order}{id}")
        snapshot = said if hasattr(said, "lines") else None
        state.orders[ref.key] = OrderFile(ref, snapshot)  # type: ignore[arg-type]
    commands = [each for each in history.statements if isinstance(each, Accepted)]
    state.commands = [replace(each, number=each.number + (40 if order else 0)) for each in commands] + list(
        more
    )
    return state


@given(
    first=histories(),
    second=histories(),
    at=st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)),
)
@settings(max_examples=200, deadline=None)
def test_a_merge_adds_up_and_undone_gives_back_every_figure(
    first: History, second: History, at: datetime
) -> None:
    merge = MergeMember(90, at.replace(tzinfo=FIRST.tzinfo), "b", "x", "staff")
    parts = {"b": member(second, "b", order="7")}
    alone = refold(member(first, "a"), first.versions, LAST)
    both = member(first, "a", merge)
    both.parts = parts
    union = refold(both, first.versions, LAST)
    rest = sum(lot.remaining for lot in union.wallet.lots.values())
    assert sum(each.points for each in union.movements) == rest - union.wallet.debt
    for cause, lot in union.wallet.lots.items():
        used = sum(points for (own, _), points in union.wallet.consumed.items() if own == cause)
        assert lot.points - lot.remaining == used
    assert len({lot.sequence for lot in union.wallet.lots.values()}) == len(union.wallet.lots)
    assert union.orders.keys() == both.orders.keys() | parts["b"].orders.keys()

    both = member(first, "a", merge, UnmergeMember(91, merge.accepted_at, 90, "x", "staff"))
    both.parts = parts
    freed = refold(both, first.versions, LAST)
    assert (freed.movements, freed.periods, freed.wallet.lots, freed.tally, freed.held) == (
        alone.movements, alone.periods, alone.wallet.lots, alone.tally, alone.held,
    )  # fmt: skip

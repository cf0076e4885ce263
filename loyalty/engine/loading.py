"""Everything that a batch of members needs, in a constant number of statements; law: lock first, read afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.commerce import OrderSnapshot
from loyalty.db import Row
from loyalty.engine import codec
from loyalty.engine.due import may_change_any_lot
from loyalty.engine.news import OrderNews, Restated, SavedOrder
from loyalty.engine.owners import Claim
from loyalty.engine.state import OrderFile
from loyalty.engine.work import MemberWork
from loyalty.ledger import repository as ledger
from loyalty.members import repository as members
from loyalty.members.commands import list_commands
from loyalty.orders import repository as orders
from loyalty.orders.snapshot import is_newer, keep_known
from loyalty.programs.program import Versions
from loyalty.rewards import repository as rewards
from loyalty.rewards.claim_repository import list_claims


@dataclass(slots=True)
class Batch:
    """The locked members of a batch, and the known rows of the orders that it is about."""

    works: dict[UUID, MemberWork] = field(default_factory=dict)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, OrderFile] = field(default_factory=dict)
    survivors: dict[UUID, UUID] = field(default_factory=dict)
    """Who stands for each member: himself, or into whom he is merged."""

    def work(self, member: UUID) -> MemberWork:
        """Return the work of whoever stands for a member."""
        return self.works[self.survivors[member]]

    def file(self, key: str) -> OrderFile | None:
        """Return what is stored of an order."""
        return self.files.get(key)

    def owner(self, key: str) -> UUID | None:
        """Return the member to whom a known order belongs."""
        return self.known[key]["member_id"] if key in self.known else None

    def claim(self, key: str) -> Claim | None:
        """Return why a known order belongs to its member."""
        row = self.known.get(key)
        return Claim(row["owner_key"], row["owner_at"]) if row and row["owner_at"] else None

    def is_news(self, key: str, order: OrderSnapshot) -> bool:
        """Return whether a snapshot replaces what is stored of the order."""
        old = self.files.get(key)
        return old is None or old.snapshot is None or is_newer(order, old.snapshot)

    def codes(self, key: str, order: OrderSnapshot) -> list[str]:
        """Return the codes on an order as it will stand: a partial statement does not take off what it cannot tell."""
        old = self.files.get(key)
        known = old.snapshot if old is not None else None
        return (keep_known(order, known) if order.is_partial and known else order).codes()

    def codes_gone(self, orders: Mapping[str, OrderNews]) -> list[dict[str, object]]:
        """Return our codes that an edit took off an order: they are free again."""
        gone: list[dict[str, object]] = []
        for key, news in orders.items():
            old = self.files.get(key)
            if old is None or news.snapshot is None or not self.is_news(key, news.snapshot):
                continue
            present = set(self.codes(key, news.snapshot))
            gone += [
                {"key": key, "code": code, "live": False, "gone": True}
                for code in sorted(old.laurel_codes - present)
            ]
        return gone

    def kept(self, restated: Restated, *, same_member: bool) -> tuple[OrderFile | None, OrderFile]:
        """Return an order before and after its news: with its figures where it stays with its member, else without."""
        if restated.old is None or not same_member:
            return None, restated.new
        return restated.old, codec.restated(restated.old, restated.new)


def load(connection: Connection, ids: Iterable[UUID], keys: Sequence[str]) -> Batch:
    """Lock members and read the heads of their folds, their open lots, and the orders of these keys."""
    batch = Batch()
    for row in members.lock_members(connection, ids):
        batch.survivors[row["id"]] = row["merged_into"] or row["id"]
        if row["merged_into"] is None:
            batch.works[row["id"]] = _work(row)
    _load_merged(connection, batch)
    if not batch.works and not keys:
        return batch
    for order in orders.list_orders(connection, keys):
        file = codec.order_file(order)
        batch.known[order["key"]] = dict(order)
        batch.files[order["key"]] = file
        if order["member_id"] in batch.survivors:
            batch.work(order["member_id"]).state.orders[order["key"]] = file
    _load_lots(connection, batch, keys)
    return batch


def load_due(connection: Connection, rows: Iterable[Row], versions: Versions, now: datetime) -> Batch:
    """Take locked members for whom there is no news, and read of their lots only those that what is due may change."""
    batch = Batch({row["id"]: _work(row) for row in rows})
    works = batch.works
    if works:
        _load_merged(connection, batch)
        until = max(now, *(work.row["settled_at"] or now for work in works.values()))
        whole = [work.id for work in works.values() if may_change_any_lot(work.state, versions, until)]
        rest = list(works.keys() - whole)
        _take_lots(works, ledger.list_due_lots(connection, rest, until, whole))
    return batch


def _work(row: Row) -> MemberWork:
    return MemberWork(row, codec.member_state(row), tier_before=row["tier_key"])


def _load_merged(connection: Connection, batch: Batch) -> None:
    """Read who is merged into the members; nobody else writes their rows while these are locked."""
    standing = [work.id for work in batch.works.values() if work.row["merged"]]
    for row in members.list_merged(connection, standing) if standing else ():
        batch.survivors[row["id"]] = row["merged_into"]
        batch.works[row["merged_into"]].parts[row["id"]] = dict(row)


def _load_lots(connection: Connection, batch: Batch, keys: Sequence[str]) -> None:
    if not batch.works:
        return
    causes = [f"order:{key}:award" for key in keys]
    _take_lots(batch.works, ledger.list_open_lots(connection, list(batch.works), causes))


def _take_lots(works: Mapping[UUID, MemberWork], rows: Iterable[Mapping[Any, Any]]) -> None:
    for row in rows:
        works[row["member_id"]].state.wallet.lots[row["cause"]] = codec.lot(row)


def make_works(connection: Connection, rows: Iterable[Mapping[Any, Any]]) -> list[MemberWork]:
    """Return members from their unlocked rows, with everybody who is merged into them."""
    works = [MemberWork(dict(row), codec.member_state(row)) for row in rows]
    by_id = {work.id: work for work in works if work.row["merged"]}
    for row in members.list_merged(connection, by_id) if by_id else ():
        by_id[row["merged_into"]].parts[row["id"]] = dict(row)
    return works


def load_histories(
    connection: Connection, works: Sequence[MemberWork], news: Sequence[SavedOrder] = ()
) -> None:
    """Read all orders, commands, posted sums and coupons of members who are folded from nothing, with those of
    everybody who is merged into them. `news` are orders of the batch that are not written yet.
    """
    if not works:
        return
    by_id = {work.id: work for work in works}
    by_root = {root: work for work in works for root in work.roots}
    roots = list(by_root)
    for work in works:
        work.begin_history()
    for row in orders.list_histories(connection, roots):
        by_root[row["member_id"]].add_history(row["member_id"], codec.order_file(row))
    for row in list_commands(connection, roots):
        by_root[row["member_id"]].of(row["member_id"]).commands.append(codec.command(row))
    for row in ledger.list_posted(connection, list(by_id)):
        by_id[row["member_id"]].posted[row["cause"]] = codec.posted(row)
    for row in rewards.list_member_coupons(connection, roots):
        by_root[row["member_id"]].coupons.append(row)
    for row in list_claims(connection, roots):
        by_root[row["member_id"]].claims.append(row)
    _load_code_users(connection, works, news)
    for work in works:
        work.end_history()


def _load_code_users(connection: Connection, works: Sequence[MemberWork], news: Sequence[SavedOrder]) -> None:
    """Read the orders on which codes of these members' rewards stand, whoever placed them, as the batch leaves them."""
    owners = {code: work for work in works for code in work.reward_codes()}
    if not owners:
        return
    files = {row["key"]: codec.order_file(row) for row in orders.list_code_users(connection, list(owners))}
    files |= {item.file.ref.key: item.file for item in news}
    for key, file in files.items():
        for code in file.laurel_codes & owners.keys():
            owners[code].users[key] = file

"""Prove the ledger: entries against lots, and everything stored against a fold from nothing; law: writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.earning.repository import list_uses
from loyalty.engine import codec
from loyalty.engine.benefits import standing_code, store_of
from loyalty.engine.budgets import read_allotments
from loyalty.engine.claim_rows import is_withdrawable, wanted_causes
from loyalty.engine.credit_proof import check_credit, compare_credit
from loyalty.engine.credit_rows import load_posted_credit
from loyalty.engine.decide import refold
from loyalty.engine.issuing import LIVE
from loyalty.engine.loading import load_histories, make_works
from loyalty.engine.redemption_rows import differing
from loyalty.engine.sealing import check_seals
from loyalty.engine.segmenting import segments_of
from loyalty.engine.state import MemberState
from loyalty.engine.work import MemberWork
from loyalty.ledger import repository as ledger
from loyalty.ledger.entries import EntryDraft, EntryKind, content_hash
from loyalty.members import repository as members
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.rewards.redemption_repository import list_redemptions
from loyalty.values import AccountId, fraction_text

PAGE = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree: whose (None: everybody's), what, what is stored, what it should be."""

    member: UUID | None
    what: str
    stored: str
    expected: str


@dataclass(slots=True)
class Verification:
    """The result: how many members and entries were looked at, and every difference."""

    members: int = 0
    entries: int = 0
    differences: list[Difference] = field(default_factory=list)


def verify_ledger(connection: Connection, account: AccountId, *, rebuild: bool = False) -> Verification:
    """Check every member of the account page by page; with `rebuild` fold each from his stored orders and commands."""
    result, versions = Verification(), load_versions(connection, account)
    for rows in _pages(connection):
        ids = [row["id"] for row in rows]
        entries = _entries(connection, ids)
        lots = _by_member(ledger.list_lots(connection, ids))
        consumed = _by_member(ledger.list_consumptions(connection, ids))
        for row in rows:
            own = entries.get(row["id"], [])
            result.members += 1
            result.entries += len(own)
            _check(result, row, own, lots.get(row["id"], []), consumed.get(row["id"], []))
        result.entries += check_credit(connection, rows, lambda member: _reporter(result, member))
        if rebuild:
            _rebuild(connection, result, rows, lots, versions)
    differs = _reporter(result, None)
    for key, counted, used in list_uses(connection):
        differs(f"points in use of campaign {key}", counted, used)
    check_seals(connection, differs)
    return result


def _pages(connection: Connection) -> Iterator[Sequence[Any]]:
    after = UUID(int=0)
    while rows := members.list_page(connection, after, PAGE):
        yield rows
        after = rows[-1]["id"]


def _entries(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    statement = text(
        "select * from ledger_entries where member_id = any(cast(:ids as uuid[])) order by sequence"
    )
    return _by_member(connection.execute(statement, {"ids": list(ids)}).mappings())


def _by_member(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row["member_id"], []).append(row)
    return found


def _check(result: Verification, row: Any, entries: list[Any], lots: list[Any], consumed: list[Any]) -> None:
    """Entries sum to lots less debt, running balances run, lots lost what was consumed, contents have their hashes."""
    differs = _reporter(result, row["id"])
    total = sum(entry["points"] for entry in entries)
    differs("points_sum", row["points_sum"], total)
    differs(
        "lots and holds less debt", sum(lot["remaining"] for lot in lots) + row["held"] - row["debt"], total
    )
    balance = 0
    for entry in entries:
        balance += entry["points"]
        differs(f"balance after {entry['entry_key']}", entry["balance_after"], balance)
        differs(
            f"content of {entry['entry_key']}", bytes(entry["content_sha256"]).hex(), _hash(row["key"], entry)
        )
    for lot in lots:
        used = sum(item["points"] for item in consumed if item["lot_cause"] == lot["cause"])
        differs(f"consumptions of {lot['cause']}", used, lot["points"] - lot["remaining"])


def _reporter(result: Verification, member: UUID | None) -> Any:
    def differs(what: str, stored: object, expected: object) -> None:
        if stored != expected:
            result.differences.append(Difference(member, what, str(stored), str(expected)))

    return differs


def _hash(member_key: str, entry: Any) -> str:
    draft = EntryDraft(
        entry_key=entry["entry_key"],
        cause=entry["cause"],
        kind=EntryKind(entry["kind"]),
        points=entry["points"],
        effective_at=entry["effective_at"],
        reason=entry["reason"],
        order_key=entry["order_key"],
        version=entry["program_version"],
        explanation={},
    )
    return content_hash(member_key, draft).hex()


def _rebuild(
    connection: Connection,
    result: Verification,
    rows: Sequence[Any],
    lots: dict[UUID, list[Any]],
    versions: Versions,
) -> None:
    works = make_works(connection, rows)
    load_histories(connection, works)
    load_posted_credit(connection, works, versions)
    for work in works:
        work.refold = True
    read_allotments(connection, works, versions)
    redeemed = _by_member(list_redemptions(connection, [root for work in works for root in work.roots]))
    for work in works:
        settled: datetime | None = work.row["settled_at"]
        if settled is None or work.row["must_refold"]:
            continue
        stored_orders = {file.ref.key: file for file in work.files()}
        work.state = MemberState(work.row["key"]) if work.is_merged else refold(work.state, versions, settled)
        _compare(result, work, stored_orders, lots.get(work.id, []), versions)
        _compare_redemptions(_reporter(result, work.id), work, redeemed)
        _compare_standing_codes(_reporter(result, work.id), work, versions)


def _compare(
    result: Verification, work: MemberWork, orders: dict[str, Any], lots: list[Any], versions: Versions
) -> None:
    state, row = work.state, work.row
    differs = _reporter(result, work.id)
    _compare_causes(differs, work)
    compare_credit(differs, work)
    _compare_lots(differs, state, lots)
    differs("debt", row["debt"], state.wallet.debt)
    differs("held", row["held"], state.wallet.held)
    differs("tier", row["tier_key"], state.tier_key)
    differs("joined_at", row["joined_at"], state.joined_at)
    differs("order count", row["order_count"], state.order_count)
    totals = state.tally.total
    differs("lifetime spend", row["lifetime_spend"], fraction_text(totals.spend))
    differs("lifetime orders", row["lifetime_orders"], totals.orders)
    differs("lifetime points", row["lifetime_points"], totals.points)
    _compare_tally(differs, work)
    _compare_standing(differs, work)
    _compare_segments(differs, work, versions)
    for key, file in state.orders.items():
        old = orders[key]
        differs(f"points of order {key}", old.points, file.points)
        differs(f"base of order {key}", fraction_text(old.net_base), fraction_text(file.net_base))
        differs(f"tier of order {key}", old.tier_key, file.tier_key)
    _compare_allocations(differs, state)
    _compare_coupons(differs, work)
    _compare_claims(differs, work)


def _compare_redemptions(differs: Any, work: MemberWork, redeemed: dict[UUID, list[Any]]) -> None:
    for difference in differing(work, [row for root in work.roots for row in redeemed.get(root, [])]):
        differs(*difference)


def _compare_standing(differs: Any, work: MemberWork) -> None:
    """Compare what the next event carries on from: periods, the tier held with its end, terms, activity, tags."""
    stored, folded = work.row["head"], codec.head_data(work.state)
    for part in sorted((stored.keys() | folded.keys()) - {"place", "tally"}):
        differs(part, stored.get(part), folded.get(part))


def _compare_segments(differs: Any, work: MemberWork, versions: Versions) -> None:
    settled: datetime = work.row["settled_at"]
    program = versions.at(settled)
    wanted = segments_of(work.state, program, settled) if program else frozenset()
    differs("segments", sorted(work.row["segments"]), sorted(wanted))


def _compare_allocations(differs: Any, state: MemberState) -> None:
    stored, folded = state.allotments.stored, state.allotments.rows
    for place in sorted(stored.keys() | folded.keys()):
        differs("allocation of {} to order {}".format(*place), stored.get(place), folded.get(place))


def _compare_tally(differs: Any, work: MemberWork) -> None:
    """Compare the figures by instant from where the stored ones are complete."""
    stored, folded = codec.member_state(work.row).tally, work.state.tally
    if stored.since is not None:
        folded.forget_before(stored.since)
    if folded.since is not None:
        stored.forget_before(folded.since)
    differs("figures by instant", stored.data()["moments"], folded.data()["moments"])


def _compare_causes(differs: Any, work: MemberWork) -> None:
    wanted = {movement.cause: movement.points for movement in work.state.movements}
    for cause in sorted(wanted.keys() | work.posted.keys()):
        stored = work.posted[cause].points if cause in work.posted else 0
        differs(f"entries of {cause}", stored, wanted.get(cause, 0))


def _compare_lots(differs: Any, state: MemberState, rows: list[Any]) -> None:
    stored = {row["cause"]: codec.lot(row) for row in rows}
    for cause in sorted(stored.keys() | state.wallet.lots.keys()):
        differs(f"lot {cause}", _lot_figures(stored.get(cause)), _lot_figures(state.wallet.lots.get(cause)))


def _lot_figures(lot: Any) -> tuple[object, ...] | None:
    return (lot.points, lot.remaining, lot.expired, lot.available_from, lot.expires_at) if lot else None


def _compare_coupons(differs: Any, work: MemberWork) -> None:
    live = sorted(row["cause"] for row in work.coupons if row["state"] in LIVE and not row["reusable"])
    known = {row["cause"] for row in work.coupons}
    wanted = wanted_causes(work, claims=False)
    differs("coupons without a cause", [cause for cause in live if cause not in wanted], [])
    differs("causes without a coupon", sorted(wanted - known), [])


def _compare_claims(differs: Any, work: MemberWork) -> None:
    wanted = wanted_causes(work, claims=True)
    live = sorted(row["cause"] for row in work.claims if is_withdrawable(row))
    differs("claims without a cause", [cause for cause in live if cause not in wanted], [])
    differs("causes without a claim", sorted(wanted - {row["cause"] for row in work.claims}), [])


def _compare_standing_codes(differs: Any, work: MemberWork, versions: Versions) -> None:
    """A live standing code is of the present period, on the terms that its tier offers."""
    for row in work.coupons:
        if row["reusable"] and row["state"] in LIVE:
            code = standing_code(work.state, versions, store_of(row["cause"]))
            present = code is not None and code.cause == row["cause"] and code.is_stored(row)
            differs(f"standing code {row['cause']} is of the present period", True, present)

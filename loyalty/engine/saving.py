"""Write what a batch decided, in a constant number of statements;
law: one statement a topic, nothing is asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.automations import repository as segments
from loyalty.db import Row
from loyalty.engine import codec, issuing, marking, telling
from loyalty.engine.book import AccountBook
from loyalty.engine.budgets import save_allotments
from loyalty.engine.claim_rows import save_claims
from loyalty.engine.credit_rows import save_credit
from loyalty.engine.giving import may_be_withdrawn
from loyalty.engine.news import SavedOrder
from loyalty.engine.redemption_rows import save_redemptions
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.work import MemberWork
from loyalty.errors import OrdersMoved
from loyalty.ledger import repository as ledger
from loyalty.ledger.entries import EntryDraft, content_hash
from loyalty.members import repository as members
from loyalty.orders import repository as orders
from loyalty.outbox.repository import add_pushes
from loyalty.programs.program import Program, Versions
from loyalty.rewards import repository as rewards
from loyalty.rewards.redemption import number_of
from loyalty.tiers import repository as tiers
from loyalty.values import fraction_text, new_id

_PROFILE = ("id", "email", "phone", "name", "region", "role", "registered", "registered_by", "profile_at")


def save(
    connection: Connection,
    book: AccountBook,
    works: Sequence[MemberWork],
    saved: Sequence[SavedOrder],
    versions: Versions,
    now: datetime,
) -> frozenset[UUID]:
    """Write all that a batch decided, orders first, fold heads last; return the stores with pushes."""
    program = versions.at(now)
    _save_orders(connection, book, works, saved)
    save_allotments(connection, book.id, works)
    _save_ledger(connection, book, works, now)
    save_credit(connection, book.id, works, now)
    _save_periods(connection, book, works)
    save_redemptions(connection, book, works, now)
    save_claims(connection, book, works, versions, now)
    issued = _save_issued(connection, book, works, versions, now)
    _save_segments(connection, book, works, now)
    if works:
        members.put_members(connection, [_member_row(work, program, versions, now) for work in works])
    return frozenset(push.store_id for push in issued.pushes)


def _save_orders(
    connection: Connection,
    book: AccountBook,
    works: Sequence[MemberWork],
    saved: Sequence[SavedOrder],
) -> None:
    folded = {key: file for work in works for key, file in work.state.orders.items()}
    stated = {item.file.ref.key for item in saved}
    if saved:
        rows = [_order_row(item, folded.get(item.file.ref.key, item.file), book.currency) for item in saved]
        if orders.put_orders(connection, book.id, rows) < len(rows):
            raise OrdersMoved
    others = [
        file for work in works if work.refold for key, file in work.state.orders.items() if key not in stated
    ]
    if others:
        orders.put_folded(connection, [codec.folded_row(file) for file in others])


def _order_row(item: SavedOrder, file: OrderFile, currency: str) -> Row:
    owner = {
        "owner_key": item.claim.key if item.claim else "",
        "owner_at": item.claim.at if item.claim else None,
    }
    return codec.order_row(file, item.store, item.member, _review(file, currency)) | owner


def _review(file: OrderFile, currency: str) -> str | None:
    """Return why somebody should look at an order: it is in another currency than the account, and earns nothing."""
    foreign = file.snapshot is not None and file.snapshot.currency != currency
    return "currency" if foreign else None


def _save_ledger(
    connection: Connection, book: AccountBook, works: Sequence[MemberWork], now: datetime
) -> None:
    refolded = [work.id for work in works if work.refold]
    if refolded:
        ledger.forget_fold(connection, refolded)
    entries = [row for work in works for row in _entry_rows(work, now)]
    lots = [row for work in works for row in _lot_rows(work)]
    used = [row for work in works for row in _consumption_rows(work)]
    if entries or lots or used:
        ledger.post(connection, book.id, entries, lots, used)


def _entry_rows(work: MemberWork, now: datetime) -> Iterator[Row]:
    if work.refold:
        work.row["points_sum"] = sum(posted.points for posted in work.posted.values())
    for draft in work.drafts:
        work.row["points_sum"] += draft.points
        yield _entry_row(work, draft, now)


def _entry_row(work: MemberWork, draft: EntryDraft, now: datetime) -> Row:
    return {
        "id": new_id(),
        "member_id": work.id,
        "entry_key": draft.entry_key,
        "cause": draft.cause,
        "kind": draft.kind.value,
        "points": draft.points,
        "balance_after": work.row["points_sum"],
        "order_key": draft.order_key,
        "program_version": draft.version,
        "reason": draft.reason,
        "explanation": draft.explanation,
        "effective_at": draft.effective_at,
        "posted_at": now,
        "content_sha256": content_hash(work.state.key, draft),
    }


def _lot_rows(work: MemberWork) -> Iterator[Row]:
    wallet = work.state.wallet
    for cause, lot in wallet.lots.items():
        if work.refold or cause in wallet.touched:
            yield {
                "id": new_id(),
                "member_id": work.id,
                "cause": cause,
                "sequence": lot.sequence,
                "order_key": lot.order_key,
                "created_at": lot.created_at,
                "available_from": lot.available_from,
                "expires_at": lot.expires_at,
                "points": lot.points,
                "remaining": lot.remaining,
                "expired": lot.expired,
            }


def _consumption_rows(work: MemberWork) -> Iterator[Row]:
    for (lot_cause, cause), points in work.state.wallet.consumed.items():
        if points:
            yield {"member_id": work.id, "lot_cause": lot_cause, "cause": cause, "points": points}


def _save_periods(connection: Connection, book: AccountBook, works: Sequence[MemberWork]) -> None:
    changed = [work for work in works if work.refold or work.has_new_periods()]
    rows = [
        {
            "member_id": work.id,
            "number": number,
            "tier_key": period.tier_key,
            "entry": period.entry,
            "started_at": period.started_at,
            "cause": period.cause,
            "rewarded": period.rewarded,
            "reason": period.reason,
        }
        for work in changed
        for number, period in enumerate(work.state.periods, 1)
        if work.refold or number > work.periods_before()
    ]
    if rows or changed:
        tiers.put_periods(connection, book.id, rows, [work.id for work in changed if work.refold])


def _save_issued(
    connection: Connection, book: AccountBook, works: Sequence[MemberWork], versions: Versions, now: datetime
) -> issuing.Issued:
    issued = issuing.Issued()
    _load_standing_codes(connection, works, versions)
    for work in works:
        issuing.issue(issued, book, work, versions, now)
    if changed := [*issued.tier_changes, *issued.figure_changes]:
        customers = members.list_customers(connection, [root for work in changed for root in work.roots])
        issuing.push_tiers(issued, book, customers, versions.at(now))
    if issued.coupons:
        rewards.put_coupons(connection, book.id, issued.coupons)
    issued.pushes += telling.tell(connection, book, works, now)
    issued.pushes += marking.mark_orders(connection, book, works, versions, now)
    if issued.pushes:
        add_pushes(connection, book.id, issued.pushes)
    return issued


def _save_segments(
    connection: Connection, book: AccountBook, works: Sequence[MemberWork], now: datetime
) -> None:
    rows: list[Row] = [
        {"member_id": work.id, "segment_key": key, "entered": entered, "changed_at": now}
        for work in works
        for key, entered in work.segment_changes()
    ]
    if rows:
        segments.add_changes(connection, book.id, rows)


def _load_standing_codes(connection: Connection, works: Sequence[MemberWork], versions: Versions) -> None:
    """Read the standing codes of those whose tier stands otherwise now; a refold has read them with its history."""
    changed = {work.id: work for work in works if not work.refold and work.stands_otherwise()}
    if changed and versions.have_codes():
        for row in rewards.list_standing_codes(connection, list(changed)):
            changed[row["member_id"]].coupons.append(row)


def _member_row(work: MemberWork, program: Program | None, versions: Versions, now: datetime) -> Row:
    state, totals = work.state, work.state.tally.total
    row: Mapping[str, object] = work.row
    return {
        **{name: row[name] for name in _PROFILE},
        "enrolled": _is_enrolled(work, program),
        "joined_at": state.joined_at,
        "head": codec.head_data(state),
        "settled_at": max(now, work.row["settled_at"] or now),
        "tier_key": state.tier_key,
        "debt": state.wallet.debt,
        "held": state.wallet.held,
        "points_sum": row["points_sum"],
        "credit": row["credit"],
        "next_lot": state.wallet.next_sequence,
        "order_count": state.order_count,
        "lifetime_spend": fraction_text(totals.spend),
        "lifetime_orders": totals.orders,
        "lifetime_points": totals.points,
        "live_coupons": withdrawable(state),
        "tier_due": work.tier_due(versions),
        "segments": sorted(work.segments),
        "must_refold": False,
    }


def withdrawable(state: MemberState) -> int:
    """Return how many coupons and bonuses a refund might still take back: then the whole history is needed.

    What was redeemed only the refund of an order that used it concerns, and that folds its member anyhow.
    """
    given = (grant for cause, grant in state.grants.items() if number_of(cause) is None)
    grants = sum(not grant.withdrawn for grant in given)
    bonuses = sum(may_be_withdrawn(bonus) and not bonus.withdrawn for bonus in state.bonuses.values())
    return state.live_grants + grants + bonuses


def _is_enrolled(work: MemberWork, program: Program | None) -> bool:
    """Return whether he is a member: he has joined, or he registered where enrolment is automatic; and not merged."""
    if work.is_merged:
        return False
    if work.state.joined_at is not None:
        return True
    if program is None or program.enrolment.mode != "automatic":
        return False
    return bool(work.row["registered"]) and work.state.may_earn(program.enrolment)

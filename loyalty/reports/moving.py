"""Every member with what he has, as rows that another Laurel imports without loss; law: no secret is among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import json_text
from loyalty.engine import codec
from loyalty.engine.due import settle, sources_due
from loyalty.engine.import_columns import COLUMNS, LISTS, PARTS, item_text
from loyalty.engine.import_openings import EPOCH
from loyalty.engine.loading import make_works
from loyalty.engine.state import MemberState
from loyalty.engine.work import MemberWork
from loyalty.imports.guarding import guarded
from loyalty.ledger import repository as ledger
from loyalty.members.repository import list_identities
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.tiers.qualification import Metrics
from loyalty.values import AccountId, fraction_text, plain_text

PAGE = 500
FORMS = ("csv", "jsonl")
_PROVEN = {"customer": "customer_ids", "email": "proven_emails", "phone": "proven_phones"}
Record = dict[str, Any]


@dataclass(slots=True)
class Page:
    """What was read of some members beside their rows."""

    named: dict[UUID, list[RowMapping]] = field(default_factory=dict)
    codes: dict[UUID, str] = field(default_factory=dict)
    links: dict[UUID, RowMapping] = field(default_factory=dict)


def export_members(connection: Connection, account: AccountId, now: datetime, form: str) -> Iterator[str]:
    """Yield a file of all members: CSV with a byte order mark, or JSON Lines; needs a steady transaction."""
    if form == "csv":
        yield "\ufeff" + _line(COLUMNS)
    for records in list_records(connection, account, now):
        if form == "csv":
            yield "".join(_line([_cell(name, record.get(name)) for name in COLUMNS]) for record in records)
        else:
            yield "".join(json_text(record) + "\n" for record in records)


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in PARTS:
        return guarded("; ".join(item_text(item, name) for item in value))
    if name in LISTS:
        return guarded("; ".join(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return guarded(str(value))


def list_records(connection: Connection, account: AccountId, now: datetime) -> Iterator[list[Record]]:
    """Yield who has joined, page by page by id, each as values by our columns; what says nothing is left out."""
    versions, after = load_versions(connection, account), UUID(int=0)
    statement = text(
        "select * from members where id > :after and joined_at is not null and merged_into is null"
        " order by id limit :limit"
    )
    while rows := connection.execute(statement, {"after": after, "limit": PAGE}).mappings().all():
        after = rows[-1]["id"]
        works = make_works(connection, rows)
        _take_lots(connection, works, versions, now)
        page = _read_page(connection, works)
        yield [_record(work, page, now) for work in works]


def _take_lots(
    connection: Connection, works: Sequence[MemberWork], versions: Versions, now: datetime
) -> None:
    """Read the open lots and let everything happen that is due by now."""
    states = {work.id: work.state for work in works}
    sources = {cause for state in states.values() for cause in sources_due(state, now)}
    for row in ledger.list_open_lots(connection, list(states), sorted(sources)):
        states[row["member_id"]].wallet.lots[row["cause"]] = codec.lot(row)
    for state in states.values():
        settle(state, now, versions)


def _read_page(connection: Connection, works: Sequence[MemberWork]) -> Page:
    page, ids = Page(), [str(root) for work in works for root in work.roots]
    for row in list_identities(connection, [root for work in works for root in work.roots]):
        page.named.setdefault(row["member_id"], []).append(row)
    codes = text("select member_id, code from referral_codes where member_id = any(cast(:ids as uuid[]))")
    page.codes = {row.member_id: row.code for row in connection.execute(codes, {"ids": ids})}
    links = text(
        "select friend_id, status, claimed_at, code from referrals join referral_codes"
        " on referral_codes.account_id = referrals.account_id and member_id = referrer_id"
        " where friend_id = any(cast(:ids as uuid[])) and reason <> 'import undone'"
    )
    page.links = {row["friend_id"]: row for row in connection.execute(links, {"ids": ids}).mappings()}
    return page


def _record(work: MemberWork, page: Page, now: datetime) -> Record:
    state = work.state
    parts = {
        **_person(work, page),
        **_balance(state, now),
        **_figures(state),
        **_tier(state),
        **_referral(work, page),
    }
    return {name: parts[name] for name in COLUMNS if parts.get(name) not in (None, "", [], 0)}


def _person(work: MemberWork, page: Page) -> Record:
    row = work.row
    told = {name: row[name] for name in ("email", "phone", "name", "region", "role")}
    named = [each for root in work.roots for each in page.named.get(root, ())]
    proven = {
        name: [each["value"] for each in named if each["kind"] == kind] for kind, name in _PROVEN.items()
    }
    registered = row["registered"] or any(each["registered"] for each in work.parts.values())
    joined = {"joined_at": _text(work.state.joined_at), "birthday": _birthday(work)}
    return {**told, **proven, **joined, "registered": True if registered else "no"}


def _birthday(work: MemberWork) -> str:
    """Return the day of the year, with the year where it is known; what was noted first counts of those merged in."""
    others = sorted(
        (row for row in work.parts.values() if row["birth_month"] is not None),
        key=lambda row: row["birthday_noted_at"],
    )
    row: Mapping[str, Any] | None = (
        work.row if work.row["birth_month"] is not None else next(iter(others), None)
    )
    if row is None:
        return ""
    day = f"{row['birth_month']:02}-{row['birth_day']:02}"
    return f"{row['birth_year']:04}-{day}" if row["birth_year"] is not None else day


def _balance(state: MemberState, now: datetime) -> Record:
    lots = sorted(
        (lot for lot in state.wallet.lots.values() if lot.remaining and not lot.is_dead(now)),
        key=lambda lot: lot.sequence,
    )
    credit = state.credit.figures(now)
    waiting = [it for _, it in sorted(state.credit.pending.items()) if it.usable_from > now]
    return {
        "points": sum(lot.remaining for lot in lots),
        "lots": [
            {
                "points": lot.remaining,
                "expires_at": _text(lot.expires_at) or "never",
                "available_from": _text(lot.available_from),
                "earned_at": _text(lot.created_at),
            }
            for lot in lots
        ],
        "debt": state.wallet.debt,
        "held": state.wallet.held,
        "credit": _money(credit.balance),
        "credit_held": _money(credit.held),
        "credit_pending": [
            {"amount": plain_text(it.amount), "usable_from": _text(it.usable_from)} for it in waiting
        ],
    }


def _money(amount: Any) -> str:
    return plain_text(amount) if amount else ""


def _figures(state: MemberState) -> Record:
    """Return the figures of the whole life, and all of them by instant; what no window reaches counts from long ago."""
    total, tally = state.tally.total, state.tally
    dated = [(at, tally.sum(at, at)) for at in sorted(tally.moments)]
    rest = total - sum((metrics for _, metrics in dated), Metrics())
    listed = [(EPOCH, rest), *dated]
    return {
        "lifetime_spend": fraction_text(total.spend) if total.spend else "",
        "lifetime_orders": total.orders,
        "lifetime_points": total.points,
        "figures": [_figure(at, metrics) for at, metrics in listed if metrics != Metrics()],
        "order_count": state.order_count,
        "last_order_at": _text(state.last_order_at),
        "last_active_at": _text(state.last_activity),
    }


def _figure(at: datetime, metrics: Metrics) -> Record:
    usual = {
        "at": _text(at),
        "spend": fraction_text(metrics.spend),
        "orders": metrics.orders,
        "points": metrics.points,
    }
    more = {"activity": metrics.activity, "events": metrics.events}
    return {**usual, **more} if any(more.values()) else usual


def _tier(state: MemberState) -> Record:
    held = state.held
    assert held is not None, "he has joined"
    rewarded = dict(state.rewarded)
    for period in state.periods:
        if period.rewarded:
            rewarded[period.tier_key] = max(
                rewarded.get(period.tier_key, period.started_at), period.started_at
            )
    return {
        "tier": held.tier_key,
        "tier_since": _text(held.since),
        "tier_until": _text(held.until),
        "tier_falls_to": held.falls_to,
        "tier_falls_at": _text(held.falls_at),
        "terms": [_term(term) for term in state.terms],
        "entry_rewards": [{"tier": key, "at": _text(at)} for key, at in sorted(rewarded.items())],
        "tags": sorted(state.tags),
    }


def _term(term: Any) -> Record:
    times = {name: _text(getattr(term, name)) for name in ("start", "until", "paid_until")}
    told = {"by": term.by, "tier": term.tier_key, **times, "cause": term.cause}
    return {name: value for name, value in told.items() if value is not None}


def _referral(work: MemberWork, page: Page) -> Record:
    code = next((page.codes[root] for root in work.roots if root in page.codes), "")
    link = next((page.links[root] for root in work.roots if root in page.links), None)
    if link is None:
        return {"referral_code": code}
    told = {
        "referred_by": link["code"],
        "referral_status": link["status"],
        "referred_at": _text(link["claimed_at"]),
    }
    return {"referral_code": code, **told}


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None

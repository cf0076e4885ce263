"""Rows of the database as the fold's state, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty.clock import instant_text
from loyalty.db import Row
from loyalty.engine.command_data import command_data, command_kind, read_command
from loyalty.engine.commands import Command
from loyalty.engine.credit_codec import credit_head, read_purse
from loyalty.engine.redemption_data import open_redemptions, read_redemption
from loyalty.engine.state import MemberState, OrderFile, Period
from loyalty.engine.timeline import EventKey, Rank, parse_order_key
from loyalty.ledger.entries import EntryKind, Posted
from loyalty.ledger.lots import Lot, Wallet
from loyalty.members.identity import email_domain
from loyalty.orders.snapshot import read_snapshot, snapshot_data
from loyalty.tiers.holding import Holding, Judgement, Term
from loyalty.tiers.qualification import Metrics
from loyalty.tiers.tally import read_tally
from loyalty.values import StoreId, exact, fraction_text

Data = Mapping[Any, Any]


def member_state(row: Data) -> MemberState:
    """Return the head of a member's fold from his row, without lots and orders."""
    head = row["head"]
    return MemberState(
        key=row["key"],
        guest=not row["registered"] and not row["key"].startswith("customer:"),
        role=row["role"],
        email_domain=email_domain(row["email"]),
        joined_at=row["joined_at"],
        head=_place(head.get("place")),
        order_count=row["order_count"],
        live_grants=row["live_coupons"],
        tally=read_tally(head.get("tally", {}), lifetime(row)),
        periods=[_period(item) for item in head.get("periods", [])],
        held=_held(head),
        terms=[_term(item) for item in head.get("terms", [])],
        rules=head.get("rules", 0),
        last_activity=_at(head.get("active")),
        tags=frozenset(head.get("tags", ())),
        region=head.get("region", ""),
        last_order_at=_at(head.get("ordered", head.get("active"))),
        ran=dict(head.get("ran", {})),
        lost=dict(head.get("lost", {})),
        is_customer=head.get("customer", False),
        rewarded={key: datetime.fromisoformat(at) for key, at in head.get("rewarded", {}).items()},
        redemptions={item[0]: read_redemption(item) for item in head.get("redemptions", ())},
        credit=read_purse(head.get("credit", {}), row["credit"]),
        wallet=Wallet(debt=row["debt"], held=row["held"], next_sequence=row["next_lot"]),
    )


def _held(head: Data) -> Holding | None:
    held, periods = _holding(head.get("held")), head.get("periods")
    if held is None and periods:
        # A head of before 0002, read until its member is folded again.
        return Holding(periods[-1][0], datetime.fromisoformat(periods[-1][2]))
    return held


def _place(item: list[Any] | None) -> EventKey | None:
    if item is None:
        return None
    return EventKey(datetime.fromisoformat(item[0]), Rank(item[1]), item[2], item[3], item[4])


def _period(item: list[Any]) -> Period:
    return Period(item[0], item[1], datetime.fromisoformat(item[2]), *item[3:])


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(at: datetime | None) -> str | None:
    return instant_text(at) if at else None


def _holding(item: list[Any] | None) -> Holding | None:
    if item is None:
        return None
    key, since, until, falls_to, falls_at, judgement = item
    judged = (
        Judgement(_at(judgement[0]), datetime.fromisoformat(judgement[1]), judgement[2])
        if judgement
        else None
    )
    return Holding(key, datetime.fromisoformat(since), _at(until), judged, falls_to, _at(falls_at))


def _holding_data(held: Holding | None) -> list[Any] | None:
    if held is None:
        return None
    judged = held.judgement
    judgement = [_text(judged.start), instant_text(judged.until), judged.by_keep] if judged else None
    return [
        held.tier_key, instant_text(held.since), _text(held.until), held.falls_to, _text(held.falls_at), judgement,
    ]  # fmt: skip


def _term(item: list[Any]) -> Term:
    cause, by, key, start, until, begun, paid_until = item
    return Term(cause, by, key, datetime.fromisoformat(start), _at(until), begun, _at(paid_until))


def _term_data(term: Term) -> list[Any]:
    return [
        term.cause, term.by, term.tier_key, instant_text(term.start), _text(term.until), term.begun,
        _text(term.paid_until),
    ]  # fmt: skip


def head_data(state: MemberState) -> dict[str, Any]:
    """Return where the fold stands as JSON data for `members.head`."""
    place = state.head
    return {
        "place": [instant_text(place.at), int(place.rank), place.store, place.number, place.text]
        if place
        else None,
        "periods": [
            [item.tier_key, item.entry, instant_text(item.started_at), item.cause, item.rewarded, item.reason]
            for item in state.periods
        ],
        "held": _holding_data(state.held),
        "rules": state.rules,
        "active": _text(state.last_activity),
        **({"terms": [_term_data(term) for term in state.terms]} if state.terms else {}),
        **({"tags": sorted(state.tags)} if state.tags else {}),
        **({"region": state.region} if state.region else {}),
        **({"ordered": _text(state.last_order_at)} if state.last_order_at != state.last_activity else {}),
        **({"ran": state.ran} if state.ran else {}),
        **({"lost": state.lost} if state.lost else {}),
        **({"customer": True} if state.is_customer else {}),
        **({"redemptions": redemptions} if (redemptions := open_redemptions(state.redemptions)) else {}),
        **(
            {"rewarded": {key: at.isoformat() for key, at in state.rewarded.items()}}
            if state.rewarded
            else {}
        ),
        **credit_head(state.credit),
        "tally": state.tally.data(),
    }


def lifetime(row: Data) -> Metrics:
    """Return a member's stored lifetime figures."""
    return Metrics(exact(row["lifetime_spend"]), row["lifetime_orders"], row["lifetime_points"])


def lot(row: Data) -> Lot:
    """Return a lot from its row."""
    return Lot(
        cause=row["cause"],
        sequence=row["sequence"],
        created_at=row["created_at"],
        available_from=row["available_from"],
        expires_at=row["expires_at"],
        points=row["points"],
        remaining=row["remaining"],
        expired=row["expired"],
        order_key=row["order_key"],
    )


def order_file(row: Data) -> OrderFile:
    """Return what is stored of an order, with its snapshot when that was selected."""
    ref = parse_order_key(row["key"])
    data = row["snapshot"]
    return OrderFile(
        ref=ref,
        snapshot=read_snapshot(row["store_id"], ref.external_id, data, row["observed_at"]) if data else None,
        deleted_at=row["deleted_at"],
        laurel_codes=frozenset(row["laurel_codes"] or ()),
        award_at=row["award_at"],
        version=row["version"],
        tier_key=row["tier_key"],
        nth=row["nth"],
        taken=row["taken"],
        points=row["points"],
        counted=row["counted"],
        net_base=exact(row["net_base"]),
        counts=row["counts"],
        forgiven=row["forgiven"],
        dead=row["dead"],
        ended=row["ended"],
        refund_ids=tuple(row["refund_ids"] or ()),
        revision=row["revision"],
    )


def restated(old: OrderFile, new: OrderFile) -> OrderFile:
    """Return an order's fold figures with the newer snapshot of the shop."""
    return replace(
        old, snapshot=new.snapshot, deleted_at=new.deleted_at, laurel_codes=new.laurel_codes, rating=None
    )


def folded_row(file: OrderFile) -> Row:
    """Return the columns that the fold writes of an order."""
    return {
        "key": file.ref.key,
        "award_at": file.award_at,
        "version": file.version,
        "tier_key": file.tier_key,
        "nth": file.nth,
        "taken": file.taken,
        "points": file.points,
        "counted": file.counted,
        "net_base": fraction_text(file.net_base),
        "counts": file.counts,
        "forgiven": file.forgiven,
        "dead": file.dead,
        "ended": file.ended,
        "refund_ids": file.refund_ids,
    }


def order_row(file: OrderFile, store: StoreId, member_id: UUID | None, review: str | None) -> Row:
    """Return the whole row of an order; without a snapshot it only says that the shop does not have the order."""
    order = file.snapshot
    return {
        **folded_row(file),
        "store_id": store,
        "external_id": file.ref.external_id,
        "member_id": member_id,
        "number": order.number if order else "",
        "snapshot": snapshot_data(order) if order else None,
        "modified_at": order.modified_at if order else None,
        "observed_at": order.observed_at if order else None,
        "deleted_at": file.deleted_at,
        "review": review,
        "revision": file.revision + 1,
        "laurel_codes": sorted(file.laurel_codes),
    }


def command_row(member: UUID, command: Command) -> Row:
    """Return the row of an accepted command."""
    return {
        "number": command.number,
        "member_id": member,
        "kind": command_kind(command).value,
        "accepted_at": command.accepted_at,
        "data": command_data(command),
        "reason": command.reason,
        "actor": command.actor,
    }


def command(row: Data) -> Command:
    """Return an accepted command from its row."""
    return read_command(
        row["kind"], row["number"], row["accepted_at"], row["data"], row["reason"], row["actor"]
    )


def posted(row: Data) -> Posted:
    """Return what is posted of a cause from its summed row."""
    return Posted(
        row["points"],
        row["entries"],
        EntryKind(row["kind"]),
        row["effective_at"],
        row["order_key"],
        row["version"],
    )

"""How points die: lot by lot at their dates, or all together after inactivity; law: a lot's date is what it shows
(RULES §5, §9 (16)-(20)).
"""

from __future__ import annotations

from datetime import datetime

from loyalty.engine.orders import award_cause
from loyalty.engine.state import MemberState, OrderFile
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.program import Expiry, Program, Versions


def expire(state: MemberState, lot: Lot, at: datetime) -> None:
    """Let a lot's rest die; what died of it before, in another fold of the same date, is one movement with it."""
    points = state.wallet.take(lot, lot.remaining, "expiry")
    lot.expired += points
    cause = f"expiry:{lot.cause}"
    expired = sum(old.points for old in state.movements if old.cause == cause)
    state.movements = [old for old in state.movements if old.cause != cause]
    state.movements.append(Movement(cause, EntryKind.EXPIRY, expired - points, at, "expired", lot.order_key))


def note_activity(state: MemberState, program: Program, at: datetime) -> None:
    """Earning, redeeming or a manual credit: with inactivity expiry every point lives on from here."""
    state.last_activity = at
    end = program.expiry.inactivity_end(at, program.time_zone)
    if end is not None:
        _redate(state, end, at)


def note_award(
    state: MemberState, file: OrderFile, program: Program, versions: Versions, at: datetime
) -> None:
    """An award above 0 is activity; a lot whose version left its date to inactivity gets one of the mode in force."""
    if not file.points:
        return
    note_activity(state, program, at)
    paid_by = versions.numbered(file.version) if file.version is not None else None
    lot = state.wallet.lots.get(award_cause(file))
    if lot and paid_by and paid_by.expiry.mode == "inactivity" != program.expiry.mode:
        lot.expires_at = program.expiry.lot_end(at, program.time_zone)


def bonus_end(state: MemberState, program: Program, at: datetime) -> datetime | None:
    """Return when points die that are given beside orders: as awards do, or with everything else by inactivity."""
    if program.expiry.mode == "inactivity":
        return program.expiry.inactivity_end(max(state.last_activity or at, at), program.time_zone)
    return program.expiry.lot_end(at, program.time_zone)


def redate_refilled(state: MemberState, program: Program, at: datetime) -> None:
    """With inactivity expiry, what comes back at an instant lives as long as everything else: when all that died
    before, it dies at once.
    """
    last = state.last_activity
    end = program.expiry.inactivity_end(last, program.time_zone) if last else None
    if end is not None:
        _redate(state, max(end, at), at)


def redates(old: Expiry, new: Expiry) -> bool:
    """Return whether open lots get other dates when one mode of expiry follows another."""
    return "inactivity" in (old.mode, new.mode) and old.life() != new.life()


def may_shorten(old: Expiry, new: Expiry) -> bool:
    """Return whether points that somebody holds may die sooner when one mode of expiry follows another."""
    return new.mode != "none" and redates(old, new)


def switch_expiry(state: MemberState, old: Expiry, program: Program, at: datetime) -> None:
    """When another version takes effect: open lots get the dates of its mode, none before this instant.

    Dates of single lots follow the version they were made under, so only a switch to or from inactivity, or another
    length of it, changes any.
    """
    new = program.expiry
    if not redates(old, new):
        return
    if new.mode == "inactivity":
        end = new.inactivity_end(state.last_activity or at, program.time_zone)
        assert end is not None
        _redate(state, max(end, at), at)
        return
    _redate(state, new.lot_end(at, program.time_zone), at)


def _redate(state: MemberState, end: datetime | None, at: datetime) -> None:
    """Let every open lot die at another date, and what redemptions may give back to lots with it."""
    for lot in state.wallet.lots.values():
        if lot.remaining and lot.expires_at != end:
            lot.expires_at = end
            state.wallet.touched.add(lot.cause)
    for charge in (one for each in state.redemptions.values() for one in each.charges):
        charge.redate(end, at)

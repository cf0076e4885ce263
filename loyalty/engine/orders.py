"""What an order's award, refunds and end do to a member's lots;
law: the entitlement of its present state, never more.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from loyalty.clock import add_months, day_start, local_date
from loyalty.commerce import OrderSnapshot, Refund
from loyalty.credit.purse import NOTHING
from loyalty.earning.campaign import Earner
from loyalty.earning.earning import Award, Rating, award, explain, rate
from loyalty.earning.refunded import ALL_LEFT, Left, nothing_left, what_is_left
from loyalty.engine.allotting import allot
from loyalty.engine.crediting import credit_again, credit_order
from loyalty.engine.segmenting import segments_of
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import Event, EventType, is_dead
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.program import Program, Versions
from loyalty.programs.terms import NegativeBalance
from loyalty.tenders import STORE_CREDIT


def award_order(state: MemberState, file: OrderFile, event: Event, versions: Versions) -> None:
    """Award an order at its award time with the tier and campaigns of its paid time."""
    snapshot = _snapshot(file)
    program = _program_at_payment(snapshot, versions)
    file.award_at = event.key.at
    file.version = program.version
    file.dead = is_dead(snapshot, file.deleted_at)
    file.nth = state.order_count + 1
    file.tier_key = _tier_at_payment(state, snapshot, event, program)
    rating = file.rating = _rate(state, file, snapshot, program, versions)
    deserved = award(rating)
    file.taken = _room(state, file, deserved.points, program)
    if not file.dead:
        state.order_count += 1
        state.tally.take(event.key.at, file.taken)
    _stand_at(state, file, deserved, ALL_LEFT)
    state.changed.add(file.ref.key)
    _open_lot(state, file, event.key.at, program)
    _note_award(state, file, rating, event.key.at)
    credit_order(state, file, award_cause(file), matures_at(program, event.key.at), event.key.at)


def _rate(
    state: MemberState, file: OrderFile, snapshot: OrderSnapshot, program: Program, versions: Versions
) -> Rating:
    """Rate an order; limited campaigns give it what they have left, and no more than caps let it have."""
    earner = Earner(state.key, state.tags, _segments(state, program, snapshot))
    rating = rate(
        snapshot, program, file.tier_key, file.nth, file.laurel_codes, earner, _own_credit(state, file)
    )
    if not rating.earns or not rating.limited:
        return rating
    return allot(state, file, rating, _room(state, file, award(rating).points, program), versions)


def _own_credit(state: MemberState, file: OrderFile) -> Decimal:
    """Return how much of an order the shop's store credit paid that was ours; what paid a dead one is there still."""
    paid = sum((it.amount for it in _snapshot(file).tenders if it.kind == STORE_CREDIT), NOTHING)
    return state.credit.pay(file.ref.store, paid) if paid and not file.dead else NOTHING


def _segments(state: MemberState, program: Program, snapshot: OrderSnapshot) -> frozenset[str]:
    """Return the segments that campaigns ask for, as they were just before the order."""
    if not any(campaign.scope.segments for campaign in program.campaigns) or snapshot.paid_at is None:
        return frozenset()
    return segments_of(state, program, snapshot.paid_at)


def _snapshot(file: OrderFile) -> OrderSnapshot:
    if file.snapshot is None:
        raise ValueError(f"order {file.ref.key} was not loaded")
    return file.snapshot


def _program_at_payment(snapshot: OrderSnapshot, versions: Versions) -> Program:
    program = versions.at(snapshot.paid_at) if snapshot.paid_at else None
    if program is None:
        raise ValueError("an order without a program in force at its payment has no award")
    return _for_order(program, snapshot, versions)


def _for_order(program: Program, snapshot: OrderSnapshot, versions: Versions) -> Program:
    """Return the version as it rates an order: of a past that counts toward tiers only it gives no points."""
    if snapshot.paid_at is None or versions.gives_points(snapshot.store_id, snapshot.paid_at):
        return program
    return replace(program, paused=True)


def belongs_to_past(file: OrderFile, versions: Versions) -> bool:
    """Return whether an awarded order lies in a past that a backfill brought: nothing but its own figures follows."""
    snapshot = _snapshot(file)
    program = versions.numbered(file.version) if file.version is not None else None
    if program is not None and program.past:
        return True
    return snapshot.paid_at is not None and not versions.gives_points(snapshot.store_id, snapshot.paid_at)


def _tier_at_payment(state: MemberState, snapshot: OrderSnapshot, event: Event, program: Program) -> str:
    """Return the tier just before the order; completed later than paid: the one it had at the payment."""
    paid_at = snapshot.paid_at
    if paid_at is None or paid_at >= event.key.at:
        return state.tier_key or program.tiers[0].key
    before = [period for period in state.periods if period.started_at < paid_at]
    return before[-1].tier_key if before else program.tiers[0].key


def _room(state: MemberState, file: OrderFile, points: int, program: Program) -> int:
    """Return how many of its points the caps per day and month let an order have (RULES §3, §9 (9))."""
    caps = program.earning.caps
    if caps.per_day is None and caps.per_month is None:
        return points
    assert file.award_at is not None
    day = local_date(file.award_at, program.time_zone)
    room = points
    if caps.per_day is not None:
        end = day_start(day + timedelta(days=1), program.time_zone)
        room = min(room, caps.per_day - state.tally.taken_between(day_start(day, program.time_zone), end))
    if caps.per_month is not None:
        first = day.replace(day=1)
        end = day_start(add_months(first, 1), program.time_zone)
        room = min(room, caps.per_month - state.tally.taken_between(day_start(first, program.time_zone), end))
    return max(0, room)


def _stand_at(state: MemberState, file: OrderFile, deserved: Award, left: Left) -> None:
    """Note what an order stands at, and what it adds to the member's figures now."""
    assert file.award_at is not None
    before = file.metrics()
    file.points = min(file.taken, deserved.points)
    file.counted = min(file.points, deserved.counted)
    file.net_base = deserved.net_base
    counts = file.rating is not None and file.rating.counts and left.refunded_share < 1
    file.counts = 1 if counts else 0
    state.tally.add(file.award_at, file.metrics() - before)
    state.changed.add(file.ref.key)


def _open_lot(state: MemberState, file: OrderFile, at: datetime, program: Program) -> None:
    if file.points <= 0:
        return
    start, end = matures_at(program, at), program.expiry.lot_end(at, program.time_zone)
    cause = award_cause(file)
    lot = Lot(
        cause, state.wallet.next_sequence, at, start, end, file.points, file.points, order_key=file.ref.key
    )
    state.wallet.open_lot(lot, at)


def matures_at(program: Program, at: datetime) -> datetime:
    """Return from when points that an order earned at an instant are usable (RULES §9 (16))."""
    pending, tz = program.earning.pending_days, program.time_zone
    return day_start(local_date(at, tz) + timedelta(days=pending + 1), tz) if pending else at


def award_cause(file: OrderFile) -> str:
    """Return the cause of an order's award, which is its lot's too."""
    return f"order:{file.ref.key}:award"


def _note_award(state: MemberState, file: OrderFile, rating: Rating, at: datetime) -> None:
    if not file.points:
        return
    movement = Movement(
        award_cause(file),
        EntryKind.ACCRUAL,
        file.points,
        at,
        "awarded",
        file.ref.key,
        file.version,
        explain(rating),
    )
    state.movements.append(movement)


def refund_order(
    state: MemberState, file: OrderFile, event: Event, program: Program, versions: Versions
) -> None:
    """Bring an order to what its refunds up to this event leave of it; its end leaves nothing."""
    snapshot = _snapshot(file)
    rating = file.rating or _rate_again(state, file, snapshot, versions)
    if event.type is EventType.END:
        file.ended = True
        cause = f"order:{file.ref.key}:end"
    else:
        assert event.refund is not None
        file.refund_ids = (*file.refund_ids, event.refund.id)
        cause = f"order:{file.ref.key}:refund:{event.refund.id}"
    left = (
        nothing_left(rating.parts)
        if file.ended
        else what_is_left(snapshot, rating.parts, _refunds_so_far(file))
    )
    before, base = file.points, file.net_base
    _stand_at(state, file, award(rating, left), left)
    _move(state, file, file.points - before, event.key.at, cause, program)
    assert file.award_at is not None
    usable_from = matures_at(rating.program, file.award_at)
    credit_again(state, file, base, cause, usable_from, program, event.key.at)


def _rate_again(state: MemberState, file: OrderFile, snapshot: OrderSnapshot, versions: Versions) -> Rating:
    """Rate an order that was awarded in an earlier fold; none that a campaign judges by history (planning.py)."""
    program = versions.numbered(file.version) if file.version is not None else None
    if program is None:
        raise ValueError(f"the version of order {file.ref.key} is not loaded")
    earner = Earner(state.key, state.tags)
    program = _for_order(program, snapshot, versions)
    file.rating = rate(snapshot, program, file.tier_key, file.nth, file.laurel_codes, earner)
    return file.rating


def _refunds_so_far(file: OrderFile) -> list[Refund]:
    return [refund for refund in _snapshot(file).refunds if refund.id in file.refund_ids]


def _move(
    state: MemberState, file: OrderFile, points: int, at: datetime, cause: str, program: Program
) -> None:
    if points < 0:
        _reverse(state, file, -points, at, cause, program)
    elif points > 0:
        _award_again(state, file, points, at, cause)


def _reverse(
    state: MemberState, file: OrderFile, points: int, at: datetime, cause: str, program: Program
) -> None:
    """Take points back: own lot, its expired part, other lots, then debt or forgiveness (RULES §4)."""
    wallet = state.wallet
    own = wallet.lots.get(award_cause(file))
    open_points = points - (wallet.take(own, points, cause) if own else 0)
    if own and own.expired and open_points:
        voided = min(own.expired, open_points)
        own.expired -= voided
        wallet.touched.add(own.cause)
        open_points -= voided
        _note(state, file, f"{cause}:void", EntryKind.EXPIRY_VOID, voided, at, "expiry_voided")
    open_points -= wallet.take_from_others(open_points, at, cause, award_cause(file))
    _note(state, file, cause, EntryKind.REVERSAL, -points, at, "reversed")
    if not open_points:
        return
    if program.refunds.negative_balance is NegativeBalance.ALLOW:
        wallet.debt += open_points
        return
    file.forgiven += open_points
    _note(state, file, f"{cause}:forgiven", EntryKind.FORGIVENESS, open_points, at, "forgiven")


def _award_again(state: MemberState, file: OrderFile, points: int, at: datetime, cause: str) -> None:
    """Give points again into the same lot with the same dates; what was forgiven is cancelled first."""
    wallet = state.wallet
    _note(state, file, cause, EntryKind.ACCRUAL, points, at, "awarded_again")
    cancelled = min(file.forgiven, points)
    if cancelled:
        file.forgiven -= cancelled
        _note(
            state, file, f"{cause}:forgiven", EntryKind.FORGIVENESS, -cancelled, at, "forgiveness_cancelled"
        )
    own = wallet.lots[award_cause(file)]
    wallet.give_back(own, points - cancelled, cause)
    wallet.pay_debt(own, at)


def _note(
    state: MemberState, file: OrderFile, cause: str, kind: EntryKind, points: int, at: datetime, reason: str
) -> None:
    explanation = {"left": str(file.net_base), "stands_at": file.points}
    state.movements.append(Movement(cause, kind, points, at, reason, file.ref.key, file.version, explanation))

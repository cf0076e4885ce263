"""Effective times and their order; law: an event's place depends on its content, never on its arrival (RULES §2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from fractions import Fraction
from typing import NamedTuple

from loyalty.commerce import OrderSnapshot, OrderState, Refund
from loyalty.earning.earning import award_time
from loyalty.earning.refunded import refunded_share
from loyalty.engine.commands import Command
from loyalty.programs.program import Versions
from loyalty.values import ONE, ZERO


class Rank(IntEnum):
    """What goes first at the same instant."""

    MATURITY = 0
    EXPIRY = 1
    ORDER = 2
    RESTORE = 3
    """A refund returns the points that its order used: before it takes what the order earned."""
    REFUND = 4
    COMMAND = 5
    USE = 6
    """An order used a reward's code: after the command that made it."""
    RESTORE_AT_USE = 7
    """The refund was there when the code was used."""


class EventKey(NamedTuple):
    """The place of an event on a member's timeline."""

    at: datetime
    rank: Rank
    store: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class OrderRef:
    """An order within its account: the store's number there and the platform's id; `1:25` as text."""

    store: int
    external_id: str

    @property
    def key(self) -> str:
        """Return the text under which causes name the order."""
        return f"{self.store}:{self.external_id}"

    def place(self, at: datetime, rank: Rank, external_id: str | None = None) -> EventKey:
        """Return the place of something of this order at an instant."""
        text = external_id or self.external_id
        return EventKey(at, rank, self.store, int(text) if text.isdigit() else 0, text)


def parse_order_key(key: str) -> OrderRef:
    """Return the reference that `OrderRef.key` wrote."""
    store, _, external_id = key.partition(":")
    return OrderRef(int(store), external_id)


class EventType(IntEnum):
    AWARD = 0
    REFUND = 1
    END = 2
    """The order is dead, or stated as refunded in full."""
    COMMAND = 3
    USE = 4
    RESTORE = 5
    FREE = 6
    """An order that used a code died: the code may serve again, unless its points went back."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens on a member's timeline."""

    key: EventKey
    type: EventType
    order_key: str = ""
    refund: Refund | None = None
    command: Command | None = None
    redemption: int = 0
    """Of a use, or what a refund restores: whose code the order used."""
    share: Fraction = ZERO
    """Of what a refund restores: how much of the order is refunded by then."""


def order_award_time(order: OrderSnapshot, versions: Versions) -> datetime | None:
    """Return when an order is awarded under the version at its paid time; None: never, or no program was in force."""
    if order.paid_at is None or order.state is OrderState.OPEN:
        return None
    program = versions.at(order.paid_at)
    return award_time(order, program.earning.award_on) if program else None


def order_events(
    ref: OrderRef, order: OrderSnapshot, deleted_at: datetime | None, versions: Versions
) -> tuple[Event, ...]:
    """Return the events of an order in its newest state, none when it was never awarded; refunds never
    precede the award.
    """
    awarded = order_award_time(order, versions)
    if awarded is None:
        return ()
    events = [Event(ref.place(awarded, Rank.ORDER), EventType.AWARD, ref.key)]
    for refund in order.refunds:
        if refund.amount > 0:
            key = ref.place(max(refund.created_at, awarded), Rank.REFUND, refund.id)
            events.append(Event(key, EventType.REFUND, ref.key, refund))
    ended = end_time(order, deleted_at)
    if ended is not None:
        events.append(Event(ref.place(max(ended, awarded), Rank.REFUND), EventType.END, ref.key))
    return tuple(sorted(events, key=lambda event: event.key))


def end_time(order: OrderSnapshot, deleted_at: datetime | None) -> datetime | None:
    """Return when an order died or was refunded in full, as the shop states it; WooCommerce has no such date:
    the newest snapshot's modification.
    """
    if order.state is OrderState.DEAD and order.ended_at is not None:
        return order.ended_at
    if order.state in (OrderState.DEAD, OrderState.REFUNDED):
        return order.modified_at
    return deleted_at


def is_dead(order: OrderSnapshot, deleted_at: datetime | None) -> bool:
    """Return whether an order ended cancelled, failed, trashed or deleted."""
    return deleted_at is not None or order.state is OrderState.DEAD


def use_events(
    number: int, asked_at: datetime, ref: OrderRef, order: OrderSnapshot | None, deleted_at: datetime | None
) -> tuple[Event, ...]:
    """Return what an order does to the redemption whose code it used: its use, then the share refunded so far.

    An order that is not paid yet, or died before it was, used nothing.
    """
    if order is None or order.state is OrderState.OPEN:
        return ()
    if order.paid_at is None and is_dead(order, deleted_at):
        return ()
    start, ended = max(order.placed_at, asked_at), end_time(order, deleted_at)
    events = [Event(ref.place(start, Rank.USE), EventType.USE, ref.key, redemption=number)]
    counted = [refund for refund in order.refunds if refund.amount > 0]
    keyed = sorted(
        ((_restore_place(ref, one.created_at, start, one.id), one) for one in counted),
        key=lambda pair: pair[0],
    )
    for count, (key, refund) in enumerate(keyed, 1):
        share = refunded_share(order, [one for _, one in keyed[:count]])
        events.append(Event(key, EventType.RESTORE, ref.key, refund, redemption=number, share=share))
    if ended is not None:
        key = _restore_place(ref, ended, start, ref.external_id)
        events.append(Event(key, EventType.RESTORE, ref.key, redemption=number, share=ONE))
        if is_dead(order, deleted_at):
            events.append(Event(key, EventType.FREE, ref.key, redemption=number))
    return tuple(events)


def _restore_place(ref: OrderRef, at: datetime, used_at: datetime, external_id: str) -> EventKey:
    rank = Rank.RESTORE if at > used_at else Rank.RESTORE_AT_USE
    return ref.place(max(at, used_at), rank, external_id)


def command_event(command: Command) -> Event:
    """Return the event of an accepted command, placed at its accepted time by its number."""
    key = EventKey(command.accepted_at, Rank.COMMAND, 0, command.number, "")
    return Event(key, EventType.COMMAND, command=command)

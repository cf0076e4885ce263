"""Folds orders and commands of one member from nothing, and reads the result in few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from builders import NOON, make_program, make_versions

from loyalty.commerce import OrderSnapshot
from loyalty.engine.commands import AdjustPoints
from loyalty.engine.decide import refold
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import OrderRef
from loyalty.ledger.entries import Movement
from loyalty.ledger.lots import Balance
from loyalty.programs.program import Program, Versions

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SOON = NOON + 30 * DAY


def make_file(
    order: OrderSnapshot, deleted_at: datetime | None = None, laurel_codes: Iterable[str] = ()
) -> OrderFile:
    """An order as it waits to be folded."""
    ref = OrderRef(1, order.external_id)
    return OrderFile(ref, order, deleted_at, laurel_codes=frozenset(laurel_codes))


def make_command(
    points: int, *, at: datetime = NOON + 2 * HOUR, number: int = 1, counts: bool = False
) -> AdjustPoints:
    """An accepted adjustment."""
    return AdjustPoints(number, at, points, "by hand", counts, "staff")


def make_member(
    *orders: OrderSnapshot | OrderFile,
    commands: Iterable[AdjustPoints] = (),
    member: MemberState | None = None,
) -> MemberState:
    """A member before his first event, with all that will happen to him."""
    files = [make_file(order) if isinstance(order, OrderSnapshot) else order for order in orders]
    state = member or MemberState("customer:1:7")
    state.commands = list(commands)
    state.orders = {file.ref.key: file for file in files}
    return state


def fold(
    *orders: OrderSnapshot | OrderFile,
    commands: Iterable[AdjustPoints] = (),
    until: datetime = SOON,
    versions: Versions | None = None,
    member: MemberState | None = None,
    **program: Any,
) -> MemberState:
    """The member after all of it, under one program or these versions."""
    state = make_member(*orders, commands=commands, member=member)
    return refold(state, versions or make_versions(**program), until)


def make_two_versions(
    first: Mapping[str, Any], second: Mapping[str, Any], *, second_from: datetime = NOON + HOUR / 2
) -> Versions:
    """A program that another one follows half an hour after noon."""
    programs: tuple[Program, Program] = (make_program(**first), make_program(2, second_from, **second))
    return Versions(programs)


def moved(state: MemberState) -> list[int]:
    """The points of every movement, in order."""
    return [movement.points for movement in state.movements]


def net(state: MemberState) -> int:
    """What all movements sum to."""
    return sum(moved(state))


def standing(state: MemberState) -> list[int]:
    """What each order stands at, by its id."""
    return [file.points for _, file in sorted(state.orders.items())]


def movements_of(state: MemberState, kind: str) -> list[Movement]:
    """The movements of a kind."""
    return [movement for movement in state.movements if movement.kind == kind]


def balance(state: MemberState, at: datetime = SOON) -> Balance:
    """The member's figures at an instant."""
    return state.wallet.balance(at)

"""Hypothesis strategies: lives of orders as a shop would state them one after the other, with programs and commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accepted import commands, redeeming_commands
from builders import STORE, make_line, make_order, make_program
from documents import documents
from hypothesis import strategies as st
from memory import BOOK, STRANGER, Statement

from loyalty.commerce import (
    CouponUse,
    LineKind,
    OrderDeleted,
    OrderLine,
    OrderSnapshot,
    OrderState,
    Refund,
    RefundLine,
)
from loyalty.engine.command_data import command_data, command_kind
from loyalty.engine.commands import Command, RedeemReward, SpendCredit
from loyalty.programs.program import Versions
from loyalty.rewards.coupon import coupon_code

FIRST = datetime(2026, 1, 20, 3, 0, tzinfo=UTC)
SECOND_VERSION = FIRST + timedelta(days=30)
THIRD_VERSION = FIRST + timedelta(days=75)
LAST = datetime(2026, 12, 1, tzinfo=UTC)
GAPS = st.sampled_from([0, 1, 60, 3600, 7 * 3600, 86400, 8 * 86400, 33 * 86400, 70 * 86400])
"""Seconds between two things; nothing, and lengths around the days and months that rules know."""
AMOUNTS = st.sampled_from(["0", "0.01", "9.99", "10", "49.95", "75", "100", "123.99", "333.33", "1000"])
NOTHING = Decimal(0)
NUMBERS = {
    coupon_code(BOOK.coupon_key, f"{what}:{number}"): number
    for what in ("redemption", "credit")
    for number in range(1, 10)
}
NO_CODES: Mapping[str, datetime] = {}


@dataclass(frozen=True)
class History:
    """Everything that ever happens to a member, in the order in which it happened."""

    versions: Versions
    statements: tuple[Statement, ...]
    documents: tuple[dict[str, Any], ...] = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print a failing example in few lines."""
        told = "\n".join(f"  {_tell(each)}" for each in self.statements)
        printer.text(f"History({json.dumps(self.documents)}\n{told}\n)")

    def shop(self) -> dict[str, Statement]:
        """What the shop answers in the end about each order."""
        return {each.external_id: each for each in self.statements if not isinstance(each, Command)}


@dataclass(frozen=True)
class Arrival:
    """The order in which a history becomes known, in batches."""

    batches: tuple[tuple[Statement, ...], ...]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        told = "\n".join(f"  {n} {_tell(each)}" for n, batch in enumerate(self.batches) for each in batch)
        printer.text(f"Arrival(\n{told}\n)")


def _tell(statement: Statement) -> str:
    if isinstance(statement, Command):
        return f"{statement.accepted_at:%d.%m %H:%M:%S} {command_kind(statement)} {command_data(statement)}"
    if isinstance(statement, OrderDeleted):
        return f"{statement.observed_at:%d.%m %H:%M:%S} order {statement.external_id} gone"
    lines = [
        f"{one.id}/{one.kind}/{one.quantity} {one.subtotal}>{one.total}+{one.total_tax}"
        for one in statement.lines
    ]
    refunds = [
        (one.id, str(one.amount), [(it.line_id, str(it.amount)) for it in one.lines])
        for one in statement.refunds
    ]
    seen = "asked" if statement.observed_at else "told"
    times = f"paid {statement.paid_at:%d.%m %H:%M:%S} done {statement.completed_at}"
    what = f"order {statement.external_id} {seen} {statement.status} {times}"
    codes = [NUMBERS[use.code] for use in statement.coupons]
    whose = "a stranger's" if statement.buyer.customer_id == STRANGER else ""
    return f"{time_of(statement):%d.%m %H:%M:%S} {whose} {what} {lines} {refunds} {codes or ''}"


def time_of(statement: Statement) -> datetime:
    """When a statement can first be known."""
    if isinstance(statement, Command):
        return statement.accepted_at
    if isinstance(statement, OrderDeleted):
        return statement.observed_at
    return statement.observed_at or statement.modified_at


@st.composite
def histories(draw: Callable[..., Any]) -> History:
    """One member's programs, orders and commands; each order's statements follow each other in time."""
    versions, written = draw(programs())
    statements: list[Statement] = []
    for number in range(1, 1 + draw(st.integers(1, 4))):
        statements += draw(lives(str(number * 9)))
    told = draw(commands(FIRST, GAPS))
    statements = [*draw(with_codes(statements, told)), *told]
    return History(versions, tuple(after_codes(sorted(statements, key=time_of))), written)


@st.composite
def with_codes(draw: Callable[..., Any], statements: list[Statement], told: list[Command]) -> list[Statement]:
    """Let some orders use codes of credit that were made before, also codes that are over, and several the same."""
    made = {code_of(it): it for it in told if isinstance(it, SpendCredit)}
    used: dict[str, tuple[CouponUse, ...]] = {}
    for each in statements:
        if isinstance(each, OrderSnapshot) and each.external_id not in used:
            codes = [None, *(code for code, it in made.items() if it.accepted_at < each.placed_at)]
            code = draw(st.sampled_from(codes)) if made else None
            discount = Decimal(draw(st.sampled_from(["0.4", "7", "30"]))) if code else NOTHING
            used[each.external_id] = (CouponUse(code, discount, NOTHING),) if code else ()
    return [
        replace(each, coupons=used[each.external_id]) if isinstance(each, OrderSnapshot) else each
        for each in statements
    ]


@st.composite
def redeeming_histories(draw: Callable[..., Any]) -> History:
    """The same with rewards that are redeemed, and orders of the member and of strangers that use their codes."""
    versions, written = draw(programs())
    accepted = draw(redeeming_commands(FIRST, GAPS))
    told = {code: it.accepted_at for it in accepted if (code := code_of(it)) is not None}
    statements: list[Statement] = [*accepted]
    for number in range(1, 1 + draw(st.integers(1, 4))):
        statements += draw(lives(str(number * 9), told))
    return History(versions, tuple(after_codes(sorted(statements, key=time_of))), written)


@st.composite
def programs(draw: Callable[..., Any]) -> tuple[Versions, tuple[dict[str, Any], ...]]:
    """Up to three versions, with the documents that they were made of."""
    written = draw(st.lists(documents(), min_size=1, max_size=3))
    starts = (datetime(2020, 1, 1, tzinfo=UTC), SECOND_VERSION, THIRD_VERSION)
    made = tuple(
        make_program(number, start, decimals=2, **document)
        for number, (start, document) in enumerate(zip(starts, written, strict=False), 1)
    )
    return Versions(made), tuple(written)


@st.composite
def lives(draw: Callable[..., Any], id: str, told: Mapping[str, datetime] = NO_CODES) -> list[Statement]:
    """The states of one order, each later than the one before; sometimes the shop forgets it at the end. It uses codes
    of which its customer was told by then.
    """
    start = draw(st.sampled_from([FIRST, *told.values()]))
    at = start + timedelta(seconds=draw(GAPS) + draw(GAPS) * (not told))
    order = make_order(id, lines=draw(st.lists(goods(), min_size=1, max_size=3).map(_numbered)), at=at)
    order = _with_codes(_with_extras(order, draw), draw, told, at)
    if told and draw(st.integers(0, 3)) == 0:
        order = replace(order, buyer=replace(order.buyer, customer_id=STRANGER))
    states: list[Statement] = [order]
    for _ in range(draw(st.integers(0, 5))):
        at = max(time_of(states[-1]), order.modified_at) + timedelta(seconds=1 + draw(GAPS))
        order = draw(changes)(draw, order, at)
        if told and order.observed_at is None and draw(st.integers(0, 3)) == 0:
            order = _with_codes(order, draw, told, at)
        states.append(order)
    if draw(st.integers(0, 7)) == 0:
        states.append(OrderDeleted(STORE, id, time_of(states[-1]) + timedelta(seconds=5)))
    return states


def _with_codes(
    order: OrderSnapshot, draw: Callable[..., Any], told: Mapping[str, datetime], at: datetime
) -> OrderSnapshot:
    """Another choice of the codes that there are by then: one, several, none."""
    there = sorted(code for code, since in told.items() if since <= at)
    chosen = draw(st.sets(st.sampled_from(there), max_size=2)) if there else set()
    off = draw(st.sampled_from(["0", "6"])) if chosen else "0"
    return replace(order, coupons=tuple(CouponUse(code, Decimal(off), NOTHING) for code in sorted(chosen)))


@st.composite
def goods(draw: Callable[..., Any]) -> OrderLine:
    before = Decimal(draw(AMOUNTS))
    discount = draw(st.sampled_from([Decimal(0), Decimal("0.5")]))
    return make_line(
        total=str(before - before * discount), subtotal=str(before), quantity=draw(st.integers(1, 3)),
        tax=draw(st.sampled_from(["0", "0", "5"])),
    )  # fmt: skip


def _numbered(lines: list[OrderLine]) -> list[OrderLine]:
    return [replace(line, id=str(number), product_id=f"p{number}") for number, line in enumerate(lines, 1)]


def _with_extras(order: OrderSnapshot, draw: Callable[..., Any]) -> OrderSnapshot:
    lines = list(order.lines)
    if draw(st.booleans()):
        lines.append(make_line("81", "60", kind=LineKind.SHIPPING, product_id=""))
    if draw(st.integers(0, 3)) == 0:
        lines.append(make_line("82", draw(st.sampled_from(["-5", "10"])), kind=LineKind.FEE, product_id=""))
    channel = draw(st.sampled_from(["checkout", "pos"]))
    return _restated(replace(order, prices_include_tax=draw(st.booleans()), channel=channel), tuple(lines))


def _restated(order: OrderSnapshot, lines: tuple[OrderLine, ...]) -> OrderSnapshot:
    total = sum((line.total + line.total_tax for line in lines), NOTHING)
    return replace(order, lines=lines, total=max(NOTHING, total))


Change = Callable[[Callable[..., Any], OrderSnapshot, datetime], OrderSnapshot]


def refund_amount(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return _refunded(order, at, Decimal(draw(AMOUNTS)), ())


def refund_line(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    line = draw(st.sampled_from(order.lines))
    whole = max(NOTHING, line.total + line.total_tax)
    share = draw(st.sampled_from([Decimal(1), Decimal("0.5")]))
    named = RefundLine(line.id, line.quantity, whole * share)
    amount = draw(st.sampled_from([whole * share, whole * share / 2, whole]))
    return _refunded(order, at, amount, (named,))


def refund_all(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return _refunded(order, at, order.total, ())


def _refunded(
    order: OrderSnapshot, at: datetime, amount: Decimal, lines: tuple[RefundLine, ...]
) -> OrderSnapshot:
    refund = Refund(f"{order.external_id}{at:%d%H%M%S}", at, amount, lines)
    return replace(order, modified_at=at, observed_at=None, refunds=(*order.refunds, refund))


def delete_refund(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    """Nothing tells of it and nothing is modified: only who asks again sees it."""
    if not order.refunds:
        return touch(draw, order, at)
    gone = draw(st.sampled_from(order.refunds))
    return replace(order, observed_at=at, refunds=tuple(each for each in order.refunds if each != gone))


def touch(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return replace(order, modified_at=at, observed_at=None)


def cancel(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return replace(order, state=OrderState.DEAD, status="cancelled", modified_at=at, observed_at=None)


def state_as_refunded(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return replace(order, state=OrderState.REFUNDED, status="refunded", modified_at=at, observed_at=None)


def revive(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return replace(order, state=OrderState.LIVE, status="processing", modified_at=at, observed_at=None)


def unpay(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return replace(order, state=OrderState.OPEN, status="pending", modified_at=at, observed_at=None)


def complete(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    return replace(revive(draw, order, at), status="completed", completed_at=at)


def edit(draw: Callable[..., Any], order: OrderSnapshot, at: datetime) -> OrderSnapshot:
    kept = order.lines[1:] if len(order.lines) > 1 and draw(st.booleans()) else order.lines
    dearer = draw(st.sampled_from([Decimal(-3), NOTHING, Decimal(40)]))
    first = replace(
        kept[0], total=max(NOTHING, kept[0].total + dearer), subtotal=kept[0].subtotal + abs(dearer)
    )
    return replace(_restated(order, (first, *kept[1:])), modified_at=at, observed_at=None)


changes: st.SearchStrategy[Change] = st.sampled_from(
    [refund_amount, refund_line, refund_line, refund_all, delete_refund, touch, cancel, state_as_refunded, revive,
     unpay, complete, complete, edit]
)  # fmt: skip


@st.composite
def arrivals(draw: Callable[..., Any], history: History) -> Arrival:
    """The statements in any order, some twice, in batches of any size; an order is not gone before it was known."""
    known = list(history.statements)
    copies = draw(st.lists(st.sampled_from(known), max_size=3))
    repeated = [each for each in copies if not isinstance(each, Command)]
    shuffled = _sensible(draw(st.permutations(known + repeated)))
    batches: list[tuple[Statement, ...]] = []
    while shuffled:
        size = draw(st.sampled_from([1, 1, 2, 5]))
        batches.append(tuple(shuffled[:size]))
        shuffled = shuffled[size:]
    return Arrival(tuple(batches))


def one_by_one(history: History) -> Arrival:
    """Everything as soon as it happens."""
    return Arrival(tuple((each,) for each in history.statements))


def _sensible(statements: list[Statement]) -> list[Statement]:
    """Commands keep the order of their numbers; what is gone is told after something of it was told."""
    commands = [each for each in statements if isinstance(each, Command)]
    numbered = iter(sorted(commands, key=lambda each: each.number))
    ordered = [next(numbered) if isinstance(each, Command) else each for each in statements]
    gone = [each for each in ordered if isinstance(each, OrderDeleted)]
    return after_codes([each for each in ordered if each not in gone] + gone)


def after_codes(statements: list[Statement]) -> list[Statement]:
    """The same, but nobody can have told of a code before there was one."""
    known, waiting, ordered = set[str](), list[Statement](), list[Statement]()
    for each in statements:
        waiting.append(each)
        known |= {code for code in [code_of(each)] if code is not None}
        ready = [one for one in waiting if _codes(one) <= known]
        waiting = [one for one in waiting if not _codes(one) <= known]
        ordered += sorted(ready, key=lambda one: not isinstance(one, Command))
    return ordered


def code_of(statement: Statement) -> str | None:
    """The code that a command makes."""
    if isinstance(statement, SpendCredit):
        return coupon_code(BOOK.coupon_key, f"credit:{statement.number}")
    if isinstance(statement, RedeemReward) and statement.store:
        return coupon_code(BOOK.coupon_key, f"redemption:{statement.number}")
    return None


def _codes(statement: Statement) -> set[str]:
    return {use.code for use in statement.coupons} if isinstance(statement, OrderSnapshot) else set()

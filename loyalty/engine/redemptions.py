"""Redeem a reward; law: judged on the locked member as the fold leaves him, so that nobody
spends what he does not have, however many ask at once (RULES §7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_number
from loyalty.engine import tickets
from loyalty.engine.apply import carry_out
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import RedeemReward
from loyalty.engine.discounting import is_blocked
from loyalty.engine.fulfilling import check_request
from loyalty.engine.work import MemberWork
from loyalty.errors import Invalid, NotEnoughPoints, ProgramNotPublished, RewardNotAvailable
from loyalty.programs.catalogue import (
    CODE_KINDS,
    EXTERNAL,
    HOLD_MINUTES,
    SERVICE_KINDS,
    VARIABLE_DISCOUNT,
    Reward,
    is_offered,
)
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions
from loyalty.rewards import redemption_repository as redemptions
from loyalty.rewards.eligibility import Refusal, Situation, period_start, price, refusals
from loyalty.rewards.redemption import Fulfilment, Redemption, RedemptionState
from loyalty.values import StoreId


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants: a reward, of a variable discount so many points or so much money, and for which store."""

    reward: str
    points: int | None = None
    amount: Decimal | None = None
    store: StoreId | None = None
    checkout: bool = False
    """A variable discount is for a checkout that is going on: its points are held until it is used."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """What people need to carry a service out."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The number of the redemption, and the stores with pushes."""

    number: int
    stores: frozenset[UUID]


def redeem_reward(
    connection: Connection, book: AccountBook, member: UUID, wish: Wish, now: datetime, actor: str
) -> Redeemed:
    """Exchange points for a reward of the program in force; a ticket has its seat then, or waits for one.

    Raises NotFound, MemberMerged, ProgramNotPublished, Invalid, NotEnoughPoints, RewardNotAvailable and
    ParticipationRefused; then the transaction must be rolled back.
    """
    program = load_versions(connection, book.id).at(now)
    if program is None:
        raise ProgramNotPublished
    reward = _get_reward(book, program, wish.reward)
    points, amount = _price(reward, program, wish)
    until = _hold_until(reward, wish, now)
    store = _store(book, reward, wish)
    check_request(reward, wish.request)
    number = next_command_number(connection)
    event = tickets.lock_event(connection, reward)
    command = RedeemReward(
        number, now, reward.key, reward.kind, points, amount, store, until, "redeemed", actor
    )
    work, stores = carry_out(connection, book, member, command, now)
    _judge(connection, book, work, work.state.redemptions[number], reward, program, now)
    noted: dict[str, Any] = {"request": dict(wish.request)} if wish.request else {}
    if reward.kind in SERVICE_KINDS:
        is_seated = event is not None and _book_seat(connection, book, event, work, number, now)
        noted["fulfilment"] = Fulfilment.ACCEPTED if is_seated else Fulfilment.OPEN
    if noted:
        redemptions.note_requests(connection, [number], **noted)
    return Redeemed(number, stores)


def _get_reward(book: AccountBook, program: Program, key: str) -> Reward:
    """Return a reward that some connected shop, or people, can give. Raises RewardNotAvailable."""
    reward = program.reward(key)
    if reward is None:
        raise refuse((Refusal("unknown"),))
    if not is_offered(reward.kind, book.open_platforms):
        raise refuse((Refusal("not_offered"),))
    return reward


def _book_seat(
    connection: Connection,
    book: AccountBook,
    event: Mapping[Any, Any],
    work: MemberWork,
    number: int,
    now: datetime,
) -> bool:
    (row,) = redemptions.list_numbered(connection, [number])
    return tickets.book_seat(connection, book, event, work, row["id"], now)


def _price(reward: Reward, program: Program, wish: Wish) -> tuple[int, str]:
    """Return the points, and of a variable discount or credit the money as a decimal text; raises Invalid."""
    if reward.kind == VARIABLE_DISCOUNT:
        points, amount = price(reward, program.decimals, points=wish.points, amount=wish.amount)
        return points, f"{amount:f}"
    if wish.points is not None or wish.amount is not None:
        name = "points" if wish.points is not None else "amount"
        raise Invalid(
            None, {f"/{name}": ["Only a variable discount may be redeemed for any number of points."]}
        )
    return reward.points or 0, ""


def _hold_until(reward: Reward, wish: Wish, now: datetime) -> datetime | None:
    """Return until when points wait for a use: RULES §7 knows only a checkout that is going on, and other systems."""
    if reward.kind == EXTERNAL or (reward.kind == VARIABLE_DISCOUNT and wish.checkout):
        return now + timedelta(minutes=HOLD_MINUTES)
    return None


def _store(book: AccountBook, reward: Reward, wish: Wish) -> int:
    """Return the number of the store whose code it becomes, 0 where none is needed; raises Invalid."""
    if reward.kind not in CODE_KINDS:
        return 0
    able = book.code_stores(reward.kind)
    meant = book.store_numbers[wish.store] if wish.store else next(iter(able), 0)
    if meant not in able:
        message = "No such store that can make this code is connected."
        raise Invalid(message, {"/store": [message]})
    return meant


def _judge(
    connection: Connection,
    book: AccountBook,
    work: MemberWork,
    redemption: Redemption,
    reward: Reward,
    program: Program,
    now: datetime,
) -> None:
    """Refuse what the member may not have; the redemption is saved already and counts in what is read here."""
    _require_address(reward, work)
    uses, taken = _others(connection, book, work, reward, program, now)
    situation = Situation(
        tier_key=work.state.tier_key,
        available=_available_before(work, redemption, now),
        uses=uses,
        taken=taken,
        now=now,
        points=redemption.charge.points,
        is_blocked=is_blocked(connection, program, now),
    )
    found = refusals(reward, program, situation)
    if found:
        raise refuse(found)


def _others(
    connection: Connection,
    book: AccountBook,
    work: MemberWork,
    reward: Reward,
    program: Program,
    now: datetime,
) -> tuple[int, int]:
    """Return how many other redemptions of a limited reward stand: the member's in its period, and everybody's."""
    uses = taken = 0
    if reward.per_member is not None:
        since = period_start(reward.per_member.period, now, program.time_zone)
        uses = redemptions.count_open(connection, reward.key, members=work.roots, since=since) - 1
    if reward.stock is not None:
        redemptions.lock_reward(connection, book.id, reward.key)
        taken = redemptions.count_open(connection, reward.key) - 1
    return uses, taken


def _require_address(reward: Reward, work: MemberWork) -> None:
    if reward.kind in CODE_KINDS and not work.email:
        message = "The member has no e-mail to bind a code to."
        raise Invalid(message, {"/member/email": [message]})


def _available_before(work: MemberWork, redemption: Redemption, now: datetime) -> int:
    """Return what the member had available before the fold took the price, less what other holds will owe; what
    joining gives comes after it.

    A wish whose time lies before that of one accepted meanwhile takes what the other one held.
    """
    charge, after = redemption.charge, work.state.wallet.balance(now).available
    held = (each for each in work.state.redemptions.values() if each.state is RedemptionState.HELD)
    after -= sum(each.charge.short for each in held if each is not redemption)
    if not charge.short:
        return after + charge.found
    owed = charge.owed if redemption.state is RedemptionState.CAPTURED else 0
    return min(after + charge.found + owed, charge.found)


def refuse(found: tuple[Refusal, ...]) -> RewardNotAvailable | NotEnoughPoints:
    """Return the error for what is in the way; only points missing is an error of its own."""
    codes, missing = (
        [each.code for each in found],
        next((each.missing for each in found if each.missing), None),
    )
    told = {"refusals": codes} | ({"missing": missing} if missing else {})
    if codes == ["not_enough_points"]:
        return NotEnoughPoints(f"The balance lacks {missing} points.", told=told)
    return RewardNotAvailable(f"The reward cannot be had: {', '.join(codes)}.", told=told)

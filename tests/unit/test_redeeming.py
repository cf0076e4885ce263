"""Redeeming in the fold: holds, captures, uses, what comes back (RULES §4, §7, §9 (17), (20), (21))."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, make_order, make_versions
from folding import DAY, HOUR, SOON, balance, make_command, make_file, make_member, moved, movements_of, net

from loyalty.commerce import OrderSnapshot, OrderState, Refund
from loyalty.engine.commands import Command, Ending, EndRedemption, RedeemReward
from loyalty.engine.decide import refold
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import OrderRef
from loyalty.ledger.lots import Balance
from loyalty.rewards.redemption import RedemptionState

CODE = "lr2222222222"
REWARDS = [
    {"key": "off", "kind": "fixed_discount", "points": 60, "amount": "6", "valid_days": 10},
    {
        "key": "gone",
        "kind": "fixed_discount",
        "points": 60,
        "amount": "6",
        "valid_days": 10,
        "on_expiry": "forfeit",
    },
    {"key": "any", "kind": "variable_discount", "points": 1, "amount": "0.05"},
    {"key": "talk", "kind": "service", "points": 60},
]
REDEEMED = NOON + 2 * HOUR
HALF = NOON + 2 * HOUR + timedelta(minutes=30)


def asked(number: int = 1, reward: str = "off", points: int = 60, **more: Any) -> RedeemReward:
    """An accepted redemption two hours after the first order."""
    kind = next(each["kind"] for each in REWARDS if each["key"] == reward)
    values = {"amount": "", "store": 1, "hold_until": None, "reason": "", "accepted_at": REDEEMED} | more
    return RedeemReward(number=number, reward=reward, kind=kind, points=points, **values)


def ended(
    ending: Ending = Ending.CAPTURED, number: int = 2, redemption: int = 1, after: timedelta = HOUR
) -> Command:
    """What became of a redemption, an hour after it was asked for unless given."""
    return EndRedemption(number, REDEEMED + after, redemption, ending, "")


def live(
    *orders: OrderSnapshot | OrderFile,
    commands: list[Command],
    users: list[OrderSnapshot] | None = None,
    until: datetime = SOON,
    **program: Any,
) -> MemberState:
    """The member after an order of 100, these orders and commands; `users` have the code of the first redemption."""
    files = [each if isinstance(each, OrderFile) else make_file(each) for each in (make_order("1"), *orders)]
    state = make_member(*files, commands=commands)
    used = [
        OrderFile(OrderRef(1, each.external_id), each, laurel_codes=frozenset([CODE])) for each in users or []
    ]
    state.orders |= {
        file.ref.key: file for file in used if file.snapshot and file.snapshot.buyer.customer_id == "7"
    }
    state.code_users = {1: used} if used else {}
    return refold(state, make_versions(rewards=REWARDS, **program), until)


def using(id: str = "2", after: timedelta = DAY, **more: Any) -> OrderSnapshot:
    """An order of 40 with the code."""
    return make_order(id, "40", at=REDEEMED + after, **more)


def refund(amount: str, id: str = "r1", after: timedelta = 2 * DAY) -> Refund:

    return Refund(id, REDEEMED + after, Decimal(amount))


def test_held_points_are_nobodys_until_the_code_is_there() -> None:
    state = live(commands=[asked()], until=REDEEMED)
    assert moved(state) == [100]
    assert balance(state, REDEEMED) == Balance(40, 0, 60, 0)
    assert state.redemptions[1].state is RedemptionState.HELD


def test_capture_spends_what_was_held() -> None:
    state = live(commands=[asked(), ended()], until=REDEEMED + DAY)
    assert moved(state) == [100, -60]
    assert balance(state) == Balance(40, 0, 0, 0)
    assert movements_of(state, "redemption")[0].effective_at == REDEEMED + HOUR


def test_release_frees_what_was_held_and_posts_nothing() -> None:
    state = live(commands=[asked(), ended(Ending.RELEASED)])
    assert moved(state) == [100]
    assert balance(state) == Balance(100, 0, 0, 0)
    assert state.grants["redemption:1"].withdrawn


def test_cancelled_redemption_gives_its_points_back_to_their_lots() -> None:
    state = live(commands=[asked(), ended(), ended(Ending.CANCELLED, 3, after=2 * HOUR)])
    assert moved(state) == [100, -60, 60]
    assert balance(state) == Balance(100, 0, 0, 0)
    assert {lot.cause: lot.remaining for lot in state.wallet.lots.values()} == {"order:1:1:award": 100}


@pytest.mark.parametrize("order", [[Ending.CAPTURED, Ending.RELEASED], [Ending.RELEASED, Ending.CAPTURED]])
def test_what_has_ended_stays_ended(order: list[Ending]) -> None:
    ends = [ended(ending, number, after=number * HOUR) for number, ending in enumerate(order, 2)]
    state = live(commands=[asked(), *ends], until=REDEEMED + DAY)
    assert sum(moved(state)) == (40 if order[0] is Ending.CAPTURED else 100)
    assert state.wallet.held == 0


@pytest.mark.parametrize(
    ("after", "state", "available"),
    [(timedelta(minutes=30) - timedelta.resolution, "held", 40), (timedelta(minutes=30), "released", 100)],
)
def test_hold_of_a_checkout_ends_after_30_minutes(after: timedelta, state: str, available: int) -> None:
    found = live(commands=[asked(reward="any", amount="3", hold_until=HALF)], until=REDEEMED + after)
    assert (found.redemptions[1].state, balance(found).available) == (state, available)


@pytest.mark.parametrize("minutes", [29, 30, 31])
def test_use_of_a_hold_spends_it_even_after_it_ended(minutes: int) -> None:
    """A use that is seen wins: what had been released is taken again (RULES §7)."""
    order = using(after=timedelta(minutes=minutes))
    state = live(users=[order], commands=[asked(reward="any", amount="3", hold_until=HALF)])
    assert moved(state) == [100, 40, -60]
    assert balance(state) == Balance(80, 0, 0, 0)
    assert state.redemptions[1].state is RedemptionState.CAPTURED
    assert state.grants["redemption:1"].used
    assert not state.grants["redemption:1"].withdrawn


def test_use_of_a_cancelled_redemption_may_make_debt() -> None:
    spent = make_command(-100, at=REDEEMED + 3 * HOUR, number=4)
    commands = [asked(), ended(), ended(Ending.CANCELLED, 3, after=2 * HOUR), spent]
    state = live(users=[using()], commands=commands)
    assert balance(state) == Balance(-20, 0, 0, 20)
    assert net(state) == -20


def test_floor_forgives_what_a_late_use_lacks_and_gives_back_only_what_it_took() -> None:
    spent = make_command(-100, at=REDEEMED + 3 * HOUR, number=4)
    commands = [asked(), ended(), ended(Ending.CANCELLED, 3, after=2 * HOUR), spent]
    floor = {"negative_balance": "floor"}
    state = live(users=[using()], commands=commands, refunds=floor)
    assert net(state) == balance(state).available == 0
    refunded = using(refunds=(refund("40"),))
    state = live(users=[refunded], commands=commands, refunds=floor)
    assert [each.points for each in movements_of(state, "restoration")] == [60, 40]
    assert net(state) == balance(state).available == 0


def test_each_further_use_is_paid_again() -> None:
    """A WooCommerce lets four parallel orders use one code."""
    orders = [using(str(number), after=DAY + number * HOUR) for number in range(2, 6)]
    state = live(users=orders, commands=[asked(), ended()])
    assert [each.points for each in movements_of(state, "redemption")] == [-60] * 4
    assert list(state.redemptions[1].uses) == ["1:2", "1:3", "1:4", "1:5"]
    assert net(state) == 100 + 4 * 40 - 4 * 60 == balance(state).available


def test_other_members_order_uses_the_code_all_the_same() -> None:
    order = using()
    stranger = replace(order, buyer=replace(order.buyer, customer_id="8"))
    state = live(users=[stranger], commands=[asked(), ended()])
    assert (net(state), list(state.redemptions[1].uses)) == (40, ["1:2"])


@pytest.mark.parametrize("status", [OrderState.OPEN, OrderState.DEAD])
def test_order_that_was_never_paid_used_nothing(status: OrderState) -> None:
    state = live(
        users=[using(state=status, paid_at=None)], commands=[asked(), ended()], until=REDEEMED + 3 * DAY
    )
    assert (net(state), state.redemptions[1].uses) == (40, {})


@pytest.mark.parametrize(
    ("policy", "amounts", "restored"),
    [
        ("proportional", ["10"], [15]),
        ("proportional", ["10", "10"], [15, 15]),
        ("proportional", ["13.33", "13.33", "13.34"], [19, 20, 21]),
        ("full", ["39.99"], []),
        ("full", ["20", "20"], [60]),
        ("none", ["40"], []),
    ],
)
def test_refund_of_the_order_restores_by_policy(policy: str, amounts: list[str], restored: list[int]) -> None:
    refunds = tuple(refund(amount, f"r{n}", (n + 2) * DAY) for n, amount in enumerate(amounts))
    state = live(
        users=[using(refunds=refunds)], commands=[asked(), ended()], refunds={"restore_redeemed": policy}
    )
    assert [each.points for each in movements_of(state, "restoration")] == restored
    assert net(state) == balance(state).available
    assert state.grants["redemption:1"].withdrawn is bool(restored)


def test_deleted_refund_takes_its_restoration_again() -> None:
    order = using(refunds=(refund("20"), refund("20", "r2")))
    both = live(users=[order], commands=[asked(), ended()])
    one = live(users=[replace(order, refunds=order.refunds[:1])], commands=[asked(), ended()])
    assert (net(both), net(one)) == (100, 100 + 40 - 60 - 20 + 30)


def test_cancelled_order_restores_everything_once() -> None:
    order = using(state=OrderState.DEAD, modified_at=REDEEMED + 3 * DAY, refunds=(refund("20"),))
    state = live(users=[order], commands=[asked(), ended()])
    assert [each.points for each in movements_of(state, "restoration")] == [30, 30]
    assert net(state) == 100
    assert state.grants["redemption:1"].withdrawn


def test_restored_lots_live_as_long_as_their_source_or_30_days() -> None:
    """Last consumed first; the end of the local day that lies 30 days ahead (RULES §4, §9 (17))."""
    expiry = {"mode": "lot", "after": {"days": 20}}
    later = make_order("9", "50", at=NOON + HOUR)
    order = using(refunds=(refund("40", after=5 * DAY),))
    state = live(
        later, users=[order], commands=[asked(points=120), ended()], expiry=expiry, until=REDEEMED + 6 * DAY
    )
    lots = {cause: lot for cause, lot in state.wallet.lots.items() if "restored" in cause}
    assert [lot.points for lot in lots.values()] == [20, 100]
    ends = {lot.expires_at for lot in lots.values()}
    assert ends == {datetime(2026, 4, 14, 16, tzinfo=NOON.tzinfo)}


def test_source_that_lives_longer_keeps_its_date() -> None:
    order = using(refunds=(refund("40"),))
    state = live(users=[order], commands=[asked(), ended()], expiry={"mode": "lot", "after": {"months": 12}})
    own, restored = (
        state.wallet.lots["order:1:1:award"],
        state.wallet.lots["redemption:1:restored:1:2:refund:r1:0"],
    )
    assert restored.expires_at == own.expires_at


@pytest.mark.parametrize(("reward", "points"), [("off", 100), ("gone", 40)])
def test_unused_code_returns_or_forfeits_at_its_end(reward: str, points: int) -> None:
    end = datetime(2026, 3, 20, 16, tzinfo=NOON.tzinfo)
    before = live(commands=[asked(reward=reward), ended()], until=end - timedelta.resolution)
    at = live(commands=[asked(reward=reward), ended()], until=end)
    assert (net(before), net(at)) == (40, points)
    assert at.redemptions[1].state is RedemptionState.EXPIRED


@pytest.mark.parametrize(("reward", "total"), [("off", 80), ("gone", 80)])
def test_order_after_the_end_is_paid_and_forfeited_points_are_not_paid_twice(reward: str, total: int) -> None:
    state = live(users=[using(after=20 * DAY)], commands=[asked(reward=reward), ended()])
    assert net(state) == total == balance(state).available


def test_points_that_return_to_a_dead_lot_die_at_once() -> None:
    expiry = {"mode": "lot", "after": {"days": 5}}
    state = live(commands=[asked(), ended()], expiry=expiry)
    assert net(state) == 0
    assert [(each.kind, each.points) for each in state.movements] == [
        ("accrual", 100), ("redemption", -60), ("restoration", 60), ("expiry", -100),
    ]  # fmt: skip


def test_points_that_return_pay_debt_before_they_die() -> None:
    expiry = {"mode": "lot", "after": {"days": 5}}
    owing = make_command(-70, at=REDEEMED + 2 * HOUR, number=3)
    state = live(commands=[asked(), ended(), owing], expiry=expiry)
    assert net(state) == 0
    assert state.wallet.debt == 0
    assert state.wallet.lots["order:1:1:award"].expired == 30


def test_service_is_spent_at_once() -> None:
    state = live(commands=[asked(reward="talk", store=0)])
    assert (moved(state), state.grants) == ([100, -60], {})


def test_pending_points_cannot_be_redeemed() -> None:
    """What an accepted redemption lacks after a late arrival is owed once it is captured, never while it is held."""
    held = live(commands=[asked()], earning={"pending_days": 7}, until=REDEEMED + DAY)
    assert balance(held, REDEEMED + DAY) == Balance(0, 100, 0, 0)
    captured = live(commands=[asked(), ended()], earning={"pending_days": 7}, until=REDEEMED + DAY)
    assert balance(captured, REDEEMED + DAY) == Balance(-60, 100, 0, 60)


def test_a_late_order_lets_the_redemption_take_the_lot_that_dies_first() -> None:
    """A(100, dies day 90), B(100, day 180), redeem 100, whatever arrives late: 100 left on day 91 (RULES §10)."""
    expiry = {"mode": "lot", "after": {"days": 90}}
    other = make_order("2", at=NOON - 89 * DAY)
    state = live(
        other, commands=[asked(points=100, reward="talk", store=0)], expiry=expiry, until=NOON + 2 * DAY
    )
    assert balance(state, NOON + 2 * DAY).available == 100
    assert state.wallet.lots["order:1:2:award"].remaining == 0


def test_spending_and_refunding_the_order_that_earned_leaves_debt_or_nothing() -> None:
    """Earn 50, spend 50, refund the order (RULES §10)."""
    order = make_order(
        "2", "50", at=NOON, refunds=(Refund("r", REDEEMED + DAY, make_order("2", "50").total),)
    )
    for policy, debt in (("allow", 50), ("floor", 0)):
        member = make_member(make_file(order), commands=[asked(points=50, reward="talk", store=0)])
        versions = make_versions(rewards=REWARDS, refunds={"negative_balance": policy})
        assert refold(member, versions, SOON).wallet.debt == debt


def test_inactivity_runs_anew_from_a_redemption() -> None:
    expiry = {"mode": "inactivity", "after": {"days": 10}}
    state = live(
        commands=[asked(reward="talk", store=0, accepted_at=NOON + 5 * DAY)],
        expiry=expiry,
        until=NOON + 6 * DAY,
    )
    assert state.last_activity == NOON + 5 * DAY
    assert {lot.expires_at for lot in state.wallet.lots.values() if lot.remaining} == {
        datetime(2026, 3, 25, 16, tzinfo=NOON.tzinfo)
    }


def test_order_that_dies_without_giving_back_frees_the_code_for_what_is_paid() -> None:
    """Never neither, never both: policy none keeps the points, and WooCommerce opens the code again (U12)."""
    dead = using(state=OrderState.DEAD, modified_at=REDEEMED + 2 * DAY)
    kept = {"restore_redeemed": "none"}
    unused = live(users=[dead], commands=[asked(), ended()], refunds=kept, until=REDEEMED + 3 * DAY)
    assert (net(unused), unused.redemptions[1].uses) == (40, {})
    assert not unused.grants["redemption:1"].used
    again = live(users=[dead, using("3", after=3 * DAY)], commands=[asked(), ended()], refunds=kept)
    assert (net(again), list(again.redemptions[1].uses)) == (80, ["1:3"])
    returned = live(users=[dead], commands=[asked(), ended()], refunds=kept)
    assert (net(returned), returned.redemptions[1].state) == (100, RedemptionState.EXPIRED)


def test_everything_paid_and_unused_returns_at_the_end() -> None:
    two = [using(id, state=OrderState.DEAD, modified_at=REDEEMED + 2 * DAY) for id in ("2", "3")]
    state = live(users=two, commands=[asked(), ended()], refunds={"restore_redeemed": "none"})
    assert (net(state), balance(state).available, state.wallet.held) == (100, 100, 0)

"""Redemptions that end in one way and then in another; points that come back when lots have got other dates."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from builders import NOON, make_order, make_program
from folding import DAY, HOUR, SOON, balance, make_command, make_member, movements_of, net
from test_redeeming import REDEEMED, REWARDS, asked, ended, live, refund, using

from loyalty.commerce import OrderState
from loyalty.engine.commands import Ending, EndRedemption
from loyalty.engine.decide import refold
from loyalty.engine.state import MemberState
from loyalty.ledger.lots import Balance
from loyalty.programs.program import Versions
from loyalty.rewards.redemption import RedemptionState

KEPT = {"restore_redeemed": "none"}
CODE_ENDS = datetime(2026, 3, 20, 16, tzinfo=NOON.tzinfo)
INACTIVE = {"mode": "inactivity", "after": {"days": 10}}
CANCELLED = ended(Ending.CANCELLED, 3, after=2 * HOUR)


def proved(state: MemberState) -> MemberState:
    """The member, after the laws held: every cause once, entries as lots and holds less debt, lots as consumptions."""
    causes = [movement.cause for movement in state.movements]
    assert len(causes) == len(set(causes))
    wallet = state.wallet
    assert net(state) == sum(lot.remaining for lot in wallet.lots.values()) + wallet.held - wallet.debt
    for cause, lot in wallet.lots.items():
        used = sum(points for (own, _), points in wallet.consumed.items() if own == cause)
        assert (used, lot.remaining >= 0) == (lot.points - lot.remaining, True)
    return state


def dead(id: str = "2", used: timedelta = DAY, died: timedelta = 2 * DAY) -> object:
    """An order with the code that was cancelled after it had been paid."""
    return using(id, after=used, state=OrderState.DEAD, modified_at=REDEEMED + died)


@pytest.mark.parametrize("reward", ["off", "gone"])
def test_use_after_the_end_by_an_order_that_dies_leaves_what_the_end_left(reward: str) -> None:
    orders = [dead(used=20 * DAY, died=22 * DAY)]
    state = proved(live(users=orders, commands=[asked(reward=reward), ended()], refunds=KEPT))
    assert (net(state), state.redemptions[1].state) == (
        100 if reward == "off" else 40,
        RedemptionState.EXPIRED,
    )
    assert state.redemptions[1].ended_at == CODE_ENDS


def test_use_of_a_cancelled_code_by_an_order_that_dies_is_given_back_and_leaves_it_cancelled() -> None:
    """The shop does not accept the code any more: it cannot pay for another use."""
    commands = [asked(), ended(), CANCELLED]
    state = proved(live(users=[dead()], commands=commands, refunds=KEPT, until=REDEEMED + 3 * DAY))
    assert (net(state), state.redemptions[1].state) == (100, RedemptionState.CANCELLED)
    assert state.grants["redemption:1"].withdrawn
    again = proved(live(users=[dead(), using("3", after=3 * DAY)], commands=commands, refunds=KEPT))
    assert (net(again), list(again.redemptions[1].uses)) == (80, ["1:3"])


def test_two_uses_of_which_one_dies_are_paid_once() -> None:
    """The code is still used up: what the dead order paid cannot pay for another one."""
    for orders in ([dead("2"), using("3", after=DAY + HOUR)], [using("2"), dead("3", used=DAY + HOUR)]):
        state = proved(live(users=orders, commands=[asked(), ended()], refunds=KEPT))
        assert (net(state), len(state.redemptions[1].uses)) == (80, 1)
    both = proved(live(users=[dead("2"), dead("3", used=DAY + HOUR, died=3 * DAY)],
                       commands=[asked(reward="gone"), ended()], refunds=KEPT))  # fmt: skip
    assert (net(both), both.redemptions[1].state) == (40, RedemptionState.EXPIRED)


def test_order_that_dies_after_the_codes_end_gives_its_points_back_then() -> None:
    state = proved(live(users=[dead(died=15 * DAY)], commands=[asked(), ended()], refunds=KEPT))
    (returned,) = movements_of(state, "restoration")
    assert (returned.points, returned.effective_at) == (60, REDEEMED + 15 * DAY)


def test_capture_takes_points_that_came_after_the_hold_before_anything_is_owed_or_forgiven() -> None:
    earlier, later = (
        make_command(-100, at=REDEEMED - HOUR, number=7),
        make_order("9", "60", at=REDEEMED + HOUR / 2),
    )
    for policy in ("allow", "floor"):
        commands = [earlier, asked(), ended()]
        state = proved(
            live(later, commands=commands, refunds={"negative_balance": policy}, until=REDEEMED + DAY)
        )
        assert balance(state, REDEEMED + DAY) == Balance(0, 0, 0, 0)
        assert movements_of(state, "forgiveness") == []


def test_points_of_a_cancelled_redemption_live_as_long_as_inactivity_says() -> None:
    """The redemption was activity: nothing of the member's was dead when it was cancelled."""
    redeemed = asked(reward="talk", points=100, store=0, accepted_at=NOON + 5 * DAY)
    cancelled = EndRedemption(2, NOON + 12 * DAY, 1, Ending.CANCELLED, "")
    state = proved(live(commands=[redeemed, cancelled], expiry=INACTIVE, until=NOON + 13 * DAY))
    assert balance(state, NOON + 13 * DAY).available == 100
    assert (
        proved(live(commands=[redeemed, cancelled], expiry=INACTIVE)).wallet.lots["order:1:1:award"].expired
        == 100
    )


@pytest.mark.parametrize(
    "later", [{}, {"expiry": {"mode": "lot", "after": {"days": 60}}}, {"expiry": INACTIVE}]
)
def test_points_come_back_with_the_dates_that_new_rules_gave_to_all_others(later: dict[str, object]) -> None:
    """Also where a lot was spent wholly when the rules changed."""
    first = make_program(rewards=REWARDS, expiry=INACTIVE | {"after": {"days": 3}})
    second = make_program(2, NOON + 2 * DAY, rewards=REWARDS, **later)
    orders = [make_order("1"), make_order("2", at=NOON + HOUR)]
    commands = [
        asked(points=100, reward="talk", store=0),
        EndRedemption(2, NOON + 6 * DAY, 1, Ending.CANCELLED, ""),
    ]
    member = make_member(*orders, commands=commands)
    state = proved(refold(member, Versions((first, second)), NOON + 7 * DAY))
    ends = {lot.expires_at for lot in state.wallet.lots.values()}
    assert (net(state), len(ends)) == (200, 1)


def test_restored_points_do_not_die_of_a_mode_that_is_switched_off() -> None:
    first = make_program(rewards=REWARDS, expiry=INACTIVE)
    second = make_program(2, REDEEMED + 2 * DAY, rewards=REWARDS)
    order = using(refunds=(refund("40", after=3 * DAY),))
    state = live(users=[order], commands=[asked(points=100), ended()])
    state = proved(refold(state, Versions((first, second)), SOON + 300 * DAY))
    assert state.wallet.lots["redemption:1:restored:1:2:refund:r1:0"].expires_at is None
    assert balance(state, SOON + 300 * DAY).available == 100


def test_points_that_come_back_after_everything_died_die_then_and_not_before() -> None:
    order = using(refunds=(refund("40", after=20 * DAY),))
    state = proved(live(users=[order], commands=[asked(), ended()], expiry=INACTIVE))
    (restored,) = movements_of(state, "restoration")
    expiries = {each.cause: each.effective_at for each in movements_of(state, "expiry")}
    assert expiries["expiry:redemption:1:restored:1:2:refund:r1:0"] == restored.effective_at

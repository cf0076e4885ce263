"""Store credit that goes over to a shop's own: set aside until the shop has it; what it pays there earns nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, make_order, make_versions
from folding import DAY, HOUR, SOON, make_member, moved

from loyalty.commerce import OrderSnapshot, OrderState, Refund
from loyalty.engine.commands import AdjustCredit, Command, Ending, EndRedemption, SpendCredit
from loyalty.engine.credit_codec import credit_head, read_purse
from loyalty.engine.decide import refold
from loyalty.engine.planning import Change, events_to_append
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import OrderRef
from loyalty.tenders import Tender

SENT = NOON + HOUR


def sending(number: int = 2, amount: str = "40", at: datetime = SENT) -> SpendCredit:
    return SpendCredit(number, at, amount, 1, None, "", "api")


def ended(ending: Ending, number: int = 3, of: int = 2, after: timedelta = HOUR) -> EndRedemption:
    return EndRedemption(number, SENT + after, of, ending, "", "shop")


def paid(id: str, credit: str, after: timedelta = DAY, total: str = "100", **more: Any) -> OrderSnapshot:
    """An order of which the shop's store credit paid so much."""
    order = make_order(id, total, at=SENT + after, **more)
    return replace(order, tenders=(Tender("store_credit", Decimal(credit)),))


def live(
    *orders: OrderSnapshot, commands: list[Command] | None = None, until: datetime = SOON
) -> MemberState:
    """A member who is given 100 of credit, of which 40 went over, and then buys."""
    files = [OrderFile(OrderRef(1, each.external_id), each) for each in orders]
    mine = [sending(), ended(Ending.CAPTURED)] if commands is None else commands
    state = make_member(*files, commands=[AdjustCredit(1, NOON, "100", "because", "staff"), *mine])
    return refold(state, make_versions(decimals=2), until)


def figures(state: MemberState) -> tuple[str, str]:
    """What is available, and what is set aside."""
    found = state.credit.figures(SOON)
    return f"{found.available:.2f}", f"{found.held:.2f}"


def test_credit_is_nobodys_until_the_shop_has_it() -> None:
    state = live(commands=[sending()])
    assert (figures(state), state.credit.balance) == (("60.00", "40.00"), 100)
    assert state.credit.codes[2].due() is None


def test_it_leaves_once_the_shop_has_it_and_has_no_coupon() -> None:
    state = live()
    assert (figures(state), state.credit.balance, state.grants) == (("60.00", "0.00"), 60, {})
    last = state.credit.movements[-1]
    assert (last.cause, last.amount, last.reason) == ("credit:2:sent", Decimal(-40), "sent")
    assert last.effective_at == SENT + HOUR


def test_it_is_free_again_once_the_shop_refused_it() -> None:
    state = live(commands=[sending(), ended(Ending.RELEASED)])
    assert (figures(state), len(state.credit.movements)) == (("100.00", "0.00"), 1)


@pytest.mark.parametrize("later", [Ending.CAPTURED, Ending.RELEASED])
def test_what_has_ended_stays_ended(later: Ending) -> None:
    ends = [ended(Ending.CAPTURED), ended(later, 4, after=2 * HOUR)]
    assert figures(live(commands=[sending(), *ends])) == ("60.00", "0.00")


def test_it_waits_however_long_and_is_kept_in_the_head() -> None:
    state = live(commands=[sending()])
    again = read_purse(credit_head(state.credit)["credit"], state.credit.balance)
    assert (again.codes, again.held) == (state.credit.codes, 40)


@pytest.mark.parametrize(
    ("credits", "earned"),
    [(["30"], [70]), (["40"], [60]), (["70"], [60]), (["30", "30"], [70, 90]), (["30", "30", "30"], [70, 90, 100])],
)  # fmt: skip
def test_u56_what_it_pays_earns_nothing_and_further_credit_of_the_shop_is_money(
    credits: list[str], earned: list[int]
) -> None:
    orders = [paid(str(n), each, n * DAY) for n, each in enumerate(credits, 1)]
    assert moved(live(*orders)) == earned


def test_credit_that_the_shop_refuses_later_never_was_there() -> None:
    late = ended(Ending.RELEASED, after=2 * DAY)
    assert moved(live(paid("1", "30"), commands=[sending(), late])) == [100]


def test_credit_that_the_shop_refused_or_another_shop_has_makes_nothing_dearer() -> None:
    assert moved(live(paid("1", "30"), commands=[sending(), ended(Ending.RELEASED)])) == [100]
    elsewhere = replace(sending(), store=2)
    assert moved(live(paid("1", "30"), commands=[elsewhere, ended(Ending.CAPTURED)])) == [100]


def test_dead_order_leaves_its_part_to_the_next_one() -> None:
    dead = paid("1", "40", state=OrderState.DEAD)
    assert sum(moved(live(dead, paid("2", "40", 2 * DAY)))) == 60


def test_refund_of_what_it_paid_in_part_takes_back_what_was_earned() -> None:
    half = (Refund("r1", SENT + 3 * DAY, Decimal(50)),)
    assert moved(live(replace(paid("1", "40"), refunds=half))) == [60, -30]


def test_news_of_an_order_that_credit_paid_are_judged_on_the_whole_history() -> None:
    file = OrderFile(OrderRef(1, "9"), paid("9", "5", 30 * DAY))
    versions = make_versions(decimals=2)
    assert events_to_append(live(), [Change(None, file)], versions) is None
    plain = replace(file, snapshot=make_order("9", at=SENT + 30 * DAY))
    assert events_to_append(live(), [Change(None, plain)], versions) is not None

"""Codes of store credit in the fold: what they hold, what an order takes of it, what refunds give back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, make_line, make_order, make_versions
from folding import DAY, HOUR, SOON, make_member

from loyalty.commerce import CouponUse, OrderSnapshot, OrderState, Refund
from loyalty.credit.purse import CreditFigures
from loyalty.engine.commands import AdjustCredit, Command, Ending, EndRedemption, SpendCredit
from loyalty.engine.decide import refold
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import OrderRef

CODE = "lr2222222222"
ASKED = NOON + HOUR
END = ASKED + 30 * DAY
AFTER = END + DAY


def asked(amount: str = "40") -> SpendCredit:
    """A code that is made an hour after the credit was given."""
    return SpendCredit(2, ASKED, amount, 1, END, "a code", "api")


def ended(ending: Ending, after: timedelta = HOUR) -> EndRedemption:
    return EndRedemption(3, ASKED + after, 2, ending, "", "api")


def live(
    *commands: Command,
    users: list[OrderSnapshot] | None = None,
    until: Any = SOON,
    credit: str = "100",
    **program: Any,
) -> MemberState:
    """A member who is given 100 and has a code of 40, which these orders use."""
    given = AdjustCredit(1, NOON, credit, "because", "staff")
    files = [
        OrderFile(OrderRef(1, each.external_id), each, laurel_codes=frozenset([CODE])) for each in users or []
    ]
    state = make_member(*files, commands=[given, asked(), *commands])
    state.code_users = {2: files} if files else {}
    state.code_texts = {2: CODE}
    return refold(state, make_versions(decimals=2, **program), until)


def using(
    id: str = "1",
    discount: str = "40",
    tax: str = "0",
    after: timedelta = DAY,
    total: str = "60",
    **more: Any,
) -> OrderSnapshot:
    """An order of which the code took so much; 60 are left to pay."""
    line = make_line(total=total, subtotal="100")
    use = CouponUse(CODE.upper(), Decimal(discount), Decimal(tax))
    return make_order(id, lines=[line], at=ASKED + after, coupons=(use,), **more)


def refund(amount: str, id: str = "r1", after: timedelta = 2 * DAY) -> Refund:
    return Refund(id, ASKED + after, Decimal(amount))


def figures(state: MemberState, at: Any = SOON) -> tuple[str, ...]:
    """Balance, available, pending and held as texts."""
    found = state.credit.figures(at)
    assert isinstance(found, CreditFigures)
    return tuple(f"{each:.2f}" for each in (found.balance, found.available, found.pending, found.held))


def moves(state: MemberState) -> list[tuple[str, str]]:
    return [(each.kind.value, f"{each.amount:.2f}") for each in state.credit.movements[1:]]


def test_a_code_holds_what_it_is_worth_and_posts_nothing() -> None:
    state = live(until=ASKED)
    assert (figures(state, ASKED), moves(state)) == (("100.00", "60.00", "0.00", "40.00"), [])
    grant = state.grants["credit:2"]
    assert (grant.amount, grant.until, grant.store, grant.withdrawn) == ("40", END, 1, False)


def test_that_the_shop_has_the_code_changes_nothing() -> None:
    assert figures(live(ended(Ending.CAPTURED)), ASKED + DAY) == ("100.00", "60.00", "0.00", "40.00")


@pytest.mark.parametrize("ending", [Ending.RELEASED, Ending.CANCELLED])
def test_an_unused_code_that_ends_gives_everything_back(ending: Ending) -> None:
    state = live(ended(ending))
    assert (figures(state), moves(state)) == (("100.00", "100.00", "0.00", "0.00"), [])
    assert state.grants["credit:2"].withdrawn


@pytest.mark.parametrize(
    ("until", "held", "withdrawn"),
    [(END - timedelta.resolution, "40.00", False), (END, "0.00", True), (AFTER, "0.00", True)],
)
def test_an_unused_code_ends_with_its_days(until: Any, held: str, withdrawn: bool) -> None:
    state = live(until=until)
    assert figures(state, until)[3] == held
    assert state.grants["credit:2"].withdrawn is withdrawn


def test_figures_of_a_member_nobody_visited_are_those_of_the_instant() -> None:
    assert figures(live(until=ASKED), END) == ("100.00", "100.00", "0.00", "0.00")


@pytest.mark.parametrize(
    ("discount", "tax", "left"),
    [
        ("40", "0", "60.00"),
        ("25.5", "0", "74.50"),
        ("30", "1.5", "68.50"),
        ("40", "2", "60.00"),
        ("0", "0", "100.00"),
    ],
)
def test_an_order_takes_what_its_discount_was_and_the_rest_is_free_at_once(
    discount: str, tax: str, left: str
) -> None:
    """The remaining value that a shop's single-use code cannot keep."""
    state = live(users=[using(discount=discount, tax=tax)])
    assert figures(state) == (left, left, "0.00", "0.00")
    assert state.grants["credit:2"].used
    assert not state.grants["credit:2"].withdrawn


def test_u14_what_comes_back_and_what_is_refunded_never_exceed_what_was_paid() -> None:
    """60 in money and 40 of credit were paid: of each refund a share comes back as credit, never as cash on top."""
    paid = Decimal(100)
    for amounts in (["60"], ["20", "20", "20"], ["13.33", "46.67"], ["59.99"], ["0.01"]):
        refunds = tuple(refund(amount, f"r{n}", (2 + n) * DAY) for n, amount in enumerate(amounts))
        state = live(users=[using(refunds=refunds)])
        restored = sum(each.amount for each in state.credit.movements if each.kind == "return")
        assert sum(map(Decimal, amounts)) + restored <= paid
        assert restored <= 40


@pytest.mark.parametrize(
    ("amounts", "returned"),
    [
        (["60"], ["40.00"]),
        (["30"], ["20.00"]),
        (["20", "20", "20"], ["13.33", "13.33", "13.34"]),
        (["0.01"], []),
    ],
)
def test_u16_a_refund_gives_back_its_share_of_the_credit(amounts: list[str], returned: list[str]) -> None:
    refunds = tuple(refund(amount, f"r{n}", (2 + n) * DAY) for n, amount in enumerate(amounts))
    state = live(users=[using(refunds=refunds)])
    assert [amount for kind, amount in moves(state) if kind == "return"] == returned
    assert state.grants["credit:2"].withdrawn is bool(returned)


def test_a_deleted_refund_takes_again_what_it_gave_back() -> None:
    order = using(refunds=(refund("30"), refund("30", "r2")))
    both, one = live(users=[order]), live(users=[replace(order, refunds=order.refunds[:1])])
    assert (figures(both)[0], figures(one)[0]) == ("100.00", "80.00")


@pytest.mark.parametrize("status", [OrderState.DEAD, OrderState.REFUNDED])
def test_an_ended_order_gives_everything_back_once(status: OrderState) -> None:
    order = using(state=status, modified_at=ASKED + 3 * DAY, refunds=(refund("30"),))
    state = live(users=[order])
    assert moves(state) == [("spend", "-40.00"), ("return", "20.00"), ("return", "20.00")]
    assert state.grants["credit:2"].withdrawn


@pytest.mark.parametrize("status", [OrderState.OPEN, OrderState.DEAD])
def test_an_order_that_was_never_paid_took_nothing(status: OrderState) -> None:
    state = live(users=[using(state=status, paid_at=None)], until=ASKED + 2 * DAY)
    assert figures(state, ASKED + 2 * DAY) == ("100.00", "60.00", "0.00", "40.00")


def test_each_further_use_takes_its_discount_too() -> None:
    """Parallel orders may use one code: the shop lets them, and each is paid."""
    users = [using(str(number), after=DAY + number * HOUR) for number in range(1, 4)]
    state = live(users=users)
    assert figures(state)[:2] == ("-20.00", "-20.00")
    assert list(state.credit.codes[2].uses) == ["1:1", "1:2", "1:3"]


def test_a_use_that_is_seen_wins_over_an_end() -> None:
    state = live(ended(Ending.CANCELLED), users=[using()])
    assert figures(state)[:2] == ("60.00", "60.00")
    assert not state.grants["credit:2"].withdrawn


@pytest.mark.parametrize(
    ("policy", "balance", "returned"), [("allow", "-40.00", "0.00"), ("floor", "0.00", "0.00")]
)
def test_what_a_late_use_lacks_is_owed_or_forgiven_and_no_refund_pays_out_what_was_forgiven(
    policy: str, balance: str, returned: str
) -> None:
    spent = AdjustCredit(4, ASKED + 2 * HOUR, "-100", "spent", "staff")
    rules = {"refunds": {"negative_balance": policy}}
    state = live(ended(Ending.CANCELLED), spent, users=[using()], **rules)
    assert figures(state)[0] == balance
    refunded = live(ended(Ending.CANCELLED), spent, users=[using(refunds=(refund("60"),))], **rules)
    assert figures(refunded)[0] == returned


def test_floor_never_touches_what_a_code_holds() -> None:
    taken = AdjustCredit(4, ASKED + HOUR, "-100", "mistake", "staff")
    state = live(taken, refunds={"negative_balance": "floor"}, until=ASKED + DAY)
    assert figures(state, ASKED + DAY) == ("40.00", "0.00", "0.00", "40.00")


def test_in_another_currency_the_whole_code_is_taken() -> None:
    assert figures(live(users=[using(discount="3", currency="USD")]))[0] == "60.00"


def test_another_code_on_the_order_is_not_counted() -> None:
    order = using()
    other = CouponUse("lr3333333333", Decimal(7), Decimal(0))
    assert figures(live(users=[replace(order, coupons=(*order.coupons, other))]))[0] == "60.00"

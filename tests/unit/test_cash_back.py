"""Cash back in the fold: what an order credits, what refunds take back, what redeemed and given credit does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, make_document, make_line, make_order, make_program, make_refund, make_versions
from folding import DAY, HOUR, SOON, fold, make_command, make_member, make_two_versions, moved

from loyalty.commerce import CouponUse, OrderState
from loyalty.credit.entries import CreditKind, CreditPosted, credit_differences
from loyalty.credit.purse import CreditFigures
from loyalty.engine.commands import AdjustCredit, Command, Ending, EndRedemption, RedeemReward
from loyalty.engine.decide import refold
from loyalty.engine.state import MemberState
from loyalty.errors import Invalid
from loyalty.programs.document import check_document
from loyalty.programs.json_schema import program_json_schema
from loyalty.programs.lint import lint
from loyalty.programs.rules_page import rules_in_words

TWO = {"percent": "2"}
FLOOR = {"negative_balance": "floor"}
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1000"}]}},
]
REWARDS = [{"key": "money", "kind": "store_credit", "points": 60, "amount": "6.5", "valid_days": 10}]


def credited(state: MemberState) -> list[Decimal]:
    """The money of every movement, in order."""
    return [each.amount for each in state.credit.movements]


def kinds(state: MemberState) -> list[str]:
    return [each.kind.value for each in state.credit.movements]


def given(amount: str, at: datetime = NOON + HOUR, number: int = 1) -> AdjustCredit:
    return AdjustCredit(number, at, amount, "because", "staff")


def mistakes(cash_back: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        check_document(make_document(cash_back=cash_back))
    return list(refused.value.fields)


@pytest.mark.parametrize(
    ("cash_back", "path"),
    [
        ({"percent": 1.5}, "/cash_back/percent"),
        ({"percent": "100.1"}, "/cash_back/percent"),
        ({"percent": "-1"}, "/cash_back/percent"),
        ({"percent": "2", "tiers": {"regular": "101"}}, "/cash_back/tiers/regular"),
        ({"percent": "2", "tiers": {"gold": "3"}}, "/cash_back/tiers/gold"),
        ({"percent": "2", "minimum_order": "x"}, "/cash_back/minimum_order"),
        ({"rate": "2"}, "/cash_back/rate"),
    ],
)
def test_mistakes_are_named_by_path(cash_back: dict[str, Any], path: str) -> None:
    assert mistakes(cash_back) == [path]


@pytest.mark.parametrize("cash_back", [{}, TWO, {"percent": 2}, {"tiers": {"regular": "100"}}])
def test_what_is_acted_on_is_not_warned_of(cash_back: dict[str, Any]) -> None:
    assert lint(check_document(make_document(cash_back=cash_back))) == []


def test_the_json_schema_knows_a_percent_for_each_tier() -> None:
    part = program_json_schema()["properties"]["cash_back"]
    percents = part["properties"]["tiers"]["additionalProperties"]
    assert part["additionalProperties"] is False
    assert percents["anyOf"] == part["properties"]["percent"]["anyOf"]


def test_nothing_is_said_of_no_cash_back() -> None:
    sections = {section.key: section for section in rules_in_words(make_program(), NOON)}
    assert "cash_back" not in sections


def test_the_rules_in_words_say_who_gets_how_much() -> None:
    program = make_program(
        tiers=TIERS, cash_back={"percent": "2", "tiers": {"gold": "3.5"}, "minimum_order": "50"}
    )
    sections = {section.key: section for section in rules_in_words(program, NOON)}
    sentences = [each["en"] for each in sections["cash_back"].sentences]
    assert sentences[1:3] == ["For Gold it is 3.5%.", "An order brings some from NT$50 on."]
    assert "2%" in sections["cash_back"].sentences[0]["zh-TW"]


def test_s6_two_percent_of_an_order_of_1000_credits_20_of_money_and_not_points() -> None:
    state = fold(make_order(total="1000"), cash_back=TWO, decimals=2)
    assert (credited(state), kinds(state)) == ([Decimal("20.00")], ["cash_back"])
    assert str(state.credit.movements[0].amount) == "20.00"
    assert moved(state) == [1000]


@pytest.mark.parametrize(
    ("total", "percent", "decimals", "amount"),
    [
        ("999.99", "2", 2, "19.99"),
        ("1000", "2", 0, "20"),
        ("99", "2", 0, "1"),
        ("49.99", "2", 0, "0"),
        ("50", "2", 0, "1"),
        ("12.345", "10", 3, "1.234"),
        ("100", "0.333333333", 2, "0.33"),
        ("0.01", "100", 2, "0.01"),
    ],
)
def test_money_is_rounded_down_to_the_decimals_of_the_account(
    total: str, percent: str, decimals: int, amount: str
) -> None:
    state = fold(make_order(total=total), cash_back={"percent": percent}, decimals=decimals)
    assert state.credit.balance == Decimal(amount)


@pytest.mark.parametrize(
    "order",
    [
        make_order(test=True),
        make_order(currency="USD"),
        make_order(total="0"),
        make_order(total="0", lines=[make_line(total="0")]),
        make_order(state=OrderState.OPEN),
        make_order(paid_at=None),
    ],
)
def test_what_counts_for_nothing_brings_nothing(order: Any) -> None:
    assert credited(fold(order, cash_back=TWO)) == []


@pytest.mark.parametrize(("total", "amount"), [("49.99", []), ("50", [1]), ("50.01", [1])])
def test_the_minimum_is_the_cash_backs_own(total: str, amount: list[int]) -> None:
    rules = {"percent": "2", "minimum_order": "50"}
    assert credited(fold(make_order(total=total), cash_back=rules)) == amount
    assert credited(fold(make_order(total=total), cash_back=TWO, earning={"minimum_order": "9999"})) == (
        [1] if total != "49.99" else []
    )


def test_a_paused_program_credits_nothing() -> None:
    assert credited(fold(make_order(), cash_back=TWO, paused=True)) == []


def test_what_earns_no_points_brings_no_cash() -> None:
    lines = [make_line("1", "100"), make_line("2", "900", product_id="gift")]
    excluded = {"earning": {"excluded": {"product_ids": ["gift"]}}}
    assert credited(fold(make_order(lines=lines), cash_back=TWO, **excluded)) == [2]


def test_the_tier_just_before_the_order_decides() -> None:
    rules = {"percent": "2", "tiers": {"gold": "3"}}
    later = make_order("2", "1000", at=NOON + DAY)
    state = fold(make_order(total="1000"), later, tiers=TIERS, cash_back=rules)
    assert credited(state) == [20, 30]
    assert state.credit.movements[1].explanation == {"base": "1000", "percent": "3", "tier": "gold"}


@pytest.mark.parametrize("amounts", [["250", "250"], ["1", "499"], ["333.33", "166.67"], ["500"]])
def test_refunds_in_parts_take_back_exactly_what_one_would(amounts: list[str]) -> None:
    refunds = tuple(
        make_refund(str(number), amount, at=NOON + number * DAY) for number, amount in enumerate(amounts, 1)
    )
    state = fold(make_order(total="999.99", refunds=refunds), cash_back=TWO, decimals=2)
    assert state.credit.balance == Decimal("9.99")
    assert kinds(state)[1:] == ["reversal"] * (len(kinds(state)) - 1)


def test_a_deleted_refund_credits_again() -> None:
    refunds = (make_refund("1", "300"), make_refund("2", "200", at=NOON + DAY))
    order = make_order(total="1000", refunds=refunds)
    both = fold(order, cash_back=TWO)
    one = fold(replace(order, refunds=refunds[:1]), cash_back=TWO)
    assert (both.credit.balance, one.credit.balance) == (10, 14)


@pytest.mark.parametrize("state", [OrderState.DEAD, OrderState.REFUNDED])
def test_an_ended_order_credits_nothing_in_the_end(state: OrderState) -> None:
    ended = fold(make_order(total="1000", state=state, modified_at=NOON + DAY), cash_back=TWO)
    assert credited(ended) == [20, -20]
    assert ended.credit.movements[1].cause == "order:1:1:end"


def test_a_refund_takes_what_the_rules_of_the_payment_gave() -> None:
    versions = make_two_versions({"cash_back": TWO}, {"cash_back": {"percent": "50"}})
    state = fold(make_order(refunds=(make_refund(amount="50", at=NOON + DAY),)), versions=versions)
    assert [(each.amount, each.version) for each in state.credit.movements] == [(2, 1), (-1, 1)]


def test_credit_is_usable_when_the_orders_points_are() -> None:
    """Awarded on 10 March in Taipei, 7 days: usable from the end of 17 March."""
    ripe = datetime(2026, 3, 17, 16, tzinfo=NOON.tzinfo)
    state = fold(make_order(total="1000"), cash_back=TWO, earning={"pending_days": 7}, until=NOON + DAY)
    before, after = state.credit.figures(ripe - timedelta.resolution), state.credit.figures(ripe)
    assert before == CreditFigures(Decimal(20), Decimal(0), Decimal(20), Decimal(0))
    assert after == CreditFigures(Decimal(20), Decimal(20), Decimal(0), Decimal(0))


def test_a_refund_of_pending_credit_takes_it_where_it_waits() -> None:
    order = make_order(total="1000", refunds=(make_refund(amount="500"),))
    state = fold(order, cash_back=TWO, earning={"pending_days": 7}, commands=[given("5")], until=NOON + DAY)
    assert state.credit.figures(NOON + DAY) == CreditFigures(Decimal(15), Decimal(5), Decimal(10), Decimal(0))


def test_what_is_pending_and_taken_already_is_not_shown_twice() -> None:
    state = fold(
        make_order(total="1000"), cash_back=TWO, earning={"pending_days": 7}, commands=[given("-15")],
        until=NOON + DAY,
    )  # fmt: skip
    assert state.credit.figures(NOON + DAY) == CreditFigures(Decimal(5), Decimal(0), Decimal(5), Decimal(0))


@pytest.mark.parametrize(
    ("policy", "amounts"), [("allow", ["5", "-20"]), ("floor", ["5", "-5"])], ids=["allow", "floor"]
)
def test_credit_by_hand(policy: str, amounts: list[str]) -> None:
    commands = [given("5"), given("-20", NOON + 2 * HOUR, 2)]
    state = fold(commands=commands, refunds={"negative_balance": policy})
    assert credited(state) == [Decimal(each) for each in amounts]
    assert [each.cause for each in state.credit.movements] == ["adjustment:1", "adjustment:2"]


def test_a_member_made_by_credit_has_joined() -> None:
    assert fold(commands=[given("5")]).joined_at == NOON + HOUR


def bought(*more: Command, refunds: dict[str, Any] | None = None) -> MemberState:
    """The member after an order of 100 who redeemed 60 of its points for money."""
    asked = RedeemReward(1, NOON + HOUR, "money", "store_credit", 60, "", 0, None, "redeemed", "api")
    member = make_member(make_order(), commands=[asked, *more])
    return refold(member, make_versions(rewards=REWARDS, refunds=refunds or {}, decimals=2), SOON)


def cancelled(number: int = 9, after: timedelta = 5 * HOUR) -> EndRedemption:
    return EndRedemption(number, NOON + after, 1, Ending.CANCELLED, "", "staff")


def test_redeemed_credit_is_there_at_once_and_does_not_end_with_valid_days() -> None:
    state = bought()
    assert (credited(state), kinds(state)) == ([Decimal("6.50")], ["purchase"])
    assert moved(state) == [100, -60]
    assert state.credit.figures(SOON).available == Decimal("6.5")


def test_a_cancelled_redemption_takes_its_credit_back() -> None:
    state = bought(cancelled())
    assert credited(state) == [Decimal("6.5"), Decimal("-6.5")]
    assert moved(state) == [100, -60, 60]
    assert state.credit.balance == 0


@pytest.mark.parametrize(("policy", "balance"), [("allow", "-4"), ("floor", "0")])
def test_what_was_spent_of_cancelled_credit_is_owed_or_forgiven(policy: str, balance: str) -> None:
    state = bought(given("-4", NOON + 2 * HOUR, 2), cancelled(), refunds={"negative_balance": policy})
    assert state.credit.balance == Decimal(balance)
    assert ("forgiveness" in kinds(state)) is (policy == "floor")


def test_what_store_credit_pays_brings_nothing_back() -> None:
    """The discount of a code is in the lines: only the rest of the order counts."""
    paid = make_order(
        lines=[make_line(total="60", subtotal="100")], coupons=(CouponUse("x", Decimal(40), Decimal(0)),)
    )
    assert credited(fold(paid, cash_back={"percent": "10"})) == [6]


def test_points_and_credit_of_one_number_never_meet() -> None:
    state = fold(make_order(), commands=[make_command(5, number=1), given("5", number=2)], cash_back=TWO)
    assert sum(moved(state)) == 105
    assert state.credit.balance == 7


@pytest.mark.parametrize(
    ("amount", "posted", "expected"),
    [
        ("20", None, [("order:1:1:award#0", "cash_back", "20", "cash_back")]),
        ("20", "20", []),
        ("20", "25", [("order:1:1:award#1", "reversal", "-5", "re_rated")]),
        ("20", "0", [("order:1:1:award#1", "cash_back", "20", "re_rated")]),
        (None, "20", [("order:1:1:award#1", "reversal", "-20", "re_rated")]),
        (None, "0", []),
    ],
)
def test_differences_to_what_is_posted(amount: str | None, posted: str | None, expected: list[Any]) -> None:
    state = fold(make_order(total="1000"), cash_back=TWO)
    movements = state.credit.movements if amount else []
    old = (
        {"order:1:1:award": CreditPosted(Decimal(posted), 1, CreditKind.CASH_BACK, NOON, "1:1", 1)}
        if posted is not None
        else {}
    )
    drafts = credit_differences(movements, old)
    assert [(each.entry_key, each.kind.value, str(each.amount), each.reason) for each in drafts] == expected

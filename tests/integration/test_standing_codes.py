"""Standing codes on a real database: one for each period, gone with it, in step with the rules, never used up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_document, make_woo_order
from ladders import ladder, tier
from receiving import Desk, make_desk
from sqlalchemy import event, text

from loyalty.accounts.service import next_command_number
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import SetTier, TierBy
from loyalty.engine.publishing import publish_program
from loyalty.engine.retrying import retry_all
from loyalty.engine.standing import Code, make_standing_code
from loyalty.errors import BenefitNotAvailable, Invalid, LoyaltyError, NotFound, ProgramNotPublished
from loyalty.values import new_id
from workers.draining import drain_account
from workers.runtime import Runtime
from workers.settling import close_tier_periods

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
SOON = PAID + 2 * DAY
END = datetime(2027, 3, 10, 16, tzinfo=UTC)
"""Midnight in Taipei after the day that lies a year after the order."""
YEAR = {"validity": {"months": 12}}
GOLD = {"discount_percent": "5", "free_shipping": True}
LADDER = ladder(tier("gold", "1000", "5000", **GOLD), tier("black", "3000", "5000", discount_percent="10"))


def make_gold(runtime: Runtime, *orders: dict[str, Any], **parts: Any) -> Desk:
    """A shop whose only customer is gold, by these orders or by one of 1,000."""
    desk = make_desk(runtime, make_document(**{"tiers": LADDER, "tier_policy": YEAR, **parts}))
    for order in orders or (make_woo_order(),):
        desk.deliver(order)
    drain_account(runtime, desk.shop.account, now=SOON)
    return desk


def ask(desk: Desk, now: datetime = SOON) -> Code:
    """The code that the only member gets."""
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        member = connection.execute(text("select id from members")).scalar_one()
        return make_standing_code(connection, book, member, desk.shop.store.id, now)[0]


def deliver(desk: Desk, order: dict[str, Any]) -> None:
    desk.deliver(order)
    drain_account(desk.runtime, desk.shop.account, now=SOON)


def codes(desk: Desk) -> list[tuple[str, str]]:
    """Every standing code with its state, in the order in which they were made."""
    rows = desk.rows("select code, state from coupons where reusable order by id")
    return [(row["code"], row["state"]) for row in rows]


def pushed(desk: Desk) -> list[str]:
    """What the shop is told of coupons, those said over included."""
    rows = desk.rows("select kind from pushes where kind like '%coupon' order by id")
    return [row["kind"] for row in rows]


def test_a_gold_member_gets_one_code_however_often_he_asks(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    first, again = ask(desk), ask(desk, SOON + DAY)
    assert (first["code"], first["id"]) == (again["code"], again["id"])
    assert (first["kind"], first["amount"], first["free_shipping"], first["expires_at"]) == (
        "percent_discount", 5, True, END,
    )  # fmt: skip
    assert (codes(desk), pushed(desk)) == ([(first["code"], "requested")], ["put_coupon"])
    assert desk.differences() == []


def test_ten_requests_at_once_are_one_code(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    with ThreadPoolExecutor(10) as pool:
        asked = list(pool.map(lambda _: ask(desk)["code"], range(10)))
    assert len(set(asked)) == 1
    assert (codes(desk), pushed(desk)) == ([(asked[0], "requested")], ["put_coupon"])


@pytest.mark.parametrize(
    ("at", "state"), [(END - timedelta(microseconds=1), "requested"), (END, "cancelled")]
)
def test_the_code_goes_in_the_very_instant_in_which_the_tier_ends(
    runtime: Runtime, at: datetime, state: str
) -> None:
    desk = make_gold(runtime)
    code = ask(desk)["code"]
    close_tier_periods(runtime, desk.shop.account, at)
    assert codes(desk) == [(code, state)]
    assert desk.differences() == []


def test_who_asks_too_late_is_refused_and_loses_the_old_code(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    code = ask(desk)["code"]
    with pytest.raises(BenefitNotAvailable):
        ask(desk, END)
    close_tier_periods(runtime, desk.shop.account, END)
    assert codes(desk) == [(code, "cancelled")]


def test_rising_changes_the_code(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    gold = ask(desk)["code"]
    deliver(desk, make_woo_order(26, "2000", date_paid_gmt="2026-03-11T04:00:00"))
    assert codes(desk) == [(gold, "cancelled")]
    black = ask(desk)
    assert (black["amount"], black["free_shipping"], black["tier"]) == (10, False, "black")
    assert codes(desk) == [(gold, "cancelled"), (black["code"], "requested")]
    assert desk.differences() == []


def test_a_code_that_the_shop_failed_to_make_is_withdrawn_too_and_never_made(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    gold = ask(desk)["code"]
    desk.rows(
        "update pushes set status = 'failed', reason = 'exhausted' where kind = 'put_coupon' returning id"
    )
    desk.rows("update coupons set state = 'failed', failure = 'exhausted: no answer' returning id")
    deliver(desk, make_woo_order(26, "2000", date_paid_gmt="2026-03-11T04:00:00"))
    assert codes(desk) == [(gold, "cancelled")]
    with desk.connect() as connection:
        assert retry_all(connection, "exhausted") == 0
    assert (codes(desk), pushed(desk)[-1]) == ([(gold, "cancelled")], "disable_coupon")
    assert desk.differences() == []


def test_a_renewed_period_wants_a_new_code(runtime: Runtime) -> None:
    kept = ladder(tier("gold", "1000", "1", **GOLD))
    bought = make_woo_order(26, "500", date_paid_gmt="2026-03-11T04:00:00")
    desk = make_gold(runtime, make_woo_order(), bought, tiers=kept)
    first = ask(desk)["code"]
    close_tier_periods(runtime, desk.shop.account, END)
    second = ask(desk, END)["code"]
    assert codes(desk) == [(first, "cancelled"), (second, "requested")]
    assert desk.differences() == []


def test_a_late_arrival_that_moves_the_period_takes_the_code(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    first = ask(desk)["code"]
    dates = {"date_created_gmt": "2026-03-01T04:00:00", "date_paid_gmt": "2026-03-01T04:00:00"}
    deliver(desk, make_woo_order(24, "1000", **dates))
    assert codes(desk) == [(first, "cancelled")]
    second = ask(desk)["code"]
    assert codes(desk) == [(first, "cancelled"), (second, "requested")]
    assert pushed(desk) == ["put_coupon", "disable_coupon", "put_coupon"]
    assert desk.differences() == []


def test_a_late_arrival_that_moves_nothing_leaves_the_code(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    code = ask(desk)["code"]
    dates = {"date_created_gmt": "2026-03-01T04:00:00", "date_paid_gmt": "2026-03-01T04:00:00"}
    deliver(desk, make_woo_order(24, "10", **dates))
    assert (codes(desk), pushed(desk)) == ([(code, "requested")], ["put_coupon"])
    assert desk.differences() == []


def test_a_refund_at_once_takes_the_code_and_the_next_order_gives_another(runtime: Runtime) -> None:
    desk = make_gold(runtime, tier_policy={**YEAR, "on_refund": "at_once"})
    first = ask(desk)["code"]
    dates = {"date_modified_gmt": "2026-03-11T04:00:00"}
    deliver(desk, make_woo_order(status="cancelled", **dates))
    assert codes(desk) == [(first, "cancelled")]
    with pytest.raises(BenefitNotAvailable):
        ask(desk)
    assert desk.differences() == []


def set_tier(desk: Desk, until: datetime | None) -> None:
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        member = connection.execute(text("select id from members")).scalar_one()
        number = next_command_number(connection)
        command = SetTier(number, SOON, TierBy.OVERRIDE, "gold", until, "vip", "staff")
        carry_out(connection, book, member, command, SOON)


def test_the_code_lasts_as_long_as_a_longer_ground_for_the_tier(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    code = ask(desk)["code"]
    set_tier(desk, END + 90 * DAY)
    assert desk.rows("select code, expires_at from coupons") == [{"code": code, "expires_at": END + 90 * DAY}]
    assert pushed(desk) == ["put_coupon", "put_coupon"]
    close_tier_periods(runtime, desk.shop.account, END)
    assert codes(desk) == [(code, "requested")]
    close_tier_periods(runtime, desk.shop.account, END + 90 * DAY)
    assert codes(desk) == [(code, "cancelled")]
    assert desk.differences() == []


def publish(desk: Desk, start: datetime, **benefits: Any) -> None:
    tiers = ladder(tier("gold", "1000", "5000", **benefits))
    with desk.connect() as connection:
        publish_program(
            connection, desk.shop.account, make_document(tiers=tiers, tier_policy=YEAR),
            effective_from=start, now=start, actor="test",
        )  # fmt: skip


def test_a_version_without_the_benefit_takes_the_codes_when_it_takes_effect(runtime: Runtime) -> None:
    desk, start = make_gold(runtime), datetime.now(UTC)
    code = ask(desk)["code"]
    publish(desk, start, service=["priority_support"])
    assert codes(desk) == [(code, "requested")]
    assert desk.differences() == []
    assert close_tier_periods(runtime, desk.shop.account, start) == 1
    assert codes(desk) == [(code, "cancelled")]
    assert desk.differences() == []


def test_a_version_with_another_discount_renews_the_code(runtime: Runtime) -> None:
    desk, start = make_gold(runtime), datetime.now(UTC)
    code = ask(desk)["code"]
    publish(desk, start, discount_percent="8")
    close_tier_periods(runtime, desk.shop.account, start)
    found = desk.rows("select code, amount, free_shipping, state, program_version from coupons")
    assert found == [
        {"code": code, "amount": 8, "free_shipping": False, "state": "requested", "program_version": 2}
    ]
    assert pushed(desk) == ["put_coupon", "put_coupon"]
    assert desk.differences() == []


def test_a_code_that_comes_back_is_the_same_one(runtime: Runtime) -> None:
    desk, start = make_gold(runtime), datetime.now(UTC)
    code = ask(desk)["code"]
    publish(desk, start, service=["priority_support"])
    close_tier_periods(runtime, desk.shop.account, start)
    publish(desk, start + DAY, **GOLD)
    close_tier_periods(runtime, desk.shop.account, start + DAY)
    assert codes(desk) == [(code, "cancelled")]
    assert ask(desk, start + DAY)["code"] == code
    assert codes(desk) == [(code, "requested")]
    assert desk.differences() == []


def used(code: str, **more: Any) -> dict[str, Any]:
    line = {"id": 1, "code": code.upper(), "discount": "5", "discount_tax": "0"}
    dates = {"date_created_gmt": "2026-03-11T04:00:00", "date_paid_gmt": "2026-03-11T04:00:00"}
    return make_woo_order(26, "95", coupon_lines=[line], **dates, **more)


LIVES: list[list[dict[str, Any]]] = [
    [{"date_modified_gmt": "2026-03-11T04:00:00"}],
    [{"date_modified_gmt": "2026-03-11T04:00:00"}] * 2,
    [
        {"date_modified_gmt": "2026-03-11T04:00:00"},
        {"date_modified_gmt": "2026-03-11T05:00:00", "status": "cancelled"},
    ],
    [{"date_modified_gmt": "2026-03-11T05:00:00", "status": "cancelled"}],
]


@pytest.mark.parametrize("life", LIVES)
def test_an_order_knows_the_code_as_ours_and_uses_it_not_up(
    runtime: Runtime, life: list[dict[str, Any]]
) -> None:
    desk = make_gold(runtime, earning={"base": {"discounts": "ignored"}})
    code = ask(desk)["code"]
    for state in life:
        deliver(desk, used(code, **state))
    assert desk.rows("select state, used_by from coupons") == [{"state": "requested", "used_by": None}]
    assert desk.rows("select laurel_codes from orders where external_id = '26'") == [{"laurel_codes": [code]}]
    assert desk.differences() == []


def test_a_code_that_an_edit_took_off_is_no_longer_the_orders(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    code = ask(desk)["code"]
    deliver(desk, used(code, date_modified_gmt="2026-03-11T04:00:00"))
    deliver(desk, {**used(code, date_modified_gmt="2026-03-11T05:00:00"), "coupon_lines": []})
    assert desk.rows("select laurel_codes from orders where external_id = '26'") == [{"laurel_codes": []}]
    assert codes(desk) == [(code, "requested")]


@pytest.mark.parametrize(
    ("orders", "parts", "refusal"),
    [
        ([make_woo_order(total="10")], {}, BenefitNotAvailable),
        ([make_woo_order()], {"tiers": ladder(tier("gold", "1000"))}, BenefitNotAvailable),
        ([make_woo_order(billing={"email": "", "phone": ""})], {}, Invalid),
    ],
)
def test_a_refusal_says_why_and_leaves_nothing(
    runtime: Runtime, orders: list[dict[str, Any]], parts: dict[str, Any], refusal: type[LoyaltyError]
) -> None:
    desk = make_gold(runtime, *orders, **parts)
    with pytest.raises(refusal):
        ask(desk)
    assert (codes(desk), pushed(desk)) == ([], [])


def test_without_a_program_or_a_member_there_is_no_code(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    with desk.connect() as connection:
        book = runtime.book(connection, desk.shop.account, set())
        with pytest.raises(NotFound):
            make_standing_code(connection, book, new_id(), desk.shop.store.id, SOON)
        with pytest.raises(ProgramNotPublished):
            make_standing_code(
                connection, book, new_id(), desk.shop.store.id, datetime(2019, 1, 1, tzinfo=UTC)
            )


def test_the_proof_finds_a_code_of_another_period(runtime: Runtime) -> None:
    desk = make_gold(runtime)
    ask(desk)
    with desk.connect() as connection:
        connection.execute(text("update coupons set cause = replace(cause, ':gold:', ':black:')"))
    (found,) = desk.differences()
    assert found.what.endswith("is of the present period")


@contextmanager
def counted(runtime: Runtime) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(runtime.database.engine, "before_cursor_execute", note)


def test_codes_cost_one_statement_a_batch_and_none_where_no_tier_moves(runtime: Runtime) -> None:
    counts = []
    for members in (1, 5):
        desk = make_gold(runtime, *[make_woo_order(id, customer_id=id) for id in range(1, members + 1)])
        with desk.connect() as connection:
            book = runtime.book(connection, desk.shop.account, set())
            for (member,) in connection.execute(text("select id from members")).all():
                make_standing_code(connection, book, member, desk.shop.store.id, SOON)
        with counted(runtime) as quiet:
            deliver(desk, make_woo_order(99, "1", customer_id=1, date_paid_gmt="2026-03-11T04:00:00"))
        with counted(runtime) as falling:
            close_tier_periods(runtime, desk.shop.account, END)
        assert [state for _, state in codes(desk)] == ["cancelled"] * members
        assert not any("from coupons" in statement for statement in quiet)
        assert sum("from coupons" in statement for statement in falling) == 1
        counts.append(len(falling))
    assert counts[0] == counts[1]

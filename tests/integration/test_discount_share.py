"""What discounts take of the revenue: measured from orders, told once a day, and a bar to redeeming (S65)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk

from loyalty.engine.discounting import is_blocked
from loyalty.engine.publishing import publish_program
from loyalty.orders.takings import Takings, read_takings
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions
from loyalty.rewards.discount_repository import find_figures
from workers.draining import drain_account
from workers.measuring import judge_discounts
from workers.runtime import Runtime

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = timedelta.resolution
WELCOME = {"key": "welcome", "trigger": "member_joined", "actions": [{"kind": "coupon", "reward": "gift"}]}
GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "100"}
LIMIT = {"percent": "15", "days": 30, "action": "block"}


def document(**limit: Any) -> dict[str, Any]:
    limits = {"discount_share": {**LIMIT, **limit}}
    return make_document(automations=[WELCOME], rewards=[GIFT], limits=limits)


def make_shop_with_code(runtime: Runtime, **limit: Any) -> tuple[Desk, str]:
    """A shop where an order of 100 joined a member, who has a code since."""
    desk = make_desk(runtime, document(**limit))
    take(desk, make_woo_order(25, "100"))
    (row,) = desk.rows("select code from coupons")
    return desk, row["code"]


def take(desk: Desk, order: dict[str, Any], now: datetime = NOW) -> None:
    desk.deliver(order)
    drain_account(desk.runtime, desk.shop.account, now=now)


def using(code: str, id: int = 26, goods: str = "900", off: str = "150", **more: Any) -> dict[str, Any]:
    """An order with a code that took `off` from goods which cost `goods` with it."""
    used = [{"code": code.upper(), "discount": off, "discount_tax": "7"}]
    return {**make_woo_order(id, goods, coupon_lines=used), **more}


def takings(desk: Desk, since: datetime = PAID, until: datetime = NOW) -> Takings:
    with desk.connect() as connection:
        return sum(read_takings(connection, since, until).values(), Takings())


def program_of(desk: Desk, connection: Any, at: datetime = NOW) -> Program:
    found = load_versions(connection, desk.shop.account).at(at)
    assert found is not None
    return found


def blocked(desk: Desk, now: datetime = NOW) -> bool:
    with desk.connect() as connection:
        return is_blocked(connection, program_of(desk, connection, now), now)


def incidents(desk: Desk) -> list[str]:
    return [row["subject"] for row in desk.rows("select subject from incidents order by id")]


def test_takings_are_goods_and_what_our_codes_took_off(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime)
    shipping = [{"id": 9, "total": "60", "total_tax": "0"}]
    other = [{"code": "SUMMER", "discount": "40", "discount_tax": "0"}]
    take(desk, using(code, total="960", shipping_lines=shipping))
    take(desk, make_woo_order(27, "500", coupon_lines=other))
    assert takings(desk) == Takings(3, Fraction(1500), Fraction(150))


@pytest.mark.parametrize(
    ("since", "until", "orders"),
    [(PAID, PAID + TICK, 1), (PAID + TICK, NOW, 0), (PAID - DAY, PAID, 0)],
)
def test_takings_are_of_a_half_open_time(
    runtime: Runtime, since: datetime, until: datetime, orders: int
) -> None:
    desk, _ = make_shop_with_code(runtime)
    assert takings(desk, since, until).orders == orders


def test_a_refund_lowers_revenue_and_discounts_alike(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code))
    with desk.connect() as connection:
        connection.exec_driver_sql(
            'update orders set snapshot = jsonb_set(snapshot, \'{refunds}\', \'[["1", "", "300", []]]\')'
            " where external_id = '26'"
        )
    assert takings(desk) == Takings(2, Fraction(700), Fraction(100))


def test_cancelled_foreign_and_free_orders(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code))
    take(desk, using(code, status="cancelled", date_modified_gmt="2026-03-11T04:00:00"))
    take(desk, make_woo_order(28, "500", currency="USD"))
    take(desk, make_woo_order(29, "0"))
    assert takings(desk) == Takings(2, Fraction(100), Fraction(0))


@pytest.mark.parametrize(("off", "above"), [("149", 0), ("150", 0), ("151", 1)])
def test_s65_above_the_limit_is_an_incident(runtime: Runtime, off: str, above: int) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code, off=off))
    assert judge_discounts(runtime, desk.shop.account, NOW) == above
    assert len(incidents(desk)) == above
    assert blocked(desk) is bool(above)


def test_a_day_above_the_limit_is_told_once_and_the_next_one_anew(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code, off="500"))
    for at in (NOW, NOW + HOUR, NOW + 12 * HOUR):
        judge_discounts(runtime, desk.shop.account, at)
    assert incidents(desk) == ["2026-03-20", "2026-03-21"], "Taipei's midnight is 16:00 UTC"
    (row,) = desk.rows("select data from incidents where subject = '2026-03-20'")
    assert row["data"] == {
        "discounts": "500", "revenue": "1000", "percent": "15", "days": 30, "action": "block",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "is_in"),
    [
        (datetime(2026, 4, 8, 15, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 4, 8, 16, tzinfo=UTC), 0),
        (datetime(2026, 4, 8, 16, 0, 1, tzinfo=UTC), 0),
    ],
)
def test_the_days_are_the_accounts_own_and_the_present_one_is_in(
    runtime: Runtime, now: datetime, is_in: int
) -> None:
    """Paid on 10 March in Taipei: the thirtieth day from it on is 8 April."""
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code, off="500"))
    assert judge_discounts(runtime, desk.shop.account, now) == is_in


def test_alert_blocks_nobody(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime, action="alert")
    take(desk, using(code, off="500"))
    assert judge_discounts(runtime, desk.shop.account, NOW) == 1
    assert not blocked(desk)


@pytest.mark.parametrize(("age", "is_barred"), [(2 * DAY - TICK, True), (2 * DAY, False), (3 * DAY, False)])
def test_an_old_judgement_blocks_nobody(runtime: Runtime, age: timedelta, is_barred: bool) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code, off="500"))
    judge_discounts(runtime, desk.shop.account, NOW)
    assert blocked(desk, NOW + age) is is_barred


def test_a_higher_limit_frees_at_once_and_none_clears_the_alarm(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code, off="500"))
    judge_discounts(runtime, desk.shop.account, NOW)
    publish(desk, document(percent="50"), NOW + HOUR)
    assert not blocked(desk, NOW + HOUR)
    publish(desk, make_document(), NOW + 2 * HOUR)
    assert judge_discounts(runtime, desk.shop.account, NOW + 2 * HOUR) == 0
    assert desk.rows("select is_above from discount_shares") == [{"is_above": False}]


def publish(desk: Desk, program: dict[str, Any], at: datetime) -> None:
    with desk.connect() as connection:
        publish_program(connection, desk.shop.account, program, effective_from=at, now=at, actor="test")


def test_discounts_fall_below_the_limit_again(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code, off="500"))
    judge_discounts(runtime, desk.shop.account, NOW)
    take(desk, make_woo_order(30, "9000"))
    assert judge_discounts(runtime, desk.shop.account, NOW + HOUR) == 0
    assert not blocked(desk, NOW + HOUR)
    with desk.connect() as connection:
        figures = find_figures(connection)
    assert figures is not None
    assert (figures.discounts, figures.revenue) == (500, 10000)


def test_nothing_is_blocked_before_the_first_judgement(runtime: Runtime) -> None:
    desk, _ = make_shop_with_code(runtime)
    assert not blocked(desk)


def test_without_a_limit_nothing_is_measured(runtime: Runtime) -> None:
    desk = make_desk(runtime, make_document())
    take(desk, make_woo_order(25, "100"))
    assert judge_discounts(runtime, desk.shop.account, NOW) == 0
    assert desk.rows("select * from discount_shares") == []


def test_an_account_never_sees_the_figures_of_another(runtime: Runtime) -> None:
    desk, code = make_shop_with_code(runtime)
    take(desk, using(code, off="500"))
    judge_discounts(runtime, desk.shop.account, NOW)
    stranger = make_desk(runtime, document())
    assert not blocked(stranger)
    assert takings(stranger) == Takings()

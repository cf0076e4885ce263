"""What a shop may answer to the code of a redemption: the right end each time, its reason shown, no second coupon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from counter import Counter
from sqlalchemy import event

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.engine.retrying import retry_all, retry_pushes
from loyalty.pushes import EXHAUSTED
from workers.pushing import TRIES
from workers.runtime import Runtime

HOUR = timedelta(hours=1)


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def pushes(amy: Counter) -> list[tuple[str, str]]:
    rows = amy.desk.rows("select status, reason from pushes where kind = 'put_coupon' order by id")
    return [(row["status"], row["reason"]) for row in rows]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"status": 500, "after": True}])
def test_passing_fault_ends_in_one_code(runtime: Runtime, woo: SandboxShop, fault: dict[str, Any]) -> None:
    """Also when the shop had made the code and its answer was lost."""
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    woo.fail_next(path="coupons/batch", **fault)
    amy.push(1)
    assert (amy.see(redemption)["state"], amy.balance()) == ("requested", (0, 100, 0))
    amy.push(1, utc_now() + HOUR)
    assert (amy.see(redemption)["state"], amy.balance()) == ("issued", (0, 0, 0))
    assert [coupon["code"] for coupon in amy.coupons()] == [amy.code(redemption)]
    assert amy.proves()


@pytest.mark.parametrize("fault", [None, {"status": 401}])
def test_answer_that_was_taken_by_a_slower_clock_still_ends_the_redemption(
    runtime: Runtime, woo: SandboxShop, fault: dict[str, Any] | None
) -> None:
    """The worker looked at its clock, and then waited until the redemption was there."""
    amy, before = Counter(runtime, woo), utc_now()
    redemption = amy.redeem()
    if fault:
        woo.fail_next(path="coupons/batch", **fault)
    amy.push(1, before)
    told = (amy.see(redemption)["state"], amy.balance())
    assert told == (("failed", (100, 0, 0)) if fault else ("issued", (0, 0, 0)))
    assert amy.proves()


@pytest.mark.parametrize(
    "reward",
    [
        {"kind": "service"},
        {"kind": "store_credit", "amount": "5"},
        {"kind": "fixed_discount", "amount": "50"},
    ],
    ids=lambda reward: reward["kind"],
)
def test_what_was_spent_for_good_by_a_quicker_clock_can_be_taken_back_by_a_slower_one(
    runtime: Runtime, woo: SandboxShop, reward: dict[str, Any]
) -> None:
    """It holds nothing and never ends by itself, so that the member's head does not know it any more."""
    amy = Counter(runtime, woo, rewards=[{"key": "it", "points": 100, **reward}])
    ahead = utc_now() + HOUR
    redemption = amy.redeem("it", at=ahead)
    amy.push(1, ahead)
    assert amy.balance(ahead) == (0, 0, 0)
    amy.cancel(redemption)
    amy.push(1)
    assert (amy.see(redemption)["state"], amy.balance(ahead)) == ("cancelled", (100, 0, 0))
    assert amy.proves()


def test_shop_that_never_answers_gives_the_points_back_and_the_code_is_disabled(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    woo.fail_next(path="coupons/batch", status=500, after=True)
    amy.push(1)
    woo.fail_next(TRIES - 1, path="coupons", status=500)
    for hours in range(1, TRIES):
        amy.push(1, utc_now() + hours * HOUR * 2)
    assert (amy.see(redemption)["state"], amy.balance()) == ("failed", (100, 0, 0))
    assert pushes(amy) == [("failed", "exhausted")]
    woo.now = lambda: utc_now() + 100 * HOUR
    amy.push(3, utc_now() + 100 * HOUR)
    assert not amy.is_live(amy.code(redemption))
    assert amy.incidents() == ["redemption_failed"]
    assert amy.proves()


def test_code_that_could_be_neither_made_nor_disabled_stays_failed_when_it_is_disabled_at_last(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    woo.fail_next(path="coupons/batch", status=500, after=True)
    amy.push(1)
    woo.fail_next(9 * TRIES, path="coupons", status=500)
    for hours in range(1, 2 * TRIES + 2):
        amy.push(1, utc_now() + hours * HOUR * 2)
    found = amy.desk.rows("select kind, status from pushes where subject like 'coupon:%' order by id")
    assert [(row["kind"], row["status"]) for row in found] == [
        ("put_coupon", "failed"),
        ("disable_coupon", "failed"),
    ]
    woo.recover()
    with amy.desk.connect() as connection:
        assert retry_all(connection, EXHAUSTED) == 1
    woo.now = lambda: utc_now() + 100 * HOUR
    amy.push(3, utc_now() + 100 * HOUR)
    states = [row["state"] for row in amy.desk.rows("select state from coupons")]
    assert (states, amy.is_live(amy.code(redemption)), amy.balance()) == (["failed"], False, (100, 0, 0))
    assert amy.proves()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 401, "body": b'{"code": "woocommerce_rest_cannot_create"}'}, "permission"),
        ({"status": 301, "headers": {"Location": "https://elsewhere.example"}}, "configuration"),
    ],
)
def test_refusal_for_good_releases_the_points_and_shows_its_reason(
    runtime: Runtime, woo: SandboxShop, fault: dict[str, Any], reason: str
) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    woo.fail_next(path="coupons/batch", **fault)
    amy.push(1)
    seen = amy.see(redemption)
    assert (seen["state"], seen["failure"].split(":")[0], amy.balance()) == ("failed", reason, (100, 0, 0))
    assert (amy.coupons(), amy.incidents(), amy.desk.entries()) == ([], ["redemption_failed"], [100])
    assert amy.proves()


def statements_of_failures(shop: Counter, woo: SandboxShop, members: list[int]) -> int:
    """How often failures are written when each of these customers redeems and the shop refuses them all."""
    seen: list[str] = []
    engine = shop.runtime.database.engine

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    redeemed = [shop.redeem(who=shop.member_of(customer)) for customer in members]
    woo.fail_next(path="coupons/batch", status=401)
    event.listen(engine, "before_cursor_execute", note)
    try:
        shop.push(1)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert {shop.see(each)["failure"].split(":")[0] for each in redeemed} == {"permission"}
    return len([each for each in seen if each.startswith("update redemptions")])


def test_failures_of_many_members_are_written_in_one_statement(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    customers = [amy.amy, *(woo.add_customer(f"{name}@example.test")["id"] for name in ("cid", "dee", "eve"))]
    for customer in customers[1:]:
        amy.buy(customer=customer)
        amy.give(100, amy.member_of(customer))
    assert statements_of_failures(amy, woo, customers[:1]) == 1
    assert statements_of_failures(amy, woo, customers) == 1


def test_failed_redemption_is_not_pushed_again_but_may_be_redeemed_again(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    amy.redeem()
    woo.fail_next(path="coupons/batch", status=401)
    amy.push(1)
    ids = [row["id"] for row in amy.desk.rows("select id from pushes where status = 'failed'")]
    with amy.desk.connect() as connection:
        assert retry_pushes(connection, ids) == 0
    again, code = amy.issue()
    assert (amy.see(again)["state"], [each["code"] for each in amy.coupons()]) == ("issued", [code])
    assert amy.proves()


def test_code_that_exists_and_is_ours_is_the_code(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    wanted = {
        "discount_type": "fixed_cart", "individual_use": True, "usage_limit": 1, "usage_limit_per_user": 1,
        "email_restrictions": ["amy@example.test"], "meta_data": [{"key": "laurel", "value": "x"}],
    }  # fmt: skip
    woo.add_coupon(amy.code(redemption), 7, **wanted)
    amy.push()
    assert (amy.see(redemption)["state"], amy.coupons()[0]["amount"], len(amy.coupons())) == (
        "issued",
        "50.00",
        1,
    )


def test_code_that_is_somebody_elses_costs_nothing(runtime: Runtime, woo: SandboxShop) -> None:
    amy = Counter(runtime, woo)
    redemption = amy.redeem()
    woo.add_coupon(amy.code(redemption), 7)
    amy.push()
    assert (amy.see(redemption)["state"], amy.balance(), amy.coupons()[0]["amount"]) == (
        "failed",
        (100, 0, 0),
        "7.00",
    )
    assert amy.proves()


def test_code_stored_without_its_binding_is_deleted_at_once(runtime: Runtime, woo: SandboxShop) -> None:
    """WooCommerce drops an address that it finds invalid, and the code would serve everybody."""
    amy = Counter(runtime, woo)
    amy.desk.rows("update members set email = 'amy@localhost' returning id")
    redemption = amy.redeem()
    amy.push()
    assert (amy.see(redemption)["state"], amy.coupons(), amy.balance()) == ("failed", [], (100, 0, 0))
    assert amy.proves()


def test_failed_cancellation_keeps_the_points_spent_until_the_shop_obeys(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo)
    redemption, code = amy.issue()
    amy.cancel(redemption)
    woo.fail_next(path="coupons/batch", status=401)
    amy.push(1)
    seen = amy.see(redemption)
    assert (seen["state"], seen["failure"].split(":")[0], amy.balance()[0]) == ("cancelling", "permission", 0)
    ids = [row["id"] for row in amy.desk.rows("select id from pushes where status = 'failed'")]
    with amy.desk.connect() as connection:
        assert retry_pushes(connection, ids) == 1
    amy.push()
    assert (amy.see(redemption)["state"], amy.balance()[0], amy.is_live(code)) == ("cancelled", 100, False)
    assert amy.proves()

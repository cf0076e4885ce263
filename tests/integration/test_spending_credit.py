"""Store credit through a shop: its code is made there, an order uses it, refunds bring it back, unused it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from builders import make_document
from receiving import Desk, make_desk
from sqlalchemy import text

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.engine.credit_commands import MadeCode, make_credit_code
from loyalty.errors import NotEnoughCredit
from loyalty.reports.credit import CreditStanding, read_credit
from workers.pushing import TRIES, push_store
from workers.runtime import Runtime
from workers.settling import close_tier_periods

EMAIL = "amy@example.test"
HOUR = timedelta(hours=1)


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: SandboxShop) -> Desk:
    """A member of a connected shop who has 100 of credit from an order of 1,000."""
    made = make_desk(runtime, make_document(cash_back={"percent": "10", "minimum_order": "900"}), sandbox)
    buy(made, sandbox, 1000)
    return made


def buy(desk: Desk, sandbox: SandboxShop, price: int, *codes: str) -> int:
    """Let a product be bought, with codes; return the order's id."""
    goods = sandbox.add_product("Mug", price)
    order = int(sandbox.place_order((goods["id"], 1), email=EMAIL, coupons=codes)["id"])
    desk.signal(order)
    return order


def make_code(desk: Desk, amount: str) -> MadeCode:
    """Ask for a code and let the shop have it."""
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        member = connection.execute(text("select id from members")).scalar_one()
        store = desk.shop.store.id
        made = make_credit_code(connection, book, member, Decimal(amount), store, utc_now(), "api")
    push_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    return made


def credit(desk: Desk, at: datetime | None = None) -> tuple[str, str, str]:
    """Balance, available and held, of a ledger that is proved."""
    assert desk.differences() == []
    with desk.connect() as connection:
        member = connection.execute(text("select id from members")).scalar_one()
        found: CreditStanding = read_credit(connection, member, at or utc_now())
    return found.balance, found.available, found.held


def incidents(desk: Desk) -> list[str]:
    return [row["kind"] for row in desk.rows("select kind from incidents order by id")]


def states(desk: Desk) -> list[str]:
    return [row["state"] for row in desk.rows("select state from coupons order by id")]


def test_the_shop_gets_a_code_of_that_money_for_this_member(desk: Desk, sandbox: SandboxShop) -> None:
    made = make_code(desk, "60")
    coupon = sandbox.coupon(made.code)
    assert coupon is not None
    assert (coupon["discount_type"], coupon["amount"], coupon["usage_limit"]) == ("fixed_cart", "60.00", 1)
    assert coupon["email_restrictions"] == [EMAIL]
    assert (credit(desk), states(desk)) == (("100", "40", "60"), ["issued"])


def test_an_order_takes_its_discount_and_the_rest_of_the_code_stays_with_the_member(
    desk: Desk, sandbox: SandboxShop
) -> None:
    made = make_code(desk, "60")
    buy(desk, sandbox, 45, made.code)
    assert (credit(desk), states(desk)) == (("55", "55", "0"), ["used"])


def test_refunds_bring_back_their_share_and_the_code_is_disabled(desk: Desk, sandbox: SandboxShop) -> None:
    made = make_code(desk, "60")
    order = buy(desk, sandbox, 200, made.code)
    assert credit(desk) == ("40", "40", "0")
    sandbox.refund(order, 70)
    desk.signal(order)
    push_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    assert credit(desk) == ("70", "70", "0")
    assert states(desk) == ["cancelled"]
    assert desk.rows("select kind from pushes order by id")[-1]["kind"] == "disable_coupon"
    sandbox.refund(order, 70)
    desk.signal(order)
    assert credit(desk) == ("100", "100", "0")


def test_a_deleted_refund_takes_its_share_again(desk: Desk, sandbox: SandboxShop) -> None:
    order = buy(desk, sandbox, 200, make_code(desk, "60").code)
    refund = sandbox.refund(order, 70)
    desk.signal(order)
    sandbox.delete_refund(order, refund["id"])
    desk.signal(order)
    assert credit(desk) == ("40", "40", "0")


def test_a_cancelled_order_returns_everything_and_paid_again_takes_it_again(
    desk: Desk, sandbox: SandboxShop
) -> None:
    order = buy(desk, sandbox, 200, make_code(desk, "60").code)
    sandbox.set_status(order, "cancelled")
    desk.signal(order)
    assert (credit(desk), states(desk)) == (("100", "100", "0"), ["cancelled"])
    sandbox.set_status(order, "processing")
    desk.signal(order)
    assert (credit(desk), states(desk)) == (("40", "40", "0"), ["used"])


@pytest.mark.parametrize(
    ("early", "held", "state"), [(timedelta.resolution, "60", "issued"), (timedelta(), "0", "cancelled")]
)
def test_an_unused_code_is_free_again_after_its_days(
    desk: Desk, early: timedelta, held: str, state: str
) -> None:
    made = make_code(desk, "60")
    end = made.expires_at - early
    assert credit(desk, end)[2] == held
    close_tier_periods(desk.runtime, desk.shop.account, end)
    assert (credit(desk, end)[2], states(desk)) == (held, [state])


def test_what_is_set_aside_cannot_be_set_aside_again(desk: Desk) -> None:
    make_code(desk, "60")
    with pytest.raises(NotEnoughCredit) as refused:
        make_code(desk, "41")
    assert refused.value.told == {"available": "40"}
    make_code(desk, "40")
    assert credit(desk) == ("100", "0", "100")


@pytest.mark.parametrize("status", [401, 301])
def test_a_code_that_the_shop_refuses_sets_nothing_aside(
    desk: Desk, sandbox: SandboxShop, status: int
) -> None:
    sandbox.fail_next(path="coupons/batch", status=status, headers={"Location": "https://elsewhere.example"})
    made = make_code(desk, "60")
    assert (credit(desk), states(desk), sandbox.coupon(made.code)) == (("100", "100", "0"), ["failed"], None)
    assert incidents(desk) == ["credit_code_failed"]


def test_a_code_of_which_the_shop_never_tells_is_disabled_there(desk: Desk, sandbox: SandboxShop) -> None:
    sandbox.fail_next(path="coupons/batch", status=500, after=True)
    made = make_code(desk, "60")
    sandbox.fail_next(TRIES - 1, path="coupons", status=500)
    for tries in range(1, TRIES):
        push_store(desk.runtime, desk.shop.account, desk.shop.store.id, now=utc_now() + tries * 2 * HOUR)
    assert (credit(desk), states(desk)) == (("100", "100", "0"), ["failed"])
    later = utc_now() + 100 * HOUR
    sandbox.now = lambda: later
    push_store(desk.runtime, desk.shop.account, desk.shop.store.id, now=later)
    coupon = sandbox.coupon(made.code)
    assert coupon is not None
    assert datetime.fromisoformat(coupon["date_expires_gmt"]).replace(tzinfo=UTC) <= later


def test_a_code_that_serves_two_orders_is_paid_twice_and_told(desk: Desk, sandbox: SandboxShop) -> None:
    made = make_code(desk, "60")
    buy(desk, sandbox, 200, made.code)
    sandbox.let_through(made.code)
    buy(desk, sandbox, 50, made.code)
    assert credit(desk) == ("-10", "-10", "0")
    assert incidents(desk) == ["credit_used_again"]


def test_each_code_of_a_member_is_another(desk: Desk) -> None:
    assert len({make_code(desk, "20").code for _ in range(3)}) == 3

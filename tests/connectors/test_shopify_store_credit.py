"""Store credit in a Shopify store: each sum once, whatever answer is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from shopify_sandbox import START, Clock

from connectors.base import StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox, purses
from loyalty.pushes import AddStoreCredit, PushError, PushReceipt

AMY, BEN = "amy@example.test", "ben@example.test"
ASKED = AddStoreCredit("credit:17", "", AMY, Decimal("12.50"), "TWD", START)
SECOND = timedelta(seconds=1)
Outcomes = list[PushReceipt | PushError]
Push = Callable[..., Outcomes]


@pytest.fixture
def clock(shopify_shop: ShopifySandbox) -> Clock:
    clock = Clock()
    shopify_shop.now = clock
    return clock


@pytest.fixture
def push(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, clock: Clock
) -> Push:
    shopify_shop.add_customer(AMY)
    shopify_shop.add_customer(BEN)
    return lambda *commands: shopify.push(shopify_access, commands)


def refusal(outcomes: Outcomes) -> tuple[bool, str]:
    (error,) = outcomes
    assert isinstance(error, PushError)
    return error.permanent, error.reason


def customer(shop: ShopifySandbox, email: str = AMY) -> int:
    return next(number for number, each in shop.state.customers.items() if each["email"] == email)


def balance(shop: ShopifySandbox, email: str = AMY, currency: str = "TWD") -> Fraction:
    account = purses.find_account(shop.state, customer(shop, email), currency)
    return account["balance"] if account else Fraction(0)


def give(shop: ShopifySandbox, amount: str = "12.5", event: str = "ADJUSTMENT") -> None:
    """Credit as a merchant does, or an order."""
    account = purses.account_of(shop.state, customer(shop), "TWD")
    purses.move_credit(shop.state, account, Fraction(amount), event)


def test_a_customer_has_so_much_more_and_the_receipt_names_the_transaction(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    (receipt,) = push(ASKED)
    (account,) = shopify_shop.state.credit_accounts.values()
    (movement,) = account["movements"]
    assert receipt == PushReceipt(str(movement["id"]))
    assert (account["customer"], account["currency"]) == (customer(shopify_shop), "TWD")
    assert account["balance"] == Fraction("12.5")


def test_a_repeat_credits_nothing(push: Push, shopify_shop: ShopifySandbox, clock: Clock) -> None:
    first = push(ASKED)
    clock.pass_(days=1)
    assert push(ASKED) == first
    assert balance(shopify_shop) == Fraction("12.5")


def test_a_lost_answer_credits_no_second_time(push: Push, shopify_shop: ShopifySandbox, clock: Clock) -> None:
    shopify_shop.fail_next(status=502, text="AddStoreCredit", after=True)
    assert refusal(push(ASKED)) == (False, "unreachable")
    clock.pass_(minutes=7)
    (receipt,) = push(ASKED)
    assert isinstance(receipt, PushReceipt)
    assert balance(shopify_shop) == Fraction("12.5")


def test_a_request_that_never_arrived_is_made_up_for(push: Push, shopify_shop: ShopifySandbox) -> None:
    shopify_shop.fail_next(status=502, text="AddStoreCredit")
    assert refusal(push(ASKED)) == (False, "unreachable")
    assert balance(shopify_shop) == 0
    push(ASKED)
    assert balance(shopify_shop) == Fraction("12.5")


def test_nothing_is_credited_while_the_shop_does_not_tell_what_was(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    shopify_shop.fail_next(status=502, text="StoreCredits")
    assert refusal(push(ASKED)) == (False, "unreachable")
    assert balance(shopify_shop) == 0


@pytest.mark.parametrize(("ago", "total"), [(121, "25"), (120, "12.5"), (0, "12.5")])
def test_an_earlier_credit_of_the_same_amount_is_none_of_ours(
    push: Push, shopify_shop: ShopifySandbox, clock: Clock, ago: int, total: str
) -> None:
    clock.at = START - ago * SECOND
    give(shopify_shop)
    clock.at = START + SECOND
    push(ASKED)
    assert balance(shopify_shop) == Fraction(total)


@pytest.mark.parametrize(
    ("amount", "event"), [("12.51", "ADJUSTMENT"), ("12.5", "ORDER_REFUND"), ("-12.5", "ORDER_PAYMENT")]
)
def test_what_is_no_try_of_ours_keeps_nothing_from_being_credited(
    push: Push, shopify_shop: ShopifySandbox, amount: str, event: str
) -> None:
    give(shopify_shop, amount, event)
    push(ASKED)
    assert balance(shopify_shop) == Fraction(amount) + Fraction("12.5")


def test_a_lost_answer_is_found_behind_many_later_movements(
    push: Push, shopify_shop: ShopifySandbox, clock: Clock
) -> None:
    (first,) = push(ASKED)
    for _ in range(120):
        clock.pass_(seconds=1)
        give(shopify_shop, "1")
    assert push(ASKED) == [first]
    assert balance(shopify_shop) == Fraction("132.5")


def test_who_cannot_be_looked_at_whole_is_not_credited_and_others_are(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    for _ in range(11):
        give(shopify_shop, "1")
    shopify_shop.fail_next(status=502, text="MoreStoreCredits")
    amy, ben = push(ASKED, replace(ASKED, email=BEN))
    assert refusal([amy]) == (False, "unreachable")
    assert isinstance(ben, PushReceipt)
    assert (balance(shopify_shop), balance(shopify_shop, BEN)) == (Fraction(11), Fraction("12.5"))


def test_two_members_have_their_own(push: Push, shopify_shop: ShopifySandbox) -> None:
    ben = replace(ASKED, reference="credit:18", email=BEN)
    shopify_shop.fail_next(status=502, text="AddStoreCredit", after=True)
    assert all(isinstance(each, PushError) for each in push(ASKED, ben))
    first, second = push(ASKED, ben)
    assert isinstance(first, PushReceipt)
    assert isinstance(second, PushReceipt)
    assert first != second
    assert (balance(shopify_shop), balance(shopify_shop, BEN)) == (Fraction("12.5"), Fraction("12.5"))


def test_one_credit_is_not_the_earlier_try_of_two(push: Push, shopify_shop: ShopifySandbox) -> None:
    push(ASKED)
    push(ASKED, replace(ASKED, reference="credit:18"))
    assert balance(shopify_shop) == 25


def test_what_is_known_to_be_another_sum_is_no_earlier_try(push: Push, shopify_shop: ShopifySandbox) -> None:
    (first,) = push(ASKED)
    assert isinstance(first, PushReceipt)
    again = replace(ASKED, reference="credit:18", known=("4242", first.external_id))
    (second,) = push(again)
    assert isinstance(second, PushReceipt)
    assert second != first
    assert push(again) == [second]
    assert balance(shopify_shop) == 25


def test_another_currency_is_another_account(push: Push, shopify_shop: ShopifySandbox) -> None:
    push(ASKED)
    push(replace(ASKED, currency="USD"))
    assert (balance(shopify_shop), balance(shopify_shop, currency="USD")) == (
        Fraction("12.5"), Fraction("12.5"),
    )  # fmt: skip


def test_the_known_id_of_the_customer_counts_before_the_email(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    (receipt,) = push(replace(ASKED, customer_id=str(customer(shopify_shop, BEN))))
    assert isinstance(receipt, PushReceipt)
    assert (balance(shopify_shop), balance(shopify_shop, BEN)) == (Fraction(0), Fraction("12.5"))


@pytest.mark.parametrize(
    "change",
    [
        {"email": "nobody@example.test"},
        {"email": " "},
        {"customer_id": "4242"},
        {"amount": Decimal(0)},
        {"currency": ""},
    ],
)
def test_what_cannot_be_credited_is_refused_for_good(
    push: Push, shopify_shop: ShopifySandbox, change: dict[str, Any]
) -> None:
    assert refusal(push(replace(ASKED, **change))) == (True, "rejected")
    assert shopify_shop.state.credit_accounts == {}


def test_each_of_many_has_its_own_outcome(push: Push) -> None:
    nobody = replace(ASKED, email="nobody@example.test")
    outcomes = push(nobody, ASKED, replace(ASKED, amount=Decimal(-1)), replace(ASKED, email=BEN))
    assert [isinstance(each, PushReceipt) for each in outcomes] == [False, True, False, True]


def test_what_earlier_requests_credited_is_told_though_a_later_one_fails(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox
) -> None:
    commands = [
        replace(ASKED, reference=f"credit:{each}", customer_id=str(shopify_shop.add_customer(f"m{each}@x.test")["id"]))
        for each in range(30)
    ]  # fmt: skip
    shopify_shop.fail_next(status=403, text="$credit_4: StoreCreditAccountCreditInput!) {")
    outcomes = shopify.push(shopify_access, commands)
    done = [isinstance(each, PushReceipt) for each in outcomes]
    assert (done.count(True), done.count(False)) == (25, 5)
    assert len(shopify_shop.state.credit_accounts) == 25


@pytest.mark.parametrize(
    ("granted", "named"),
    [
        ((), "read_store_credit_accounts"),
        (("read_store_credit_accounts",), "read_store_credit_account_transactions"),
        (
            ("read_store_credit_accounts", "read_store_credit_account_transactions"),
            "write_store_credit_account_transactions",
        ),
    ],
)
def test_a_missing_right_is_named(
    push: Push, shopify_shop: ShopifySandbox, granted: tuple[str, ...], named: str
) -> None:
    give(shopify_shop, "1")
    shopify_shop.grant("read_orders", "write_customers", *granted)
    (error,) = push(ASKED)
    assert isinstance(error, PushError)
    assert (error.permanent, error.reason) == (True, "permission")
    assert named in str(error)

"""The discounts of the sandbox Shopify have Shopify's constraints, when they are made and at the checkout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from shopify_sandbox import START, Clock, ask, coupon, gid, refusals

from connectors.shopify.sandbox import CheckoutError, ShopifySandbox

CREATE = "DiscountCodeBasicCreate"
USES = "query($code: String!) { codeDiscountNodeByCode(code: $code) { codeDiscount { __typename\
 ... on DiscountCodeBasic { status asyncUsageCount } } } }"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[ShopifySandbox]:
    with ShopifySandbox("EUR", 2, "Europe/Berlin", now=clock) as running:
        yield running


@pytest.fixture
def mug(shop: ShopifySandbox) -> int:
    return int(shop.add_product("Mug", 100)["id"])


def make(shop: ShopifySandbox, code: str = "LAUREL-1", **more: Any) -> str:
    made = ask(shop, CREATE, basicCodeDiscount=coupon(code, **more))["discountCodeBasicCreate"]
    assert made["userErrors"] == []
    return str(made["codeDiscountNode"]["id"])


def only_for(*customers: int) -> dict[str, Any]:
    return {"context": {"customers": {"add": [gid("Customer", each) for each in customers]}}}


def off(**value: Any) -> dict[str, Any]:
    return {"customerGets": {"value": value, "items": {"all": True}}}


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"title": ""}, "title", "BLANK"),
        ({"title": "x" * 255}, None, None),
        ({"title": "x" * 256}, "title", "TOO_LONG"),
        ({"code": "x" * 255}, None, None),
        ({"code": "x" * 256}, "code", "TOO_LONG"),
        ({"code": "taken"}, "code", "TAKEN"),
        ({"code": "TaKeN"}, "code", "TAKEN"),
        ({"startsAt": None}, "startsAt", "BLANK"),
        ({"endsAt": "2026-01-01T00:00:00Z"}, "endsAt", "END_DATE_BEFORE_START_DATE"),
        ({"endsAt": "2026-01-01T00:00:01Z"}, None, None),
        ({"context": None}, "context", "BLANK"),
        (only_for(1), "context.customers.add", "INVALID"),
        (off(percentage=1.0), None, None),
        (off(percentage=1.01), "customerGets.value.percentage", "VALUE_OUTSIDE_RANGE"),
        (off(discountAmount={"amount": "0.01"}), None, None),
        (off(discountAmount={"amount": "0"}), "customerGets.value.discountAmount.amount", "GREATER_THAN"),
        (
            off(discountOnQuantity={"quantity": "1", "effect": {"percentage": 1.0}}),
            "customerGets.value.discountOnQuantity",
            "INVALID",
        ),
        ({"usageLimit": 0}, "usageLimit", "GREATER_THAN"),
        ({"usageLimit": 1}, None, None),
        (
            {
                "minimumRequirement": {
                    "subtotal": {"greaterThanOrEqualToSubtotal": "1"},
                    "quantity": {"greaterThanOrEqualToQuantity": "1"},
                }
            },
            "minimumRequirement",
            "MINIMUM_SUBTOTAL_AND_QUANTITY_RANGE_BOTH_PRESENT",
        ),
    ],
)
def test_a_new_discount_is_judged(
    shop: ShopifySandbox, more: dict[str, Any], field: str | None, code: str | None
) -> None:
    make(shop, "TAKEN")
    expected = [] if field is None else [(f"basicCodeDiscount.{field}", code)]
    assert refusals(shop, CREATE, basicCodeDiscount=coupon("LAUREL-1", **more)) == expected


@pytest.mark.parametrize(("count", "is_refused"), [(100, False), (101, True)])
def test_a_discount_names_a_hundred_customers_at_most(
    shop: ShopifySandbox, count: int, is_refused: bool
) -> None:
    people = [shop.add_customer(f"p{number}@example.test")["id"] for number in range(count)]
    errors = refusals(shop, CREATE, basicCodeDiscount=coupon("LAUREL-1", **only_for(*people)))
    place = ("basicCodeDiscount.context.customers.add", "EXCEEDED_MAX")
    assert errors == ([place] if is_refused else [])


def test_free_shipping_does_not_combine_with_itself(shop: ShopifySandbox) -> None:
    given = coupon("SHIP") | {"destination": {"all": True}, "combinesWith": {"shippingDiscounts": True}}
    del given["customerGets"]
    place = ("freeShippingCodeDiscount.combinesWith", "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS")
    assert refusals(shop, "DiscountCodeFreeShippingCreate", freeShippingCodeDiscount=given) == [place]


def test_a_code_is_found_whatever_its_case_and_no_more_when_deleted(shop: ShopifySandbox) -> None:
    number = make(shop)
    assert ask(shop, "CodeDiscountNodeByCode", code="laurel-1")["codeDiscountNodeByCode"]["id"] == number
    ask(shop, "DiscountCodeDelete", id=number)
    assert ask(shop, "CodeDiscountNodeByCode", code="laurel-1")["codeDiscountNodeByCode"] is None
    assert refusals(shop, "DiscountCodeDelete", id=number) == [("id", "INVALID")]


def test_a_discount_is_for_whom_it_names(shop: ShopifySandbox, mug: int) -> None:
    amy, bob = (shop.add_customer(f"{name}@example.test")["id"] for name in ("amy", "bob"))
    make(shop, **only_for(amy))
    for other in ({"customer": bob}, {"email": "guest@example.test"}):
        with pytest.raises(CheckoutError, match="isn't available to you"):
            shop.check_out((mug, 1), codes=["LAUREL-1"], **other)
    assert shop.check_out((mug, 1), codes=["laurel-1"], customer=amy)["total_price"] == "90.00"


def test_a_used_code_is_used_up_also_after_a_refund(shop: ShopifySandbox, mug: int) -> None:
    make(shop, usageLimit=1)
    order = shop.check_out((mug, 1), codes=["LAUREL-1"])
    shop.cancel(order["id"])
    with pytest.raises(CheckoutError, match="usage limit"):
        shop.check_out((mug, 1), codes=["LAUREL-1"])


def test_a_race_lets_one_more_through(shop: ShopifySandbox, mug: int) -> None:
    make(shop, usageLimit=1)
    shop.check_out((mug, 1), codes=["LAUREL-1"])
    shop.let_through("laurel-1")
    shop.check_out((mug, 1), codes=["LAUREL-1"])
    with pytest.raises(CheckoutError, match="usage limit"):
        shop.check_out((mug, 1), codes=["LAUREL-1"])
    assert (shop.discount("LAUREL-1") or {})["uses"] == 2


def test_once_per_customer_lets_another_have_it(shop: ShopifySandbox, mug: int) -> None:
    make(shop, appliesOncePerCustomer=True)
    shop.check_out((mug, 1), email="a@example.test", codes=["LAUREL-1"])
    with pytest.raises(CheckoutError, match="usage limit"):
        shop.check_out((mug, 1), email="A@example.test", codes=["LAUREL-1"])
    shop.check_out((mug, 1), email="b@example.test", codes=["LAUREL-1"])


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(-1, "SCHEDULED"), (0, "ACTIVE"), (59, "ACTIVE"), (60, "EXPIRED"), (61, "EXPIRED")],
)
def test_a_discount_lives_from_its_start_up_to_its_end(
    shop: ShopifySandbox, clock: Clock, mug: int, seconds: int, status: str
) -> None:
    make(shop, startsAt="2026-11-20T09:00:00Z", endsAt="2026-11-20T09:01:00Z")
    clock.pass_(seconds=seconds)
    told = ask(shop, USES, code="LAUREL-1")["codeDiscountNodeByCode"]["codeDiscount"]
    assert told["status"] == status
    if status == "ACTIVE":
        assert shop.check_out((mug, 1), codes=["LAUREL-1"])["total_price"] == "90.00"
    else:
        with pytest.raises(CheckoutError):
            shop.check_out((mug, 1), codes=["LAUREL-1"])


def test_a_deactivated_discount_is_over_and_may_be_deactivated_again(shop: ShopifySandbox, mug: int) -> None:
    number = make(shop)
    for _ in range(2):
        node = ask(shop, "DiscountCodeDeactivate", id=number)["discountCodeDeactivate"]["codeDiscountNode"]
        assert node["codeDiscount"]["status"] == "EXPIRED"
    with pytest.raises(CheckoutError, match="expired"):
        shop.check_out((mug, 1), codes=["LAUREL-1"])


@pytest.mark.parametrize(("pieces", "is_taken"), [(1, False), (2, True), (3, True)])
def test_the_minimum_counts_before_the_discount(
    shop: ShopifySandbox, mug: int, pieces: int, is_taken: bool
) -> None:
    make(shop, minimumRequirement={"subtotal": {"greaterThanOrEqualToSubtotal": "200.00"}})
    if not is_taken:
        with pytest.raises(CheckoutError, match="minimum"):
            shop.check_out((mug, pieces), codes=["LAUREL-1"])
    else:
        assert shop.check_out((mug, pieces), codes=["LAUREL-1"])["discount_codes"][0]["code"] == "LAUREL-1"


def test_an_amount_off_is_spread_to_the_last_cent_and_stops_at_the_price(shop: ShopifySandbox) -> None:
    make(shop, **off(discountAmount={"amount": "10.00", "appliesOnEachItem": False}))
    goods = [shop.add_product(f"Thing {number}", 7)["id"] for number in range(3)]
    order = shop.check_out(*((each, 1) for each in goods), codes=["LAUREL-1"])
    taken = [each["discount_allocations"][0]["amount"] for each in order["line_items"]]
    assert (taken, order["total_discounts"]) == (["3.33", "3.34", "3.33"], "10.00")
    cheap = shop.add_product("Sticker", 4)["id"]
    assert shop.check_out((cheap, 1), codes=["LAUREL-1"])["total_price"] == "0.00"


def test_a_discount_of_a_product_touches_its_lines_only_and_no_gift_card(
    shop: ShopifySandbox, mug: int
) -> None:
    tea = shop.add_product("Tea", 30)["id"]
    card = shop.add_product("Card", 50, gift_card=True)["id"]
    items = {"products": {"productsToAdd": [gid("Product", tea)]}}
    make(shop, customerGets={"value": {"percentage": 1.0}, "items": items})
    order = shop.check_out((mug, 1), (tea, 2), (card, 1), codes=["LAUREL-1"])
    assert [len(each["discount_allocations"]) for each in order["line_items"]] == [0, 1, 0]
    assert order["total_discounts"] == "60.00"
    with pytest.raises(CheckoutError, match="isn't valid for the items"):
        shop.check_out((mug, 1), codes=["LAUREL-1"])
    make(shop, "ALL")
    with pytest.raises(CheckoutError, match="isn't valid for the items"):
        shop.check_out((card, 1), codes=["ALL"])


def test_a_discount_of_a_collection_touches_what_is_in_it(shop: ShopifySandbox, mug: int) -> None:
    cups = shop.add_collection("Cups")["id"]
    cup = shop.add_product("Cup", 10, collections=[cups])["id"]
    items = {"collections": {"add": [gid("Collection", cups)]}}
    make(shop, customerGets={"value": {"percentage": 0.5}, "items": items})
    assert shop.check_out((mug, 1), (cup, 1), codes=["LAUREL-1"])["total_discounts"] == "5.00"


@pytest.mark.parametrize(
    ("one", "other", "do_they"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_discounts_combine_when_both_say_so(
    shop: ShopifySandbox, mug: int, one: bool, other: bool, do_they: bool
) -> None:
    make(shop, "A", combinesWith={"orderDiscounts": one})
    make(shop, "B", combinesWith={"orderDiscounts": other})
    if do_they:
        assert shop.check_out((mug, 1), codes=["A", "B"])["total_price"] == "81.00"
    else:
        with pytest.raises(CheckoutError, match="couldn't be used with"):
            shop.check_out((mug, 1), codes=["A", "B"])
        assert shop.check_out((mug, 1), codes=["A"])["total_price"] == "90.00"


def test_free_shipping_takes_the_shipping_up_to_its_price(shop: ShopifySandbox, mug: int) -> None:
    given = coupon("SHIP") | {"destination": {"all": True}, "maximumShippingPrice": "6.00"}
    del given["customerGets"]
    assert refusals(shop, "DiscountCodeFreeShippingCreate", freeShippingCodeDiscount=given) == []
    order = shop.check_out((mug, 1), shipping=6, codes=["SHIP"])
    assert (order["total_price"], order["shipping_lines"][0]["discounted_price"]) == ("100.00", "0.00")
    assert order["discount_codes"] == [{"code": "SHIP", "amount": "6.00", "type": "shipping"}]
    assert shop.check_out((mug, 1), shipping="6.01", codes=["SHIP"])["total_price"] == "106.01"


def test_the_count_of_uses_may_lag(shop: ShopifySandbox, mug: int) -> None:
    make(shop)
    shop.lag()
    shop.check_out((mug, 1), codes=["LAUREL-1"])
    assert ask(shop, USES, code="LAUREL-1")["codeDiscountNodeByCode"]["codeDiscount"]["asyncUsageCount"] == 0
    found = ask(shop, '{ orders(first: 5, query: "discount_code:laurel-1") { nodes { discountCodes } } }')
    assert found["orders"]["nodes"] == [{"discountCodes": ["LAUREL-1"]}]
    shop.catch_up()
    assert ask(shop, USES, code="LAUREL-1")["codeDiscountNodeByCode"]["codeDiscount"]["asyncUsageCount"] == 1


def test_an_update_changes_what_it_names_and_keeps_the_uses(shop: ShopifySandbox, mug: int) -> None:
    amy, bob = (shop.add_customer(f"{name}@example.test")["id"] for name in ("amy", "bob"))
    number = make(shop, **only_for(amy), usageLimit=2)
    shop.check_out((mug, 1), customer=amy, codes=["LAUREL-1"])
    people = {"customers": {"add": [gid("Customer", bob)], "remove": [gid("Customer", amy)]}}
    change = {"context": people, "title": "Laurel mended"}
    ask(shop, "DiscountCodeBasicUpdate", id=number, basicCodeDiscount=change)
    row = shop.discount("LAUREL-1") or {}
    assert (row["customers"], row["title"], row["uses"], row["usageLimit"]) == ([bob], "Laurel mended", 1, 2)
    make(shop, "OTHER")
    place = [("basicCodeDiscount.code", "TAKEN")]
    assert refusals(shop, "DiscountCodeBasicUpdate", id=number, basicCodeDiscount={"code": "other"}) == place


def test_it_says_what_it_was_told(shop: ShopifySandbox) -> None:
    amy = shop.add_customer()["id"]
    minimum = {"subtotal": {"greaterThanOrEqualToSubtotal": "50.00"}}
    value = off(discountAmount={"amount": "5.00", "appliesOnEachItem": False})
    dates = {"endsAt": "2026-12-21T23:59:59Z", "usageLimit": 1, "appliesOncePerCustomer": True}
    make(shop, minimumRequirement=minimum, tags=["laurel"], **only_for(amy), **value, **dates)
    told = ask(shop, "CodeDiscountNodeByCode", code="LAUREL-1")["codeDiscountNodeByCode"]["codeDiscount"]
    assert told["context"]["customers"] == [{"id": gid("Customer", amy)}]
    assert told["minimumRequirement"]["greaterThanOrEqualToSubtotal"]["amount"] == "50.0"
    assert told["customerGets"]["value"]["amount"] == {"amount": "5.0", "currencyCode": "EUR"}
    assert (told["endsAt"], told["usageLimit"], told["tags"]) == ("2026-12-21T23:59:59Z", 1, ["laurel"])
    assert told["createdAt"] == START.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_merchant_makes_discounts_too_and_has_no_code_twice(shop: ShopifySandbox, mug: int) -> None:
    assert shop.add_discount("SUMMER", 0.2)["title"] == "SUMMER"
    assert shop.check_out((mug, 1), codes=["summer"])["total_price"] == "80.00"
    with pytest.raises(ValueError, match="unique"):
        shop.add_discount("Summer")

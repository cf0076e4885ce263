"""Gift cards in a Shopify store: each made once for its member, and taken back only while nobody has spent of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox, giving
from loyalty.pushes import DisableCoupon, PushError, PushReceipt, PutCoupon

CODE = "LRCARD00AB23"
AMY = "amy@example.test"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Outcomes = list[PushReceipt | PushError]
Push = Callable[..., Outcomes]


def card(code: str = CODE, **more: Any) -> PutCoupon:
    known: dict[str, Any] = {
        "kind": "gift_card",
        "amount": Decimal("250.00"),
        "currency": "TWD",
        "email": AMY,
    }
    known |= {"minimum_subtotal": Decimal(0), "expires_at": None, "description": "Laurel: redemption:7"}
    return PutCoupon(code, **{**known, **more})


def gone(external_id: str = "", code: str = CODE) -> DisableCoupon:
    return DisableCoupon(code, NOW, "gift_card", external_id)


@pytest.fixture
def push(shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox) -> Push:
    shopify_shop.add_customer(AMY)
    return lambda *commands: shopify.push(shopify_access, commands)


def refusal(outcomes: Outcomes) -> tuple[bool, str]:
    (error,) = outcomes
    assert isinstance(error, PushError)
    return error.permanent, error.reason


def stored(shop: ShopifySandbox, code: str = CODE) -> dict[str, Any]:
    found = shop.gift_card(code)
    assert found is not None
    return found


def customer(shop: ShopifySandbox, email: str = AMY) -> int:
    return next(number for number, each in shop.state.customers.items() if each["email"] == email)


def issue(shop: ShopifySandbox, note: str | None, **more: Any) -> None:
    """Make a card with our code as somebody else would."""
    query = (
        "mutation M($card: GiftCardCreateInput!) { giftCardCreate(input: $card) { userErrors { message } } }"
    )
    given = {"code": CODE, "initialAmount": {"amount": "250", "currencyCode": "TWD"}, "note": note, **more}
    answer = shop.ask(query, {"card": given})
    assert answer["data"]["giftCardCreate"]["userErrors"] == []


def spend(shop: ShopifySandbox, price: int, code: str = CODE) -> None:
    mug = shop.add_product("Mug", price)
    shop.place_order((mug["id"], 1), email="someone@example.test", gift_cards=[code])


def test_a_card_of_the_amount_belongs_to_its_member_and_never_ends(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    (receipt,) = push(card())
    found = stored(shopify_shop)
    assert receipt == PushReceipt(str(found["id"]))
    assert (found["balance"], found["initialValue"], found["currency"]) == (250, 250, "TWD")
    assert (found["customer"], found["expiresOn"]) == (customer(shopify_shop), None)


def test_the_note_names_what_it_is_for_and_never_the_code(push: Push, shopify_shop: ShopifySandbox) -> None:
    push(card(), card("LRCARD00CD45", description="birthday"))
    notes = [stored(shopify_shop, code)["note"] for code in (CODE, "LRCARD00CD45")]
    assert notes == ["Laurel: redemption:7", "Laurel: birthday"]


def test_a_card_is_bound_by_the_known_id_of_the_customer(push: Push, shopify_shop: ShopifySandbox) -> None:
    (receipt,) = push(card(email="elsewhere@example.test", customer_id=str(customer(shopify_shop))))
    assert isinstance(receipt, PushReceipt)
    assert stored(shopify_shop)["customer"] == customer(shopify_shop)


def test_a_repeat_changes_nothing(push: Push, shopify_shop: ShopifySandbox) -> None:
    assert push(card()) == push(card())
    assert len(shopify_shop.state.gift_cards) == 1


def test_a_repeat_changes_nothing_of_a_card_that_was_spent_of(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    (receipt,) = push(card())
    spend(shopify_shop, 100)
    assert push(card()) == [receipt]
    assert stored(shopify_shop)["balance"] == 150


def test_a_lost_answer_makes_no_second_card(push: Push, shopify_shop: ShopifySandbox) -> None:
    shopify_shop.fail_next(status=502, text="PutGiftCard", after=True)
    assert refusal(push(card())) == (False, "unreachable")
    assert push(card()) == [PushReceipt(str(stored(shopify_shop)["id"]))]
    assert len(shopify_shop.state.gift_cards) == 1


def test_a_card_that_the_search_does_not_find_yet_is_asked_for_again(
    push: Push, shopify_shop: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(card())
    monkeypatch.setitem(giving.SEARCH, "default", lambda _row: [])
    assert refusal(push(card())) == (False, "unreachable")
    monkeypatch.undo()
    assert push(card()) == [PushReceipt(str(stored(shopify_shop)["id"]))]


@pytest.mark.parametrize("note", [None, "Present for Ben"])
def test_a_code_of_a_foreign_card_is_left_alone(
    push: Push, shopify_shop: ShopifySandbox, note: str | None
) -> None:
    issue(shopify_shop, note, customerId=f"gid://shopify/Customer/{customer(shopify_shop)}")
    assert refusal(push(card())) == (True, "rejected")
    assert stored(shopify_shop)["deactivatedAt"] is None


def test_one_of_ours_with_another_amount_is_switched_off(push: Push, shopify_shop: ShopifySandbox) -> None:
    push(card())
    assert refusal(push(card(amount=Decimal(300)))) == (True, "rejected")
    assert stored(shopify_shop)["deactivatedAt"] is not None


def test_one_of_ours_with_another_amount_that_was_spent_of_is_left_to_its_owner(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    push(card())
    spend(shopify_shop, 100)
    assert refusal(push(card(amount=Decimal(300)))) == (True, "rejected")
    assert stored(shopify_shop)["deactivatedAt"] is None


def test_one_of_ours_that_was_switched_off_never_serves_again(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    push(card())
    push(gone(str(stored(shopify_shop)["id"])))
    assert refusal(push(card())) == (True, "rejected")


def test_what_was_made_is_told_though_the_shop_refuses_to_be_asked_of_another(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    push(card())
    shopify_shop.fail_next(status=404, text="GiftCardsWithCode")
    made, taken = push(card("LRCARD000009"), card())
    assert isinstance(made, PushReceipt)
    assert isinstance(taken, PushError)


def test_a_wrong_card_that_cannot_be_switched_off_now_is_so_at_the_next_try(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    push(card())
    shopify_shop.fail_next(status=503, text="DeactivateGiftCard")
    made, wrong = push(card("LRCARD000009"), card(amount=Decimal(300)))
    assert isinstance(made, PushReceipt)
    assert refusal([wrong]) == (False, "unreachable")
    assert refusal(push(card(amount=Decimal(300)))) == (True, "rejected")
    assert stored(shopify_shop)["deactivatedAt"] is not None


@pytest.mark.parametrize("lost", [{"customer": None}, {"initialValue": 999}, {"currency": "USD"}])
def test_a_card_that_the_shop_stored_otherwise_is_switched_off_at_once(
    push: Push, shopify_shop: ShopifySandbox, monkeypatch: pytest.MonkeyPatch, lost: dict[str, Any]
) -> None:
    monkeypatch.setattr(shopify_shop.state, "gift_cards", Forgetful(lost))
    assert refusal(push(card())) == (True, "rejected")
    assert stored(shopify_shop)["deactivatedAt"] is not None


class Forgetful(dict[int, dict[str, Any]]):
    """Keeps each card otherwise than asked."""

    def __init__(self, lost: dict[str, Any]) -> None:
        super().__init__()
        self.lost = lost

    def __setitem__(self, number: int, row: dict[str, Any]) -> None:
        row |= self.lost | {"balance": self.lost.get("initialValue", row["balance"])}
        super().__setitem__(number, row)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"currency": ""}, "rejected"),
        ({"amount": Decimal(0)}, "rejected"),
        ({"email": " "}, "rejected"),
        ({"email": "nobody@example.test"}, "rejected"),
        ({"code": "LR-23"}, "configuration"),
        ({"code": "L" * 21}, "configuration"),
        ({"minimum_subtotal": Decimal(1)}, "configuration"),
        ({"expires_at": NOW}, "configuration"),
        ({"product_ids": ("1",)}, "configuration"),
    ],
)
def test_what_a_card_cannot_be_is_never_sent(
    push: Push, shopify_shop: ShopifySandbox, change: dict[str, Any], reason: str
) -> None:
    assert refusal(push(replace(card(), **change))) == (True, reason)
    assert shopify_shop.state.gift_cards == {}


def test_cards_and_coupons_of_one_delivery_have_their_own_outcomes_in_order(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    shopify_shop.add_customer("ben@example.test")
    off = PutCoupon("lr1", "fixed_discount", Decimal(5), Decimal(0), None, AMY, "gift")
    outcomes = push(
        card("LRCARD000001"), card("LRCARD000002", email="nobody@example.test"), card("short"),
        card("LRCARD000003", email="ben@example.test"), off, card("LRCARD000004"),
    )  # fmt: skip
    assert [isinstance(each, PushReceipt) for each in outcomes] == [True, False, False, True, True, True]
    assert stored(shopify_shop, "LRCARD000003")["customer"] == customer(shopify_shop, "ben@example.test")
    assert shopify_shop.discount("lr1") is not None


def test_an_untouched_card_is_switched_off_once(push: Push, shopify_shop: ShopifySandbox) -> None:
    (receipt,) = push(card())
    assert isinstance(receipt, PushReceipt)
    assert push(gone(receipt.external_id)) == [PushReceipt(receipt.external_id, uses=0)]
    ended = stored(shopify_shop)["deactivatedAt"]
    assert ended is not None
    assert push(gone(receipt.external_id)) == [PushReceipt(receipt.external_id, uses=0)]
    assert stored(shopify_shop)["deactivatedAt"] == ended


def test_a_card_that_was_spent_of_is_left_to_its_owner(push: Push, shopify_shop: ShopifySandbox) -> None:
    (receipt,) = push(card())
    assert isinstance(receipt, PushReceipt)
    spend(shopify_shop, 1)
    assert push(gone(receipt.external_id)) == [PushReceipt(receipt.external_id, uses=1)]
    assert stored(shopify_shop)["deactivatedAt"] is None
    assert stored(shopify_shop)["balance"] == 249


def test_a_card_on_which_the_merchant_put_more_is_left_to_its_owner(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    (receipt,) = push(card())
    assert isinstance(receipt, PushReceipt)
    shopify_shop.state.gift_cards[int(receipt.external_id)]["balance"] += 50
    assert push(gone(receipt.external_id)) == [PushReceipt(receipt.external_id, uses=1)]
    assert stored(shopify_shop)["deactivatedAt"] is None


def test_a_card_of_which_the_id_is_not_known_is_found_by_its_code(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    shopify_shop.fail_next(status=502, text="PutGiftCard", after=True)
    push(card())
    assert push(gone(code=CODE.lower())) == [PushReceipt(str(stored(shopify_shop)["id"]))]
    assert stored(shopify_shop)["deactivatedAt"] is not None


def test_a_card_that_the_shop_does_not_have_needs_no_end_but_a_search_may_lag(push: Push) -> None:
    assert push(gone("4242"), gone()) == [PushReceipt(), PushReceipt(is_missing=True)]


def test_a_foreign_card_with_the_code_is_not_switched_off(push: Push, shopify_shop: ShopifySandbox) -> None:
    issue(shopify_shop, "Present for Ben")
    assert refusal(push(gone())) == (True, "rejected")
    assert stored(shopify_shop)["deactivatedAt"] is None


def test_of_several_cards_each_has_its_own_end(push: Push, shopify_shop: ShopifySandbox) -> None:
    spent, whole = push(card("LRCARD000001"), card("LRCARD000002"))
    assert isinstance(spent, PushReceipt)
    assert isinstance(whole, PushReceipt)
    spend(shopify_shop, 9, "LRCARD000001")
    outcomes = push(
        gone(spent.external_id), gone("4242"), gone(code="LRCARD000002"), gone(spent.external_id, "LRX")
    )
    assert [each.uses for each in outcomes if isinstance(each, PushReceipt)] == [1, 0, 0, 1]
    assert [each["deactivatedAt"] is None for each in shopify_shop.state.gift_cards.values()] == [True, False]


def test_a_lost_answer_about_an_end_is_made_up_for(push: Push, shopify_shop: ShopifySandbox) -> None:
    (receipt,) = push(card())
    assert isinstance(receipt, PushReceipt)
    shopify_shop.fail_next(status=502, text="DeactivateGiftCard", after=True)
    assert refusal(push(gone(receipt.external_id))) == (False, "unreachable")
    assert push(gone(receipt.external_id)) == [PushReceipt(receipt.external_id, uses=0)]


def test_a_missing_right_is_named(push: Push, shopify_shop: ShopifySandbox) -> None:
    shopify_shop.grant("read_orders", "write_customers", "write_discounts")
    (made,), (ended,) = push(card()), push(gone("4242"))
    assert isinstance(made, PushError)
    assert isinstance(ended, PushError)
    assert [(each.permanent, each.reason) for each in (made, ended)] == [(True, "permission")] * 2
    assert "write_gift_cards" in str(made)
    assert "read_gift_cards" in str(ended)


def test_the_right_to_write_cards_is_enough(push: Push, shopify_shop: ShopifySandbox) -> None:
    shopify_shop.grant("read_orders", "write_customers", "write_discounts", "write_gift_cards")
    (receipt,) = push(card())
    assert push(card(), gone()) == [receipt, receipt]

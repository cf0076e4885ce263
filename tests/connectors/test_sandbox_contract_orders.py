"""Holds the orders and refunds of the sandbox against the recordings."""

from __future__ import annotations

import pytest
from sandbox_contract import AMY, check, differences, multi_order, replay
from woocommerce_recordings import rest

from connectors.woocommerce.sandbox import SandboxShop

WITH_MULTI_ORDER = ["refunds-create-amount", "refunds-create-too-much", "refunds-create-zero"]
WITH_ORDER = ["orders-put-processing", "orders-put-completed", "orders-put-nochange", "orders-get"]


@pytest.mark.parametrize("name", WITH_ORDER)
def test_call_about_an_order(woo_lab: SandboxShop, name: str) -> None:
    woo_lab.add_customer(**AMY)
    order = replay(woo_lab, rest("orders-create-registered")).json()
    if name != "orders-put-processing":
        woo_lab.set_status(order["id"], "processing")
    check(woo_lab, name, f"/wp-json/wc/v3/orders/{order['id']}")


@pytest.mark.parametrize("name", WITH_MULTI_ORDER)
def test_refund_by_amount(woo_lab: SandboxShop, name: str) -> None:
    check(woo_lab, name, f"/wp-json/wc/v3/orders/{multi_order(woo_lab)['id']}/refunds")


def test_refunds_by_line_are_listed_and_deleted(woo_lab: SandboxShop) -> None:
    order = multi_order(woo_lab)
    woo_lab.refund(order["id"], 100)
    path = f"/wp-json/wc/v3/orders/{order['id']}/refunds"
    mug, tea = [line["id"] for line in order["line_items"][:2]]
    for name, line in (("refunds-create-line", mug), ("refunds-create-line-amount", tea)):
        call = rest(name)
        call.sent["line_items"][0]["id"] = line
        response = replay(woo_lab, call, path)
        assert (response.status_code, differences(call.answer, response.json())) == (201, [])
    listed = check(woo_lab, "orders-refunds-list", path).json()
    check(woo_lab, "refunds-global-list")
    check(woo_lab, "orders-get-with-refunds", f"/wp-json/wc/v3/orders/{order['id']}")
    check(woo_lab, "refunds-delete", f"{path}/{listed[0]['id']}")
    assert [each["total"] for each in woo_lab.order(order["id"])["refunds"]] == ["-500", "-100"]


def test_full_refund_turns_the_order_refunded(woo_lab: SandboxShop) -> None:
    woo_lab.add_customer(**AMY)
    order = replay(woo_lab, rest("orders-create-registered")).json()
    woo_lab.set_status(order["id"], "completed")
    check(woo_lab, "refunds-create-full", f"/wp-json/wc/v3/orders/{order['id']}/refunds")
    assert (
        check(woo_lab, "orders-get-refunded", f"/wp-json/wc/v3/orders/{order['id']}").json()["status"]
        == "refunded"
    )


def test_status_refunded_makes_a_refund_of_all(woo_lab: SandboxShop) -> None:
    order = woo_lab.place_order((11, 2))
    woo_lab.set_status(order["id"], "completed")
    answer = check(woo_lab, "orders-put-refunded", f"/wp-json/wc/v3/orders/{order['id']}").json()
    assert [(each["reason"], each["total"]) for each in answer["refunds"]] == [
        ("Order fully refunded.", "-1000")
    ]


def test_trash_and_force(woo_lab: SandboxShop) -> None:
    order = woo_lab.place_order((11, 1))
    path = f"/wp-json/wc/v3/orders/{order['id']}"
    woo_lab.set_status(order["id"], "completed")
    assert check(woo_lab, "orders-delete-trash", path).json()["status"] == "completed"
    assert check(woo_lab, "orders-get-trashed", path).json()["status"] == "trash"
    check(woo_lab, "orders-delete-force", path)
    check(woo_lab, "orders-get-deleted", path)


@pytest.mark.parametrize("name", ["orders-create-coupon-used-up", "orders-create-coupon-other-email"])
def test_refused_coupon_leaves_a_draft(woo_lab: SandboxShop, name: str) -> None:
    woo_lab.add_customer(**AMY)
    replay(woo_lab, rest("coupons-create"))
    woo_lab.add_coupon("batch-0", 50, email_restrictions=["amy@example.test"])
    replay(woo_lab, rest("orders-create-coupon"))
    answer = check(woo_lab, name).json()
    assert answer["message"] == rest(name).answer["message"]
    assert woo_lab.order(answer["data"]["new_draft_order_id"])["status"] == "checkout-draft"


def test_used_coupon_names_its_user_and_a_cancelled_order_gives_it_back(woo_lab: SandboxShop) -> None:
    woo_lab.add_customer(**AMY)
    replay(woo_lab, rest("coupons-create"))
    order = replay(woo_lab, rest("orders-create-coupon")).json()
    used = check(woo_lab, "coupons-get-used").json()
    assert (used["usage_count"], used["used_by"]) == (1, ["2"])
    woo_lab.set_status(order["id"], "cancelled")
    assert check(woo_lab, "coupons-get-after-cancel").json()["used_by"] == []


def test_pages_of_a_list(woo_lab: SandboxShop) -> None:
    woo_lab.add_customer(**AMY)
    shown = [row for page in (1, 2) for row in rest(f"orders-list-page{page}").answer]
    for customer in [row["customer_id"] for row in shown] + [0]:
        woo_lab.place_order((11, 1), customer=customer)
    for name, total in (
        ("orders-list-page1", "7"),
        ("orders-list-page2", "7"),
        ("orders-list-page-too-far", "0"),
    ):
        assert check(woo_lab, name).headers["X-WP-Total"] == total


def test_only_the_fields_asked_for(woo_lab: SandboxShop) -> None:
    woo_lab.add_customer(**AMY)
    for _ in range(3):
        woo_lab.place_order((11, 1), customer=2)
    check(woo_lab, "orders-list-status-any-customer")


def test_batch_of_orders(woo_lab: SandboxShop) -> None:
    order = woo_lab.place_order((11, 2), paid=False)
    call = rest("orders-batch")
    call.sent["update"][0]["id"] = order["id"]
    answer = replay(woo_lab, call).json()
    assert differences(call.answer, answer) == []
    assert answer["create"][1] == call.answer["create"][1]


def test_hidden_meta_data_is_dropped_on_customers_and_kept_on_orders(woo_lab: SandboxShop) -> None:
    woo_lab.add_customer(**AMY)
    order = woo_lab.place_order((11, 1))
    kept = check(woo_lab, "orders-put-meta-underscore-key", f"/wp-json/wc/v3/orders/{order['id']}").json()[
        "meta_data"
    ]
    assert [row["key"] for row in kept] == ["_loyalty_x"]
    seen = check(woo_lab, "customers-put-meta_data").json()["meta_data"]
    assert "_loyalty_private" not in [row["key"] for row in seen]

"""Holds the sandbox against the recordings: the same call gets the same status and a body of the same form."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_contract import AMY, check, differences, multi_order, replay
from woocommerce_recordings import RestCall, rest

from connectors.woocommerce.auth import SignedQuery
from connectors.woocommerce.sandbox import SandboxShop

STRANGERS: dict[str, dict[str, Any]] = {
    "error-401-no-auth": {},
    "error-401-basic-over-http": {"auth": ("ck_sandbox", "cs_sandbox")},
    "error-401-bad-key": {"auth": ("ck_wrong", "cs_sandbox"), "headers": {"X-Forwarded-Proto": "https"}},
    "error-401-bad-secret": {"auth": ("ck_sandbox", "cs_wrong"), "headers": {"X-Forwarded-Proto": "https"}},
}
PLAIN = [
    "coupons-create",
    "coupons-create-bad-email",
    "coupons-create-bad-type",
    "coupons-create-date_expires-plain-date",
    "coupons-create-date_expires_gmt",
    "coupons-create-negative",
    "coupons-create-percent-over-100",
    "customers-by-email-none",
    "data-currencies-current",
    "error-404-order",
    "error-404-route",
    "error-order-invalid-customer",
    "error-order-invalid-product",
    "error-order-invalid-status",
    "orders-create-guest",
    "orders-list-modified-none",
    "orders-list-per_page-101",
    "orders-statuses",
    "webhooks-create-ghost-topic",
    "webhooks-create-invalid-topic",
    "webhooks-create-unreachable-url",
]
WITH_AMY = [
    "customers-batch",
    "customers-batch-too-many",
    "customers-by-email",
    "customers-create-duplicate-email",
    "customers-delete-no-force",
    "customers-get",
    "customers-put",
    "customers-put-meta_data",
    "customers-put-nochange",
    "customers-put-tags",
    "orders-create-registered",
    "orders-create-shipping-fees",
]
WITH_COUPON = [
    "coupons-batch",
    "coupons-create-duplicate",
    "coupons-create-duplicate-other-case",
    "coupons-delete-trash",
    "coupons-get-by-code",
    "coupons-get-after-cancel",
    "coupons-put",
    "orders-create-coupon",
]


def test_comparison_sees_a_missing_key_another_type_and_other_decimals() -> None:
    recorded = {"a": 1, "b": [{"c": "1.00"}], "d": "x"}
    assert len(differences(recorded, {"a": "1", "b": [{"c": "1.0"}]})) == 3


@pytest.mark.parametrize("name", STRANGERS)
def test_stranger_is_told_what_the_recording_says(woo_lab: SandboxShop, name: str) -> None:
    response = check(woo_lab, name, **{"auth": None, "headers": {}, **STRANGERS[name]})
    assert response.json() == rest(name).answer


@pytest.mark.parametrize("name", PLAIN)
def test_call_needs_nothing_before_it(woo_lab: SandboxShop, name: str) -> None:
    check(woo_lab, name)


@pytest.mark.parametrize("name", WITH_AMY)
def test_call_about_a_customer(woo_lab: SandboxShop, name: str) -> None:
    woo_lab.add_customer(**AMY)
    check(woo_lab, name)


@pytest.mark.parametrize("name", WITH_COUPON)
def test_call_about_a_coupon(woo_lab: SandboxShop, name: str) -> None:
    woo_lab.add_customer(**AMY)
    replay(woo_lab, rest("coupons-create"))
    check(woo_lab, name)


@pytest.mark.parametrize(
    "name", ["error-401-bad-key", "error-404-order", "error-404-route", "refunds-create-too-much"]
)
def test_refusal_is_worded_as_recorded(woo_lab: SandboxShop, name: str) -> None:
    order = multi_order(woo_lab)
    more = STRANGERS.get(name, {})
    assert (
        check(woo_lab, name, rest(name).path.replace("/30", f"/{order['id']}"), **more).json()
        == rest(name).answer
    )


def test_code_is_free_again_after_a_forced_deletion(woo_lab: SandboxShop) -> None:
    replay(woo_lab, rest("coupons-create"))
    woo_lab.call("DELETE", "coupons/17", query={"force": "true"})
    check(woo_lab, "coupons-create-after-delete-same-code")


def test_meta_data_with_null_is_removed(woo_lab: SandboxShop) -> None:
    woo_lab.add_customer(**AMY | {"meta_data": [{"key": "loyalty_points", "value": "1200"}]})
    assert check(woo_lab, "customers-put-meta-null-removes").json()["meta_data"] == []


def test_customer_is_deleted_by_force_only(woo_lab: SandboxShop) -> None:
    woo_lab.add_customer(**AMY)
    bob = woo_lab.add_customer("bob@example.test")
    check(woo_lab, "customers-delete", f"/wp-json/wc/v3/customers/{bob['id']}")


def test_new_customer(woo_lab: SandboxShop) -> None:
    check(woo_lab, "customers-create")


def test_webhooks_are_made_listed_and_woken(woo_lab: SandboxShop) -> None:
    made = check(woo_lab, "webhooks-create").json()
    check(woo_lab, "webhooks-list")
    path = f"/wp-json/wc/v3/webhooks/{made['id']}"
    woo_lab.call("PUT", f"webhooks/{made['id']}", {"status": "disabled"})
    assert check(woo_lab, "webhooks-get-disabled", path).json()["status"] == "disabled"
    assert check(woo_lab, "webhooks-put-reactivate", path).json()["status"] == "active"


def test_broken_json_is_named(woo_lab: SandboxShop) -> None:
    response = check(woo_lab, "error-400-bad-json", data=b'{"code": ')
    assert response.json() == rest("error-400-bad-json").answer


def test_read_only_key_may_not_write(woo_lab: SandboxShop) -> None:
    woo_lab.gate.permissions = "read"
    assert check(woo_lab, "error-read-only-key-write").json() == rest("error-read-only-key-write").answer


def test_signed_query_is_let_in_once(woo_lab: SandboxShop) -> None:
    woo_lab.place_order((11, 1))
    call = rest("oauth1-orders")
    response = check(woo_lab, "oauth1-orders", auth=SignedQuery("ck_sandbox", "cs_sandbox"), headers={})
    again = replay(
        woo_lab, RestCall("GET", "", {}, None, 0, None), str(response.request.path_url), auth=None, headers={}
    )
    assert (again.status_code, again.json()) == (401, rest("oauth1-nonce-replayed").answer)
    assert call.status == 200


def test_forged_signature_is_refused(woo_lab: SandboxShop) -> None:
    response = replay(woo_lab, rest("oauth1-orders"), auth=SignedQuery("ck_sandbox", "wrong"), headers={})
    assert (response.status_code, "signature" in response.json()["message"]) == (401, True)


def test_setting_has_the_recorded_keys(woo_lab: SandboxShop) -> None:
    call = rest("settings-general-currency")
    answer = replay(woo_lab, call).json()
    assert answer.keys() == call.answer.keys()
    assert answer["value"] == call.answer["value"]

"""What is stored about a person is what is his: no word that stands in somebody else's message makes it his."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from loyalty.inbox.repository import NewMessage, accept_read
from tests.builders import Shop, make_document, make_sale, make_shop, make_till, make_woo_order, woo_body
from tests.moving import bring, errors
from tests.web.conftest import Caller, deliver, drain, make_caller, place_order
from workers.runtime import Runtime

REASON = {"reason": "asked by mail"}
GUEST = 0
LEE, BRUCE, VICTIM = "lee@gmail.test", "brucelee@gmail.test", "victim@example.test"

MAKE_COUPON = """
insert into coupons (id, account_id, member_id, store_id, cause, reward_key, program_version, code, kind, amount,
    minimum_subtotal, granted_at, external_id, state)
select gen_random_uuid(), account_id, :member, store_id, 'tier:gold', 'gift', 1, 'lrab23', 'fixed_discount', 5, 0,
    now(), '900', 'issued' from orders limit 1
"""


def buy(
    runtime: Runtime, client: FlaskClient, shop: Shop, id: int, customer: int = GUEST, **more: Any
) -> None:
    """Somebody's order; `email`, `phone` and `first_name` are what he types at the checkout."""
    typed = {name: more.pop(name, "") for name in ("email", "phone", "first_name")}
    billing = {**make_woo_order()["billing"], **typed}
    place_order(runtime, client, shop, id=id, customer_id=customer, billing=billing, **more)


def find(runtime: Runtime, shop: Shop, order: int | str) -> str:
    """The member of an order."""
    with runtime.database.transaction(shop.account) as connection:
        found = connection.execute(
            text("select member_id from orders where external_id = :id"), {"id": str(order)}
        )
        return str(found.scalar_one())


def exported(caller: Caller, member: str) -> list[str]:
    """Of which orders or customers the messages are that an export holds."""
    answer = caller.get(f"/members/{member}/export")
    assert answer.status_code == 200, answer.json
    return [str(json.loads(row["body"])["id"]) for row in answer.json["deliveries"]]  # type: ignore[index]


def left(runtime: Runtime, shop: Shop) -> list[str]:
    """Of which orders or customers messages are left with their bodies."""
    with runtime.database.transaction(shop.account) as connection:
        bodies = connection.execute(
            text("select body from inbox_messages where octet_length(body) > 0 order by id")
        ).scalars()
        return [str(json.loads(bytes(body))["id"]) for body in bodies]


def statuses(runtime: Runtime, shop: Shop) -> list[str]:
    with runtime.database.transaction(shop.account) as connection:
        return list(connection.execute(text("select status from inbox_messages order by id")).scalars())


def erase(caller: Caller, member: str) -> None:
    answer = caller.post(f"/members/{member}/erasure", REASON)
    assert answer.status_code == 200, answer.json


def test_an_address_that_ends_with_his_is_another_persons(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    buy(runtime, client, shop, 31, email="Lee@gmail.test")
    buy(runtime, client, shop, 32, email=BRUCE)
    rows = bring(runtime, shop, f"email,points\n{LEE.upper()},x\n{BRUCE},x\n{LEE}.tw,x\nOh <{LEE}>.,x\n")
    lee = find(runtime, shop, 31)
    assert exported(caller, lee) == ["31"]
    erase(caller, lee)
    assert left(runtime, shop) == ["32"]
    assert [number for number, _ in errors(runtime, shop, rows)] == [3, 4]


def test_who_types_somebody_elses_address_gets_and_erases_nothing_of_his(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    buy(runtime, client, shop, 31, email=VICTIM)
    buy(runtime, client, shop, 32, customer=8, email=VICTIM)
    rows = bring(runtime, shop, f"email,points\n{VICTIM},x\n")
    thief, victim = find(runtime, shop, 32), find(runtime, shop, 31)
    assert (exported(caller, thief), exported(caller, victim)) == (["32"], ["31"])
    erase(caller, thief)
    assert left(runtime, shop) == ["31"]
    assert len(errors(runtime, shop, rows)) == 1
    erase(caller, victim)
    assert (left(runtime, shop), errors(runtime, shop, rows)) == ([], [])


def test_a_refused_row_of_an_address_that_is_nobody_elses_goes_with_its_customer(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    buy(runtime, client, shop, 31, customer=7, email=LEE)
    rows = bring(runtime, shop, f"email,points\n{LEE},x\n{BRUCE},x\n")
    erase(caller, find(runtime, shop, 31))
    assert [number for number, _ in errors(runtime, shop, rows)] == [3]


@pytest.mark.parametrize("phone", ["000000", "2026-03", "+886912345678"])
def test_a_phone_that_somebody_typed_makes_no_message_his(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, phone: str
) -> None:
    buy(runtime, client, shop, 31, customer=7, email=LEE, phone=phone)
    buy(runtime, client, shop, 32, customer=8, email=BRUCE, phone=phone)
    rows = bring(runtime, shop, f"email,phone,points\n{BRUCE},{phone},x\n")
    lee = find(runtime, shop, 31)
    assert exported(caller, lee) == ["31"]
    erase(caller, lee)
    assert (left(runtime, shop), len(errors(runtime, shop, rows))) == (["32"], 1)


def test_a_proven_phone_is_found_as_a_whole_however_it_is_written(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    buy(runtime, client, shop, 31, phone="+886 912-345-678")
    rows = bring(runtime, shop, "phone,points\n+886 (912) 345.678,x\n+8869123456789,x\n")
    lee = find(runtime, shop, 31)
    assert exported(caller, lee) == ["31"]
    erase(caller, lee)
    assert (left(runtime, shop), [number for number, _ in errors(runtime, shop, rows)]) == ([], [3])


def test_what_failed_is_erased_where_it_is_his_and_else_can_be_replayed(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    buy(runtime, client, shop, 31, email=LEE)
    buy(runtime, client, shop, 32, customer=7, email=LEE)
    for id, customer in ((41, GUEST), (42, 7), (43, 8)):
        buy(runtime, client, shop, id, customer, email=LEE, total="unreadable")
    buy(
        runtime, client, shop, 44, email=BRUCE, first_name=f'", "email": "{LEE}", "customer_id": 7', total="x"
    )
    assert statuses(runtime, shop) == ["processed"] * 2 + ["failed"] * 4
    guest, customer = find(runtime, shop, 31), find(runtime, shop, 32)
    assert (exported(caller, guest), exported(caller, customer)) == (["31", "41"], ["32", "42"])
    erase(caller, customer)
    assert left(runtime, shop) == ["31", "41", "43", "44"]
    erase(caller, guest)
    assert left(runtime, shop) == ["43", "44"]
    replayed = caller.post("/inbox/replay", {"status": "failed"})
    assert (replayed.status_code, replayed.json) == (202, {"count": 2})


def test_what_failed_at_a_till_is_the_customers_whom_it_names(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    make_till(runtime, shop.account)
    for id, buyer in (("R-1", {"customer_id": "C-1", "email": LEE}), ("R-2", {"email": LEE})):
        assert caller.post("/orders", make_sale(id, buyer=buyer)).status_code == 202
    drain(runtime, shop)
    for id, buyer in (
        ("R-3", {"customer_id": "C-1"}),
        ("R-4", {"customer_id": "C-11", "email": LEE}),
        ("R-5", {"email": LEE}),
    ):
        assert caller.post("/orders", make_sale(id, buyer=buyer)).status_code == 202
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update inbox_messages set status = 'failed' where status = 'pending'"))
    erase(caller, find(runtime, shop, "R-1"))
    assert left(runtime, shop) == ["R-2", "R-4", "R-5"]
    erase(caller, find(runtime, shop, "R-2"))
    assert left(runtime, shop) == ["R-4"]


def test_a_failed_state_of_an_order_is_its_owners_whatever_address_it_bears(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    buy(runtime, client, shop, 31, email=LEE)
    buy(runtime, client, shop, 32, email=BRUCE)
    buy(runtime, client, shop, 32, email=LEE, total="unreadable")
    erase(caller, find(runtime, shop, 31))
    assert left(runtime, shop) == ["32", "32"]
    erase(caller, find(runtime, shop, 32))
    assert left(runtime, shop) == []


def test_a_product_that_bears_the_number_of_a_customer_is_not_about_him(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    buy(runtime, client, shop, 31, customer=7)
    body = woo_body({"id": 7, "name": "Mug", "type": "simple", "sku": "MUG-1", "price": "10"})
    assert deliver(client, shop, body, X_WC_Webhook_Topic="product.updated").status_code == 200
    drain(runtime, shop)
    lee = find(runtime, shop, 31)
    assert exported(caller, lee) == ["31"]
    erase(caller, lee)
    assert left(runtime, shop) == ["7"]


def test_what_a_shop_tells_of_his_coupon_is_his_and_of_others_is_not(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    """Both name the address that alone may use them; that of the merchant's own coupon is no proof."""
    buy(runtime, client, shop, 31, customer=7, email=LEE)
    lee = find(runtime, shop, 31)
    ours, another = (
        {"id": id, "email_restrictions": [LEE], "meta_data": [{"key": "laurel", "value": "1"}]}
        for id in (900, 901)
    )
    read = NewMessage(
        bytes(32), "fetch.coupon", "900", json.dumps({"id": "900", "coupon": ours}).encode(), None
    )
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text(MAKE_COUPON), {"member": lee})
        accept_read(connection, shop.account, shop.store.id, [read])
    for body in (ours, another):
        answer = deliver(client, shop, woo_body(body), X_WC_Webhook_Topic="coupon.updated")
        assert answer.status_code == 200
    drain(runtime, shop)
    assert exported(caller, lee) == ["31", "900", "900"]
    erase(caller, lee)
    assert left(runtime, shop) == ["901"]


def test_erasing_again_who_has_an_excluded_domain_takes_nothing_of_the_others(
    runtime: Runtime, client: FlaskClient
) -> None:
    shop = make_shop(runtime, make_document(enrolment={"exclude": {"email_domains": ["gmail.test"]}}))
    caller = make_caller(runtime, client, shop)
    buy(runtime, client, shop, 31, customer=7, email=LEE)
    buy(runtime, client, shop, 32, customer=8, email=BRUCE)
    rows = bring(runtime, shop, f"email,points\n{BRUCE},x\n@gmail.test,x\n")
    lee = find(runtime, shop, 31)
    for _ in range(2):
        erase(caller, lee)
        assert caller.get(f"/members/{lee}").json["email"] == "@gmail.test"  # type: ignore[index]
        assert exported(caller, lee) == []
        assert (left(runtime, shop), len(errors(runtime, shop, rows))) == (["32"], 2)

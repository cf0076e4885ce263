"""Erasing a person: nothing names him any more, and the ledger is the same to the last hash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from loyalty.clock import utc_now
from loyalty.commerce import CustomerErased
from loyalty.engine.apply import apply_facts
from loyalty.values import MessageId
from tests.builders import Shop, make_document, make_shop, make_woo_order
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime
from workers.sealing import seal_account

REASON = {"reason": "asked by mail"}
NAMES = ("amy@example.test", "Amy", "Chen", "912345678")
LADDER: dict[str, Any] = {
    "tiers": [
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "500"}]},
            "benefits": {"entry_reward": "ten-off"},
        },
    ],
    "rewards": [{"key": "ten-off", "kind": "fixed_discount", "amount": "10"}],
}  # fmt: skip
TABLES = (
    "members", "member_identities", "orders", "commands", "ledger_entries", "lots", "coupons", "pushes", "consents",
    "activities", "notices", "inbox_messages", "idempotent_requests",
    "mails", "links", "submissions", "poll_answers", "sign_ups", "messages", "referral_traces",
)  # fmt: skip


def billing(**more: Any) -> dict[str, Any]:
    order: dict[str, Any] = make_woo_order()["billing"]
    return {**order, "phone": "+886912345678", **more}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(**LADDER))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """A customer with two orders, a gift, a birthday and a consent; a guest of his address is merged into him."""
    place_order(runtime, client, shop, billing=billing())
    place_order(runtime, client, shop, id=26, total="300", billing=billing(), customer_id=0)
    first, second = (row["id"] for row in by_points(caller))
    caller.put(f"/members/{first}/birthday", {"month": 5, "day": 4})
    caller.post(f"/members/{first}/consents", {"purpose": "email", "granted": True})
    caller.post(f"/members/{first}/adjustments", {"points": 5, "reason": "x"}, Idempotency_Key="k")
    caller.post(f"/members/{first}/merges", {"member": second, "reason": "x"}, Idempotency_Key="m")
    return str(first)


def by_points(caller: Caller) -> list[dict[str, Any]]:
    listed = caller.get("/members").json
    assert listed is not None
    return sorted(listed["data"], key=lambda row: -int(row["balance"]["available"]))


def stored(runtime: Runtime, shop: Shop) -> str:
    """Everything that the database has of the account, as text."""
    with runtime.database.transaction(shop.account) as connection:
        found = [
            json.dumps(list(row))
            for table in TABLES
            for row in connection.execute(
                text(
                    "select encode(body, 'escape'), reason from inbox_messages"
                    if table == "inbox_messages"
                    else f"select to_jsonb(it) from {table} it"
                )
            )
        ]
    return "\n".join(found)


def prove(caller: Caller) -> None:
    proof = caller.get("/ledger/verification", rebuild="true").json
    assert proof is not None
    assert (proof["differences"], proof["members"]) == (0, 2), proof


def test_s148_nothing_names_an_erased_person_and_the_ledger_stays(
    runtime: Runtime, caller: Caller, shop: Shop, member: str
) -> None:
    prove(caller)
    assert seal_account(runtime, shop.account) > 0
    before = [caller.get(f"/members/{member}{path}").json for path in ("/entries", "/lots", "/benefits")]
    assert [name for name in NAMES if name not in stored(runtime, shop)] == []
    answer = caller.post(f"/members/{member}/erasure", REASON)
    assert answer.status_code == 200, answer.json
    assert [name for name in NAMES if name in stored(runtime, shop)] == []
    after = [caller.get(f"/members/{member}{path}").json for path in ("/entries", "/lots", "/benefits")]
    assert after == before
    shown = caller.get(f"/members/{member}").json
    assert shown is not None
    assert (shown["email"], shown["name"], shown["birthday"]) == ("", "", None)
    assert [row["kind"] for row in shown["identities"]] == ["customer"]
    assert shown["balance"]["available"] == 1305
    prove(caller)


def test_what_the_shop_tells_again_names_nobody_until_he_orders_anew(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    caller.post(f"/members/{member}/erasure", REASON)
    place_order(
        runtime, client, shop, billing=billing(), date_modified_gmt="2099-01-01T00:00:00", status="completed"
    )
    assert caller.get(f"/members/{member}").json["email"] == ""  # type: ignore[index]
    new = dict.fromkeys(("date_created_gmt", "date_paid_gmt", "date_modified_gmt"), "2099-01-02T00:00:00")
    place_order(runtime, client, shop, id=40, total="10", billing=billing(), **new)
    assert caller.get(f"/members/{member}").json["email"] == "amy@example.test"  # type: ignore[index]


def test_the_same_address_is_a_new_member_afterwards(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    guest = {"customer_id": 0, "billing": billing()}
    for round in range(3):
        place_order(runtime, client, shop, id=50 + round, total="100", **guest)
        made = caller.post("/members", {"email": "amy@example.test"}).json
        assert made is not None
        assert made["balance"]["available"] == 100
        assert caller.post(f"/members/{made['id']}/erasure", REASON).status_code == 200
    with runtime.database.transaction(shop.account) as connection:
        keys = connection.execute(text("select key from members order by created_at")).scalars().all()
    assert keys == [keys[0], f"{keys[0]}:2", f"{keys[0]}:3"]
    proof = caller.get("/ledger/verification", rebuild="true").json
    assert proof is not None
    assert (proof["differences"], proof["members"]) == (0, 3)


def test_an_excluded_domain_stays_so_that_he_does_not_begin_to_earn(
    runtime: Runtime, client: FlaskClient
) -> None:
    shop = make_shop(runtime, make_document(enrolment={"exclude": {"email_domains": ["example.test"]}}))
    caller = make_caller(runtime, client, shop)
    place_order(runtime, client, shop)
    with runtime.database.transaction(shop.account) as connection:
        member = connection.execute(text("select id from members")).scalar_one()
    caller.post(f"/members/{member}/erasure", REASON)
    shown = caller.get(f"/members/{member}").json
    assert shown is not None
    assert (shown["email"], shown["balance"]["available"]) == ("@example.test", 0)
    place_order(runtime, client, shop, date_modified_gmt="2026-03-11T04:00:00")
    assert caller.get(f"/members/{member}").json["balance"]["available"] == 0  # type: ignore[index]


def test_the_shop_may_pass_an_erasure_on(runtime: Runtime, caller: Caller, shop: Shop, member: str) -> None:
    with runtime.database.transaction(shop.account) as connection:
        book = runtime.book(connection, shop.account, set())
        facts = [CustomerErased(shop.store.id, id, utc_now()) for id in ("7", "404")]
        apply_facts(connection, book, [(MessageId(n), fact) for n, fact in enumerate(facts)], utc_now())
    assert [name for name in NAMES if name in stored(runtime, shop)] == []
    prove(caller)


def test_an_export_has_everything_first(caller: Caller, stranger: Caller, member: str) -> None:
    answer = caller.get(f"/members/{member}/export")
    assert answer.status_code == 200
    found = answer.json
    assert found is not None
    assert [row["email"] for row in found["members"]] == ["amy@example.test"] * 2
    assert {name: len(found[name]) for name in ("orders", "commands", "consents", "coupons", "deliveries")} == {
        "orders": 2, "commands": 2, "consents": 1, "coupons": 1, "deliveries": 2,
    }  # fmt: skip
    assert json.loads(found["deliveries"][0]["body"])["billing"]["first_name"] == "Amy"
    assert stranger.get(f"/members/{member}/export").status_code == 404
    assert stranger.post(f"/members/{member}/erasure", REASON).status_code == 404
    caller.post(f"/members/{member}/erasure", REASON)
    assert all(name not in json.dumps(caller.get(f"/members/{member}/export").json) for name in NAMES)


def test_erasing_needs_the_scope_adjust(
    runtime: Runtime, client: FlaskClient, shop: Shop, member: str
) -> None:
    clerk = make_caller(runtime, client, shop, ("read", "write"))
    assert clerk.post(f"/members/{member}/erasure", REASON).status_code == 403


def test_what_a_person_wrote_is_forgotten_and_what_he_chose_still_counts(
    runtime: Runtime, caller: Caller, shop: Shop, member: str
) -> None:
    name, opens = {"en": "Taste"}, "2026-01-01T00:00:00Z"
    questions = [
        {
            "key": "drink",
            "kind": "single",
            "text": name,
            "options": [{"key": "tea", "text": name}, {"key": "milk", "text": name}],
        },
        {"key": "words", "kind": "text", "text": name},
    ]
    made = caller.post("/polls", {"key": "taste", "name": name, "opens_at": opens, "questions": questions})
    assert made.status_code == 201, made.json
    answers = {"drink": "tea", "words": "Amy Chen likes tea"}
    assert caller.post("/polls/taste/answers", {"member": member, "answers": answers}).status_code == 201
    caller.post("/challenges", {"key": "run", "name": name, "opens_at": opens})
    sent = {"member": member, "text": "Amy ran", "urls": ["https://pictures.example.test/Amy"]}
    assert caller.post("/challenges/run/submissions", sent).status_code == 201
    caller.post(f"/members/{member}/erasure", REASON)
    assert [word for word in ("Amy Chen likes", "Amy ran", "pictures") if word in stored(runtime, shop)] == []
    (shown,) = caller.get(f"/members/{member}/participation").json["answers"]  # type: ignore[index]
    assert shown["answers"] == {"drink": "tea"}


def test_what_a_merged_member_wrote_is_forgotten_with_the_survivor(
    runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop
) -> None:
    for number in (7, 8, 9):
        place_order(runtime, client, shop, id=20 + number, customer_id=number)
    last, middle, survivor = (row["id"] for row in by_points(caller))
    name, opens = {"en": "Taste"}, "2026-01-01T00:00:00Z"
    question = {"key": "words", "kind": "text", "text": name}
    caller.post("/polls", {"key": "taste", "name": name, "opens_at": opens, "questions": [question]})
    caller.post("/challenges", {"key": "run", "name": name, "opens_at": opens})
    caller.post("/polls/taste/answers", {"member": last, "answers": {"words": "Tea, says Amy"}})
    caller.post("/challenges/run/submissions", {"member": middle, "text": "Amy ran"})
    caller.put(f"/members/{last}/birthday", {"month": 5, "day": 4})
    for one, other in ((middle, last), (survivor, middle)):
        caller.post(f"/members/{one}/merges", {"member": other, "reason": "x"})
    written = ("says Amy", "Amy ran")
    assert [words for words in written if words not in stored(runtime, shop)] == []
    assert caller.post(f"/members/{survivor}/erasure", REASON).status_code == 200
    assert [words for words in written if words in stored(runtime, shop)] == []
    told = caller.get(f"/members/{survivor}/participation").json
    assert told is not None
    assert [row["answers"] for row in told["answers"]] == [{}]
    assert [(row["text"], row["urls"]) for row in told["submissions"]] == [("", [])]
    assert caller.get(f"/members/{survivor}").json["birthday"] is None  # type: ignore[index]

"""Campaigns corrected for everybody: looked at first, carried out, taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.base import RawMessage
from loyalty.engine.apply import apply_facts
from loyalty.engine.verify import verify_ledger
from loyalty.programs.service import load_versions
from loyalty.values import MessageId
from tests.builders import Shop, make_document, make_shop, make_woo_order, woo_body
from tests.web.conftest import Caller, deliver, drain, make_caller
from workers.runtime import Runtime

WINDOW = {"key": "spring", "from": "2026-03-01T00:00", "until": "2026-04-01T00:00"}
PROGRAM = make_document(campaigns=[{**WINDOW, "multiplier": "20"}])
DOUBLE = {"version": 1, "campaign": "spring", "multiplier": "2", "reason": "a zero too many"}
VOID = {"version": 1, "campaign": "spring", "void": True, "reason": "never meant"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, PROGRAM)


def place(runtime: Runtime, client: FlaskClient, shop: Shop, id: int, customer: int, **order: Any) -> None:
    """An order of 100, paid in the campaign's time unless said otherwise."""
    billing = {**make_woo_order()["billing"], "email": f"c{customer}@example.test"}
    body = woo_body(make_woo_order(id, "100", customer_id=customer, billing=billing, **order))
    assert deliver(client, shop, body, X_WC_Webhook_Delivery_ID=str(id)).status_code == 200
    drain(runtime, shop)


def paid(text: str) -> dict[str, str]:
    return dict.fromkeys(("date_created_gmt", "date_modified_gmt", "date_paid_gmt"), text)


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    """Two members with an order in the campaign, one of them with two; one just before, one just after it."""
    for id, customer in ((1, 1), (2, 2), (3, 2)):
        place(runtime, client, shop, id, customer)
    place(runtime, client, shop, 4, 4, **paid("2026-02-28T15:59:59"))
    place(runtime, client, shop, 5, 5, **paid("2026-03-31T16:00:00"))


def points(caller: Caller) -> dict[str, int]:
    listed = caller.get("/members").json
    assert listed is not None
    return {row["email"][:2]: row["balance"]["available"] for row in listed["data"]}


def differences(runtime: Runtime, shop: Shop) -> list[Any]:
    with runtime.database.transaction(shop.account) as connection:
        return list(verify_ledger(connection, shop.account, rebuild=True).differences)


BEFORE = {"c1": 2000, "c2": 4000, "c4": 100, "c5": 100}
DOUBLED = {"c1": 200, "c2": 400, "c4": 100, "c5": 100}
NONE = {"c1": 100, "c2": 200, "c4": 100, "c5": 100}


@pytest.mark.usefixtures("members")
def test_a_preview_says_whose_points_change_and_changes_none(
    runtime: Runtime, shop: Shop, caller: Caller
) -> None:
    answer = caller.post("/program/corrections/preview", DOUBLE)
    assert answer.status_code == 200
    found = dict(answer.json or {})
    top = [(each["before"], each["after"], each["change"]) for each in found.pop("top")]
    assert found == {"looked_at": 2, "members": 2, "gained": 0, "lost": 5400}
    assert top == [(4000, 400, -3600), (2000, 200, -1800)]
    drain(runtime, shop)
    assert points(caller) == BEFORE
    assert caller.get("/program/corrections").json == {"data": [], "next": None}


@pytest.mark.usefixtures("members")
@pytest.mark.parametrize(
    ("asked", "after"),
    [
        (DOUBLE, DOUBLED),
        (VOID, NONE),
        ({**DOUBLE, "multiplier": "1.55", "bonus": 7}, {"c1": 162, "c2": 324, "c4": 100, "c5": 100}),
    ],
    ids=["multiplier", "void", "both"],
)
def test_a_correction_counts_for_orders_before_and_after_it_and_can_be_undone(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, asked: Any, after: dict[str, int]
) -> None:
    answer = caller.post("/program/corrections", asked)
    assert answer.status_code == 201
    assert answer.json is not None
    assert (answer.json["number"], answer.json["to_refold"]) == (1, 2)
    drain(runtime, shop)
    assert points(caller) == after
    place(runtime, client, shop, 6, 6)
    assert points(caller)["c6"] == after["c1"]
    assert differences(runtime, shop) == []

    undone = caller.post("/program/corrections/1/undo")
    assert undone.status_code == 200
    assert undone.json is not None
    assert (undone.json["to_refold"], undone.json["undone_at"] is not None) == (3, True)
    drain(runtime, shop)
    assert points(caller) == {**BEFORE, "c6": 2000}
    assert differences(runtime, shop) == []


@pytest.mark.usefixtures("members")
def test_of_two_corrections_the_later_counts_until_it_is_undone(
    runtime: Runtime, shop: Shop, caller: Caller
) -> None:
    for asked, after in ((DOUBLE, DOUBLED), (VOID, NONE)):
        caller.post("/program/corrections", asked)
        drain(runtime, shop)
        assert points(caller) == after
    preview = caller.post("/program/corrections/preview", DOUBLE).json
    assert preview is not None
    assert (preview["gained"], preview["lost"]) == (300, 0)
    for number, after in ((2, DOUBLED), (1, BEFORE)):
        caller.post(f"/program/corrections/{number}/undo")
        drain(runtime, shop)
        assert points(caller) == after


def test_a_limited_campaign_is_corrected_within_its_budget(
    runtime: Runtime, client: FlaskClient, caller: Caller
) -> None:
    shop = make_shop(runtime, make_document(campaigns=[{**WINDOW, "multiplier": "2", "budget": 130}]))
    caller = make_caller(runtime, client, shop)
    for id in (1, 2):
        place(runtime, client, shop, id, id)
    assert points(caller) == {"c1": 200, "c2": 130}
    asked = {**DOUBLE, "multiplier": "1.2"}
    preview = caller.post("/program/corrections/preview", asked).json
    assert preview is not None
    caller.post("/program/corrections", asked)
    drain(runtime, shop)
    assert points(caller) == {"c1": 120, "c2": 120}
    assert (preview["gained"], preview["lost"]) == (0, 90)
    assert differences(runtime, shop) == []
    caller.post("/program/corrections/1/undo")
    drain(runtime, shop)
    assert points(caller) == {"c1": 200, "c2": 130}
    assert differences(runtime, shop) == []


@pytest.mark.usefixtures("members")
def test_a_correction_is_listed_and_in_the_audit_log(caller: Caller) -> None:
    caller.post("/program/corrections", {**DOUBLE, "multiplier": "1.5"})
    listed = caller.get("/program/corrections").json
    assert listed is not None
    (row,) = listed["data"]
    assert (row["number"], row["version"], row["campaign"], row["multiplier"]) == (1, 1, "spring", "3/2")
    assert (row["reason"], row["bonus"], row["undone_at"]) == ("a zero too many", None, None)
    assert row["actor"].startswith("api key ")
    caller.post("/program/corrections/1/undo")
    log = caller.get("/activities").json
    assert log is not None
    assert [each["action"] for each in log["data"]] == ["program.correction_undone", "program.corrected"]


@pytest.mark.usefixtures("members")
def test_a_correction_repeated_under_one_key_is_one(caller: Caller) -> None:
    answers = [caller.post("/program/corrections", DOUBLE, Idempotency_Key="c1").json for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(caller.get("/program/corrections").json["data"]) == 1  # type: ignore[index]


def test_a_correction_is_undone_once(caller: Caller) -> None:
    caller.post("/program/corrections", DOUBLE)
    assert [caller.post(f"/program/corrections/{number}/undo").status_code for number in (1, 1, 2)] == [
        200, 404, 404,
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["", "/preview"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**DOUBLE, "version": 2}, 404),
        ({**DOUBLE, "campaign": "autumn"}, 404),
        ({**DOUBLE, "multiplier": 2}, 422),
        ({**DOUBLE, "multiplier": "-2"}, 422),
        ({**DOUBLE, "void": True}, 422),
        ({**VOID, "void": False}, 422),
        ({**DOUBLE, "bonus": 0}, 422),
        ({**DOUBLE, "reason": " "}, 422),
        ({**DOUBLE, "extra": 1}, 422),
    ],
)
def test_mistakes_are_refused(caller: Caller, path: str, body: Any, status: int) -> None:
    assert caller.post(f"/program/corrections{path}", body).status_code == status
    assert caller.get("/program/corrections").json == {"data": [], "next": None}


def test_correcting_needs_the_scope_for_points(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    writer = make_caller(runtime, client, shop, ("read", "write"))
    for path, body in (("", DOUBLE), ("/preview", DOUBLE), ("/1/undo", None)):
        assert writer.post(f"/program/corrections{path}", body).status_code == 403


@pytest.mark.usefixtures("members")
def test_a_stranger_neither_sees_nor_undoes_a_correction(caller: Caller, stranger: Caller) -> None:
    caller.post("/program/corrections", DOUBLE)
    assert stranger.get("/program/corrections").json == {"data": [], "next": None}
    assert stranger.post("/program/corrections/1/undo").status_code == 404
    assert stranger.post("/program/corrections", DOUBLE).status_code == 404
    assert caller.get("/program/corrections").json["data"][0]["undone_at"] is None  # type: ignore[index]


def test_built_versions_are_kept_until_one_is_corrected(runtime: Runtime, shop: Shop, caller: Caller) -> None:
    def load() -> Any:
        with runtime.database.transaction(shop.account) as connection:
            return load_versions(connection, shop.account)

    kept = [load()]
    for path, body in (("", DOUBLE), ("", VOID), ("/1/undo", None)):
        caller.post(f"/program/corrections{path}", body)
        assert load() is not kept[-1]
        kept.append(load())
        assert load() is kept[-1]


def test_who_is_folded_by_rules_that_are_corrected_meanwhile_is_folded_again(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    """A batch that began before the correction rates a member's first order, which the correction cannot see."""
    place(runtime, client, shop, 1, 1, **paid("2026-02-01T00:00:00"))
    connector = runtime.connectors["woocommerce"]
    raw = RawMessage("webhook", "order.updated", woo_body(make_woo_order(7, "100")))
    with runtime.database.transaction(shop.account) as connection:
        book = runtime.book(connection, shop.account, set())
        assert caller.post("/program/corrections", DOUBLE).json["to_refold"] == 0  # type: ignore[index]
        facts = connector.parse(shop.store.id, raw, with_products=False)
        assert isinstance(facts, list | tuple)
        apply_facts(connection, book, [(MessageId(1), fact) for fact in facts], datetime.now(UTC))
    drain(runtime, shop)
    assert points(caller) == {"c1": 100, "am": 200}
    assert differences(runtime, shop) == []

"""Services and content that rules give: claims without points, withdrawn with their cause unless people have begun."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk
from test_running_automations import DAY, MAIL, PAID, born, noon, ordered, refunded, rule

from loyalty.engine.apply import fold_again
from loyalty.engine.contents import make_link
from loyalty.engine.ending import cancel_redemption
from loyalty.engine.fulfilling import fulfil
from loyalty.engine.merging import merge_members, undo_merge
from loyalty.engine.work import Word
from loyalty.errors import StepNotPossible
from loyalty.rewards.redemption import Fulfilment
from workers.automating import run_automations
from workers.runtime import Runtime

REWARDS = [
    {"key": "call", "kind": "service"},
    {"key": "taste", "kind": "sample", "valid_days": 10},
    {"key": "film", "kind": "content", "url": "https://shop.example.com/film"},
    {"key": "seat", "kind": "event_ticket", "event": "tea"},
]
HELLO = {"hello": {"subject": {"en": "Hello {name}"}, "body": {"en": "{points} {points_name}"}}}
LADDER = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
        "benefits": {"entry_reward": "call"},
    },
]  # fmt: skip
ORDER = make_woo_order()
WORD = Word("x", "staff")


def gives(*rewards: str, trigger: str = "order_paid", **parts: Any) -> dict[str, Any]:
    return rule(trigger, *({"kind": "coupon", "reward": reward} for reward in rewards), **parts)


def document(*automations: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return make_document(**{"automations": list(automations), "rewards": REWARDS, "messages": HELLO, **parts})


def claims(desk: Desk) -> list[tuple[str, str, str | None]]:
    rows = desk.rows("select reward_key, state, fulfilment from redemptions order by reward_key, state desc")
    return [(row["reward_key"], row["state"], row["fulfilment"]) for row in rows]


def step(runtime: Runtime, desk: Desk, to: Fulfilment, place: int = 0, at: datetime = PAID + DAY) -> None:
    """Let people take a claim further."""
    found: UUID = desk.rows("select id from redemptions order by id")[place]["id"]
    with desk.connect() as connection:
        book = runtime.book(connection, desk.shop.account, set())
        fulfil(connection, book, found, to, "a note", at, "staff")


def fold(runtime: Runtime, desk: Desk, at: datetime = PAID + 2 * DAY) -> None:
    """Fold everybody from nothing."""
    ids = [row["id"] for row in desk.rows("select id from members")]
    with desk.connect() as connection:
        fold_again(connection, runtime.book(connection, desk.shop.account, set()), ids, at)


def test_rule_gives_a_service_once_that_costs_nothing(runtime: Runtime) -> None:
    desk = ordered(runtime, make_desk(runtime, document(gives("call", "film"))))
    assert claims(desk) == [("call", "captured", "open"), ("film", "captured", None)]
    fold(runtime, desk)
    assert claims(desk) == [("call", "captured", "open"), ("film", "captured", None)]
    (shown,) = desk.rows("select distinct points, number, asked_at from redemptions")
    assert (shown["points"], shown["number"], shown["asked_at"]) == (0, None, PAID)
    assert (desk.entries(), desk.rows("select code from coupons")) == ([1000], [])
    assert desk.differences() == []


def test_claim_goes_with_its_cause_and_comes_back_with_it(runtime: Runtime) -> None:
    desk = ordered(
        runtime, make_desk(runtime, document(gives("call", "film", trigger="order_count", when={"count": 1})))
    )
    ordered(runtime, desk, refunded(ORDER), at=PAID + 3 * DAY)
    assert claims(desk) == [("call", "cancelled", "cancelled"), ("film", "cancelled", None)]
    assert desk.rows("select count(*) as n from redemptions where ended_at is null") == [{"n": 0}]
    assert desk.differences() == []
    ordered(runtime, desk, {**ORDER, "date_modified_gmt": "2026-03-13T04:00:00"}, at=PAID + 4 * DAY)
    assert claims(desk) == [("call", "captured", "open"), ("film", "captured", None)]
    assert desk.rows("select count(*) as n from redemptions where ended_at is not null") == [{"n": 0}]
    assert desk.differences() == []


@pytest.mark.parametrize("steps", [[Fulfilment.ACCEPTED], [Fulfilment.ACCEPTED, Fulfilment.DONE]])
def test_what_people_have_begun_is_not_taken_back(runtime: Runtime, steps: list[Fulfilment]) -> None:
    desk = ordered(runtime, make_desk(runtime, document(gives("call"))))
    for each in steps:
        step(runtime, desk, each)
    ordered(runtime, desk, refunded(ORDER), at=PAID + 3 * DAY)
    assert claims(desk) == [("call", "captured", steps[-1].value)]
    assert desk.differences() == []


def test_what_people_refused_stays_refused(runtime: Runtime) -> None:
    desk = ordered(runtime, make_desk(runtime, document(gives("call"))))
    step(runtime, desk, Fulfilment.REFUSED)
    fold(runtime, desk)
    assert claims(desk) == [("call", "cancelled", "refused")]
    ordered(runtime, desk, refunded(ORDER), at=PAID + 3 * DAY)
    assert claims(desk) == [("call", "cancelled", "refused")]
    assert desk.differences() == []


@pytest.mark.parametrize("to", [Fulfilment.ACCEPTED, Fulfilment.REFUSED])
def test_people_close_what_a_rule_gave_also_after_its_end(runtime: Runtime, to: Fulfilment) -> None:
    desk = ordered(runtime, make_desk(runtime, document(gives("taste"))))
    step(runtime, desk, to, at=PAID + 20 * DAY)
    fold(runtime, desk, PAID + 21 * DAY)
    state = "captured" if to is Fulfilment.ACCEPTED else "cancelled"
    assert (claims(desk), desk.differences()) == ([("taste", state, to.value)], [])


def test_what_a_rule_gave_is_refused_and_not_cancelled(runtime: Runtime) -> None:
    desk = ordered(runtime, make_desk(runtime, document(gives("call"))))
    (row,) = desk.rows("select id from redemptions")
    with desk.connect() as connection:
        book = runtime.book(connection, desk.shop.account, set())
        with pytest.raises(StepNotPossible):
            cancel_redemption(connection, book, row["id"], "x", PAID + DAY, "staff", by_staff=True)
    assert claims(desk) == [("call", "captured", "open")]


def test_entry_reward_may_be_a_service_and_goes_with_the_figures(runtime: Runtime) -> None:
    desk = ordered(runtime, make_desk(runtime, document(tiers=LADDER)))
    assert claims(desk) == [("call", "captured", "open")]
    assert desk.rows("select tier_key, rewarded from tier_periods order by number")[-1] == {
        "tier_key": "gold",
        "rewarded": True,
    }
    ordered(runtime, desk, refunded(ORDER), at=PAID + 3 * DAY)
    assert claims(desk) == [("call", "cancelled", "cancelled")]
    assert desk.differences() == []


def test_birthday_reward_may_be_content(runtime: Runtime) -> None:
    ladder = [{"key": "regular", "name": {"en": "Regular"}, "benefits": {"birthday_reward": "film"}}]
    desk = ordered(runtime, make_desk(runtime, document(tiers=ladder)))
    born(desk, 5, 4)
    assert run_automations(runtime, desk.shop.account, noon("2026-05-04")) == 1
    assert claims(desk) == [("film", "captured", None)]
    (row,) = desk.rows("select id from redemptions")
    with desk.connect() as connection:
        book = runtime.book(connection, desk.shop.account, set())
        link = make_link(connection, book, row["id"], "https://x.example.com/content", noon("2026-05-05"))
    assert link.url.startswith("https://x.example.com/content/")
    assert desk.differences() == []


def test_seat_is_not_given_by_rules(runtime: Runtime) -> None:
    """It would take a seat that nobody asked for."""
    desk = ordered(runtime, make_desk(runtime, document(gives("seat"))))
    assert (claims(desk), desk.differences()) == ([], [])


def test_what_is_found_after_its_time_is_not_for_people_to_do(runtime: Runtime) -> None:
    desk = ordered(runtime, make_desk(runtime, document(gives("taste"))), at=PAID + 20 * DAY)
    assert claims(desk) == [("taste", "expired", "cancelled")]
    late = ordered(runtime, make_desk(runtime, document(gives("taste"))))
    fold(runtime, late, PAID + 20 * DAY)
    assert claims(late) == [("taste", "captured", "open")]
    assert desk.differences() == late.differences() == []


def test_message_names_no_code_where_there_is_none(runtime: Runtime) -> None:
    actions = [{"kind": "coupon", "reward": "call"}, MAIL]
    desk = ordered(runtime, make_desk(runtime, document(rule("order_paid", *actions))))
    (message,) = desk.rows("select data from messages")
    assert message["data"]["coupons"] == []


def test_claims_go_with_merged_members_and_come_back(runtime: Runtime) -> None:
    desk = make_desk(runtime, document(gives("call")))
    ordered(runtime, desk, ORDER, make_woo_order(26, customer_id=8))
    owners = desk.rows("select member_id from redemptions order by id")
    ids = [row["id"] for row in desk.rows("select id from members order by key")]
    with desk.connect() as connection:
        book = runtime.book(connection, desk.shop.account, set())
        number, _ = merge_members(connection, book, ids[0], ids[1], WORD, PAID + 2 * DAY)
    assert (len(claims(desk)), desk.differences()) == (2, [])
    ordered(runtime, desk, refunded(make_woo_order(26, customer_id=8)), at=PAID + 3 * DAY)
    assert sorted(state for _, state, _ in claims(desk)) == ["cancelled", "captured"]
    assert desk.differences() == []
    with desk.connect() as connection:
        undo_merge(connection, book, ids[0], number, WORD, PAID + 4 * DAY)
    assert desk.rows("select member_id from redemptions order by id") == owners
    assert sorted(state for _, state, _ in claims(desk)) == ["cancelled", "captured"]
    assert desk.differences() == []


def test_order_that_moves_to_somebody_else_takes_its_claim_along(runtime: Runtime) -> None:
    guest = make_woo_order(customer_id=0)
    desk = ordered(runtime, make_desk(runtime, document(gives("call"))), guest)
    moved = {**guest, "customer_id": 7, "date_modified_gmt": "2026-03-12T04:00:00"}
    ordered(runtime, desk, moved, at=PAID + 3 * DAY)
    found = desk.rows("select members.key, state from redemptions join members on members.id = member_id")
    assert sorted((row["key"].partition(":")[0], row["state"]) for row in found) == [
        ("customer", "captured"),
        ("email", "cancelled"),
    ]
    assert desk.differences() == []

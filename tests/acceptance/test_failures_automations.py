"""Failures of other systems with past purchases, notices and repeated mails, each with the test ours must pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from builders import make_document, make_woo_order
from receiving import Desk, make_desk

from loyalty.engine.apply import fold_again
from loyalty.engine.book import load_book
from loyalty.engine.publishing import publish_program
from loyalty.engine.simulation import Question, simulate
from loyalty.reports.statements import list_entries
from workers.automating import run_automations
from workers.draining import drain_account, refold_account
from workers.runtime import Runtime

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
TEXT = {"hello": {"subject": {"en": "Hello"}, "body": {"en": "Hello {name}"}}}


def ordered(runtime: Runtime, desk: Desk, *orders: dict[str, Any], at: datetime = PAID + DAY) -> Desk:
    for order in orders:
        desk.deliver(order)
    drain_account(runtime, desk.shop.account, now=at)
    return desk


def test_u82_past_purchases_are_awarded_with_their_cost_known_before(runtime: Runtime) -> None:
    """Orders that were stored before any program are rated by the first one, from the date that it begins at."""
    desk = ordered(
        runtime, make_desk(runtime, None), make_woo_order(25),
        make_woo_order(26, "500", date_paid_gmt="2026-02-01T04:00:00"), make_woo_order(27, customer_id=8),
    )  # fmt: skip
    document = make_document()
    with desk.connect() as connection:
        preview = simulate(connection, desk.shop.account, document, Question.HISTORY, PAID + 2 * DAY)
    assert (preview.found.after.members, preview.found.after.given) == (2, 2500)
    since = datetime(2026, 3, 1, tzinfo=UTC)
    with desk.connect() as connection:
        publish_program(
            connection, desk.shop.account, document, effective_from=since, now=PAID + 2 * DAY, actor="test"
        )
    for _ in range(2):
        refold_account(runtime, desk.shop.account, PAID + 3 * DAY)
        with desk.connect() as connection:
            book = load_book(connection, runtime.vault, desk.shop.account)
            fold_again(
                connection, book, [row["id"] for row in desk.rows("select id from members")], PAID + 3 * DAY
            )
    assert sorted(desk.entries()) == [1000, 1000]
    assert desk.differences() == []


def test_u92_a_member_sees_why_points_were_taken(runtime: Runtime) -> None:
    desk = ordered(runtime, make_desk(runtime, make_document()), make_woo_order())
    order = make_woo_order(status="cancelled", date_modified_gmt="2026-03-11T05:00:00")
    ordered(runtime, desk, order, at=PAID + 2 * DAY)
    with desk.connect() as connection:
        (member,) = desk.rows("select id from members")
        newest, *_ = list_entries(connection, desk.shop.account, member["id"], None, 10)
    assert (newest["kind"], newest["points"], newest["order"]) == (
        "reversal",
        -1000,
        {"id": "25", "number": "25"},
    )
    assert newest["reason"]["zh-TW"] == "訂單 25 退款或取消,收回 1000 積分"
    assert newest["reason"]["en"] == "Order 25 was refunded or cancelled: 1000 points were taken back"


def test_u93_a_message_is_written_once_whatever_is_repeated(runtime: Runtime) -> None:
    mail = {"kind": "message", "message": "hello"}
    rules = [
        {"key": "thanks", "trigger": "order_paid", "actions": [mail]},
        {"key": "miss", "trigger": "inactive_for", "when": {"days": 3}, "actions": [mail]},
    ]
    desk = make_desk(runtime, make_document(automations=rules, messages=TEXT))
    for times in range(5):
        stamp = f"2026-03-10T04:0{times}:00"
        ordered(
            runtime,
            desk,
            make_woo_order(status=("processing", "completed")[times % 2], date_modified_gmt=stamp),
        )
        run_automations(runtime, desk.shop.account, PAID + 4 * DAY)
    with desk.connect() as connection:
        book = load_book(connection, runtime.vault, desk.shop.account)
        fold_again(
            connection, book, [row["id"] for row in desk.rows("select id from members")], PAID + 5 * DAY
        )
    causes = [row["cause"] for row in desk.rows("select cause from messages order by id")]
    assert len(causes) == len(set(causes)) == 2

"""Money of the shop itself, gift cards and store credit, as it is stored and read back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import NOON, make_order

from loyalty.commerce import OrderSnapshot, Tender
from loyalty.orders.snapshot import keep_known, read_snapshot, snapshot_data
from loyalty.outbox.commands import command_data, command_kind, read_command
from loyalty.pushes import AddStoreCredit, DisableCoupon, PushCommand, PutCoupon

CARD = PutCoupon("LRCARD000001", "gift_card", Decimal("12.50"), Decimal(0), None, "a@example.test", "gift",
                 customer_id="7", currency="TWD")  # fmt: skip
CREDIT = AddStoreCredit("credit:17", "7", "a@example.test", Decimal("3.20"), "EUR", NOON, ("81", "82"))
TENDERS = (Tender("gift_card", Decimal("10.50"), "41", "LRCARD000001"), Tender("store_credit", Decimal(3)))


def back(order: OrderSnapshot) -> OrderSnapshot:
    return read_snapshot(order.store_id, order.external_id, snapshot_data(order), order.observed_at)


@pytest.mark.parametrize("command", [CARD, CREDIT, DisableCoupon("LRCARD000001", NOON, "gift_card", "41")])
def test_a_command_about_money_of_the_shop_is_read_back_as_written(command: PushCommand) -> None:
    assert read_command(command_kind(command), command_data(command)) == command


def test_a_code_that_an_earlier_release_disables_is_of_no_known_kind() -> None:
    data = {"code": "LR1", "at": NOON.isoformat()}
    assert read_command("disable_coupon", data) == DisableCoupon("LR1", NOON)


def test_a_coupon_of_an_earlier_release_names_no_currency() -> None:
    data = command_data(CARD)
    del data["currency"]
    assert read_command("put_coupon", data) == replace(CARD, currency="")


def test_what_paid_an_order_is_kept() -> None:
    assert back(make_order(tenders=TENDERS)).tenders == TENDERS


def test_an_order_that_money_alone_paid_is_stored_as_before() -> None:
    data = snapshot_data(make_order())
    assert "tenders" not in data
    assert back(make_order()).tenders == ()


def test_a_partial_state_takes_nothing_off_what_is_known_to_have_paid() -> None:
    known = make_order(tenders=TENDERS)
    assert keep_known(make_order(is_partial=True), known).tenders == TENDERS
    assert keep_known(make_order(), known).tenders == ()

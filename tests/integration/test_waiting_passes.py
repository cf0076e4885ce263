"""A deep pass over a shop that is away waits and keeps what it has seen; one that failed is due again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_document
from receiving import Desk, make_desk

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.reconciliation.repository import list_unfinished
from workers import looking
from workers.pushing import TRIES, push_store
from workers.reconciling import PATIENCE, WAIT, is_deep_due
from workers.runtime import Runtime

GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "100"}
GOLD = {
    "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1500"}]},
    "benefits": {"entry_reward": "gift"},
}  # fmt: skip
DOCUMENT = make_document(tiers=[{"key": "regular", "name": {"en": "Regular"}}, GOLD], rewards=[GIFT])


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: SandboxShop) -> Desk:
    return make_desk(runtime, DOCUMENT, sandbox)


def buy(sandbox: SandboxShop, price: int = 1000, **more: Any) -> int:
    order: int = sandbox.place_order((sandbox.add_product("Mug", price)["id"], 1), **more)["id"]
    return order


def report(desk: Desk) -> dict[str, Any]:
    return desk.rows("select * from reconciliations order by id desc limit 1")[0]


def coupons(desk: Desk) -> list[tuple[str, str]]:
    """The state of each coupon, and what became of the last push about it."""
    rows = desk.rows(
        "select distinct on (code) state, status, reason from coupons"
        " join pushes on subject = 'coupon:' || code order by code, pushes.id desc"
    )
    return [(row["state"], row["reason"] or row["status"]) for row in rows]


def test_deep_pass_goes_on_in_some_minutes_where_the_shop_was_away(
    desk: Desk, sandbox: SandboxShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "PAGE", 1)
    place = (desk.runtime, desk.shop.account, desk.shop.store.id)
    orders = [buy(sandbox, email=f"{number}@example.test") for number in range(3)]
    desk.reconcile()
    sandbox.delete(orders[1])
    now = utc_now() + timedelta(days=2)
    sandbox.fail_next(status=502, path=f"/orders/{orders[1]}")
    assert desk.reconcile(now=now) is None
    row = report(desk)
    assert (row["state"], row["stage"], row["problem"]) == (
        "running",
        "orders",
        "unreachable: The shop failed (502).",
    )
    assert (row["leased_until"], is_deep_due(*place, now + WAIT)) == (now + WAIT, False)
    sandbox.requests.clear()
    assert desk.reconcile(now=now + WAIT - timedelta(seconds=1)) is None
    with desk.connect() as connection:
        assert [kind for kind, _, _ in list_unfinished(connection, now + WAIT)] == ["deep"]
    assert desk.reconcile(now=now + WAIT) == 1
    asked = [seen.query["include"] for seen in sandbox.requests if seen.query.get("include")]
    assert str(orders[0]) not in asked
    row = report(desk)
    assert (row["state"], row["problem"], row["found"]) == ("done", "", 1)


@pytest.mark.parametrize(("wait", "minutes"), [("1", 5), ("900", 15), ("86400", 60)])
def test_deep_pass_waits_as_long_as_the_shop_wants_within_reason(
    desk: Desk, sandbox: SandboxShop, wait: str, minutes: int
) -> None:
    now = utc_now()
    sandbox.fail_next(status=429, headers={"Retry-After": wait})
    assert desk.reconcile(now=now) is None
    assert report(desk)["leased_until"] == now + timedelta(minutes=minutes)


@pytest.mark.parametrize("status", [503, 401])
def test_deep_pass_that_failed_is_due_again(desk: Desk, sandbox: SandboxShop, status: int) -> None:
    place = (desk.runtime, desk.shop.account, desk.shop.store.id)
    night = datetime(2027, 1, 5, 19, tzinfo=UTC)
    desk.reconcile(now=night - timedelta(days=1))
    sandbox.fail_next(times=500, status=status, body=b"{}")
    desk.reconcile(now=night)
    for minutes in range(5, 365, 5):
        if report(desk)["state"] == "running":
            assert not is_deep_due(*place, night + timedelta(minutes=minutes))
            desk.reconcile(now=night + timedelta(minutes=minutes))
    row = report(desk)
    waited = row["finished_at"] - row["started_at"]
    assert (row["state"], waited) == ("failed", timedelta(0) if status == 401 else PATIENCE)
    assert is_deep_due(*place, row["finished_at"])
    sandbox.recover()
    assert desk.reconcile(now=night + timedelta(hours=7)) == 0
    assert not is_deep_due(*place, night + timedelta(hours=23))


def test_what_a_shop_was_not_told_is_told_when_a_deep_pass_that_waited_ends_well(
    desk: Desk, sandbox: SandboxShop
) -> None:
    place = (desk.runtime, desk.shop.account, desk.shop.store.id)
    desk.signal(buy(sandbox, 1600))
    now = utc_now()
    sandbox.fail_next(times=500, status=503)
    assert desk.reconcile(now=now) is None
    for hours in range(TRIES + 1):
        push_store(*place, now=now + timedelta(hours=hours))
    assert coupons(desk) == [("failed", "exhausted")]
    sandbox.recover()
    assert desk.reconcile(now=now + timedelta(hours=17)) == 0
    push_store(*place)
    assert (coupons(desk), desk.differences()) == ([("issued", "done")], [])


def test_what_a_shop_was_not_told_is_told_after_a_deep_pass_that_was_given_up(
    desk: Desk, sandbox: SandboxShop
) -> None:
    """Also where passes that began after it ended well before it."""
    place = (desk.runtime, desk.shop.account, desk.shop.store.id)
    desk.signal(buy(sandbox, 1600))
    now = utc_now()
    sandbox.fail_next(status=503)
    assert desk.reconcile(now=now) is None
    assert desk.reconcile("recent", now=now + timedelta(hours=1)) == 0
    desk.rows("update pushes set status = 'failed', reason = 'exhausted' returning id")
    sandbox.fail_next(status=503)
    assert desk.reconcile(now=now + PATIENCE) is None
    assert report(desk)["kind"] == "recent"
    assert desk.reconcile("recent", now=now + timedelta(hours=7)) == 0
    push_store(*place)
    assert {row["status"] for row in desk.rows("select status from pushes")} == {"done"}

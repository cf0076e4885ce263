"""What a pass over a shop finds and repairs, how it is reported, and that it can be interrupted anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from builders import make_document, make_till
from receiving import Desk, make_desk
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import OperationalError
from structlog.testing import CapturingLogger

from connectors.base import Connector, StoreAccess
from connectors.woocommerce.sandbox import SandboxShop
from connectors.woocommerce.sandbox.coupon_uses import why_refused
from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.retelling import retell_tiers
from loyalty.errors import OrdersMoved
from loyalty.members.shown import list_shown_customers
from loyalty.pushes import PushCommand, PushError, PushReceipt
from loyalty.reconciliation.repository import list_unfinished
from loyalty.stores.service import get_store, set_state
from workers import looking, reconciling
from workers.pushing import TRIES, push_store
from workers.reconciling import LEASE, WAIT, is_deep_due, is_silent, reconcile_store
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


@pytest.mark.parametrize("kind", ["poll", "recent", "deep"])
def test_order_that_never_arrived_is_read(desk: Desk, sandbox: SandboxShop, kind: str) -> None:
    order = buy(sandbox)
    assert desk.reconcile(kind) == 1
    assert (desk.entries(), desk.differences()) == ([1000], [])
    row = report(desk)
    assert (row["kind"], row["state"], row["found"], row["differences"]) == (kind, "done", 1, {"missing": 1})
    assert row["examples"] == [{"subject": str(order), "reason": "missing"}]
    assert desk.reconcile(kind) == 0


def test_poll_that_finds_nothing_leaves_no_report(desk: Desk) -> None:
    assert desk.reconcile("poll") == 0
    assert desk.rows("select id from reconciliations") == []


def test_change_that_never_arrived_is_read(desk: Desk, sandbox: SandboxShop) -> None:
    sandbox.now = lambda: utc_now() - timedelta(seconds=30)
    order = buy(sandbox)
    desk.signal(order)
    sandbox.now = utc_now
    sandbox.set_status(order, "cancelled")
    assert desk.reconcile("recent") == 1
    assert (sum(desk.entries()), report(desk)["differences"]) == (0, {"outdated": 1})


@pytest.mark.parametrize("how", ["delete", "trash"])
def test_order_that_is_gone_gives_its_points_back(desk: Desk, sandbox: SandboxShop, how: str) -> None:
    order = buy(sandbox)
    desk.signal(order)
    sandbox.now = lambda: utc_now() + timedelta(seconds=3)
    getattr(sandbox, how)(order)
    assert desk.reconcile() == 1
    assert (sum(desk.entries()), desk.differences(), desk.reconcile()) == (0, [], 0)


def test_order_missing_on_a_list_is_asked_for_by_its_address(desk: Desk, sandbox: SandboxShop) -> None:
    order = buy(sandbox)
    desk.signal(order)
    empty = b"[]"
    sandbox.fail_next(times=4, status=200, body=empty, path="/orders")
    assert desk.reconcile() == 1
    assert (sum(desk.entries()), report(desk)["differences"]) == (1000, {"gone": 1})


def test_order_that_came_back_earns_again(desk: Desk, sandbox: SandboxShop) -> None:
    order = buy(sandbox)
    desk.signal(order)
    sandbox.trash(order)
    desk.reconcile()
    assert sum(desk.entries()) == 0
    sandbox.now = lambda: utc_now() + timedelta(seconds=5)
    sandbox.restore(order)
    desk.reconcile()
    assert (sum(desk.entries()), desk.differences()) == (1000, [])


def test_what_a_shop_was_not_told_while_it_was_away_is_told_when_it_is_back(
    desk: Desk, sandbox: SandboxShop
) -> None:
    desk.signal(buy(sandbox, 1600))
    sandbox.fail_next(times=500, path="/coupons")
    day = [utc_now() + timedelta(hours=hours) for hours in range(TRIES + 1)]
    for moment in day:
        push_store(desk.runtime, desk.shop.account, desk.shop.store.id, now=moment)
    assert coupons(desk) == [("failed", "exhausted")]
    sandbox.fail_next(times=9, path="/orders")
    place = desk.runtime, desk.shop.account, desk.shop.store.id
    assert reconcile_store(*place, "recent") is None
    sandbox.recover()
    assert reconcile_store(*place, "recent") == 0
    push_store(*place)
    assert coupons(desk) == [("issued", "done")]
    assert desk.differences() == []


@pytest.mark.parametrize("made", [False, True], ids=["never made", "answer lost"])
def test_coupon_that_was_withdrawn_while_the_shop_was_away_serves_nobody_when_it_is_back(
    desk: Desk, sandbox: SandboxShop, made: bool
) -> None:
    order, place = buy(sandbox, 1600), (desk.runtime, desk.shop.account, desk.shop.store.id)
    desk.signal(order)
    sandbox.fail_next(path="/coupons/batch", status=500, after=made)
    push_store(*place)
    sandbox.fail_next(times=500, path="/coupons")
    for hours in range(1, TRIES + 1):
        push_store(*place, now=utc_now() + timedelta(hours=hours))
    assert coupons(desk) == [("failed", "exhausted")]
    sandbox.fail_next(times=9, path="/orders")
    assert reconcile_store(*place, "recent") is None
    sandbox.recover()
    sandbox.now = lambda: utc_now() + timedelta(seconds=3)
    sandbox.set_status(order, "cancelled")
    assert reconcile_store(*place, "recent") == 1
    push_store(*place)
    assert coupons(desk) == [("cancelled", "done")]
    sandbox.now = lambda: utc_now() + timedelta(minutes=1)
    code = desk.rows("select code from coupons")[0]["code"]
    assert (bool(sandbox.coupon(code)), bool(why_refused(sandbox.state, code, sandbox.order(order)))) == (
        made,
        True,
    )
    assert desk.differences() == []


def test_coupon_that_a_slow_worker_makes_after_it_was_disabled_is_disabled_again(
    desk: Desk, sandbox: SandboxShop
) -> None:
    """His lease is over, so another one has made it, and disabled it since."""
    order, place = buy(sandbox, 1600), (desk.runtime, desk.shop.account, desk.shop.store.id)
    desk.signal(order)
    quick = desk.runtime.connectors["woocommerce"]

    def meanwhile() -> None:
        desk.runtime.connectors["woocommerce"] = quick
        push_store(*place, now=utc_now() + timedelta(minutes=6))
        sandbox.now = lambda: utc_now() + timedelta(seconds=3)
        sandbox.set_status(order, "cancelled")
        desk.signal(order)
        push_store(*place, now=utc_now() + timedelta(minutes=6))
        assert why_refused(sandbox.state, code, sandbox.order(order))

    code = desk.rows("select code from coupons")[0]["code"]
    desk.runtime.connectors["woocommerce"] = cast(Any, SlowConnector(quick, meanwhile))
    push_store(*place)
    push_store(*place, now=utc_now() + timedelta(minutes=6))
    sandbox.now = lambda: utc_now() + timedelta(minutes=1)
    assert why_refused(sandbox.state, code, sandbox.order(order))
    assert coupons(desk) == [("cancelled", "done")]
    assert desk.differences() == []


@dataclass
class SlowConnector:
    """A shop's connector that tells it of things only after something else has happened."""

    inner: Connector
    meanwhile: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def push(self, access: StoreAccess, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
        self.meanwhile()
        return self.inner.push(access, commands)


def test_what_failed_while_the_shop_was_there_is_left_alone(desk: Desk, sandbox: SandboxShop) -> None:
    desk.signal(buy(sandbox, 1600))
    desk.rows("update pushes set status = 'failed', reason = 'exhausted' returning id")
    assert [desk.reconcile("recent"), desk.reconcile("recent")] == [0, 0]
    assert {row["status"] for row in desk.rows("select status from pushes")} == {"failed"}


def coupons(desk: Desk) -> list[tuple[str, str]]:
    """The state of each coupon, and what became of the last push about it."""
    rows = desk.rows(
        "select distinct on (code) state, status, reason from coupons"
        " join pushes on subject = 'coupon:' || code order by code, pushes.id desc"
    )
    return [(row["state"], row["reason"] or row["status"]) for row in rows]


def test_what_waits_is_taken_first_and_is_no_difference(desk: Desk, sandbox: SandboxShop) -> None:
    desk.deliver({"id": buy(sandbox)})
    assert (desk.reconcile(), desk.entries()) == (0, [1000])


def test_past_before_the_shop_was_connected_is_left_alone(runtime: Runtime, sandbox: SandboxShop) -> None:
    sandbox.now = lambda: utc_now() - timedelta(hours=1)
    buy(sandbox)
    sandbox.now = utc_now
    desk = make_desk(runtime, DOCUMENT, sandbox)
    assert (desk.reconcile(), desk.entries()) == (0, [])


@pytest.mark.parametrize("hours", [-3, 3])
def test_shop_whose_clock_is_wrong_is_looked_over_by_its_own(
    desk: Desk, sandbox: SandboxShop, hours: int
) -> None:
    for minutes in (1, 20):
        sandbox.now = lambda at=minutes: utc_now() + timedelta(hours=hours, minutes=at)  # type: ignore[misc]
        buy(sandbox)
        assert desk.reconcile("recent") == 1
    assert sum(desk.entries()) == 2000


def test_order_from_the_future_hides_none_before_it(desk: Desk, sandbox: SandboxShop) -> None:
    far = buy(sandbox)
    sandbox.state.stamp(sandbox.state.orders[far], "date_modified", utc_now() + timedelta(days=400))
    assert desk.reconcile("recent") == 1
    buy(sandbox)
    assert desk.reconcile("recent") == 1


def test_pass_goes_on_where_it_was_interrupted(
    desk: Desk, sandbox: SandboxShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "PAGE", 2)
    orders = [buy(sandbox, email=f"{number}@example.test") for number in range(7)]
    desk.reconcile()
    for order in orders:
        sandbox.delete(order)
    sandbox.requests.clear()
    assert desk.reconcile(seconds=-1) is None
    sandbox.fail_next(status=503, path=f"/orders/{orders[3]}")
    assert desk.reconcile() is None
    assert (report(desk)["state"], report(desk)["found"]) == ("running", 2)
    later = utc_now() + WAIT
    for _ in range(3):
        assert desk.reconcile(now=later, seconds=-1) is None
    assert desk.reconcile(now=later) == 7
    assert len(desk.rows("select id from reconciliations")) == 2
    assert (sum(desk.entries()), desk.differences()) == (0, [])


def test_pass_that_somebody_else_makes_is_left_to_him(desk: Desk, runtime: Runtime) -> None:
    with desk.connect() as connection:
        connection.exec_driver_sql(
            "insert into reconciliations (account_id, store_id, kind, started_at, leased_until)"
            f" values ('{desk.shop.account}', '{desk.shop.store.id}', 'deep', now(), now() + interval '1 minute')"
        )
    assert desk.reconcile() is None
    assert desk.reconcile(now=utc_now() + timedelta(minutes=2)) == 0


def test_shop_that_lets_nobody_read_is_told(desk: Desk, sandbox: SandboxShop) -> None:
    for _ in range(2):
        sandbox.fail_next(status=401, body=b"{}")
        assert desk.reconcile("recent") is None
    assert report(desk)["problem"].startswith("permission: ")
    assert [row["kind"] for row in desk.rows("select kind from incidents")] == ["shop_not_read"]


def test_coupon_changed_by_hand_is_told_once(desk: Desk, runtime: Runtime, sandbox: SandboxShop) -> None:
    sandbox.add_customer()
    desk.signal(buy(sandbox, 1600))
    push_store(runtime, desk.shop.account, desk.shop.store.id)
    (coupon,) = sandbox.state.coupons.values()
    coupon["amount"] = "5000.00"
    assert [desk.reconcile(), desk.reconcile()] == [1, 0]
    assert [row["kind"] for row in desk.rows("select kind from incidents")] == ["coupon_changed"]


def with_coupons(desk: Desk, sandbox: SandboxShop, number: int) -> list[dict[str, Any]]:
    """The coupons of so many members in the shop, in the order in which a pass reads them, one of them a page."""
    for each in range(number):
        desk.signal(buy(sandbox, 1600, email=f"{each}@example.test"))
    push_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    ids = [
        int(row["external_id"]) for row in desk.rows("select external_id from coupons order by external_id")
    ]
    return [sandbox.state.coupons[each] for each in ids]


def test_coupon_that_a_shop_states_as_php_does_is_read(desk: Desk, sandbox: SandboxShop) -> None:
    (coupon,) = with_coupons(desk, sandbox, 1)
    coupon["email_restrictions"] = {"1": "0@example.test"}
    assert (desk.reconcile(), desk.rows("select kind from incidents")) == (0, [])
    coupon["email_restrictions"] = {"1": "new@example.test"}
    assert desk.reconcile() == 1
    assert [row["data"]["changed"] for row in desk.rows("select data from incidents")] == [["email"]]


@pytest.mark.parametrize(
    "odd", [{"date_expires_gmt": "20266-01-01T00:00:00"}, {"email_restrictions": "amy"}, {"usage_limit": []}]
)
def test_coupon_that_cannot_be_read_ends_no_pass_and_hides_no_other(
    desk: Desk, sandbox: SandboxShop, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    monkeypatch.setattr(looking, "PAGE", 1)
    first, second = with_coupons(desk, sandbox, 2)
    first |= odd
    second["amount"] = "5000.00"
    monkeypatch.setattr(looking, "log", log := CapturingLogger())
    assert [desk.reconcile(), desk.reconcile()] == [1, 0]
    assert [row["data"]["code"].lower() for row in desk.rows("select data from incidents")] == [
        second["code"]
    ]
    told = [it.kwargs for it in log.calls if it.args == ("not_understood",)]
    assert {each["thing"] for each in told} == {str(first["id"])}


@pytest.mark.parametrize("kind", ["poll", "recent", "deep"])
def test_pass_at_which_something_unforeseen_happens_has_failed_and_is_due_again(
    desk: Desk, sandbox: SandboxShop, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("amy@secret.example")

    buy(sandbox)
    monkeypatch.setattr(reconciling, "log", log := CapturingLogger())
    with monkeypatch.context() as patch:
        patch.setattr(reconciling, "_commit", fail)
        assert desk.reconcile(kind) is None
    row = report(desk)
    assert (row["kind"], row["state"], row["problem"]) == (kind, "failed", "unforeseen: KeyError")
    (told,) = log.calls
    assert (told.method_name, told.args, "secret" in str(told)) == ("error", ("pass_failed",), False)
    with desk.connect() as connection:
        assert list_unfinished(connection, utc_now() + LEASE) == []
    assert is_deep_due(desk.runtime, desk.shop.account, desk.shop.store.id)
    assert (desk.reconcile(kind), desk.entries()) == (1, [1000])


@pytest.mark.parametrize(
    "error",
    [OperationalError("select", {}, Exception()), OrdersMoved(), JobTimeoutException("600 s")],
    ids=type,
)
def test_pass_that_is_interrupted_by_what_passes_is_gone_on_with(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(reconciling, "_commit", fail)
        with pytest.raises(type(error)):
            desk.reconcile()
    assert report(desk)["state"] == "running"
    assert desk.reconcile(now=utc_now() + LEASE) == 0
    assert [row["state"] for row in desk.rows("select state from reconciliations")] == ["done"]


def test_tier_that_the_shop_shows_otherwise_is_told_again(
    desk: Desk, runtime: Runtime, sandbox: SandboxShop
) -> None:
    amy = sandbox.add_customer()["id"]
    sandbox.add_customer("ben@example.test")
    desk.signal(buy(sandbox, 1600, customer=amy))
    push_store(runtime, desk.shop.account, desk.shop.store.id)
    assert desk.reconcile() == 0
    sandbox.call("PUT", f"customers/{amy}", {"meta_data": [{"key": "laurel_tier", "value": "regular"}]})
    assert [desk.reconcile(), desk.reconcile()] == [1, 0]
    push_store(runtime, desk.shop.account, desk.shop.store.id)
    meta = {each["key"]: each["value"] for each in sandbox.customer(amy)["meta_data"]}
    assert meta["laurel_tier"] == "gold"


def test_only_customers_that_the_shop_has_are_told(
    desk: Desk, runtime: Runtime, sandbox: SandboxShop
) -> None:
    amy = sandbox.add_customer()["id"]
    desk.signal(buy(sandbox, 1600, customer=amy))
    with desk.connect() as connection:
        book = load_book(connection, runtime.vault, desk.shop.account)
        rows = list_shown_customers(connection, 1, "", 10)
        told = retell_tiers(connection, book, desk.shop.store.id, rows, {}, utc_now())
    assert (len(rows), told) == (1, [])


def test_shop_is_silent_ten_minutes_after_its_last_delivery(desk: Desk, runtime: Runtime) -> None:
    place = (runtime, desk.shop.account, desk.shop.store.id)
    assert is_silent(*place)
    desk.deliver({"id": 999})
    now = utc_now()
    assert not is_silent(*place, now)
    assert is_silent(*place, now + timedelta(minutes=10, seconds=1))


def test_deep_pass_is_due_once_a_night_of_the_shop(desk: Desk, runtime: Runtime) -> None:
    place = (runtime, desk.shop.account, desk.shop.store.id)
    night = datetime(2027, 1, 5, 19, tzinfo=UTC)  # three o'clock in Taipei
    assert is_deep_due(*place)
    desk.reconcile(now=night - timedelta(hours=5))
    assert [is_deep_due(*place, night + timedelta(seconds=second)) for second in (-1, 0)] == [False, True]
    desk.reconcile(now=night + timedelta(minutes=5))
    assert not is_deep_due(*place, night + timedelta(hours=23))


def test_tills_and_disconnected_shops_are_not_asked(
    desk: Desk, runtime: Runtime, sandbox: SandboxShop
) -> None:
    till = make_till(runtime, desk.shop.account)
    assert reconcile_store(runtime, desk.shop.account, till.id, "deep") is None
    with desk.connect() as connection:
        set_state(connection, desk.shop.store.id, "disconnected")
    assert desk.reconcile() is None
    assert sandbox.requests == []


def test_next_pass_begins_where_the_last_one_ended(desk: Desk, sandbox: SandboxShop) -> None:
    buy(sandbox)
    desk.reconcile("recent")
    with desk.connect() as connection:
        store = get_store(connection, desk.runtime.vault, desk.shop.store.id)
    assert store.looked_until is not None
    assert abs(store.looked_until - utc_now()) < timedelta(seconds=30)


def test_stranger_sees_no_report(desk: Desk, runtime: Runtime, sandbox: SandboxShop) -> None:
    buy(sandbox)
    desk.reconcile()
    assert make_desk(runtime, DOCUMENT).rows("select id from reconciliations") == []

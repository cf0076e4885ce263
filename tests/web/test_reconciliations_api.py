"""Reports of passes over shops by API, and what Prometheus hears of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from connectors.woocommerce.sandbox import SandboxShop
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller
from workers.reconciling import reconcile_store
from workers.runtime import Runtime


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.fixture
def shop(runtime: Runtime, sandbox: SandboxShop) -> Shop:
    keys = {"consumer_key": sandbox.consumer_key, "consumer_secret": sandbox.consumer_secret}
    return make_shop(runtime, make_document(), url=sandbox.url, credentials=keys)


def look(runtime: Runtime, shop: Shop, kind: str) -> None:
    reconcile_store(runtime, shop.account, shop.store.id, kind)


def test_reports_are_listed_newest_first_page_by_page(
    runtime: Runtime, shop: Shop, sandbox: SandboxShop, caller: Caller
) -> None:
    order = sandbox.place_order((sandbox.add_product()["id"], 1))["id"]
    look(runtime, shop, "recent")
    look(runtime, shop, "deep")
    first = caller.get("/reconciliations", limit=1).get_json()
    (deep,) = first["data"]
    (recent,) = caller.get("/reconciliations", limit=1, cursor=first["next"]).get_json()["data"]
    assert (deep["kind"], deep["state"], deep["found"], deep["store"]) == ("deep", "done", 0, shop.store.key)
    assert (recent["kind"], recent["found"], recent["differences"]) == ("recent", 1, {"missing": 1})
    assert recent["examples"] == [{"subject": str(order), "reason": "missing"}]
    assert deep["finished_at"] >= deep["started_at"] >= recent["finished_at"]


@pytest.mark.parametrize(("key", "count"), [("own", 1), ("unknown", 0)])
def test_reports_of_one_store(runtime: Runtime, shop: Shop, caller: Caller, key: str, count: int) -> None:
    look(runtime, shop, "deep")
    store = shop.store.key if key == "own" else key
    assert len(caller.get("/reconciliations", store=store).get_json()["data"]) == count


def test_stranger_sees_no_report(runtime: Runtime, shop: Shop, caller: Caller, stranger: Caller) -> None:
    look(runtime, shop, "deep")
    assert stranger.get("/reconciliations").get_json()["data"] == []
    assert stranger.get("/reconciliations", store=shop.store.key).get_json()["data"] == []


def test_metrics_tell_differences_failures_and_the_oldest_look(
    runtime: Runtime, shop: Shop, sandbox: SandboxShop, client: FlaskClient
) -> None:
    sandbox.place_order((sandbox.add_product()["id"], 1))
    look(runtime, shop, "deep")
    sandbox.fail_next(status=503)
    look(runtime, shop, "recent")
    text = client.get("/metrics").text
    assert "laurel_differences_found 1.0" in text
    assert "laurel_looks_failed 1.0" in text
    assert "laurel_oldest_look_seconds" in text

"""Many redeem at once: a balance is spent once, a stock given out once, one code in four orders paid four times."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from builders import make_runtime
from counter import REWARDS, Counter

from connectors.woocommerce.sandbox import SandboxShop
from embedded import ServerUrls
from loyalty.errors import NotEnoughPoints, RewardNotAvailable
from loyalty.logs import configure_logging
from workers.runtime import Runtime

AT_ONCE = 50


@pytest.fixture
def runtime(database: Any, servers: ServerUrls) -> Iterator[Runtime]:
    configure_logging("critical")
    made = make_runtime(database.app_url, database.owner_url, servers.redis)
    yield made
    made.database.dispose()


@pytest.fixture
def woo() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def redeem_at_once(amy: Counter, reward: str, times: int = AT_ONCE) -> int:
    """How many of so many wishes at once are granted."""

    def attempt(_: int) -> bool:
        try:
            amy.redeem(reward)
        except (NotEnoughPoints, RewardNotAvailable):
            return False
        return True

    with ThreadPoolExecutor(times) as pool:
        return sum(pool.map(attempt, range(times)))


def test_fifty_redemptions_of_a_balance_that_pays_one_make_one_coupon(
    runtime: Runtime, woo: SandboxShop
) -> None:
    amy = Counter(runtime, woo, 199)
    assert redeem_at_once(amy, "off") == 1
    amy.push()
    assert (len(amy.coupons()), amy.balance(), amy.desk.entries()) == (1, (99, 0, 0), [199, -100])
    lowest = amy.desk.rows("select min(balance_after) as least from ledger_entries")[0]["least"]
    assert lowest >= 0
    assert amy.proves()


def test_stock_of_ten_is_given_out_ten_times(runtime: Runtime, woo: SandboxShop) -> None:
    few = {"key": "few", "kind": "sample", "points": 1, "stock": 10}
    amy = Counter(runtime, woo, 1000, rewards=[*REWARDS, few])
    assert redeem_at_once(amy, "few") == 10
    assert (amy.balance(), len(amy.desk.rows("select id from redemptions"))) == ((990, 0, 0), 10)
    assert amy.proves()


def test_one_code_in_four_orders_at_once_is_paid_four_times_and_told(
    runtime: Runtime, woo: SandboxShop
) -> None:
    """A real WooCommerce lets parallel orders use one code: it checks first and counts later."""
    amy = Counter(runtime, woo, 1000)
    redemption, code = amy.issue()
    woo.let_through(code, 3)
    buyer = {"customer": amy.amy, "email": "amy@example.test"}
    orders = [woo.check_out((amy.product, 1), coupons=[code], **buyer)["id"] for _ in range(4)]
    for order in reversed(orders):
        amy.tell(order)
    seen = amy.see(redemption)
    assert (seen["uses"], seen["order"]["id"], amy.balance()[0]) == (4, str(orders[0]), 600)
    assert amy.incidents().count("code_used_again") >= 3
    assert amy.proves()

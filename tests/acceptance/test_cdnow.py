"""Real purchases of a CD shop (the CDNOW sample, Fader and Hardie) as deliveries, against a reckoning of its own."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from builders import Shop, make_document, make_shop, make_woo_order, sign, woo_body
from flask.testing import FlaskClient

from bench.dumps import rows, statuses
from loyalty.engine.verify import verify_ledger
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers.draining import drain_account
from workers.runtime import Runtime

FILE = Path(__file__).parent.parent / "payloads" / "cdnow_sample.txt"
PURCHASES = 1500
WHOLE_FILE = 6919
LADDER = (("gold", 300, Fraction(3, 2)), ("silver", 100, Fraction(5, 4)), ("regular", 0, Fraction(1)))
PROGRAM = make_document(
    tiers=[
        {"key": "regular", "name": {"en": "Regular"}},
        *(
            {
                "key": key, "name": {"en": key}, "enter": {"any": [{"metric": "spend", "at_least": str(threshold)}]},
                "benefits": {"multiplier": str(float(multiplier))},
            }
            for key, threshold, multiplier in reversed(LADDER[:2])
        ),
    ],
    tier_policy={"window": {"kind": "rolling", "months": 12}},
)  # fmt: skip


@dataclass(frozen=True)
class Purchase:
    """One line of the file; purchases of one day follow each other as they stand there."""

    number: int
    customer: int
    day: date
    amount: Decimal

    @property
    def paid_at(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)


def read_purchases() -> list[Purchase]:
    lines = enumerate(FILE.read_text().splitlines(), 1)
    return [_purchase(number, line.split()) for number, line in lines]


def _purchase(number: int, words: list[str]) -> Purchase:
    day = datetime.strptime(words[2], "%Y%m%d").replace(tzinfo=UTC).date()
    return Purchase(number, int(words[1]), day, Decimal(words[4]))


# ---- the reckoning --------------------------------------------------------------------------------------------------


@dataclass
class Reckoned:
    """A customer's points by purchase, and the tier he stands in at the end."""

    points: dict[int, int]
    tier: str = "regular"


def reckon(purchases: list[Purchase]) -> Reckoned:
    """Walk through one customer's purchases; a tier once reached stays, as nothing ends it."""
    done = Reckoned({})
    ordered = sorted(purchases, key=lambda each: (each.paid_at, each.number))
    for place, purchase in enumerate(ordered):
        multiplier = next(factor for key, _, factor in LADDER if key == done.tier)
        done.points[purchase.number] = int(Fraction(purchase.amount) * multiplier)
        start = purchase.day.replace(year=purchase.day.year - 1)
        spend = sum(each.amount for each in ordered[: place + 1] if each.day >= start)
        reached = next(key for key, threshold, _ in LADDER if spend >= threshold)
        done.tier = max(done.tier, reached, key=("regular", "silver", "gold").index)
    return done


def test_the_file_is_the_published_sample() -> None:
    purchases = read_purchases()

    assert len(purchases) == WHOLE_FILE
    assert len({each.customer for each in purchases}) == 2357
    assert any(each.amount == 0 for each in purchases)


# ---- the same through the door --------------------------------------------------------------------------------------


def body_of(purchase: Purchase) -> bytes:
    stamp = purchase.paid_at.strftime("%Y-%m-%dT%H:%M:%S")
    dates = dict.fromkeys(("date_created_gmt", "date_modified_gmt", "date_paid_gmt"), stamp)
    billing = {**make_woo_order()["billing"], "email": f"c{purchase.customer}@example.test"}
    order = make_woo_order(
        purchase.number,
        str(purchase.amount),
        currency="USD",
        customer_id=purchase.customer,
        billing=billing,
        **dates,
    )
    return woo_body(order)


def deliver(client: FlaskClient, shop: Shop, body: bytes) -> None:
    """Post a signed delivery as the shop would."""
    headers = {
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Signature": sign(body),
        "X-WC-Webhook-Delivery-ID": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }
    answer = client.post(f"/webhooks/woocommerce/{shop.store.webhook_token}", data=body, headers=headers)
    assert answer.status_code == 200


@pytest.fixture
def client(runtime: Runtime) -> Iterator[FlaskClient]:
    app = create_app(runtime.settings)
    yield app.test_client()
    app.extensions[TOOLS].database.dispose()


def customers_of(purchases: list[Purchase]) -> dict[int, list[Purchase]]:
    found: dict[int, list[Purchase]] = {}
    for each in purchases:
        found.setdefault(each.customer, []).append(each)
    return found


def chosen_purchases() -> list[Purchase]:
    """Whole customers, those of the most purchases too, until there are enough."""
    by_customer = list(customers_of(read_purchases()).values())
    by_customer.sort(key=len, reverse=True)
    head = [each for own in by_customer[:20] for each in own]
    rest = by_customer[20:]
    Random(1997).shuffle(rest)
    return (head + [each for own in rest for each in own])[:PURCHASES]


@pytest.mark.slow
def test_fifteen_hundred_purchases_in_any_order_are_rated_as_reckoned(
    runtime: Runtime, client: FlaskClient
) -> None:
    purchases = chosen_purchases()
    shop = make_shop(
        runtime, PROGRAM, currency="USD", time_zone="America/New_York", decimals=2,
        effective_from=datetime(1990, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    shuffled = Random(1998).sample(purchases, len(purchases))
    for start in range(0, len(shuffled), 300):
        for purchase in shuffled[start : start + 300]:
            deliver(client, shop, body_of(purchase))
        drain_account(runtime, shop.account, batch=120)

    reckoned = {customer: reckon(own) for customer, own in customers_of(purchases).items()}
    assert statuses(runtime, shop.account) == [("processed", PURCHASES)]
    assert points_by_order(runtime, shop) == {
        str(number): points for one in reckoned.values() for number, points in one.points.items() if points
    }
    assert members_by_tier(runtime, shop) == Counter(one.tier for one in reckoned.values())
    assert differences(runtime, shop) == []


def points_by_order(runtime: Runtime, shop: Shop) -> dict[str, int]:
    statement = "select split_part(order_key, ':', 2), sum(points) from ledger_entries group by 1"
    with runtime.database.transaction(shop.account) as connection:
        return {id: int(points) for id, points in rows(connection, statement)}


def members_by_tier(runtime: Runtime, shop: Shop) -> Counter[str]:
    with runtime.database.transaction(shop.account) as connection:
        return Counter(dict(rows(connection, "select tier_key, count(*) from members group by 1")))


def differences(runtime: Runtime, shop: Shop) -> list[object]:
    with runtime.database.transaction(shop.account) as connection:
        return list(verify_ledger(connection, shop.account, rebuild=True).differences)


def test_the_reckoning_itself_by_hand() -> None:
    """100 reaches silver with the order that reaches it; the next one earns 1.25; after a year spend counts no more."""
    days = [date(1997, 1, 1), date(1997, 1, 2), date(1998, 6, 1)]
    amounts = [Decimal("100.99"), Decimal("10"), Decimal("80")]
    purchases = [
        Purchase(n, 1, day, amount) for n, (day, amount) in enumerate(zip(days, amounts, strict=True))
    ]

    assert reckon(purchases) == Reckoned({0: 100, 1: 12, 2: 100}, "silver")
    assert purchases[2].paid_at - purchases[0].paid_at > timedelta(days=365)

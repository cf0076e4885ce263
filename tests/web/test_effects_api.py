"""What came of every campaign, reward and automation, without anything to set up first (S94)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, place_order
from workers.runtime import Runtime

TEXT = {"thanks": {"subject": {"en": "Thanks"}, "body": {"en": "Thanks"}}}
RULES: list[dict[str, Any]] = [
    {"key": "thanks", "trigger": "order_paid", "name": {"en": "Thanks"},
     "actions": [{"kind": "points", "points": 30}, {"kind": "message", "message": "thanks"}]},
    {"key": "welcome", "trigger": "member_joined", "actions": [{"kind": "coupon", "reward": "gift"}]},
]  # fmt: skip


def campaign(key: str, start: str, until: str) -> dict[str, Any]:
    return {"key": key, "from": f"{start}T00:00", "until": f"{until}T00:00", "multiplier": "2"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    campaigns = [
        campaign("spring", "2026-03-01", "2026-04-01"),
        campaign("winter", "2026-12-01", "2027-01-01"),
    ]
    gift = {"key": "gift", "kind": "fixed_discount", "amount": "50"}
    document = make_document(automations=RULES, messages=TEXT, campaigns=campaigns, rewards=[gift])
    return make_shop(runtime, document)


def test_s94_every_rule_has_its_figures(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller
) -> None:
    place_order(runtime, client, shop)
    place_order(runtime, client, shop, id=26, total="500", customer_id=8)
    cancelled = {"status": "cancelled", "date_modified_gmt": "2026-03-11T04:00:00"}
    place_order(runtime, client, shop, id=26, total="500", customer_id=8, **cancelled)
    found = caller.get("/reports/effects").get_json()
    assert found["campaigns"] == [
        {"key": "spring", "name": {}, "orders": 2, "members": 2, "points": 2000, "spend": "1000"},
        {"key": "winter", "name": {}, "orders": 0, "members": 0, "points": 0, "spend": "0"},
    ]
    assert found["rewards"] == [{"key": "gift", "name": {}, "coupons": 2, "by_state": {"requested": 2}}]
    told = {"runs": 0, "messages": 2, "calls": 0}
    assert found["automations"] == [
        {
            "key": "thanks",
            "name": {"en": "Thanks"},
            "given": 2,
            "members": 2,
            "points": 60,
            "withdrawn": 30,
            **told,
        },
        {
            "key": "welcome",
            "name": {},
            "given": 0,
            "members": 0,
            "points": 0,
            "withdrawn": 0,
            **told,
            "messages": 0,
        },
    ]
    assert stranger.get("/reports/effects").get_json() == {"campaigns": [], "rewards": [], "automations": []}

"""Members who move in from files: what is imported, refused, undone, and carried from account to account."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from loyalty.commerce import Buyer, Fact
from loyalty.engine.apply import apply_facts
from loyalty.engine.book import load_book
from loyalty.engine.erasing import erase_member
from loyalty.engine.importing import undo_import
from loyalty.engine.merging import merge_members
from loyalty.engine.referring import personal_code
from loyalty.engine.work import Word
from loyalty.referrals.repository import find_referrer
from loyalty.reports.moving import export_members
from loyalty.values import MessageId
from tests.builders import Shop, make_document, make_order, make_refund, make_shop
from tests.moving import NOW, REWARDS, TIERS, assert_proven, bring, errors, figures, standings, told
from workers.importing import run_imports
from workers.runtime import Runtime


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))


def test_members_come_with_lots_tier_figures_and_birthday(runtime: Runtime, shop: Shop) -> None:
    table = (
        "email,name,birthday,points,lots,tier,lifetime_spend,lifetime_orders,joined_at\n"
        'A@x.com,Amy,1990-05-04,120,100@2027-01-31; 20@never,金卡,"52,620",12,2020-01-01\n'
    )
    done = bring(runtime, shop, table)
    assert (done["state"], done["valid"], done["created"], done["invalid"], done["points"]) == (
        "done",
        1,
        1,
        0,
        120,
    )
    found = standings(runtime, shop)["A@x.com"]
    assert (found.balance.available, found.tier and found.tier.key) == (120, "gold")
    assert found.joined_at == datetime(2019, 12, 31, 16, tzinfo=UTC)
    with runtime.database.transaction(shop.account) as connection:
        lots = connection.execute(text("select points, expires_at from lots order by sequence")).all()
        row = connection.execute(text("select * from members")).mappings().one()
        kinds = connection.execute(text("select kind, points from ledger_entries order by sequence")).all()
        coupons = connection.execute(text("select count(*) from coupons")).scalar_one()
    assert [tuple(lot) for lot in lots] == [(100, datetime(2027, 1, 31, 16, tzinfo=UTC)), (20, None)]
    assert [tuple(kind) for kind in kinds] == [("opening", 100), ("opening", 20)]
    assert (row["lifetime_spend"], row["lifetime_orders"], row["birth_month"], coupons) == ("52620", 12, 5, 0)
    assert_proven(runtime, shop)


def test_an_import_is_undone_as_if_it_had_never_been_and_may_be_repeated(
    runtime: Runtime, shop: Shop
) -> None:
    done = bring(runtime, shop, "email,points,tier\na@x.com,50,gold\nb@x.com,70,\n")
    with runtime.database.transaction(shop.account) as connection:
        undo_import(connection, shop.account, done["id"], "test")
    run_imports(runtime, shop.account, NOW + timedelta(hours=1))
    undone = told(runtime, shop, done["id"])
    assert (undone["state"], undone["undone"]) == ("undone", 2)
    with runtime.database.transaction(shop.account) as connection:
        entries = connection.execute(
            text("select points, reason from ledger_entries order by points < 0, abs(points)")
        ).all()
        left = connection.execute(text("select sum(points_sum), bool_or(enrolled) from members")).one()
    assert [tuple(entry) for entry in entries] == [
        (50, "opening"), (70, "opening"), (-50, "import_undone"), (-70, "import_undone"),
    ]  # fmt: skip
    assert tuple(left) == (0, False)
    assert_proven(runtime, shop)
    again = bring(runtime, shop, "email,points\na@x.com,60\n", NOW + timedelta(hours=2))
    assert (again["valid"], again["created"]) == (1, 0)
    later = standings(runtime, shop, NOW + timedelta(hours=2))
    assert later["a@x.com"].balance.available == 60
    assert_proven(runtime, shop)


def test_a_dry_run_counts_the_same_and_changes_nothing(runtime: Runtime, shop: Shop) -> None:
    table = "email,points\na@x.com,50\nA@X.com ,70\nb@x.com,5x\n"
    dry = bring(runtime, shop, table, is_dry=True)
    counts = ("valid", "created", "invalid", "points", "rows")
    assert [dry[name] for name in counts] == [1, 1, 2, 50, 3]
    with runtime.database.transaction(shop.account) as connection:
        assert connection.execute(text("select (select count(*) from members) + (select count(*) from commands)"
                                       " + (select count(*) from import_rows)")).scalar_one() == 0  # fmt: skip
    real = bring(runtime, shop, table)
    assert [real[name] for name in counts] == [dry[name] for name in counts]
    assert errors(runtime, shop, real) == errors(runtime, shop, dry)
    assert errors(runtime, shop, real) == [
        (3, [["email", "The same person as in row 2."]]),
        (4, [["points", "Must be a whole number such as 52620 or 52,620."]]),
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_export_and_import_are_loss_free(runtime: Runtime, shop: Shop, form: str) -> None:
    first = [
        {
            "customer_ids": "1:7", "email": "amy@x.com", "phone": "+886912345678", "name": "=HYPERLINK(1)",
            "lots": [
                {"points": 100, "expires_at": "2027-01-31", "earned_at": "2026-01-01"},
                {"points": 30, "expires_at": "never", "available_from": "2026-07-01"},
            ],
            "tier": "gold", "tier_since": "2026-02-01", "joined_at": "2024-02-03", "birthday": "05-04",
            "lifetime_spend": "100/3", "lifetime_orders": 2, "lifetime_points": 40,
            "figures": "2026-03-01@20@1@20", "order_count": 2, "tags": ["vip", "press"], "credit": "12",
            "referral_code": "amys-code", "last_active_at": "2026-03-01", "last_order_at": "2026-02-28",
            "terms": "override@regular@2026-05-01@2026-09-01",
        },
        {
            "email": "bob@x.com", "debt": 15, "referred_by": "amys-code", "referral_status": "claimed",
            "registered": False,
        },
        {"phone": "+886900000001", "points": 7, "entry_rewards": [{"tier": "gold", "at": "2026-01-05"}]},
    ]  # fmt: skip
    done = bring(runtime, shop, "\n".join(json.dumps(each) for each in first))
    assert (done["valid"], errors(runtime, shop, done)) == (3, [])
    with runtime.database.transaction(shop.account, steady=True) as connection:
        file = "".join(export_members(connection, shop.account, NOW, form))
    if form == "csv":
        assert ",'=HYPERLINK(1)," in file
    other = make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))
    moved = bring(runtime, other, file)
    assert (moved["valid"], errors(runtime, other, moved)) == (3, [])
    assert figures(runtime, other) == figures(runtime, shop)
    before, after = standings(runtime, shop), standings(runtime, other)
    assert before.keys() == after.keys()
    for one, two in ((before[email], after[email]) for email in before):
        assert (one.balance, one.joined_at, one.metrics, one.progress) == (
            two.balance, two.joined_at, two.metrics, two.progress)  # fmt: skip
        assert one.tier
        assert two.tier
        assert (one.tier.key, one.tier.until) == (two.tier.key, two.tier.until)
    assert_proven(runtime, other)


LIVING = make_document(
    earning={"points_per_unit": "1", "unit": "1", "pending_days": 7},
    expiry={"mode": "lot", "after": {"months": 6}, "round_up_to": "month"},
    tiers=[
        TIERS[0],
        {
            "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
            "keep": {"any": [{"metric": "orders", "at_least": 2}]}, "benefits": {"entry_reward": "welcome"},
        },
    ],
    tier_policy={
        "window": {"kind": "rolling", "months": 12}, "validity": {"months": 12}, "grace_days": 10,
        "downgrade": "recalculate",
    },
    rewards=REWARDS,
)  # fmt: skip
LIVES = [
    [("1", "1200", 0), ("2", "300", 40)],
    [("3", "500", 5), ("4", "600", 200), ("5", "50", 358)],
    [("6", "90", 300)],
    [("7", "2000", 360)],
]
"""The orders of some members: id, total, on which day of the year before the move."""


def live(runtime: Runtime, shop: Shop) -> None:
    """Let members live through a year of orders and refunds."""
    start = NOW - timedelta(days=365)
    facts: list[tuple[MessageId, Fact]] = []
    for customer, orders in enumerate(LIVES, 1):
        for id, total, day in orders:
            at = start + timedelta(days=day)
            refunds = (make_refund(f"9{id}", "40", at=at + timedelta(days=2)),) if id in "37" else ()
            buyer = Buyer(customer_id=str(customer), email=f"m{customer}@x.com")
            order = make_order(id, total, at=at, buyer=buyer, refunds=refunds, store_id=shop.store.id)
            facts.append((MessageId(int(id)), replace(order, modified_at=at + timedelta(days=3))))
    facts.sort(key=lambda fact: fact[1].modified_at)  # type: ignore[union-attr]
    for fact in facts:
        at = fact[1].modified_at  # type: ignore[union-attr]
        with runtime.database.transaction(shop.account) as connection:
            apply_facts(connection, load_book(connection, runtime.vault, shop.account), [fact], at)


def future(runtime: Runtime, shop: Shop) -> list[dict[str, tuple[object, ...]]]:
    """Where everybody stands at some moments from the move on."""
    found = []
    for days in (0, 6, 31, 100, 200, 300, 400, 800):
        at = NOW + timedelta(days=days)
        found.append({
            email: (one.balance, one.tier and (one.tier.key, one.tier.until), one.metrics, one.progress)
            for email, one in standings(runtime, shop, at).items()
        })  # fmt: skip
    return found


def test_who_moved_lives_on_as_he_would_have(runtime: Runtime) -> None:
    shop, other = make_shop(runtime, LIVING), make_shop(runtime, LIVING)
    live(runtime, shop)
    with runtime.database.transaction(shop.account, steady=True) as connection:
        file = "".join(export_members(connection, shop.account, NOW, "csv"))
    done = bring(runtime, other, file)
    assert (done["valid"], errors(runtime, other, done)) == (len(LIVES), [])
    assert figures(runtime, other) == figures(runtime, shop)
    before, after = future(runtime, shop), future(runtime, other)
    assert {tier[0] for moment in before for _, tier, *_ in moment.values() if tier} == {"regular", "gold"}
    assert after == before
    assert_proven(runtime, other)


def test_who_is_known_here_gets_what_he_brings_on_top(runtime: Runtime) -> None:
    shop = make_shop(runtime, LIVING)
    live(runtime, shop)
    before = standings(runtime, shop)
    file = "customer_ids,lots,tier,lifetime_spend,lifetime_orders,joined_at\n1:1,5@never,regular,100,3,2020-01-01\n"
    done = bring(runtime, shop, file + "1:3,7@2026-12-31,gold,,,\n")
    assert (done["valid"], done["created"]) == (2, 0)
    after = standings(runtime, shop)
    gained = {email: after[email].balance.available - one.balance.available for email, one in before.items()}
    assert gained == {"m1@x.com": 5, "m2@x.com": 0, "m3@x.com": 7, "m4@x.com": 0}
    assert [after[email].tier and after[email].tier.key for email in ("m1@x.com", "m3@x.com")] == [
        "gold",
        "gold",
    ]
    assert_proven(runtime, shop)
    with runtime.database.transaction(shop.account) as connection:
        undo_import(connection, shop.account, done["id"], "test")
    run_imports(runtime, shop.account, NOW)
    assert standings(runtime, shop) == before
    assert_proven(runtime, shop)


def test_an_import_of_somebody_who_is_merged_since_is_undone_too(runtime: Runtime, shop: Shop) -> None:
    done = bring(runtime, shop, "email,points\na@x.com,50\nb@x.com,70\n")
    found = standings(runtime, shop)
    with runtime.database.transaction(shop.account) as connection:
        book = load_book(connection, runtime.vault, shop.account)
        merge_members(
            connection, book, found["a@x.com"].id, found["b@x.com"].id, Word("one person", "test"), NOW
        )
    assert standings(runtime, shop)["a@x.com"].balance.available == 120
    with runtime.database.transaction(shop.account) as connection:
        undo_import(connection, shop.account, done["id"], "test")
    run_imports(runtime, shop.account, NOW + timedelta(hours=1))
    assert standings(runtime, shop, NOW + timedelta(hours=1))["a@x.com"].balance.available == 0
    assert_proven(runtime, shop)


def test_an_imported_referral_code_serves_and_its_owner_keeps_it(runtime: Runtime, shop: Shop) -> None:
    bring(runtime, shop, "email,referral_code\na@x.com,https://old.example/r/AMY-7\n")
    again = bring(runtime, shop, "email,referral_code\nb@x.com,amy-7\n")
    assert errors(runtime, shop, again) == [
        (2, [["referral_code", "Is somebody else's, or not the one that the member has here."]])
    ]
    amy = standings(runtime, shop)["a@x.com"].id
    with runtime.database.transaction(shop.account) as connection:
        book = load_book(connection, runtime.vault, shop.account)
        assert personal_code(connection, book, amy) == "amy-7"
        assert find_referrer(connection, "AMY-7") == amy


def test_refused_rows_of_an_erased_person_are_forgotten(runtime: Runtime, shop: Shop) -> None:
    done = bring(runtime, shop, "email,points\namy@x.com,5\namy@x.com,6\nbo@x.com,x\n")
    assert [number for number, _ in errors(runtime, shop, done)] == [3, 4]
    amy = standings(runtime, shop)["amy@x.com"].id
    with runtime.database.transaction(shop.account) as connection:
        book = load_book(connection, runtime.vault, shop.account)
        erase_member(connection, book, amy, Word("asked to", "test"), NOW)
    assert [number for number, _ in errors(runtime, shop, done)] == [4]

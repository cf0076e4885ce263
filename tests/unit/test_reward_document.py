"""Rewards in the program document: the path of every mistake, defaults, and versions of earlier releases."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from builders import make_document, make_program

from loyalty.errors import Invalid
from loyalty.programs.catalogue import REWARD_KINDS, Reward, Uses
from loyalty.programs.document import check_document
from loyalty.programs.json_schema import program_json_schema
from loyalty.programs.service import acted_on
from loyalty.programs.terms import Match

NAME = {"en": "Name"}
OFF = {"kind": "fixed_discount", "amount": "5"}
ANY = {"kind": "variable_discount", "points": 100, "amount": "5"}
TALK = {"kind": "service", "points": 5}
BOTH = {"product_ids": ["1"], "category_ids": ["2"]}
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({**OFF, "amount": None}, "/amount"),
    ({**OFF, "amount": "0"}, "/amount"),
    ({"kind": "percent_discount"}, "/amount"),
    ({"kind": "percent_discount", "amount": "100.01"}, "/amount"),
    ({"kind": "variable_discount", "points": 100}, "/amount"),
    ({"kind": "store_credit", "points": 5}, "/amount"),
    ({"kind": "gift_card", "points": 5}, "/amount"),
    ({"kind": "voucher"}, "/kind"),
    ({**TALK, "points": -1}, "/points"),
    ({**TALK, "points": "5"}, "/points"),
    ({**ANY, "points": None}, "/points"),
    ({**ANY, "points": 0}, "/points"),
    ({**OFF, "min": 5}, "/step"),
    ({**OFF, "max": 5}, "/step"),
    ({**OFF, "step": 5}, "/step"),
    ({**ANY, "step": 0}, "/step"),
    ({**ANY, "min": 0}, "/min"),
    ({**ANY, "min": 200, "max": 199}, "/max"),
    ({**ANY, "min": 150, "step": 100}, "/min"),
    ({**ANY, "max": 150, "step": 100}, "/max"),
    ({**TALK, "minimum_balance": -1}, "/minimum_balance"),
    ({**TALK, "stock": -1}, "/stock"),
    ({**TALK, "category": "Gift Cards"}, "/category"),
    ({**TALK, "terms": {}}, "/terms"),
    ({**TALK, "terms": {"fr": "Non"}}, "/terms/fr"),
    ({**TALK, "tiers": ["none"]}, "/tiers"),
    ({**TALK, "from_tier": "none"}, "/from_tier"),
    ({**TALK, "per_member": 0}, "/per_member/uses"),
    ({**TALK, "per_member": True}, "/per_member"),
    ({**TALK, "per_member": "2"}, "/per_member"),
    ({**TALK, "per_member": {}}, "/per_member/uses"),
    ({**TALK, "per_member": {"uses": 2, "period": "quarter"}}, "/per_member/period"),
    ({**TALK, "per_member": {"uses": 2, "days": 3}}, "/per_member/days"),
    ({**TALK, "from": "2026-01-01T00:00Z"}, "/from"),
    ({**TALK, "until": "soon"}, "/until"),
    ({**TALK, "from": "2026-01-02T00:00", "until": "2026-01-02T00:00"}, "/until"),
    ({**TALK, "archived": "perhaps"}, "/archived"),
    ({**TALK, "products": {"product_ids": ["1"]}}, "/products"),
    ({**TALK, "combinable": True}, "/combinable"),
    ({**OFF, "products": {"skus": ["MUG"]}}, "/products"),
    ({**OFF, "products": {"tags": ["new"]}}, "/products"),
    ({**OFF, "products": BOTH}, "/products"),
    ({**OFF, "products": {"brands": ["a"]}}, "/products/brands"),
    ({"kind": "free_product", "points": 5}, "/products"),
    ({"kind": "free_product", "points": 5, "products": {"category_ids": ["2"]}}, "/products"),
    ({"kind": "free_product", "points": 5, "products": BOTH}, "/products"),
    ({**TALK, "event": "tasting"}, "/event"),
    ({"kind": "event_ticket", "event": "The Tasting"}, "/event"),
    ({"kind": "content", "points": 5}, "/url"),
    ({"kind": "content", "url": "film"}, "/url"),
    ({"kind": "content", "url": "ftp://film.test"}, "/url"),
    ({**TALK, "url": "https://film.test"}, "/url"),
]  # fmt: skip


@pytest.mark.parametrize(("reward", "path"), MISTAKES, ids=[f"{each} {path}" for each, path in MISTAKES])
def test_mistake_is_named_by_its_path(reward: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_document(make_document(rewards=[{"key": "first", **OFF}, {"key": "it", **reward}]))
    assert list(refused.value.fields) == [f"/rewards/1{path}"]


def read(**parts: Any) -> Reward:
    """One reward of a program whose ladder has two tiers."""
    tiers = [{"key": key, "name": NAME} for key in ("regular", "gold")]
    return make_program(tiers=tiers, rewards=[{"key": "it", **parts}]).rewards[0]


def test_what_is_left_out_limits_nothing() -> None:
    assert read(kind="service") == Reward("it", "service")


def test_a_reward_with_everything_is_read_as_written() -> None:
    found = read(
        **ANY, min=200, max=400, step=100, name=NAME, terms={"en": "T"}, category="vouchers", combinable=True,
        minimum_subtotal="7", minimum_balance=300, products={"product_ids": ["2", "1"]}, valid_days=9,
        on_expiry="forfeit", tiers=["gold"], from_tier="gold", stock=0, per_member={"uses": 2, "period": "week"},
        unit_cost="1.5", archived=True, **{"from": "2026-01-02T00:00", "until": "2026-01-03T00:00"},
    )  # fmt: skip
    assert found == Reward(
        "it", "variable_discount", points=100, amount=Fraction(5), minimum_subtotal=Fraction(7), valid_days=9,
        on_expiry="forfeit", tiers=("gold",), stock=0, per_member=Uses(2, "week"), unit_cost=Fraction(3, 2), name=NAME,
        terms={"en": "T"}, category="vouchers", from_tier="gold", minimum_balance=300,
        opens=datetime(2026, 1, 1, 16, tzinfo=UTC), closes=datetime(2026, 1, 2, 16, tzinfo=UTC), archived=True,
        products=Match(product_ids=frozenset({"1", "2"})), combinable=True, least=200, most=400, step=100,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "uses"),
    [(None, None), (3, Uses(3)), ({"uses": 3}, Uses(3)), ({"uses": 1, "period": "day"}, Uses(1, "day"))],
)
def test_limit_of_a_member_is_a_number_or_a_number_in_a_period(given: Any, uses: Uses | None) -> None:
    assert read(kind="service", per_member=given).per_member == uses


def test_points_of_nothing_are_another_thing_than_no_price() -> None:
    assert (read(kind="service", points=0).points, read(kind="service").points) == (0, None)


def test_event_and_address_are_kept() -> None:
    ticket = read(kind="event_ticket", event="tasting")
    assert (ticket.event, read(kind="content", url="https://f.test/x").url) == ("tasting", "https://f.test/x")


OLD_REWARDS: list[dict[str, Any]] = [
    {
        "key": "off", "kind": "fixed_discount", "name": NAME, "points": 500, "amount": "5", "minimum_subtotal": "9",
        "valid_days": 30, "on_expiry": "forfeit", "tiers": ["gone"], "stock": 3, "per_member": 0, "unit_cost": "2",
    },
    {"key": "ship", "kind": "free_shipping"},
    *({"key": kind, "kind": kind, "points": 5} for kind in sorted(set(REWARD_KINDS) - {"content"})
      if kind not in ("fixed_discount", "percent_discount", "free_shipping")),
]  # fmt: skip
OLD = make_document(
    rewards=OLD_REWARDS,
    cash_back={"percent": "3"},
    segments=[{"key": "s", "any": [{"kind": "tag", "any_of": ["a"]}]}],
    automations=[{"key": "a", "trigger": "member_joined", "actions": [{"kind": "points", "points": 5}]}],
)
"""A document that the releases before redeeming accepted: it names products of no free product, and a tier that is
not there.
"""


@pytest.mark.parametrize(("acts_on", "automations"), [(1, 0), (2, 1)])
def test_versions_of_earlier_releases_are_read_and_only_give_what_they_gave(
    acts_on: int, automations: int
) -> None:
    with pytest.raises(Invalid):
        check_document(OLD)
    program = make_program(**acted_on(OLD, acts_on))
    off, ship, *others = program.rewards
    assert off == Reward(
        "off", "fixed_discount", amount=Fraction(5), minimum_subtotal=Fraction(9), valid_days=30,
        unit_cost=Fraction(2), name=NAME,
    )  # fmt: skip
    assert (ship.kind, ship.is_given) == ("free_shipping", True)
    assert {each.kind for each in others} == {"service"}
    assert not any(each.is_given or each.points is not None for each in others)
    assert [each.name for each in others[:1]] == [{"en": others[0].key}]
    assert (len(program.automations), len(program.segments)) == (automations, automations)


def test_version_of_this_release_is_left_as_it_is() -> None:
    assert acted_on(OLD, 3) is OLD


def test_json_schema_knows_every_part_of_a_reward() -> None:
    schema = program_json_schema()["properties"]["rewards"]["items"]
    assert schema["required"] == ["key", "kind"]
    assert schema["properties"]["kind"]["enum"] == list(REWARD_KINDS)
    known = {
        name: part for name, part in schema["properties"].items() if name in ("min", "max", "from", "until")
    }
    assert [sorted(part) for part in known.values()] == [["anyOf", "default"]] * 4
    per_member = schema["properties"]["per_member"]["anyOf"][0]["anyOf"]
    assert per_member[0] == {"type": "integer", "minimum": 1}
    assert per_member[1]["properties"]["period"]["enum"] == ["day", "week", "month", "year", "lifetime"]
    assert schema["properties"]["products"]["additionalProperties"] is False
    assert not set(schema["properties"]) & {"least", "most", "opens", "closes"}


def test_json_schema_offers_to_inherit_benefits() -> None:
    policy = program_json_schema()["properties"]["tier_policy"]["properties"]
    assert policy["benefits"] == {"type": "string", "enum": ["own", "inherit"], "default": "own"}

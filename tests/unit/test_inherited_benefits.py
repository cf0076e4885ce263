"""Benefits of a tier hold for the tiers above it too, unless they are switched off there (S43)."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_document, make_program

from loyalty.errors import Invalid
from loyalty.programs.document import check_document
from loyalty.programs.ladder import Benefits
from loyalty.programs.lint import lint
from loyalty.programs.rules_page import rules_in_words
from loyalty.programs.rules_words_tiers import benefits, benefits_ahead

REWARDS = [{"key": key, "kind": "free_shipping", "name": {"en": key}} for key in ("gift", "cake", "other")]
TEA, CAKE = {"en": "Tea"}, {"en": "Cake"}
EVERY: list[tuple[str, Any, Any, Any]] = [
    ("multiplier", "1.5", "1", "2"),
    ("entry_reward", "gift", None, "other"),
    ("birthday_reward", "cake", None, "other"),
    ("free_shipping", True, False, True),
    ("discount_percent", "5", None, "10"),
    ("service", ["priority_support"], [], ["tailor"]),
    ("early_access", ["spring"], [], ["summer"]),
    ("perks", [TEA], [], [CAKE]),
]
"""Each benefit with a value, the way to switch it off, and another value."""


def ladder(*written: dict[str, Any] | None, policy: str = "inherit") -> list[Benefits]:
    """The benefits of a ladder with these at its steps, None for a tier that says nothing of benefits."""
    tiers = [
        {"key": f"t{rank}", "name": {"en": f"T{rank}"}} | ({} if each is None else {"benefits": each})
        for rank, each in enumerate(written)
    ]
    program = make_program(tiers=tiers, tier_policy={"benefits": policy}, rewards=REWARDS)
    return [tier.benefits for tier in program.tiers]


def alone(name: str, value: Any) -> Any:
    """The value of a benefit as the program has it when a tier states it itself."""
    return getattr(ladder({name: value}, policy="own")[0], name)


def test_every_benefit_is_tried() -> None:
    assert {name for name, *_ in EVERY} == set(Benefits.__dataclass_fields__)


@pytest.mark.parametrize(("name", "value", "off", "other"), EVERY)
def test_s43_tier_without_a_value_has_that_of_the_next_lower_one(
    name: str, value: Any, off: Any, other: Any
) -> None:
    found = [getattr(each, name) for each in ladder({}, {name: value}, None, {}, {name: other}, {})]
    nothing, worth, another = alone(name, off), alone(name, value), alone(name, other)
    assert found == [nothing, worth, worth, worth, another, another]


@pytest.mark.parametrize(("name", "value", "off", "other"), EVERY)
def test_s43_what_is_written_as_none_is_switched_off_from_there_on(
    name: str, value: Any, off: Any, other: Any
) -> None:
    found = [getattr(each, name) for each in ladder({name: value}, {name: off}, {})]
    assert found == [alone(name, value), alone(name, off), alone(name, off)]
    assert alone(name, off) == getattr(Benefits(), name)


@pytest.mark.parametrize(("name", "value", "off", "other"), EVERY)
def test_s42_without_the_option_a_benefit_is_of_its_own_tier_only(
    name: str, value: Any, off: Any, other: Any
) -> None:
    found = [getattr(each, name) for each in ladder({}, {name: value}, {}, policy="own")]
    assert found == [alone(name, off), alone(name, value), alone(name, off)]


def test_documents_that_do_not_say_so_inherit_nothing() -> None:
    tiers = [
        {"key": key, "name": TEA, "benefits": given} for key, given in (("a", {"multiplier": "2"}), ("b", {}))
    ]
    program = make_program(tiers=tiers)
    assert [tier.benefits.multiplier for tier in program.tiers] == [2, 1]


def test_other_policy_is_named_by_its_path() -> None:
    with pytest.raises(Invalid) as refused:
        check_document(make_document(tier_policy={"benefits": "all"}))
    assert list(refused.value.fields) == ["/tier_policy/benefits"]


def test_mistake_in_a_benefit_is_told_before_anything_is_inherited() -> None:
    tiers = [
        {"key": "a", "name": TEA, "benefits": {"multiplier": "x"}},
        {"key": "b", "name": TEA, "benefits": None},
    ]
    with pytest.raises(Invalid) as refused:
        check_document(make_document(tiers=tiers, tier_policy={"benefits": "inherit"}))
    assert list(refused.value.fields) == ["/tiers/0/benefits/multiplier", "/tiers/1/benefits"]


def test_members_read_what_they_inherit() -> None:
    tiers: list[dict[str, Any]] = [
        {"key": "a", "name": TEA, "benefits": {"free_shipping": True}},
        {"key": "b", "name": CAKE, "benefits": {"multiplier": "2"}},
    ]
    program = make_program(tiers=tiers, tier_policy={"benefits": "inherit"})
    said = [each["en"] for each in benefits(program, program.tiers[1])]
    assert said == ["2 times the points", "free shipping"]
    assert [each["en"] for each in benefits_ahead(program, "a")] == ["2 times the points"]
    sections = rules_in_words(program, program.effective_from)
    told = [each["en"] for section in sections if section.key == "tiers" for each in section.sentences]
    assert "Cake offers: 2 times the points; free shipping." in told


@pytest.mark.parametrize(
    ("policy", "above", "ranks"),
    [("inherit", {}, [1]), ("own", {}, [1]), ("own", {"entry_reward": "talk"}, [1, 2])],
)
def test_inherited_gift_that_nobody_gets_is_warned_of_where_it_is_written(
    policy: str, above: dict[str, Any], ranks: list[int]
) -> None:
    written: list[dict[str, Any]] = [{}, {"entry_reward": "talk"}, above]
    document = make_document(
        tiers=[{"key": f"t{rank}", "name": TEA, "benefits": each} for rank, each in enumerate(written)],
        tier_policy={"benefits": policy},
        rewards=[{"key": "talk", "kind": "external"}],
    )
    found = [notice.path for notice in lint(check_document(document))]
    assert found == [f"/tiers/{rank}/benefits/entry_reward" for rank in ranks]

"""Services in the document and in the fold: forms, steps, and what ends by itself (S57, S59, S62)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import make_document, make_program, make_versions
from folding import DAY, HOUR, NOON, balance, make_file, make_member, moved

from loyalty.clock import day_end, local_date
from loyalty.engine.commands import Command, Ending, EndRedemption, RedeemReward
from loyalty.engine.decide import decide, refold
from loyalty.engine.fulfilling import check_request
from loyalty.engine.rounds import rounds
from loyalty.engine.state import MemberState
from loyalty.engine.timeline import command_event
from loyalty.errors import Invalid
from loyalty.programs.catalogue import Reward
from loyalty.programs.document import check_document
from loyalty.programs.json_schema import program_json_schema
from loyalty.rewards.redemption import Fulfilment
from tests.builders import make_order

REDEEMED = NOON + 2 * HOUR
ENDS = day_end(local_date(REDEEMED, "Asia/Taipei") + 10 * DAY, "Asia/Taipei")
INSTANT = timedelta.resolution
SIZE = {
    "key": "size", "label": {"en": "Size"}, "kind": "choice",
    "options": [{"key": "s", "text": {"en": "Small"}}, {"key": "l", "text": {"en": "Large"}}],
}  # fmt: skip
FORM = [
    SIZE,
    {"key": "day", "label": {"en": "Day"}, "kind": "date"},
    {"key": "wish", "label": {"en": "Wish"}, "required": False},
]
FILLED = {"size": "s", "day": "2026-05-01"}
REWARDS: list[dict[str, Any]] = [
    {"key": "talk", "kind": "service", "points": 60, "valid_days": 10},
    {"key": "gone", "kind": "sample", "points": 60, "valid_days": 10, "on_expiry": "forfeit"},
    {"key": "film", "kind": "content", "points": 60, "valid_days": 10, "url": "https://x.example.com/"},
    {"key": "seat", "kind": "event_ticket", "points": 60, "valid_days": 10, "event": "tea"},
    {"key": "plain", "kind": "event_ticket", "points": 60, "valid_days": 10},
]


def fitted(**parts: Any) -> Reward:
    """A service with a form."""
    service = {"key": "fit", "kind": "service", "points": 0, "form": FORM, **parts}
    return make_program(rewards=[service]).rewards[0]


def test_form_is_read_with_its_options() -> None:
    size, day, wish = fitted().form
    assert (size.kind, size.required, size.options) == (
        "choice",
        True,
        {"s": {"en": "Small"}, "l": {"en": "Large"}},
    )
    assert (day.kind, wish.kind, wish.required) == ("date", "text", False)


@pytest.mark.parametrize(
    ("reward", "path"),
    [
        ({"kind": "external", "form": FORM}, "/rewards/0/form"),
        ({"form": [SIZE, SIZE]}, "/rewards/0/form"),
        ({"form": [{**SIZE, "kind": "text"}]}, "/rewards/0/form/0/options"),
        ({"form": [{**SIZE, "options": SIZE["options"][:1]}]}, "/rewards/0/form/0/options"),
        ({"form": [{**SIZE, "options": SIZE["options"] * 2}]}, "/rewards/0/form/0/options"),
        ({"form": [{**SIZE, "kind": "colour"}]}, "/rewards/0/form/0/kind"),
        ({"form": [{**SIZE, "label": {}}]}, "/rewards/0/form/0/label"),
        ({"form": [{**FORM[2], "key": str(place)} for place in range(21)]}, "/rewards/0/form"),
    ],
)
def test_mistaken_form_is_refused_with_its_path(reward: dict[str, Any], path: str) -> None:
    document = make_document(rewards=[{"key": "fit", "kind": "service", "points": 0, **reward}])
    with pytest.raises(Invalid) as refused:
        check_document(document)
    assert list(refused.value.attributes["fields"]) == [path]  # type: ignore[call-overload]


def test_json_schema_describes_forms() -> None:
    form = program_json_schema()["properties"]["rewards"]["items"]["properties"]["form"]
    assert (form["minItems"], form["maxItems"]) == (0, 20)
    assert form["items"]["properties"]["kind"]["enum"] == ["text", "choice", "date"]
    assert form["items"]["properties"]["options"]["items"]["required"] == ["key", "text"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, None),
        ({"wish": "no nuts"}, None),
        ({"size": "m"}, "/request/size"),
        ({"size": ""}, "/request/size"),
        ({"day": "1 May"}, "/request/day"),
        ({"day": "2026-02-30"}, "/request/day"),
        ({"day": "20260501"}, "/request/day"),
        ({"day": None}, "/request/day"),
        ({"wish": " "}, "/request/wish"),
        ({"wish": "x" * 2001}, "/request/wish"),
        ({"colour": "red"}, "/request/colour"),
    ],
)
def test_request_is_checked_by_the_form(change: dict[str, Any], path: str | None) -> None:
    asked = {key: value for key, value in {**FILLED, **change}.items() if value is not None}
    if path is None:
        check_request(fitted(), asked)
        return
    with pytest.raises(Invalid) as refused:
        check_request(fitted(), asked)
    assert list(refused.value.attributes["fields"]) == [path]  # type: ignore[call-overload]


def test_without_a_form_anything_may_be_asked_for() -> None:
    check_request(fitted(form=[]), {"anything": "goes"})


STEPS = {("open", "accepted"), ("open", "refused"), ("accepted", "done"), ("accepted", "refused")}


@pytest.mark.parametrize("before", list(Fulfilment))
@pytest.mark.parametrize("after", list(Fulfilment))
def test_steps_of_a_service(before: Fulfilment, after: Fulfilment) -> None:
    assert before.may_become(after) is ((before, after) in STEPS)


def member(*commands: Command, until: Any) -> MemberState:
    state = make_member(make_file(make_order("1")), commands=list(commands))
    return refold(state, make_versions(rewards=REWARDS), until)


def asked(reward: str) -> RedeemReward:
    kind = next(each["kind"] for each in REWARDS if each["key"] == reward)
    return RedeemReward(1, REDEEMED, reward, kind, 60, "", 0, None, "")


def taken_up(after: timedelta = HOUR) -> EndRedemption:
    return EndRedemption(2, REDEEMED + after, 1, Ending.FULFILLED, "accepted")


@pytest.mark.parametrize(
    ("reward", "state", "available"),
    [("talk", "expired", 100), ("plain", "expired", 100), ("gone", "expired", 40), ("film", "expired", 40),
     ("seat", "captured", 40)],
)  # fmt: skip
def test_what_nobody_took_up_ends_as_the_reward_says(reward: str, state: str, available: int) -> None:
    """Content was there to be seen, and a seat ends with its event."""
    before, after = (member(asked(reward), until=at) for at in (ENDS - INSTANT, ENDS))
    assert before.redemptions[1].state == "captured"
    assert (after.redemptions[1].state, balance(after, ENDS).available) == (state, available)


def test_what_people_took_up_no_longer_ends_by_itself() -> None:
    found = member(asked("talk"), taken_up(), until=ENDS + DAY)
    assert (found.redemptions[1].state, moved(found)) == ("captured", [100, -60])
    assert found.redemptions[1].due() is None


def test_what_is_taken_up_after_its_end_stays_ended() -> None:
    found = member(asked("talk"), taken_up(ENDS - REDEEMED + HOUR), until=ENDS + DAY)
    assert (found.redemptions[1].state, moved(found)) == ("expired", [100, -60, 60])


def test_taking_up_is_appended_and_ends_as_a_fold_from_nothing() -> None:
    versions = make_versions(rewards=REWARDS)
    appended = decide(
        member(asked("talk"), until=REDEEMED), [command_event(taken_up())], versions, ENDS + DAY
    )
    folded = member(asked("talk"), taken_up(), until=ENDS + DAY)
    assert appended.redemptions == folded.redemptions
    assert appended.wallet.balance(ENDS) == folded.wallet.balance(ENDS)


def test_cancelling_what_was_taken_up_gives_the_points_back() -> None:
    refused = EndRedemption(3, REDEEMED + DAY, 1, Ending.CANCELLED, "no stylist")
    found = member(asked("talk"), taken_up(), refused, until=ENDS + DAY)
    assert (found.redemptions[1].state, balance(found, ENDS).available) == ("cancelled", 100)


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ("", []),
        ("abc", ["abc"]),
        ("aab", ["ab", "a"]),
        ("abababa", ["ab", "ab", "ab", "a"]),
        ("aaa", ["a", "a", "a"]),
    ],
)
def test_rounds_have_each_member_once_and_keep_the_order(members: str, wanted: list[str]) -> None:
    assert ["".join(each) for each in rounds(members, str)] == wanted


def test_rounds_are_no_larger_than_they_may_be() -> None:
    assert ["".join(each) for each in rounds("abcda", str, most=3)] == ["abc", "da"]

"""Content by API: links that end, only for who redeemed it and still may have it, and only to the program's address."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from loyalty.clock import utc_now
from loyalty.rewards.content import make_token, read_token
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

URL = "https://shop.example.com/course?part=1"
LADDER = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "5000"}]}},
]
REWARDS: list[dict[str, Any]] = [
    {"key": "film", "kind": "content", "points": 100, "url": URL, "from_tier": "gold"},
    {"key": "book", "kind": "content", "points": 0, "url": "https://shop.example.com/book", "valid_days": 3},
    {"key": "talk", "kind": "service", "points": 0},
]
WORDS = {"zh-TW": "連結已失效", "zh-CN": "链接已失效", "en": "This link is no longer valid"}
CLOSED = {"zh-TW": "目前無法觀看", "zh-CN": "目前无法观看", "en": "This is not open to you now"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(tiers=LADDER, rewards=REWARDS))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> str:
    """A gold member by hand with 1000 points."""
    place_order(runtime, client, shop)
    found = str(caller.get("/members").get_json()["data"][0]["id"])
    caller.post(f"/members/{found}/tier", {"tier": "gold", "reason": "friend"})
    return found


def redeem(caller: Caller, member: str, reward: str = "film") -> dict[str, Any]:
    answer = caller.post(f"/members/{member}/redemptions", {"reward": reward})
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def path_of(link: str) -> str:
    return urlsplit(link).path


def follow(client: FlaskClient, link: str, language: str = "en") -> Any:
    return client.get(path_of(link), headers={"Accept-Language": language})


def test_s61_link_leads_to_the_programs_address_with_a_signature(
    client: FlaskClient, caller: Caller, member: str
) -> None:
    redeemed = redeem(caller, member)
    assert redeemed["link"].startswith("http://127.0.0.1:8000/content/")
    answer = follow(client, redeemed["link"])
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
    place = urlsplit(answer.headers["Location"])
    told = parse_qs(place.query)
    assert (place.netloc, place.path, told["part"]) == ("shop.example.com", "/course", ["1"])
    secret = caller.get("/webhook-signing").get_json()["secret"].encode()
    (ends,), (signature,) = told["laurel_expires"], told["laurel_signature"]
    assert hmac.new(secret, f"{URL}|{ends}".encode(), hashlib.sha256).hexdigest() == signature
    assert 800 < int(ends) - int(datetime.now(UTC).timestamp()) <= 900
    assert caller.get(f"/redemptions/{redeemed['id']}").get_json()["link"] is None


def test_link_is_asked_for_anew(client: FlaskClient, caller: Caller, member: str) -> None:
    redeemed = redeem(caller, member)
    made = caller.post(f"/redemptions/{redeemed['id']}/link")
    assert made.status_code == 201
    ends = datetime.fromisoformat(made.get_json()["expires_at"])
    assert timedelta(minutes=14) < ends - utc_now() <= timedelta(minutes=15)
    assert follow(client, made.get_json()["link"]).status_code == 302


def made_up(
    runtime: Runtime, shop: Shop, redemption: str, after: timedelta, account: UUID | None = None
) -> str:
    """A token that is signed with the account's own key."""
    with runtime.database.transaction(shop.account) as connection:
        book = runtime.book(connection, shop.account, set())
    ends = utc_now() + after
    return f"/content/{make_token(book.content_key(), account or shop.account, UUID(redemption), ends)}"


@pytest.mark.parametrize("language", list(WORDS))
def test_link_that_is_over_says_so_in_the_language_of_who_follows_it(
    runtime: Runtime, shop: Shop, client: FlaskClient, caller: Caller, member: str, language: str
) -> None:
    redeemed = redeem(caller, member)
    late = follow(client, made_up(runtime, shop, redeemed["id"], -timedelta(seconds=1)), language)
    assert late.status_code == 403
    assert WORDS[language] in late.get_data(as_text=True)
    assert f'lang="{language}"' in late.get_data(as_text=True)
    assert follow(client, made_up(runtime, shop, redeemed["id"], timedelta(minutes=1))).status_code == 302


def test_tier_that_was_lost_closes_the_content_until_it_is_back(
    client: FlaskClient, caller: Caller, member: str
) -> None:
    redeemed = redeem(caller, member)
    caller.post(f"/members/{member}/tier", {"reason": "no more"})
    for language, words in CLOSED.items():
        closed = follow(client, redeemed["link"], language)
        assert (closed.status_code, words in closed.get_data(as_text=True)) == (403, True)
    refused = caller.post(f"/redemptions/{redeemed['id']}/link")
    assert (refused.status_code, refused.get_json()["refusals"]) == (409, ["tier"])
    caller.post(f"/members/{member}/tier", {"tier": "gold", "reason": "again"})
    assert follow(client, redeemed["link"]).status_code == 302


def test_cancelled_redemption_closes_the_content(client: FlaskClient, caller: Caller, member: str) -> None:
    redeemed = redeem(caller, member)
    path = f"/api/v1/redemptions/{redeemed['id']}"
    assert caller.client.delete(path, json={}, headers=caller.headers()).status_code == 202
    closed = follow(client, redeemed["link"])
    assert (closed.status_code, CLOSED["en"] in closed.get_data(as_text=True)) == (403, True)
    assert caller.post(f"/redemptions/{redeemed['id']}/link").status_code == 409


def test_content_was_there_to_be_seen_and_only_staff_takes_it_back(
    runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop, member: str
) -> None:
    writer = make_caller(runtime, client, shop, ("read", "write"))
    path = f"/api/v1/redemptions/{redeem(writer, member)['id']}"
    assert client.delete(path, json={}, headers=writer.headers()).status_code == 403
    assert client.delete(path, json={}, headers=caller.headers()).get_json()["state"] == "cancelled"


def test_link_is_nothing_for_what_has_no_content(
    runtime: Runtime, shop: Shop, client: FlaskClient, caller: Caller, member: str
) -> None:
    service = redeem(caller, member, "talk")
    assert (service["link"], caller.post(f"/redemptions/{service['id']}/link").status_code) == (None, 404)
    assert follow(client, made_up(runtime, shop, service["id"], timedelta(minutes=1))).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "A" * 96, "../..", "https:%2F%2Fevil.example.com"])
def test_what_is_no_token_leads_nowhere(client: FlaskClient, shop: Shop, token: str) -> None:
    answer = client.get(f"/content/{token}")
    assert answer.status_code in (403, 404)
    assert "Location" not in answer.headers


def test_query_of_the_follower_changes_nothing(client: FlaskClient, caller: Caller, member: str) -> None:
    """No open redirect: only the address of the program counts."""
    link = redeem(caller, member)["link"]
    answer = client.get(f"{path_of(link)}?url=https://evil.example.com&laurel_expires=9999999999")
    assert urlsplit(answer.headers["Location"]).netloc == "shop.example.com"
    assert "9999999999" not in answer.headers["Location"]


def test_a_stranger_opens_nothing(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    redeemed = redeem(caller, member)
    other = make_shop(runtime, make_document(tiers=LADDER, rewards=REWARDS))
    stranger = make_caller(runtime, client, other)
    assert stranger.post(f"/redemptions/{redeemed['id']}/link").status_code == 404
    for account in (shop.account, other.account):
        forged = made_up(runtime, other, redeemed["id"], timedelta(minutes=1), account)
        assert follow(client, forged).status_code == 403
    said = read_token(path_of(redeemed["link"]).rpartition("/")[2])
    assert said is not None
    assert (said.account, str(said.redemption)) == (shop.account, redeemed["id"])
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.post(f"/redemptions/{redeemed['id']}/link").status_code == 403


def test_content_stays_open_as_long_as_its_days(client: FlaskClient, caller: Caller, member: str) -> None:
    book = redeem(caller, member, "book")
    days = datetime.fromisoformat(book["ends_at"]) - utc_now()
    assert timedelta(days=3) <= days <= timedelta(days=4)
    assert follow(client, book["link"]).status_code == 302

"""Tokens of a shop over real HTTP: got, kept as long as they serve, had anew in time, never lost by half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import requests

from connectors.base import StoreAccess
from connectors.http import Answer, Door
from connectors.shopify import auth
from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.signature import signed_query
from loyalty.pushes import PushError
from loyalty.values import StoreId

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BACK = "https://laurel.example/connect/shopify/callback"


class Clock:
    """The time of a test, for the shop and for us."""

    at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[ShopifySandbox]:
    with ShopifySandbox(now=clock) as running:
        yield running


def app_of(shop: ShopifySandbox) -> dict[str, str]:
    return {"client_id": shop.client_id, "client_secret": shop.client_secret}


def door(shop: ShopifySandbox) -> Door:
    return auth.open_door(shop.url, allow_private=True)


def granted(shop: ShopifySandbox, now: datetime = NOW) -> dict[str, str]:
    """The tokens of a merchant who agreed."""
    url = auth.authorize_url(shop.url, shop.client_id, BACK, "s-1")
    place = requests.get(url, allow_redirects=False, timeout=5).headers["Location"]
    code = parse_qs(urlsplit(place).query)["code"][0]
    return auth.exchange_code(door(shop), app_of(shop), code, now)


def access(shop: ShopifySandbox, mode: str, **tokens: str) -> StoreAccess:
    return StoreAccess(StoreId(UUID(int=7)), shop.url, {"mode": mode, **app_of(shop), **tokens}, "UTC")


def serves(shop: ShopifySandbox, token: str) -> bool:
    answer = requests.post(
        f"{shop.url}/admin/api/2026-10/graphql.json",
        json={"query": "{ shop { name } }"}, headers={"X-Shopify-Access-Token": token}, timeout=5,
    )  # fmt: skip
    return answer.status_code == 200


def test_the_merchant_is_asked_for_what_the_app_needs_and_comes_back_signed(shop: ShopifySandbox) -> None:
    url = auth.authorize_url(shop.url, shop.client_id, BACK, "s-1")
    asked = parse_qs(urlsplit(url).query)
    assert set(asked) == {"client_id", "scope", "redirect_uri", "state"}
    assert auth.missing_scopes(asked["scope"][0], auth.ASKED) == []
    place = requests.get(url, allow_redirects=False, timeout=5).headers["Location"]
    found = signed_query([shop.client_secret], urlsplit(place).query, NOW)
    assert found is not None
    assert (found["shop"], found["state"]) == (shop.shop, "s-1")


def test_a_code_gives_a_pair_that_ends(shop: ShopifySandbox) -> None:
    tokens = granted(shop)
    assert serves(shop, tokens["access_token"])
    assert tokens["issued_at"] == NOW.isoformat()
    assert tokens["expires_at"] == (NOW + HOUR).isoformat()
    assert tokens["refresh_expires_at"] == (NOW + 90 * DAY).isoformat()
    assert auth.missing_scopes(tokens["scopes"], auth.ASKED) == []


def test_a_code_serves_once(shop: ShopifySandbox) -> None:
    url = auth.authorize_url(shop.url, shop.client_id, BACK, "s-1")
    place = requests.get(url, allow_redirects=False, timeout=5).headers["Location"]
    code = parse_qs(urlsplit(place).query)["code"][0]
    auth.exchange_code(door(shop), app_of(shop), code, NOW)
    with pytest.raises(PushError) as refused:
        auth.exchange_code(door(shop), app_of(shop), code, NOW)
    assert (refused.value.permanent, refused.value.reason) == (True, "permission")
    assert "invalid_request" in refused.value.message


def test_an_app_of_the_shops_own_organisation_has_a_token_for_a_day(shop: ShopifySandbox) -> None:
    tokens = auth.renew(door(shop), access(shop, auth.CLIENT_CREDENTIALS), NOW)
    assert tokens is not None
    assert serves(shop, tokens["access_token"])
    assert (tokens["refresh_token"], tokens["expires_at"]) == (
        "",
        (NOW + timedelta(seconds=86399)).isoformat(),
    )


def test_a_wrong_secret_has_none_and_is_not_told(shop: ShopifySandbox) -> None:
    keys = access(shop, auth.CLIENT_CREDENTIALS)
    wrong = replace(keys, credentials={**keys.credentials, "client_secret": "guessed-secret"})
    with pytest.raises(PushError) as refused:
        auth.renew(door(shop), wrong, NOW)
    assert (refused.value.permanent, refused.value.reason) == (True, "permission")
    assert "guessed-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("minutes", "is_fresh"), [(0, True), (54, True), (55, False), (59, False), (60, False), (61, False)]
)
def test_a_token_is_had_anew_five_minutes_before_its_end(
    shop: ShopifySandbox, clock: Clock, minutes: int, is_fresh: bool
) -> None:
    tokens = granted(shop)
    clock.at = NOW + timedelta(minutes=minutes)
    known = access(shop, auth.CODE, **tokens)
    assert auth.is_fresh(known, clock.at) == is_fresh
    renewed = auth.renew(door(shop), known, clock.at)
    assert (renewed is None) == is_fresh
    if renewed is not None:
        assert serves(shop, renewed["access_token"])
        assert renewed["refresh_token"] not in ("", tokens["refresh_token"])
        assert renewed["issued_at"] == clock.at.isoformat()


def test_a_pair_that_was_had_and_lost_can_be_had_again(shop: ShopifySandbox, clock: Clock) -> None:
    """Killed between the shop's answer and the commit: the older refresh token serves until the new pair is used."""
    known = access(shop, auth.CODE, **granted(shop))
    clock.at = NOW + HOUR
    lost = auth.renew(door(shop), known, clock.at)
    again = auth.renew(door(shop), known, clock.at)
    assert lost is not None
    assert again is not None
    assert serves(shop, again["access_token"])


def test_a_merchant_who_was_away_for_90_days_must_open_the_app_again(
    shop: ShopifySandbox, clock: Clock
) -> None:
    known = access(shop, auth.CODE, **granted(shop))
    clock.at = NOW + 90 * DAY
    with pytest.raises(PushError, match="open the app") as ended:
        auth.renew(door(shop), known, clock.at)
    assert (ended.value.permanent, ended.value.reason) == (True, "permission")


def test_a_shop_that_uninstalled_the_app_gives_none(shop: ShopifySandbox, clock: Clock) -> None:
    known = access(shop, auth.CODE, **granted(shop))
    shop.uninstall()
    clock.at = NOW + HOUR
    with pytest.raises(PushError) as refused:
        auth.renew(door(shop), known, clock.at)
    assert (refused.value.permanent, refused.value.reason) == (True, "permission")


def test_a_shop_that_is_away_keeps_the_token_as_long_as_it_serves(shop: ShopifySandbox) -> None:
    known = access(shop, auth.CODE, **granted(shop))
    shop.stop()
    assert auth.renew(door(shop), known, NOW + timedelta(minutes=57)) is None
    with pytest.raises(PushError) as away:
        auth.renew(door(shop), known, NOW + HOUR)
    assert (away.value.permanent, away.value.reason) == (False, "unreachable")


def test_a_pasted_token_is_never_renewed(shop: ShopifySandbox) -> None:
    known = access(shop, auth.LEGACY, access_token=shop.access_token)
    assert auth.is_fresh(known, NOW)
    assert auth.renew(door(shop), known, NOW) is None


@pytest.mark.parametrize("mode", [auth.CODE, auth.CLIENT_CREDENTIALS])
def test_without_an_app_nothing_is_asked(shop: ShopifySandbox, mode: str) -> None:
    bare = StoreAccess(StoreId(UUID(int=7)), shop.url, {"mode": mode, "refresh_token": "r"}, "UTC")
    with pytest.raises(PushError) as refused:
        auth.renew(door(shop), bare, NOW)
    assert refused.value.reason == "configuration"


class Silent(Door):
    """A door behind which somebody says just this."""

    def __init__(self, status: int, data: Any) -> None:
        super().__init__("https://some-shop.myshopify.com")
        self.answer = Answer(status, {}, data)

    def call(self, *_: Any, **__: Any) -> Answer:
        return self.answer


APP = {"client_id": "c", "client_secret": "s"}


@pytest.mark.parametrize(
    "said", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": 0}, {"expires_in": -5}]
)
def test_a_refreshed_token_of_an_unknown_end_is_not_kept_for_ever(said: dict[str, Any]) -> None:
    """shopify-app-js#3400."""
    answer = {"access_token": "t", "refresh_token": "r", **said}
    assert auth.refresh(Silent(200, answer), APP, "r", NOW)["expires_at"] == (NOW + HOUR).isoformat()
    assert auth.exchange_code(Silent(200, answer), APP, "c", NOW)["expires_at"] == (NOW + HOUR).isoformat()


def test_a_token_without_an_end_and_without_another_is_kept_for_ever() -> None:
    tokens = auth.exchange_code(Silent(200, {"access_token": "t", "scope": "read_orders"}), APP, "c", NOW)
    assert (tokens["expires_at"], tokens["refresh_token"], tokens["scopes"]) == ("", "", "read_orders")


@pytest.mark.parametrize("data", [None, [], {}, {"access_token": ""}, {"access_token": 7}, "token"])
def test_an_answer_without_a_token_is_no_token(data: Any) -> None:
    with pytest.raises(PushError) as failed:
        auth.ask_for_token(Silent(200, data), APP, NOW)
    assert (failed.value.permanent, failed.value.reason) == (False, "unreachable")


def test_an_end_beyond_all_calendars_is_far_away() -> None:
    tokens = auth.ask_for_token(Silent(200, {"access_token": "t", "expires_in": 10**18}), APP, NOW)
    assert datetime.fromisoformat(tokens["expires_at"]) > NOW + 3000 * DAY


def test_a_refresh_that_names_no_scopes_leaves_the_known_ones() -> None:
    assert "scopes" not in auth.refresh(Silent(200, {"access_token": "t"}), APP, "r", NOW)


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        (",".join(auth.NEEDED), []),
        ("write_orders,write_products,write_customers,write_discounts", []),
        ("read_orders, read_products ,write_customers,write_discounts", []),
        ("read_orders,read_products,read_customers,write_discounts", ["write_customers"]),
        ("", list(auth.NEEDED)),
    ],
)
def test_to_write_implies_to_read(given: str, lacking: list[str]) -> None:
    assert auth.missing_scopes(given) == lacking

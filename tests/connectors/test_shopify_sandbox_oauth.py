"""The sandbox Shopify gives tokens as Shopify does, and they end as Shopify's do."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from shopify_sandbox import PAYLOADS, Clock, post

from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.sandbox.oauth import Office
from connectors.shopify.sandbox.state import Options, State


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[ShopifySandbox]:
    with ShopifySandbox(now=clock) as running:
        yield running


def token(shop: ShopifySandbox, **given: Any) -> requests.Response:
    own = {"client_id": shop.client_id, "client_secret": shop.client_secret}
    return requests.post(f"{shop.url}/admin/oauth/access_token", json=own | given, timeout=10)


def agree(shop: ShopifySandbox, **more: str) -> dict[str, str]:
    """Return what the merchant's browser brings back after he agreed."""
    given = {
        "client_id": shop.client_id,
        "redirect_uri": "https://laurel.test/back",
        "state": "nonce",
        **more,
    }
    answer = requests.get(
        f"{shop.url}/admin/oauth/authorize", params=given, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 302
    place = urlsplit(answer.headers["Location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == "https://laurel.test/back"
    return dict(parse_qsl(place.query))


def is_good(shop: ShopifySandbox, access: str) -> bool:
    return post(shop, "{ shop { id } }", token=access).status_code == 200


def test_client_credentials_live_a_day_without_a_refresh_token(shop: ShopifySandbox, clock: Clock) -> None:
    told = token(shop, grant_type="client_credentials").json()
    assert told["expires_in"] == 86399
    assert "refresh_token" not in told
    clock.pass_(seconds=86398)
    assert is_good(shop, told["access_token"])
    clock.pass_(seconds=1)
    assert not is_good(shop, told["access_token"])


def test_a_form_is_taken_like_json(shop: ShopifySandbox) -> None:
    given = {"client_id": shop.client_id, "client_secret": shop.client_secret}
    given["grant_type"] = "client_credentials"
    answer = requests.post(f"{shop.url}/admin/oauth/access_token", data=given, timeout=10)
    assert is_good(shop, answer.json()["access_token"])


def test_a_wrong_secret_gets_nothing(shop: ShopifySandbox) -> None:
    answer = token(shop, grant_type="client_credentials", client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_the_way_back_is_signed(shop: ShopifySandbox) -> None:
    back = agree(shop)
    assert (back["shop"], back["state"]) == (shop.shop, "nonce")
    message = "&".join(f"{key}={back[key]}" for key in sorted(back) if key != "hmac")
    digest = hmac.new(shop.client_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    assert back["hmac"] == digest
    assert "=" not in back["host"]


def test_the_signature_is_the_published_one(clock: Clock) -> None:
    vector = json.loads((PAYLOADS / "vectors.json").read_text(encoding="utf-8"))
    query = dict(parse_qsl(vector["oauth_query"]["query"]))
    office = Office(State(Options(client_secret=vector["secret"]), clock))
    assert office.sign(query) == query["hmac"] == vector["oauth_query"]["hmac_hex"]


def test_a_code_is_good_once_and_for_a_while(shop: ShopifySandbox, clock: Clock) -> None:
    code = agree(shop, scope="read_orders,write_customers")["code"]
    told = token(shop, code=code).json()
    assert told["scope"] == "read_orders,write_customers"
    assert "expires_in" not in told
    assert token(shop, code=code).status_code == 400
    late = agree(shop)["code"]
    clock.pass_(minutes=10)
    assert token(shop, code=late).status_code == 400


def test_an_expiring_token_lives_an_hour_and_is_renewed(shop: ShopifySandbox, clock: Clock) -> None:
    first = token(shop, code=agree(shop)["code"], expiring="1").json()
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (3600, 7776000)
    clock.pass_(seconds=3600)
    assert not is_good(shop, first["access_token"])
    second = token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert is_good(shop, second["access_token"])


def test_an_old_refresh_token_works_until_its_heir_is_used(shop: ShopifySandbox) -> None:
    first = token(shop, code=agree(shop)["code"], expiring="1").json()
    lost = token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    again = token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status_code == 200
    assert not is_good(shop, lost["access_token"])
    assert is_good(shop, again.json()["access_token"])
    late = token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


def test_a_refresh_token_ends_after_ninety_days(shop: ShopifySandbox, clock: Clock) -> None:
    first = token(shop, code=agree(shop)["code"], expiring="1").json()
    clock.pass_(days=90)
    assert token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"]).status_code == 400


def test_a_new_installation_kills_older_refresh_tokens(shop: ShopifySandbox) -> None:
    first = token(shop, code=agree(shop)["code"], expiring="1").json()
    token(shop, code=agree(shop)["code"], expiring="1")
    assert token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"]).status_code == 400
    assert is_good(shop, first["access_token"])


def test_after_an_uninstall_no_token_works_until_the_app_is_back(shop: ShopifySandbox) -> None:
    assert post(shop, "mutation { appUninstall { userErrors { message } } }").status_code == 200
    assert not is_good(shop, shop.access_token)
    assert token(shop, grant_type="client_credentials").status_code == 400
    told = token(shop, code=agree(shop)["code"]).json()
    assert is_good(shop, told["access_token"])

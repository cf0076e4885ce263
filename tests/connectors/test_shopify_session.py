"""Tokens of a browser: only HS256 with the app's secret, for this app, in force, of one shop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from connectors.shopify.session import BuyerSession, StaffSession, buyer_session, staff_session

SECRET, OLDER, CLIENT = "shpss_" + "1" * 32, "shpss_" + "2" * 32, "client-1"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": "https://some-shop.myshopify.com/admin", "dest": "https://some-shop.myshopify.com", "aud": CLIENT,
    "sub": "42", "exp": SECONDS + 60, "nbf": SECONDS, "iat": SECONDS, "jti": "j-1", "sid": "s-1",
}  # fmt: skip
OF_BUYER = {**CLAIMS, "dest": "some-shop.myshopify.com", "sub": "gid://shopify/Customer/7"}
del OF_BUYER["iss"]


def token(
    secret: str = SECRET, algorithm: str = "HS256", claims: dict[str, Any] = CLAIMS, **more: Any
) -> str:
    kept = {name: value for name, value in {**claims, **more}.items() if value is not None}
    return jwt.encode(kept, secret, algorithm=algorithm)


def staff(given: str, now: datetime = NOW) -> StaffSession | None:
    return staff_session(given, CLIENT, (SECRET, OLDER), now)


def buyer(given: str, now: datetime = NOW) -> BuyerSession | None:
    return buyer_session(given, CLIENT, (SECRET, OLDER), now)


@pytest.mark.parametrize("secret", [SECRET, OLDER])
def test_staff_are_known_by_the_current_and_by_the_older_secret(secret: str) -> None:
    assert staff(token(secret)) == StaffSession("some-shop.myshopify.com", "42", "j-1")


def test_a_token_of_another_secret_is_nobodys() -> None:
    assert staff(token("x" * 38)) is None
    assert staff_session(token(), CLIENT, ("",), NOW) is None
    assert staff_session(token(), CLIENT, (), NOW) is None


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_no_other_algorithm_is_taken(algorithm: str) -> None:
    assert staff(token("3" * 64, algorithm)) is None
    assert staff_session(token("3" * 64, algorithm), CLIENT, ("3" * 64,), NOW) is None


def test_an_unsigned_token_is_refused() -> None:
    assert staff(jwt.encode(CLAIMS, None, algorithm="none")) is None


@pytest.mark.parametrize("given", ["", "a.b.c", "é", "." * 5, "x" * 10_000])
def test_what_is_no_token_is_refused(given: str) -> None:
    assert staff(given) is None
    assert buyer(given) is None


@pytest.mark.parametrize(
    "more",
    [
        {"aud": "client-2"}, {"aud": None}, {"exp": None}, {"nbf": None}, {"dest": None}, {"iss": None},
        {"sub": None}, {"sub": ""}, {"exp": "soon"}, {"nbf": 1.5}, {"exp": True},
        {"iss": "https://other.myshopify.com/admin"}, {"dest": "https://evil.example"},
        {"dest": "http://some-shop.myshopify.com"}, {"dest": "https://some-shop.myshopify.com:443"},
        {"dest": "https://x@some-shop.myshopify.com"}, {"dest": "https://["}, {"dest": ["https://a.myshopify.com"]},
        {"iss": "https://some-shop.myshopify.com.evil.example/admin"},
    ],
)  # fmt: skip
def test_a_claim_that_is_missing_or_wrong_is_refused(more: dict[str, Any]) -> None:
    assert staff(token(**more)) is None


@pytest.mark.parametrize(
    ("seconds", "is_known"), [(-11, False), (-10, True), (0, True), (60, True), (69, True), (70, False)]
)
def test_a_token_is_in_force_for_a_minute_and_ten_seconds_around_it(seconds: int, is_known: bool) -> None:
    assert (staff(token(), NOW + timedelta(seconds=seconds)) is not None) == is_known


@pytest.mark.parametrize("dest", ["some-shop.myshopify.com", "https://some-shop.myshopify.com"])
def test_a_buyer_who_is_signed_in_is_a_customer(dest: str) -> None:
    found = buyer(token(claims=OF_BUYER, dest=dest))
    assert found == BuyerSession("some-shop.myshopify.com", "7", "j-1")


@pytest.mark.parametrize("subject", [None, "", "42", "gid://shopify/Order/7", "gid://shopify/Customer/7x"])
def test_a_buyer_whom_no_customer_id_names_is_nobody(subject: str | None) -> None:
    found = buyer(token(claims=OF_BUYER, sub=subject))
    assert found == BuyerSession("some-shop.myshopify.com", "", "j-1")


def test_a_token_of_a_buyer_is_none_of_staff() -> None:
    assert staff(token(claims=OF_BUYER)) is None


def test_a_buyers_issuer_must_be_the_same_shop_where_it_is_named() -> None:
    assert buyer(token(claims=OF_BUYER, iss="https://some-shop.myshopify.com/admin"))
    assert buyer(token(claims=OF_BUYER, iss="https://other.myshopify.com/admin")) is None

"""Links to content: tokens that end and cannot be made up, and addresses that a shop's server can check (S61)."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from builders import NOON

from loyalty.rewards.content import LIFE, Pass, is_valid, make_token, read_token, seconds, signed_address

ACCOUNT, REDEMPTION = UUID(int=7), UUID(int=8)
KEY = b"k" * 32
ENDS = NOON + LIFE
TOKEN = make_token(KEY, ACCOUNT, REDEMPTION, ENDS)
SECOND = timedelta(seconds=1)


def test_token_says_account_redemption_and_end() -> None:
    assert read_token(TOKEN) == Pass(ACCOUNT, REDEMPTION, seconds(ENDS))
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    ("at", "valid"), [(NOON, True), (ENDS - SECOND, True), (ENDS, False), (ENDS + SECOND, False)]
)
def test_token_is_valid_until_its_end(at: object, valid: bool) -> None:
    assert is_valid(KEY, TOKEN, at) is valid  # type: ignore[arg-type]


def test_token_of_another_key_is_not_valid() -> None:
    assert not is_valid(b"l" * 32, TOKEN, NOON)


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_token_with_any_letter_changed_is_not_valid(place: int) -> None:
    letter = "B" if TOKEN[place] != "B" else "C"
    assert not is_valid(KEY, TOKEN[:place] + letter + TOKEN[place + 1 :], NOON)


@pytest.mark.parametrize(
    "text", ["", "x", TOKEN[:-1], f"{TOKEN}A", f"{TOKEN}AAAA", f"{TOKEN[:-1]}=", f"{TOKEN} ", "é" * 96]
)
def test_text_that_is_no_token_says_nothing(text: str) -> None:
    assert read_token(text) is None
    assert not is_valid(KEY, text, NOON)


@pytest.mark.parametrize(
    ("url", "before"),
    [
        ("https://shop.example.com/course", ""),
        ("https://shop.example.com/course?id=5&x=a%20b", "id=5&x=a%20b&"),
        ("https://shop.example.com/course?id=5#part", "id=5&"),
    ],
)
def test_address_carries_a_signature_over_itself_and_its_end(url: str, before: str) -> None:
    """The shop's server computes the same from the address that it knows."""
    signed = urlsplit(signed_address(b"secret", url, ENDS))
    told = dict(parse_qsl(signed.query))
    wanted = hmac.new(b"secret", f"{url}|{told['laurel_expires']}".encode(), hashlib.sha256).hexdigest()
    assert told["laurel_signature"] == wanted
    assert int(told["laurel_expires"]) == seconds(ENDS)
    assert signed.query.startswith(f"{before}laurel_expires=")
    assert (signed.hostname, signed.path) == ("shop.example.com", "/course")
    assert signed.fragment == urlsplit(url).fragment

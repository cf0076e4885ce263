from __future__ import annotations

import hmac
import time

import pytest
from woocommerce_recordings import Delivery, deliveries, delivery

from connectors.woocommerce.signature import is_authentic, is_ping, message_key

SIGNED = [each for each in deliveries() if each.topic]
PINGS = [each for each in deliveries() if not each.topic]
ORDER = delivery("042")


@pytest.mark.parametrize("one", SIGNED, ids=lambda one: one.name)
def test_recorded_delivery_is_authentic(one: Delivery) -> None:
    assert is_authentic([one.secret], one.headers, one.body)
    assert not is_ping(one.headers, one.body)


@pytest.mark.parametrize("one", PINGS, ids=lambda one: one.name)
def test_recorded_ping_is_a_ping_and_nothing_more(one: Delivery) -> None:
    assert is_ping(one.headers, one.body)
    assert not is_authentic([one.secret], one.headers, one.body)


def test_any_of_several_secrets_fits_after_a_rotation() -> None:
    assert is_authentic(["new", ORDER.secret], ORDER.headers, ORDER.body)


def test_header_names_may_be_written_in_any_case() -> None:
    headers = {name.lower(): value for name, value in ORDER.headers.items()}
    assert is_authentic([ORDER.secret], headers, ORDER.body)


@pytest.mark.parametrize("secrets", [[], [""], ["wrong"], [ORDER.secret.upper()]])
def test_forged_or_unknown_secret_is_refused(secrets: list[str]) -> None:
    assert not is_authentic(secrets, ORDER.headers, ORDER.body)


def test_empty_secret_signs_nothing() -> None:
    # base64(HMAC-SHA256(b"", b"")), which anybody can compute.
    forged = {"X-WC-Webhook-Signature": "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0="}
    assert not is_authentic([""], forged, b"")


def test_one_changed_byte_is_refused() -> None:
    assert not is_authentic([ORDER.secret], ORDER.headers, ORDER.body + b" ")


@pytest.mark.parametrize("signature", ["", "not base64 ☃", "AAAA"])
def test_odd_signature_is_refused_without_an_error(signature: str) -> None:
    assert not is_authentic([ORDER.secret], {"X-WC-Webhook-Signature": signature}, ORDER.body)


@pytest.mark.parametrize(
    "body",
    [b"webhook_id=", b"webhook_id=1x", b"webhook_id=1\n", b"x=1", b"", b"webhook_id=" + b"1" * 54, b"{}"],
)
def test_what_only_resembles_a_ping_is_none(body: bytes) -> None:
    assert not is_ping({}, body)


def test_longest_ping_is_a_ping() -> None:
    assert is_ping({}, b"webhook_id=" + b"1" * 53)


def test_signed_form_body_is_no_ping() -> None:
    assert not is_ping({"X-WC-Webhook-Signature": "x"}, b"webhook_id=1")


def test_repeated_delivery_has_the_same_key() -> None:
    key = message_key(ORDER.topic, ORDER.headers, ORDER.body)
    assert key == message_key(ORDER.topic, dict(ORDER.headers), bytes(ORDER.body))
    assert len(key) == 32


def test_deliveries_of_one_second_share_an_id_but_no_key() -> None:
    several = [delivery(number) for number in ("106", "108", "110", "112")]
    assert len({one.headers["X-WC-Webhook-Delivery-ID"] for one in several}) == 1
    assert len({message_key(one.topic, one.headers, one.body) for one in several}) == 4


def test_key_cannot_be_reached_by_moving_letters_between_its_parts() -> None:
    one = message_key("ab", {"X-WC-Webhook-Delivery-ID": "c"}, b"d")
    assert one != message_key("a", {"X-WC-Webhook-Delivery-ID": "bc"}, b"d")
    assert one != message_key("ab", {"X-WC-Webhook-Delivery-ID": "cd"}, b"")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_secret_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    compared, real = [], hmac.compare_digest
    monkeypatch.setattr(
        hmac, "compare_digest", lambda one, other: compared.append(len(one)) or real(one, other)
    )
    secrets = ["a", "b", "c"]
    secrets[place] = ORDER.secret
    assert is_authentic(secrets, ORDER.headers, ORDER.body)
    assert compared == [44, 44, 44]


def test_time_of_a_refusal_does_not_tell_how_much_of_a_signature_was_right() -> None:
    """The least of many runs, since neighbours only make a run longer."""
    right = ORDER.headers["X-WC-Webhook-Signature"]
    wrong_at = {"first": "#" + right[1:], "last": right[:-2] + "#="}
    least = dict.fromkeys(wrong_at, float("inf"))
    for _ in range(30):
        for name, signature in wrong_at.items():
            headers, started = {"x-wc-webhook-signature": signature}, time.perf_counter()
            for _ in range(200):
                assert not is_authentic([ORDER.secret], headers, ORDER.body)
            least[name] = min(least[name], time.perf_counter() - started)
    assert max(least.values()) < 1.3 * min(least.values()), least

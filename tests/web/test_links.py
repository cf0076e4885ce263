"""Guest orders join a member by a mailed link: real mail over SMTP, confirmed once, and nothing before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from structlog.testing import CapturingLogger

from connectors.smtp import Mail, MailServer
from loyalty.clock import utc_now
from loyalty.crypto import Vault
from loyalty.mails.repository import add_mail
from tests.builders import Shop
from tests.mailbox import Mailbox, running_mailbox
from tests.web.conftest import Caller, make_caller, place_order
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers import mailing
from workers.mailing import deliver_mails
from workers.runtime import Runtime

GUEST: dict[str, Any] = {"customer_id": 0}


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with running_mailbox() as box:
        yield box


@pytest.fixture
def app(runtime: Runtime, mailbox: Mailbox) -> Iterator[Flask]:
    runtime.settings = replace(
        runtime.settings, smtp_url=mailbox.url, public_url="https://points.example.test"
    )
    made = create_app(runtime.settings)
    yield made
    made.extensions[TOOLS].database.dispose()


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """Customer 7 with 100 points; a guest of amy@example.test has 300 from two orders."""
    place_order(runtime, client, shop, id=25, total="100")
    made = caller.get("/members").json
    assert made is not None
    place_order(runtime, client, shop, id=26, total="200", **GUEST)
    place_order(runtime, client, shop, id=27, total="100", **GUEST)
    return str(made["data"][0]["id"])


def points(caller: Caller, member: str) -> int:
    found = caller.get(f"/members/{member}").json
    assert found is not None
    return int(found["balance"]["available"])


def mailed_link(runtime: Runtime, shop: Shop, mailbox: Mailbox) -> str:
    """The path of the link in the newest mail."""
    deliver_mails(runtime, shop.account)
    found = re.search(r"https://points\.example\.test(/links/[\w-]+)", mailbox.mails[-1].get_content())
    assert found is not None
    return found[1]


def prove(caller: Caller) -> None:
    proof = caller.get("/ledger/verification", rebuild="true").json
    assert proof is not None
    assert proof["differences"] == 0, proof


def ask(caller: Caller, member: str, email: str = "amy@example.test", **more: Any) -> Any:
    return caller.post(f"/members/{member}/links", {"email": email, **more})


def test_u72_guest_orders_are_credited_once_after_the_address_is_verified(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str, mailbox: Mailbox
) -> None:
    assert ask(caller, member).status_code == 202
    path = mailed_link(runtime, shop, mailbox)
    assert client.get(path).status_code == 200
    assert points(caller, member) == 100
    assert client.post(path).status_code == 200
    assert points(caller, member) == 400
    assert client.post(path).status_code == 404
    place_order(runtime, client, shop, id=28, total="50", **GUEST)
    assert points(caller, member) == 450
    prove(caller)


def test_u73_an_unverified_claim_moves_and_shows_nothing(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str, mailbox: Mailbox
) -> None:
    known, unknown = ask(caller, member), ask(caller, member, "nobody@example.test")
    assert {**known.json, "email": ""}.keys() == {**unknown.json, "email": ""}.keys()
    assert known.status_code == unknown.status_code
    path = mailed_link(runtime, shop, mailbox)
    shown = caller.get(f"/members/{member}").json
    assert shown is not None
    assert (shown["balance"]["available"], [row["kind"] for row in shown["identities"]]) == (
        100,
        ["customer"],
    )
    assert "300" not in client.get(path).get_data(as_text=True)
    with runtime.database.transaction(shop.account) as connection:
        kept = connection.execute(text("select token_sha256, email from links")).all()
        mails = connection.execute(text("select status, sealed from mails")).all()
    assert path.rpartition("/")[2].encode() not in b"".join(bytes(row[0]) for row in kept)
    assert [tuple(row) for row in mails] == [("sent", None), ("sent", None)]


def test_an_address_that_nobody_used_belongs_to_him_from_then_on(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str, mailbox: Mailbox
) -> None:
    ask(caller, member, "new@example.test")
    assert client.post(mailed_link(runtime, shop, mailbox)).status_code == 200
    billing = {
        "first_name": "A",
        "last_name": "C",
        "email": "new@example.test",
        "phone": "",
        "country": "",
        "state": "",
    }
    place_order(runtime, client, shop, id=30, total="7", billing=billing, **GUEST)
    assert points(caller, member) == 107
    prove(caller)


def test_an_address_of_another_customer_is_refused(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str, mailbox: Mailbox
) -> None:
    ask(caller, member)
    client.post(mailed_link(runtime, shop, mailbox))
    place_order(runtime, client, shop, id=31, total="9", customer_id=8)
    other = next(row["id"] for row in caller.get("/members").json["data"] if row["id"] != member)  # type: ignore[index]
    ask(caller, other)
    assert client.post(mailed_link(runtime, shop, mailbox)).status_code == 409
    assert (points(caller, member), points(caller, other)) == (400, 9)


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-TW", "請開啟"), ("zh-CN", "请打开"), ("en", "Open this link"), (None, "請開啟")],
)
def test_the_mail_is_in_the_members_language(
    runtime: Runtime,
    shop: Shop,
    caller: Caller,
    member: str,
    mailbox: Mailbox,
    language: str | None,
    words: str,
) -> None:
    ask(caller, member, language=language)
    deliver_mails(runtime, shop.account)
    mail = mailbox.mails[-1]
    assert mail.get_content().startswith(words)
    assert (mail["To"], mail["From"]) == ("amy@example.test", "no-reply@points.example.test")


def test_a_link_ends_after_a_day(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str, mailbox: Mailbox
) -> None:
    ask(caller, member)
    path = mailed_link(runtime, shop, mailbox)
    with runtime.database.transaction(shop.account) as connection:
        ends = connection.execute(text("select expires_at - created_at from links")).scalar_one()
        assert ends == timedelta(hours=24)
    owner_moves_back(runtime, shop)
    assert client.post(path).status_code == 404
    assert points(caller, member) == 100


def owner_moves_back(runtime: Runtime, shop: Shop) -> None:
    """Let every link be over; the app itself may not change when one ends."""
    with runtime.database.transaction(shop.account) as connection:
        row = connection.execute(text("delete from links returning *")).mappings().one()
        statement = text(
            "insert into links (account_id, token_sha256, member_id, email, created_at, expires_at)"
            " values (:account_id, :token_sha256, :member_id, :email, :created_at, :now)"
        )
        connection.execute(statement, {**row, "now": utc_now()})


def test_asking_too_often_is_refused(caller: Caller, member: str) -> None:
    assert [ask(caller, member).status_code for _ in range(4)] == [202, 202, 202, 429]
    assert [ask(caller, member, f"a{n}@b.test").status_code for n in range(3)] == [202, 202, 429]


def test_what_cannot_be_sent_is_tried_again_or_given_up(
    runtime: Runtime, shop: Shop, caller: Caller, member: str, mailbox: Mailbox
) -> None:
    ask(caller, member)
    mailbox.refusal = 451
    now = utc_now()
    assert deliver_mails(runtime, shop.account, now) == 0
    mailbox.refusal = None
    assert deliver_mails(runtime, shop.account, now + timedelta(seconds=29)) == 0
    assert deliver_mails(runtime, shop.account, now + timedelta(seconds=31)) == 1
    ask(caller, member)
    mailbox.refusal = 550
    assert deliver_mails(runtime, shop.account) == 0
    with runtime.database.transaction(shop.account) as connection:
        rows = connection.execute(text("select status, attempts from mails order by id")).all()
    assert [tuple(row) for row in rows] == [("sent", 2), ("failed", 1)]


UNMAILABLE = [
    "a@[x",
    "amy@x.test\nfoo@x.test",
    "a,b@x.test",
    "a@b@c.test",
    "",
    "undisclosed:;",
    "a@x.test\r",
    "莉@x.test",
]


def put_mail(runtime: Runtime, shop: Shop, member: str, to: str) -> None:
    """Let a mail wait as an earlier release wrote it, which judged no address."""
    sealed = runtime.vault.seal_json({"to": to, "subject": "Hello", "text": "Hello."})
    with runtime.database.transaction(shop.account) as connection:
        add_mail(connection, shop.account, UUID(member), sealed)


def test_an_odd_address_keeps_no_other_mail_from_being_sent(
    runtime: Runtime, shop: Shop, member: str, mailbox: Mailbox
) -> None:
    for to in [*UNMAILABLE, "amy@example.test", "ken..k.@docomo.ne.jp"]:
        put_mail(runtime, shop, member, to)
    assert deliver_mails(runtime, shop.account) == 2
    assert [mail["To"] for mail in mailbox.mails] == ["amy@example.test", "ken..k.@docomo.ne.jp"]
    with runtime.database.transaction(shop.account) as connection:
        rows = connection.execute(text("select status, sealed, detail from mails order by id")).all()
    assert [row.status for row in rows] == ["failed"] * len(UNMAILABLE) + ["sent"] * 2
    assert {row.detail for row in rows[: len(UNMAILABLE)]} == {
        "Nothing can be mailed to this address.", "The mail server takes no such address."}  # fmt: skip


def test_a_mail_at_which_something_unforeseen_happens_waits_alone(
    runtime: Runtime, shop: Shop, member: str, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = MailServer.send

    def fail_at_amy(server: MailServer, mail: Mail) -> None:
        if mail.to.startswith("amy"):
            raise KeyError(mail.to)
        send(server, mail)

    monkeypatch.setattr(MailServer, "send", fail_at_amy)
    monkeypatch.setattr(mailing, "log", log := CapturingLogger())
    for to in ("amy@example.test", "bo@example.test"):
        put_mail(runtime, shop, member, to)
    now = utc_now()
    assert deliver_mails(runtime, shop.account, now) == 1
    assert "amy@" not in str(log.calls)
    monkeypatch.undo()
    assert deliver_mails(runtime, shop.account, now + timedelta(seconds=31)) == 1


def test_a_mail_that_no_key_opens_waits_without_an_attempt_and_holds_up_no_other(
    runtime: Runtime, shop: Shop, member: str, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "log", log := CapturingLogger())
    real, runtime.vault = runtime.vault, Vault((Fernet.generate_key().decode(),))
    for n in range(mailing.BATCH + 1):
        put_mail(runtime, shop, member, f"old{n}@example.test")
    runtime.vault, lost = real, runtime.vault
    put_mail(runtime, shop, member, "amy@example.test")
    now = utc_now()
    assert deliver_mails(runtime, shop.account, now) == 1
    assert [call.kwargs["mails"] for call in log.calls] == [mailing.BATCH, 1]
    for tried in range(1, mailing.MOST_ATTEMPTS + 1):
        assert deliver_mails(runtime, shop.account, now + tried * mailing.LEASE) == 0
    with runtime.database.transaction(shop.account) as connection:
        rows = connection.execute(text("select status, attempts from mails order by id")).all()
    assert [tuple(row) for row in rows] == [("waiting", 0)] * (mailing.BATCH + 1) + [("sent", 1)]
    runtime.vault = lost
    assert deliver_mails(runtime, shop.account, now + timedelta(days=1)) == mailing.BATCH + 1


def test_a_mail_of_odd_contents_waits_alone(
    runtime: Runtime, shop: Shop, member: str, mailbox: Mailbox
) -> None:
    with runtime.database.transaction(shop.account) as connection:
        add_mail(connection, shop.account, UUID(member), runtime.vault.seal(b"no mail"))
    put_mail(runtime, shop, member, "amy@example.test")
    assert deliver_mails(runtime, shop.account) == 1


@pytest.mark.parametrize("email", [each for each in UNMAILABLE if each.strip() == each and each.isascii()])
def test_an_address_that_cannot_be_mailed_is_not_taken(caller: Caller, member: str, email: str) -> None:
    answer = ask(caller, member, email)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/email"]
    vouched = caller.post(
        f"/members/{member}/identities", {"kind": "email", "value": email, "reason": "at the till"}
    )
    assert vouched.status_code == 422


def test_orders_of_an_odd_address_are_taken_as_ever(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    billing = {
        "first_name": "A",
        "last_name": "C",
        "email": "a@b@c.test",
        "phone": "",
        "country": "",
        "state": "",
    }
    for id in (41, 42):
        place_order(runtime, client, shop, id=id, total="30", billing=billing, **GUEST)
    with runtime.database.transaction(shop.account) as connection:
        found = connection.execute(text("select kind, value from member_identities")).all()
        assert connection.execute(text("select sum(points) from ledger_entries")).scalar_one() == 60
    assert [tuple(each) for each in found] == [("email", "a@b@c.test")]


def test_with_pushes_off_nothing_is_mailed(
    runtime: Runtime, shop: Shop, caller: Caller, member: str, mailbox: Mailbox
) -> None:
    ask(caller, member)
    runtime.settings = replace(runtime.settings, push=False)
    assert (deliver_mails(runtime, shop.account), mailbox.mails) == (0, [])


def test_mistakes_strangers_and_wrong_links(
    client: FlaskClient, caller: Caller, stranger: Caller, member: str
) -> None:
    assert ask(stranger, member).status_code == 404
    assert ask(caller, member, "nobody").status_code == 422
    assert [client.post(f"/links/{token}").status_code for token in ("x", "A" * 43, "%00")] == [404] * 3


def test_u74_a_phone_that_staff_vouch_for_earns(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller, member: str
) -> None:
    path, body = (
        f"/members/{member}/identities",
        {"kind": "phone", "value": "+886 912 345 678", "reason": "at a till"},
    )
    answer = caller.post(path, body)
    assert answer.status_code == 200, answer.json
    billing = {
        "first_name": "A",
        "last_name": "C",
        "email": "",
        "phone": "+886912345678",
        "country": "",
        "state": "",
    }
    place_order(runtime, client, shop, id=30, total="7", billing=billing, created_via="pos", **GUEST)
    assert points(caller, member) == 107
    joined = caller.post(path, {"kind": "email", "value": "amy@example.test", "reason": "at the till"})
    assert joined.json["balance"]["available"] == 407  # type: ignore[index]
    assert stranger.post(path, body).status_code == 404
    assert caller.post(path, {**body, "value": "0912"}).status_code == 422
    clerk = make_caller(runtime, client, shop, ("read", "write"))
    assert clerk.post(path, body).status_code == 403
    prove(caller)

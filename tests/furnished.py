"""An account with something in every corner, all its texts marked with one word, and the names of what is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from loyalty.privacy.repository import DataRequest, add_request
from tests.builders import Shop, make_document, make_sale, make_shop, make_till, make_woo_order, woo_body
from tests.shopify_stores import make_shopify
from tests.web.conftest import Caller, deliver, drain, make_caller, place_order
from workers.importing import run_imports
from workers.runtime import Runtime
from workers.sealing import seal_account

HOUR = timedelta(hours=1)
GOLD = {
    "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1500"}]},
    "benefits": {"discount_percent": "5"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Furnished:
    """An account of a test: who calls for it, and by which names its things are found."""

    word: str
    shop: Shop
    caller: Caller
    names: dict[str, Any]

    @property
    def key(self) -> str:
        return self.shop.store.key


def document(word: str) -> dict[str, Any]:
    name = {"en": word}
    return make_document(
        tiers=[{"key": "regular", "name": name}, GOLD],
        cash_back={"percent": "5"},
        referral={"referrer": [{"kind": "points", "points": 100}], "friend": []},
        messages={"hello": {"subject": {"en": word}, "body": {"en": word}}},
        segments=[{"key": "buyers", "name": name, "all": [{"kind": "metric", "metric": "orders", "at_least": 1}]}],
        automations=[
            {
                "key": "voted", "trigger": "activity_recorded", "when": {"activities": ["vote"]},
                "actions": [{"kind": "message", "message": "hello"}],
            }
        ],
        campaigns=[
            {
                "key": f"{word}-days", "name": name, "from": "2026-03-01T00:00", "until": "2026-04-01T00:00",
                "multiplier": "2",
            }
        ],
        rewards=[
            {"key": "talk", "kind": "service", "name": name, "points": 10},
            {"key": "film", "kind": "content", "name": name, "points": 0, "url": f"https://{word}.example/film"},
            {"key": "ten", "kind": "fixed_discount", "name": name, "points": 100, "amount": "10"},
        ],
    )  # fmt: skip


def furnish(runtime: Runtime, client: FlaskClient, woo: SandboxShop, word: str) -> Furnished:
    """Make an account with orders, members, and one thing of each kind."""
    keys = {"consumer_key": woo.consumer_key, "consumer_secret": woo.consumer_secret}
    shop = make_shop(runtime, document(word), url=woo.url, credentials=keys)
    caller = make_caller(runtime, client, shop)
    for number in (7, 8):
        billing = {**make_woo_order()["billing"], "email": f"{word}{number}@example.test", "first_name": word}
        order = {"id": 20 + number, "customer_id": number, "billing": billing, "total": "2000"}
        place_order(runtime, client, shop, **order)
    members = [row["id"] for row in caller.get("/members").get_json()["data"]]
    assert len(members) == 2
    names = {"member": members[0], "other": members[1]} | _events(caller, word, members)
    names |= _people(caller, word, members) | _redeemed(caller, members[0])
    names |= _till(runtime, caller, shop, word)
    names |= _sent(runtime, caller, shop, members[0], word)
    names |= _moved(runtime, caller, shop, word)
    drain(runtime, shop)
    names |= _failed(runtime, client, shop, word)
    seal_account(runtime, shop.account)
    return Furnished(word, shop, caller, names)


def said(answer: Any) -> dict[str, Any]:
    assert answer.status_code < 300, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def _events(caller: Caller, word: str, members: list[str]) -> dict[str, Any]:
    name, opens, start = {"en": word}, (utc_now() - HOUR).isoformat(), utc_now() + HOUR / 2
    held = {"form": "meet", "online": False, "place": word}
    times = {"starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()}
    said(caller.post("/events", {"key": f"{word}-tea", "name": name, **held, **times}))
    said(caller.post(f"/events/{word}-tea/sign-ups", {"member": members[0]}))
    question = {"key": "q", "kind": "text", "text": name}
    said(
        caller.post("/polls", {"key": f"{word}-p", "name": name, "opens_at": opens, "questions": [question]})
    )
    said(caller.post(f"/polls/{word}-p/answers", {"member": members[0], "answers": {"q": word}}))
    said(caller.post("/challenges", {"key": f"{word}-c", "name": name, "opens_at": opens}))
    sent = said(caller.post(f"/challenges/{word}-c/submissions", {"member": members[0], "text": word}))
    chosen = {"kind": "members", "members": members}
    said(caller.post("/draws", {"key": f"{word}-d", "name": name, "winners": 1, "entrants": chosen}))
    said(caller.post(f"/draws/{word}-d/draw"))
    code = said(caller.get(f"/events/{word}-tea/check-in-code"))["code"]
    return {
        "event": f"{word}-tea", "poll": f"{word}-p", "challenge": f"{word}-c", "draw": f"{word}-d",
        "submission": sent["id"], "check_in": code,
    }  # fmt: skip


def _people(caller: Caller, word: str, members: list[str]) -> dict[str, Any]:
    one, why = members[0], {"reason": word}
    said(caller.post(f"/members/{one}/adjustments", {"points": 50, **why}, Idempotency_Key=word))
    said(caller.post(f"/members/{one}/tags", {"add": [word], **why}))
    said(caller.post(f"/members/{one}/consents", {"purpose": "mail", "granted": True, "wording": word}))
    said(caller.put(f"/members/{one}/birthday", {"month": 5, "day": 6}))
    said(caller.post(f"/members/{one}/credit/adjustments", {"amount": "90", **why}))
    said(caller.post(f"/members/{one}/credit/codes", {"amount": "30"}))
    said(caller.post(f"/members/{one}/benefits/code", {}))
    said(caller.post(f"/members/{one}/links", {"email": f"{word}7@example.test"}))
    said(
        caller.post(f"/members/{one}/identities", {"kind": "email", "value": f"{word}9@example.test", **why})
    )
    code = said(caller.post(f"/members/{one}/referral-code"))["code"]
    friend = said(caller.post("/members", {"email": f"{word}f@example.test", "name": word}))["id"]
    referral = said(caller.post("/referrals", {"code": code, "member": friend}))["id"]
    said(caller.post(f"/members/{friend}/opening", {"points": 5, **why, "key": word}))
    joined = said(caller.post("/members", {"email": f"{word}m@example.test", "name": word}))["id"]
    merge = said(caller.post(f"/members/{members[1]}/merges", {"member": joined, **why}))["number"]
    said(caller.put("/program/draft", document(word)))
    corrected = {"version": 1, "campaign": f"{word}-days", "multiplier": "3", **why}
    correction = said(caller.post("/program/corrections", corrected))["number"]
    return {
        "code": code, "friend": friend, "referral": referral, "merge": merge, "correction": correction,
        "corrected": corrected,
    }  # fmt: skip


def _redeemed(caller: Caller, member: str) -> dict[str, Any]:
    path = f"/members/{member}/redemptions"
    return {
        "service": said(caller.post(path, {"reward": "talk"}))["id"],
        "film": said(caller.post(path, {"reward": "film"}))["id"],
        "held": said(caller.post(path, {"reward": "ten", "checkout": True}))["id"],
    }


def _till(runtime: Runtime, caller: Caller, shop: Shop, word: str) -> dict[str, Any]:
    till = make_till(runtime, shop.account, word)
    sale = make_sale(f"{word}-1", buyer={"email": f"{word}7@example.test"}, store=till.key)
    said(caller.post("/orders", sale))
    return {"till": till.key, "sale": sale}


def _sent(runtime: Runtime, caller: Caller, shop: Shop, member: str, word: str) -> dict[str, Any]:
    """Credit on its way to a shop of Shopify's."""
    store = make_shopify(runtime, shop.account, f"{word}-tea.myshopify.com")
    sent = said(caller.post(f"/members/{member}/credit/transfers", {"amount": "10", "store": store.key}))
    return {"transfer": sent["number"]}


def _moved(runtime: Runtime, caller: Caller, shop: Shop, word: str) -> dict[str, Any]:
    """A file of members with a row that is refused, and a shop's past that is asked for."""
    file = f"email,points\n{word}i@example.test,5\n{word}j@example.test,many\n".encode()
    headers = {**caller.headers(), "Content-Type": "text/csv"}
    number = said(caller.client.post("/api/v1/imports", data=file, headers=headers))["id"]
    run_imports(runtime, shop.account)
    path = f"/stores/{shop.store.key}/backfills"
    return {
        "import": number,
        "backfill": said(caller.post(path, {"preview": True}))["id"],
        "store": shop.store.key,
    }


def _failed(runtime: Runtime, client: FlaskClient, shop: Shop, word: str) -> dict[str, Any]:
    """A message and a push that failed, an incident, and a request of a person."""
    broken = make_woo_order(99, date_created_gmt=word)
    assert deliver(client, shop, woo_body(broken)).status_code == 200
    drain(runtime, shop)
    with runtime.database.transaction(shop.account) as connection:
        push = connection.execute(
            text("update pushes set status = 'failed', reason = 'limit', done_at = now() where id ="
                 " (select max(id) from pushes where kind not in ('put_coupon', 'add_store_credit')) returning id")
        ).scalar_one()  # fmt: skip
        incident = connection.execute(
            text(
                "insert into incidents (account_id, kind, subject, member_id, noticed_at)"
                " select account_id, 'push_failed', :word, id, now() from members limit 1 returning id"
            ),
            {"word": word},
        ).scalar_one()
        failed = "select max(id) from inbox_messages where status = 'failed'"
        message = connection.execute(text(failed)).scalar_one()
        request = DataRequest(shop.store.id, word, "7", None, utc_now())
        assert add_request(connection, shop.account, request)
        data_request = connection.execute(text("select id from data_requests")).scalar_one()
    return {"push": push, "incident": incident, "message": message, "data_request": data_request}

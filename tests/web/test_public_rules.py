"""The page of the rules: three languages, whatever is typed into a program, and only the account's own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from loyalty.clock import utc_now
from loyalty.programs.presets import get_preset
from loyalty.programs.rules_page import rules_in_words
from loyalty.programs.rules_words_tiers import ladder_words
from tests.builders import Shop, make_document, make_program, make_shop
from tests.rich_program import RICH
from tests.web.conftest import Caller
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

LANGUAGES = ("zh-TW", "zh-CN", "en")


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, RICH)


def read(client: FlaskClient, shop: Shop, language: str = "en") -> str:
    answer = client.get(f"/rules/{shop.store.key}", query_string={"language": language})
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.get_data(as_text=True)


class Outline(HTMLParser):
    """The tags of a page in order, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str, name: str) -> list[str | None]:
        return [attributes[name] for found, attributes in self.tags if found == tag and name in attributes]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_stands_on_the_page_in_the_language_asked_for(
    client: FlaskClient, shop: Shop, language: str
) -> None:
    shown = unescape(read(client, shop, language))
    program = make_program(**RICH)
    for section in rules_in_words(program, utc_now()):
        assert section.title[language] in shown or section.key == "version"
        if section.key != "tiers":
            assert [text for text in section.sentences if text[language] not in shown] == []
    for tier in ladder_words(program):
        for words in (tier.name, tier.reach, tier.keep, *tier.offers):
            assert words[language] in shown
    assert f'<html lang="{language}">' in shown


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh-TW"), ("fr", "zh-TW"), ("*", "zh-TW"), ("zh", "zh-TW"), ("zh-HK", "zh-TW"), ("zh-Hant-CN", "zh-TW"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("zh-Hans", "zh-CN"), ("zh-SG", "zh-CN"), ("zh-Hans-TW", "zh-CN"),
        ("en-GB,zh-TW;q=0.9", "en"), ("fr,en;q=0.5,zh-TW;q=0.4", "en"), ("en;q=0,zh-CN;q=0.1", "zh-CN"),
        (";;q=x", "zh-TW"),
    ],
)  # fmt: skip
def test_without_being_asked_the_browser_says_the_language(
    client: FlaskClient, shop: Shop, header: str, language: str
) -> None:
    for path in (f"/rules/{shop.store.key}", f"/rules/{shop.store.key}?language=fr", "/links/x"):
        answer = client.get(path, headers={"Accept-Language": header})
        assert answer.headers["Content-Language"] == language
        assert "Accept-Language" in answer.headers["Vary"]
        assert f'<html lang="{language}">' in answer.get_data(as_text=True)


def test_what_is_asked_for_goes_before_what_the_browser_prefers(client: FlaskClient, shop: Shop) -> None:
    answer = client.get(f"/rules/{shop.store.key}?language=zh-CN", headers={"Accept-Language": "en"})
    assert answer.headers["Content-Language"] == "zh-CN"


def test_names_are_shown_as_they_were_typed_and_never_as_markup(
    runtime: Runtime, client: FlaskClient
) -> None:
    typed = """<b>Gold</b> "&' <script>alert(1)</script> {{ 7 * 7 }}"""
    tiers = [{"key": "gold", "name": {"en": typed}, "benefits": {"perks": [{"en": f"{typed}!"}]}}]
    document = make_document(tiers=tiers, points_name={"en": typed})
    shop = make_shop(runtime, document)
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update accounts set name = :name"), {"name": typed})
    page = read(client, shop)
    assert typed not in page
    assert unescape(page).count(typed) > 4
    assert {tag for tag, _ in Outline(page).tags}.isdisjoint({"b", "script"})


def test_a_page_follows_the_program_at_once(client: FlaskClient, shop: Shop, caller: Caller) -> None:
    path = f"/rules/{shop.store.key}?language=en"
    before = client.get(path)
    document = get_preset("cards4")
    later = (utc_now() + timedelta(days=1)).isoformat()
    for start in (later, None):
        asked = {"document": document, "effective_from": start} if start else {"document": document}
        assert client.get(path, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
        assert caller.post("/program/publish", asked).status_code == 201
    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "version 3 of the rules" in after.get_data(as_text=True)


def test_campaigns_that_are_over_are_not_shown(runtime: Runtime, client: FlaskClient) -> None:
    now = datetime.now(UTC)
    campaigns = [
        {
            "key": key, "name": {"en": f"Campaign {key}"}, "bonus": 5,
            "from": f"{now - timedelta(days=30):%Y-%m-%dT00:00}",
            "until": f"{now + timedelta(days=ends):%Y-%m-%dT00:00}",
        }
        for key, ends in (("past", -2), ("present", 2))
    ]  # fmt: skip
    page = read(client, make_shop(runtime, make_document(campaigns=campaigns)))
    assert "Campaign present" in page
    assert "Campaign past" not in page


@pytest.mark.parametrize(
    "key", ["no-such-shop", "SHOP", "%00", "%E2%98%83", "..%2Fstatic", "a" * 64, "shop-1%20", "'; select 1"]
)
def test_an_unknown_address_is_a_page_that_says_so(client: FlaskClient, key: str) -> None:
    answer = client.get(f"/rules/{key}", headers={"Accept-Language": "en"})
    if "%2F" in key:  # decoded to a slash, which no address of a page has
        assert answer.status_code == 404
        return
    assert (answer.status_code, answer.content_type) == (404, "text/html; charset=utf-8")
    assert "<h1>There are no rules here</h1>" in answer.get_data(as_text=True)


def test_an_account_without_rules_in_force_has_no_page(runtime: Runtime, client: FlaskClient) -> None:
    tomorrow = utc_now() + timedelta(days=1)
    for shop in (make_shop(runtime), make_shop(runtime, make_document(), effective_from=tomorrow)):
        answer = client.get(f"/rules/{shop.store.key}?language=zh-CN")
        assert answer.status_code == 404
        assert "这里没有规则" in answer.get_data(as_text=True)


def test_neither_an_id_nor_an_api_key_opens_a_page(client: FlaskClient, shop: Shop, caller: Caller) -> None:
    for key in (shop.account, shop.store.id, caller.key, caller.key.lower(), shop.store.webhook_token):
        assert client.get(f"/rules/{key}").status_code == 404


def test_each_account_shows_its_own_rules(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    other = make_shop(runtime, get_preset("visits3"))
    assert "熟客會員" in read(client, other, "zh-TW")
    assert "Gold繁" not in read(client, other, "zh-TW")
    assert "熟客會員" not in read(client, shop, "zh-TW")
    assert "Gold繁" in read(client, shop, "zh-TW")


def test_nothing_but_the_rules_is_told(client: FlaskClient, shop: Shop) -> None:
    page = read(client, shop)
    inner = (
        shop.account,
        shop.store.id,
        shop.store.webhook_token,
        shop.store.url,
        "https://x.test",
        "hold-out",
    )
    assert [str(each) for each in inner if str(each) in page or str(each).replace("-", "") in page] == []


def test_a_store_stands_for_its_account(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    account_key = shop.store.key
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update stores set key = 'till-1'"))
    pages = [
        client.get(f"/rules/{key}?language=en").get_data(as_text=True) for key in ("till-1", account_key)
    ]
    assert pages[0] == pages[1]
    assert f'href="http://127.0.0.1:8000/rules/{account_key}?language=en"' in pages[0]


def test_each_language_is_linked_from_the_others(client: FlaskClient, shop: Shop) -> None:
    address = f"http://127.0.0.1:8000/rules/{shop.store.key}"
    for language in LANGUAGES:
        outline = Outline(read(client, shop, language))
        alternates = [attributes for tag, attributes in outline.tags if attributes.get("rel") == "alternate"]
        assert {each["hreflang"]: each["href"] for each in alternates} == {
            **{each: f"{address}?language={each}" for each in LANGUAGES}, "x-default": address,
        }  # fmt: skip
        links = [attributes for tag, attributes in outline.tags if tag == "a" and "hreflang" in attributes]
        assert [each["href"] for each in links] == [f"?language={each}" for each in LANGUAGES]
        assert [each["hreflang"] for each in links if "aria-current" in each] == [language]


def test_headings_and_landmarks_are_in_order(client: FlaskClient, shop: Shop) -> None:
    outline = Outline(read(client, shop))
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert [tag for tag, _ in outline.tags if tag in ("main", "header", "nav")] == [
        "header", "nav", "main", "nav",
    ]  # fmt: skip
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [href for href in outline.all("a", "href") if href and href.startswith("#")]
    assert {str(href)[1:] for href in targets} <= set(ids)
    assert len(targets) > 10


def test_a_browser_may_load_nothing_but_our_own_style_sheet_and_icon(client: FlaskClient, shop: Shop) -> None:
    for path in (f"/rules/{shop.store.key}", "/rules/none", "/links/x"):
        answer = client.get(path)
        (policy,) = answer.headers.getlist("Content-Security-Policy")
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        outline = Outline(answer.get_data(as_text=True))
        assert {tag for tag, _ in outline.tags}.isdisjoint({"script", "style", "iframe", "img"})
        assert not [
            name for _, each in outline.tags for name in each if name == "style" or name.startswith("on")
        ]


def test_a_page_that_has_not_changed_is_not_sent_again(client: FlaskClient, shop: Shop) -> None:
    path = f"/rules/{shop.store.key}?language=en"
    whole = client.get(path)
    etag = whole.headers["ETag"]
    assert whole.headers.getlist("Cache-Control") == ["no-cache"]
    for known, status in ((etag, 304), (f"W/{etag}", 304), ('"other"', 200)):
        answer = client.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, bool(answer.data)) == (status, status == 200)
    head = client.head(path)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", etag)
    assert client.head(path, headers={"If-None-Match": etag}).status_code == 304
    other = client.get(f"/rules/{shop.store.key}?language=zh-TW", headers={"If-None-Match": etag})
    assert other.status_code == 200
    assert client.get("/rules/none").headers["Cache-Control"] == "no-store"


def test_only_reading_is_possible(client: FlaskClient, shop: Shop) -> None:
    assert client.post(f"/rules/{shop.store.key}").status_code == 405


def assets(page: str) -> list[Any]:
    return [href for href in Outline(page).all("link", "href") if href and href.startswith("/static/")]


def test_the_style_sheet_is_kept_by_its_content(client: FlaskClient, shop: Shop) -> None:
    paths = assets(read(client, shop))
    assert [path.partition("?")[0] for path in paths] == ["/static/page.css", "/static/icon.svg"]
    for path, media_type in zip(paths, ("text/css; charset=utf-8", "image/svg+xml"), strict=True):
        answer = client.get(path)
        assert (answer.status_code, answer.content_type) == (200, media_type)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        for other in (path.partition("?")[0], f"{path}0"):
            assert client.get(other).headers["Cache-Control"] == "public, max-age=60"


def test_below_a_path_of_a_proxy_the_style_sheet_is_found_too(runtime: Runtime, shop: Shop) -> None:
    app = create_app(replace(runtime.settings, public_url="https://shop.example.test/points"))
    page = read(app.test_client(), shop)
    app.extensions[TOOLS].database.dispose()
    assert "https://shop.example.test/points/rules/" in page
    addresses = [href for href in Outline(page).all("link", "href") if href and "static" in href]
    assert [str(href).partition("?")[0] for href in addresses] == [
        "/points/static/page.css", "/points/static/icon.svg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["none.css", "..%2fpages.py", "%2e%2e/pages.py", "../pages.py", "page.css%00"]
)
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404

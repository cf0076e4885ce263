"""The page of the rules: what anybody may read of an account, made from the program in force at this moment (S80)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, Response, request

from loyalty.accounts.service import get_account
from loyalty.clock import utc_now
from loyalty.programs.program import Program
from loyalty.programs.rules_words_tiers import ladder_words, policy
from loyalty.programs.service import load_versions
from loyalty.programs.words import say
from loyalty.stores.service import find_account_of, list_platforms
from webhook_app.api.rules import sections_data
from webhook_app.pages import chosen_language, in_language, page
from webhook_app.tools import tools

WORDS = {
    "title": say("會員規則", "会员规则", "Membership rules"),
    "contents": say("目錄", "目录", "Contents"),
    "reach": say("升級條件", "升级条件", "To reach it"),
    "keep": say("保級條件", "保级条件", "To keep it"),
    "offers": say("權益", "权益", "What it offers"),
    "nothing": say("沒有額外權益", "没有额外权益", "nothing further"),
}
MISSING = {
    "title": say("這裡沒有規則", "这里没有规则", "There are no rules here"),
    "text": say(
        "沒有這個商店，或它的規則尚未生效。請檢查網址，或洽詢商店。",
        "没有这个商店，或它的规则尚未生效。请检查网址，或咨询商店。",
        "There is no such shop, or its rules are not in force yet. Check the address, or ask the shop.",
    ),
}
_KEY = re.compile(r"[a-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True)
class Found:
    """Whose rules they are, and the program in force."""

    key: str
    name: str
    program: Program
    platforms: frozenset[str]
    """Of the account's open shops."""


def register(app: Flask) -> None:
    """Add the page."""
    app.get("/rules/<key>")(show_rules)


def show_rules(key: str) -> Response:
    """Show the rules in force of the account that a key means; a store stands for its account."""
    language, now = chosen_language(), utc_now()
    found = _find(key, now)
    if found is None:
        return page("page.html", language, 404, **in_language(MISSING, language))
    response = page("rules.html", language, **_content(found, now, language))
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _find(key: str, now: datetime) -> Found | None:
    database = tools().database
    known = database.single_statement(lambda it: find_account_of(it, key)) if _KEY.fullmatch(key) else None
    if known is None:
        return None
    with database.transaction(known[0]) as connection:
        program = load_versions(connection, known[0]).at(now)
        account, platforms = get_account(connection), list_platforms(connection)
    return Found(account["key"], account["name"], program, platforms) if program else None


def _content(found: Found, now: datetime, language: str) -> dict[str, Any]:
    """Return the parts of the page: the version as its lead, the tiers as cards above what holds for all of them."""
    said = sections_data(found.program, now, language, found.platforms)
    sections = {each["key"]: each for each in said}
    version = sections.pop("version")
    sections["tiers"] |= {
        "cards": _cards(found.program, language),
        "sentences": [each[language] for each in policy(found.program)],
    }
    return {
        **in_language(WORDS, language),
        "shop": found.name,
        "address": f"{tools().settings.public_url}/rules/{found.key}",
        "version": version["sentences"],
        "sections": list(sections.values()),
    }


def _cards(program: Program, language: str) -> list[dict[str, Any]]:
    return [
        {
            "name": tier.name[language],
            "reach": tier.reach[language],
            "keep": tier.keep[language],
            "offers": [each[language] for each in tier.offers],
        }
        for tier in ladder_words(program)
    ]

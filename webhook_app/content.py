"""The address that opens content for who redeemed it: it leads on to where the merchant keeps it, or says why not."""

from __future__ import annotations

from flask import Flask, Response

from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.contents import open_content
from loyalty.errors import Conflict, NotFound, NotPermitted
from loyalty.programs.words import say
from loyalty.rewards.content import read_token
from loyalty.values import AccountId
from webhook_app.pages import chosen_language, page
from webhook_app.tools import tools

PATH = "/content"
WORDS = {
    "over": (
        say("連結已失效", "链接已失效", "This link is no longer valid"),
        say(
            "連結只在短時間內有效，請回到會員頁面重新開啟。", "链接只在短时间内有效，请回到会员页面重新打开。",
            "A link works for a short time only. Please open it again from your membership page.",
        ),
    ),
    "closed": (
        say("目前無法觀看", "目前无法观看", "This is not open to you now"),
        say(
            "這項兌換已經結束，或您目前的會員等級不包含這項內容。",
            "这项兑换已经结束，或您目前的会员等级不包含这项内容。",
            "What you redeemed has ended, or your present tier does not include it.",
        ),
    ),
}  # fmt: skip


def register(app: Flask) -> None:
    """Add the address."""
    app.get(f"{PATH}/<token>")(show_content)


def show_content(token: str) -> Response:
    """Lead on to the content, with a signature that the merchant's server checks; 403 to who may not see it."""
    said = read_token(token)
    if said is None:
        return _page("over")
    account = AccountId(said.account)
    try:
        with tools().database.transaction(account) as connection:
            book = load_book(connection, tools().vault, account)
            address = open_content(connection, book, said, token, utc_now())
    except (NotFound, NotPermitted):
        return _page("over")
    except Conflict:
        return _page("closed")
    return Response(status=302, headers={"Location": address})


def _page(name: str) -> Response:
    language = chosen_language()
    title, text = (words[language] for words in WORDS[name])
    return page("link.html", language, 403, title=title, text=text, button="")

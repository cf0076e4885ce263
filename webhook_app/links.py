"""The page behind a mailed link: opening it changes nothing, so mail scanners do no harm; a button confirms."""

from __future__ import annotations

from flask import Flask, Response

from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.linking import account_of, follow_link
from loyalty.errors import Conflict, NotFound
from loyalty.values import AccountId
from webhook_app.pages import chosen_language, page
from webhook_app.tools import tools

WORDS = {
    "ask": {
        "zh-TW": ("確認電子郵件地址", "按下確認後,以此地址下單的訪客訂單將併入您的會員帳號。", "確認"),
        "zh-CN": ("确认电子邮件地址", "按下确认后,以此地址下单的访客订单将并入您的会员账号。", "确认"),
        "en": (
            "Confirm your e-mail address",
            "Guest orders of this address will join your membership.",
            "Confirm",
        ),
    },
    "done": {
        "zh-TW": ("已確認", "訪客訂單已併入您的會員帳號。", ""),
        "zh-CN": ("已确认", "访客订单已并入您的会员账号。", ""),
        "en": ("Confirmed", "The guest orders of this address now belong to your membership.", ""),
    },
    "gone": {
        "zh-TW": ("連結已失效", "此連結已使用過或已過期,請重新申請。", ""),
        "zh-CN": ("链接已失效", "此链接已使用过或已过期,请重新申请。", ""),
        "en": (
            "This link is no longer valid",
            "It was used before or has ended. Please ask for a new one.",
            "",
        ),
    },
    "taken": {
        "zh-TW": ("無法併入", "此地址已屬於另一位會員,請聯絡商家。", ""),
        "zh-CN": ("无法并入", "此地址已属于另一位会员,请联系商家。", ""),
        "en": (
            "This cannot be joined",
            "The address belongs to another member. Please contact the shop.",
            "",
        ),
    },
}


def register(app: Flask) -> None:
    """Add the page."""
    app.get("/links/<token>")(show_link)
    app.post("/links/<token>")(confirm_link)


def show_link(token: str) -> Response:
    """Ask for a confirmation; says the same for every link, used or not."""
    return _page("ask", 200)


def confirm_link(token: str) -> Response:
    """Use the link up: the guest of its address and the member become one."""
    try:
        account = AccountId(account_of(token))
        with tools().database.transaction(account) as connection:
            book = load_book(connection, tools().vault, account)
            _, stores = follow_link(connection, book, token, utc_now())
    except NotFound:
        return _page("gone", 404)
    except Conflict:
        return _page("taken", 409)
    tools().wake_pushes(account, stores)
    return _page("done", 200)


def _page(name: str, status: int) -> Response:
    language = chosen_language()
    title, text, button = WORDS[name][language]
    return page("link.html", language, status, title=title, text=text, button=button)

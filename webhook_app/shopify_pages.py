"""The pages by which a merchant installs the app in a shop of Shopify: to the shop's own question, and back with its
answer (authorization code grant).
"""

from __future__ import annotations

from urllib.parse import urlencode

import structlog
from flask import Flask, Response, abort, request

from connectors.shopify.auth import authorize_url
from connectors.shopify.signature import signed_query
from loyalty.clock import utc_now
from loyalty.errors import Conflict, Invalid, NotFound
from loyalty.programs.words import say
from loyalty.pushes import PushError
from webhook_app import connect_shopify
from webhook_app import shopify_tickets as tickets
from webhook_app.connect import Connected, NotRegistered, find_account
from webhook_app.pages import chosen_language, page
from webhook_app.tools import Tools, tools

HOME = "/connect/shopify"
CALLBACK = f"{HOME}/callback"
COOKIE = "laurel_connect"
ACTOR = "shopify"
WORDS = {
    "unsigned": (
        say("無法確認來源", "无法确认来源", "This did not come from Shopify"),
        say(
            "請從 Shopify 後台開啟應用程式。",
            "请从 Shopify 后台打开应用。",
            "Please open the app from the admin of your shop.",
        ),
    ),
    "over": (
        say("連結已失效", "链接已失效", "This took too long, or was done before"),
        say(
            "請從 Shopify 後台重新開啟應用程式。",
            "请从 Shopify 后台重新打开应用。",
            "Please open the app from the admin of your shop again.",
        ),
    ),
    "refused": (
        say("商店沒有授權", "商店没有授权", "The shop did not grant the access"),
        say(
            "商店拒絕了連線，或缺少必要的權限，請重新安裝並同意所有權限。",
            "商店拒绝了连接，或缺少必要的权限，请重新安装并同意所有权限。",
            "The shop refused, or the app lacks a permission that it needs. Please install it again and grant all.",
        ),
    ),
    "away": (
        say("商店沒有回應", "商店没有响应", "The shop did not answer"),
        say("請稍後再試一次。", "请稍后再试一次。", "Please try again in some minutes."),
    ),
    "unfit": (
        say("無法連接這家商店", "无法连接这家商店", "This shop cannot be connected"),
        say("請聯絡系統管理員：", "请联系系统管理员：", "Please ask whoever runs this installation: "),
    ),
    "unheard": (
        say("商店還沒有連接", "商店还没有连接", "The shop is not connected yet"),
        say(
            "帳戶已建立，請保存下列資料，再從 Shopify 後台重新開啟應用程式。商店沒有接受通知的設定：",
            "账户已建立，请保存下列资料，再从 Shopify 后台重新打开应用。商店没有接受通知的设置：",
            "The account was made. Please keep what is shown here, and open the app from the admin of your shop again."
            " The shop would not tell us of its orders: ",
        ),
    ),
    "connected": (
        say("已連接", "已连接", "Connected"),
        say(
            "商店已連接。接下來可用指令 backfill 讀入過去的訂單。",
            "商店已连接。接下来可用命令 backfill 读入过去的订单。",
            "The shop is connected. Its past orders can be taken in by the command backfill.",
        ),
    ),
}
FACTS = {
    "account": say("帳戶", "账户", "Account"),
    "store": say("商店", "商店", "Store"),
    "key": say("API 金鑰（只顯示這一次）", "API 密钥（只显示这一次）", "API key (shown only this once)"),
}
REFUSED = {"permission", "configuration", "rejected"}

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Add the pages."""
    app.get(HOME)(begin_connecting)
    app.get(CALLBACK)(end_connecting)


def invitation(shared: Tools, shop: str, account: str) -> str:
    """Return the address with which the merchant of a shop has it join an account, for a week; raises Invalid and
    NotFound.
    """
    if not shared.settings.shopify_api_key:
        raise Invalid("This installation has no app: set SHOPIFY_API_KEY and SHOPIFY_API_SECRET.")
    find_account(shared, account)
    ticket = tickets.invite(shared.settings.secret_key, connect_shopify.domain_of(shop), account)
    return f"{shared.settings.public_url}{HOME}?{urlencode({'ticket': ticket})}"


def begin_connecting() -> Response:
    """Send a merchant to his shop's question: one who opened the app, as Shopify signed, or one who was invited."""
    shared = _with_app()
    journey = _journey(shared)
    if journey is None:
        return _page("unsigned", 400)
    target = authorize_url(
        connect_shopify.url_of(journey.shop),
        shared.settings.shopify_api_key,
        f"{shared.settings.public_url}{CALLBACK}",
        journey.state,
    )
    answer = Response(status=302, headers={"Location": target})
    is_public = shared.settings.public_url.startswith("https://")
    cookie = tickets.seal(shared.settings.secret_key, journey)
    seconds = tickets.STATE_SECONDS
    answer.set_cookie(
        COOKIE, cookie, max_age=seconds, path=HOME, httponly=True, secure=is_public, samesite="Lax"
    )
    return answer


def _journey(shared: Tools) -> tickets.Journey | None:
    if ticket := request.args.get("ticket", ""):
        found = tickets.invited(shared.settings.secret_key, ticket)
        return tickets.begin(*found) if found else None
    given = signed_query(shared.settings.shopify_api_secrets, _query(), utc_now())
    return tickets.begin(given["shop"].lower(), "") if given else None


def end_connecting() -> Response:
    """Take the shop's answer: the state must be that of this browser and unused, and the shop the same."""
    shared = _with_app()
    given = signed_query(shared.settings.shopify_api_secrets, _query(), utc_now())
    if given is None:
        return _page("unsigned", 400)
    shop, state = given["shop"].lower(), given.get("state", "")
    cookie = request.cookies.get(COOKIE, "")
    journey = tickets.open_sealed(shared.settings.secret_key, cookie, shop, state)
    if journey is None or not given.get("code") or not _is_first(shared, state):
        return _page("over", 400)
    answer = _connect(shared, journey, given["code"])
    answer.delete_cookie(COOKIE, path=HOME)
    return answer


def _connect(shared: Tools, journey: tickets.Journey, code: str) -> Response:
    try:
        done = connect_shopify.connect_by_code(shared, journey.shop, code, journey.account, ACTOR, utc_now())
    except PushError as error:
        log.warning("not_connected", shop=journey.shop, reason=error.reason)
        status = 403 if error.reason in REFUSED else 502
        if isinstance(error, NotRegistered):
            return _page("unheard", status, _facts(error.connected), more=error.message)
        return _page("refused" if status == 403 else "away", status)
    except (Conflict, Invalid, NotFound) as error:
        return _page("unfit", 409, more=error.message)
    log.info("connected", store=str(done.store.id))
    return _page("connected", 200, _facts(done))


def _is_first(shared: Tools, state: str) -> bool:
    return shared.wakes.is_first(f"state:{state}", tickets.STATE_SECONDS)


def _with_app() -> Tools:
    shared = tools()
    if not shared.settings.shopify_api_key:
        abort(404, "This installation has no app: set SHOPIFY_API_KEY and SHOPIFY_API_SECRET.")
    return shared


def _query() -> str:
    return request.query_string.decode("latin-1")


def _facts(done: Connected) -> list[tuple[str, str]]:
    language = chosen_language()
    values = {"account": done.account, "store": done.store.key, "key": done.api_key}
    return [(FACTS[name][language], value) for name, value in values.items() if value]


def _page(name: str, status: int, facts: list[tuple[str, str]] | None = None, more: str = "") -> Response:
    language = chosen_language()
    title, text = (words[language] for words in WORDS[name])
    return page("connect.html", language, status, title=title, text=text + more, facts=facts or [], button="")

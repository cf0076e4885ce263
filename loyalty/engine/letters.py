"""The words of mails in three languages; law: a mail says nothing that only its rightful reader may know."""

from __future__ import annotations

from typing import NamedTuple


class Letter(NamedTuple):
    """What is mailed."""

    subject: str
    text: str


_LINK = {
    "zh-TW": Letter(
        "請確認您的電子郵件地址",
        "請開啟以下連結並按下確認,即可將以此地址下單的訪客訂單併入您的會員帳號:\n\n{link}\n\n"
        "連結於 24 小時內有效,僅能使用一次。若非您本人申請,請忽略此信,不會有任何變更。\n",
    ),
    "zh-CN": Letter(
        "请确认您的电子邮件地址",
        "请打开以下链接并按下确认,即可将以此地址下单的访客订单并入您的会员账号:\n\n{link}\n\n"
        "链接在 24 小时内有效,只能使用一次。如非您本人申请,请忽略此邮件,不会有任何变更。\n",
    ),
    "en": Letter(
        "Please confirm your e-mail address",
        "Open this link and press the button to join the guest orders of this address to your membership:\n\n{link}\n\n"
        "It is valid for 24 hours and works once. If you did not ask for it, ignore this mail: nothing changes.\n",
    ),
}


def link_letter(language: str, link: str) -> Letter:
    """Return the mail that carries a link to prove an address."""
    letter = _LINK[language]
    return Letter(letter.subject, letter.text.format(link=link))

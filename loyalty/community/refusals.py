"""Why a member cannot take part, in three languages."""

from __future__ import annotations

from loyalty.errors import Conflict
from loyalty.programs.ladder import Text
from loyalty.programs.words import say

REASONS: dict[str, Text] = {
    "not_open": say("現在不開放參加。", "现在不开放参加。", "It is not open now."),
    "not_invited": say(
        "這只開放給部分會員參加。", "这只开放给部分会员参加。", "Only some members may take part, and this one may not."
    ),
    "full": say("名額已滿。", "名额已满。", "All seats are taken."),
    "signed_up": say("這位會員已經報名了。", "这位会员已经报名了。", "This member has signed up already."),
    "no_event": say("這項活動不存在。", "这项活动不存在。", "There is no such event."),
    "called_off": say("這項活動已經取消。", "这项活动已经取消。", "The event is called off."),
    "not_signed_up": say("這位會員沒有報名成功。", "这位会员没有报名成功。", "This member has no seat."),
    "too_late": say("已經無法取消。", "已经无法取消。", "It cannot be cancelled any more."),
    "too_early": say("活動尚未開始。", "活动尚未开始。", "It has not begun."),
    "answered": say("這位會員已經回答過了。", "这位会员已经回答过了。", "This member has answered already."),
    "enough": say(
        "這位會員的投稿已達上限。", "这位会员的投稿已达上限。", "This member has no submission left in this challenge."
    ),
    "judged": say("這份投稿已經審核過了。", "这份投稿已经审核过了。", "This submission has been judged already."),
    "nobody": say("還沒有人可以抽獎。", "还没有人可以抽奖。", "Nobody takes part yet."),
    "not_drawn": say("還沒有抽獎。", "还没有抽奖。", "It has not been drawn yet."),
    "key_taken": say("這個代碼已經有人用了。", "这个代码已经有人用了。", "The key is in use already."),
    "fewer_seats": say(
        "名額不能少於已報名的人數。", "名额不能少于已报名的人数。", "There cannot be fewer seats than are taken."
    ),
    "code_by_staff": say(
        "這項活動由工作人員簽到。", "这项活动由工作人员签到。", "Staff notes who comes; there is no code."
    ),
    "wrong_code": say("簽到碼不正確。", "签到码不正确。", "This is not the event's code."),
}  # fmt: skip


class ParticipationRefused(Conflict):
    """The member cannot take part."""


def refusal(reason: str) -> ParticipationRefused:
    """Return the error of a reason, with its words in every language."""
    texts = REASONS[reason]
    return ParticipationRefused(texts["en"], reason=reason, told={"reason": reason, "texts": texts})

"""What an event may be, and the words for it and for its states; law: the form decides how people check in, only."""

from __future__ import annotations

from enum import StrEnum

from loyalty.programs.ladder import Text
from loyalty.programs.words import say


class Form(StrEnum):
    LECTURE = "lecture"
    MEET = "meet"
    COMMUNITY = "community"
    CONTEST = "contest"
    TRIAL = "trial"
    WORKSHOP = "workshop"
    CLASS = "class"
    OTHER = "other"

    @property
    def check_in(self) -> CheckIn:
        """Return how people check in unless the event says otherwise."""
        return CheckIn.STAFF if self in _BY_STAFF else CheckIn.CODE


class CheckIn(StrEnum):
    CODE = "code"
    """Members check in with the event's code; staff may note it too."""
    STAFF = "staff"


class State(StrEnum):
    """What became of a sign-up."""

    SIGNED_UP = "signed_up"
    WAITING = "waiting"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    ABSENT = "absent"

    @property
    def has_seat(self) -> bool:
        """Return whether it uses one of the event's seats."""
        return self in _SEATED


_BY_STAFF = frozenset({Form.CONTEST, Form.TRIAL, Form.OTHER})
_SEATED = frozenset({State.SIGNED_UP, State.ATTENDED, State.ABSENT})
FORM_NAMES: dict[Form, Text] = {
    Form.LECTURE: say("講座", "讲座", "Lecture"),
    Form.MEET: say("聚會", "聚会", "Meet-up"),
    Form.COMMUNITY: say("社群互動", "社群互动", "Community"),
    Form.CONTEST: say("競賽遊戲", "竞赛游戏", "Game or contest"),
    Form.TRIAL: say("試用體驗", "试用体验", "Trial"),
    Form.WORKSHOP: say("工作坊", "工作坊", "Workshop"),
    Form.CLASS: say("課程", "课程", "Class"),
    Form.OTHER: say("其他", "其他", "Other"),
}
STATE_NAMES: dict[State, Text] = {
    State.SIGNED_UP: say("已報名", "已报名", "Signed up"),
    State.WAITING: say("候補中", "候补中", "On the waiting list"),
    State.CANCELLED: say("已取消", "已取消", "Cancelled"),
    State.ATTENDED: say("已參加", "已参加", "Attended"),
    State.ABSENT: say("未到場", "未到场", "Did not come"),
}
SUBMISSION_NAMES: dict[str, Text] = {
    "submitted": say("審核中", "审核中", "Being looked at"),
    "approved": say("已通過", "已通过", "Approved"),
    "rejected": say("未通過", "未通过", "Not approved"),
}

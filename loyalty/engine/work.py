"""One member's part of a batch: his locked row, his state, and what is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty.credit.entries import CreditDraft, CreditPosted, credit_differences
from loyalty.engine import codec
from loyalty.engine.commands import Command, ImportMember, is_undoing
from loyalty.engine.decide import decide, refold
from loyalty.engine.due import next_reward_due, next_tier_due
from loyalty.engine.planning import Change, events_to_append
from loyalty.engine.segmenting import next_change, segments_of
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import Event, command_event
from loyalty.ledger.entries import EntryDraft, Posted, differences
from loyalty.programs.program import Program, Versions
from loyalty.rewards.redemption import BEGUN, number_of


@dataclass(frozen=True, slots=True)
class Word:
    """Who wants something done, and why."""

    reason: str
    actor: str


@dataclass(slots=True)
class MemberWork:
    """A locked member while a batch is decided; `refold` once appending turned out to be impossible."""

    row: dict[str, Any]
    state: MemberState
    changes: list[Change] = field(default_factory=list)
    command: Command | None = None
    events: list[Event] = field(default_factory=list)
    """What is to be appended."""
    refold: bool = False
    posted: dict[str, Posted] = field(default_factory=dict)
    posted_credit: dict[str, CreditPosted] = field(default_factory=dict)
    coupons: list[Mapping[Any, Any]] = field(default_factory=list)
    claims: list[Mapping[Any, Any]] = field(default_factory=list)
    """What rules gave him that is no code: cause, state, fulfilment."""
    drafts: list[EntryDraft] = field(default_factory=list)
    credit_drafts: list[CreditDraft] = field(default_factory=list)
    tier_before: str | None = None
    dropped: set[str] = field(default_factory=set)
    segments: frozenset[str] = frozenset()
    """The segments that he is in now."""
    segments_due: datetime | None = None
    """When time alone may change them."""
    parts: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    """The rows of everybody who is merged into him."""
    owners: dict[str, UUID] = field(default_factory=dict)
    """Whose the batch's orders are, of him and of those who are merged into him."""
    because: str | None = None
    """The reason that all entries of this fold carry, where there is one."""
    users: dict[str, OrderFile] = field(default_factory=dict)
    """Orders, whoever placed them, on which codes of his rewards stand."""
    stood: tuple[object, ...] = ()
    """On what ground he had his tier when he was loaded."""

    def __post_init__(self) -> None:
        self.stood = self._ground()

    @property
    def id(self) -> UUID:
        """Return the member's id."""
        found: UUID = self.row["id"]
        return found

    @property
    def is_merged(self) -> bool:
        """Return whether he is merged into somebody: then nothing is his own any more."""
        return self.row["merged_into"] is not None

    @property
    def roots(self) -> tuple[UUID, ...]:
        """Return under which members his history is stored: himself and everybody who is merged into him."""
        return () if self.is_merged else (self.id, *self.parts)

    @property
    def email(self) -> str:
        """Return the address to which coupons are bound, empty where nothing is known."""
        rows = (self.row, *self.parts.values())
        return next((row["email"] for row in rows if row["email"]), "")

    def root(self, key: str) -> UUID:
        """Return the member of this key: himself, or somebody merged into him."""
        return next((member for member, row in self.parts.items() if row["key"] == key), self.id)

    def files(self) -> list[OrderFile]:
        """Return all orders whose history was loaded, also those of whoever is merged into him."""
        states = (self.state, *self.state.parts.values())
        return [file for state in states for file in state.orders.values()]

    def drop(self, key: str) -> None:
        """Forget an order that moved to another member, and fold again without it."""
        self.state.orders.pop(key, None)
        self.dropped.add(key)
        self.refold = True

    def begin_history(self) -> None:
        """Forget what was loaded of the head: the whole history follows."""
        self.state.orders = {}
        self.state.commands = []
        self.state.parts = {row["key"]: codec.member_state(row) for row in self.parts.values()}

    def add_history(self, root: UUID, file: OrderFile) -> None:
        """Take one order of the member's history, stored under him or somebody merged into him."""
        if file.ref.key not in self.dropped:
            self.of(root).orders[file.ref.key] = file

    def of(self, root: UUID) -> MemberState:
        """Return the state that has the orders and commands of one of his roots."""
        return self.state if root == self.id else self.state.parts[self.parts[root]["key"]]

    def end_history(self) -> None:
        """Put the batch's news over the history."""
        for change in self.changes:
            key = change.new.ref.key
            self.of(self.owners.get(key, self.id)).orders[key] = change.new
        states = (self.state, *self.state.parts.values())
        if self.command is not None and not any(self.command in state.commands for state in states):
            self.state.commands.append(self.command)
        used = [row["cause"] for row in self.coupons if row["state"] == "used"]
        begun = [row["cause"] for row in self.claims if row["fulfilment"] in BEGUN]
        self.state.used_causes = frozenset((*used, *begun))
        self._find_code_users()

    def reward_codes(self) -> dict[str, int]:
        """Return the codes of his redemptions and of his credit with their numbers; his coupons were read."""
        return {row["code"]: n for row in self.coupons if (n := number_of(row["cause"])) is not None}

    def _find_code_users(self) -> None:
        """Let every state of the fold know which orders use the codes of its redemptions."""
        codes, users = self.reward_codes(), dict[int, list[OrderFile]]()
        if not codes:
            return
        files = {file.ref.key: file for file in (*self.users.values(), *self.files())}
        for _, file in sorted(files.items()):
            for number in sorted({codes[code] for code in file.laurel_codes if code in codes}):
                users.setdefault(number, []).append(file)
        for state in (self.state, *self.state.parts.values()):
            state.code_users = users
            state.code_texts = {number: code for code, number in codes.items()}

    def plan(self, versions: Versions, now: datetime) -> None:
        """Find out whether the news can be appended; what gives points back needs to know where they came from."""
        self.refold = self.refold or self._ends_rewards(max(now, self.row["settled_at"] or now))
        self.refold = self.refold or self.row["must_refold"] or self._has_missed_rules(versions)
        self.refold = self.refold or self.is_merged or self._restates_another() or self._brings_a_past()
        if self.refold:
            return
        events = events_to_append(self.state, self.changes, versions)
        command = [command_event(self.command)] if self.command is not None else []
        if events is None or any(
            self.state.head is not None and event.key <= self.state.head for event in command
        ):
            self.refold = True
            return
        if is_undoing(self.command):
            self.refold = True  # what it takes back was given in an earlier fold
            return
        self.events = sorted([*events, *command], key=lambda event: event.key)
        if self.events and self._ends_rewards(self.events[-1].key.at):
            self.refold = True  # the shop's clock is ahead

    def _ends_rewards(self, until: datetime) -> bool:
        """Return whether a hold, or the time of an unused code, ends up to an instant: then lots get points back."""
        due = next_reward_due(self.state)
        return due is not None and due <= until

    def _brings_a_past(self) -> bool:
        """Return whether he is known here already and brings figures that lie before his head."""
        return isinstance(self.command, ImportMember) and self.state.head is not None

    def _restates_another(self) -> bool:
        """Return whether a known order of somebody merged into him changed: that one's own past may have rated it."""
        olds = (change.new.ref.key for change in self.changes if change.old is not None)
        return any(self.owners.get(key, self.id) != self.id for key in olds)

    def _has_missed_rules(self, versions: Versions) -> bool:
        """Return whether a version takes effect before the head: it was published while a shop's clock was ahead."""
        following, head = versions.after(self.state.rules), self.state.head
        return following is not None and head is not None and following.effective_from <= head.at

    def decide(self, versions: Versions, now: datetime) -> None:
        """Fold the news in, or everything again, and find the entries to post; a clock that went back is ignored."""
        now = max(now, self.row["settled_at"] or now)
        if self.is_merged:
            self.state = MemberState(self.row["key"])
        elif self.refold:
            self.state = refold(self.state, versions, now)
        else:
            self._append(versions, now)
        if self.state.head is not None:
            self._forget(self.state.head.at - versions.reach)
        self.drafts = differences(self.state.movements, self.posted, self.because)
        self.credit_drafts = credit_differences(self.state.credit.movements, self.posted_credit, self.because)
        self._find_segments(versions.at(now), now)

    def _find_segments(self, program: Program | None, now: datetime) -> None:
        if program is not None and program.segments:
            self.segments = segments_of(self.state, program, now)
            self.segments_due = next_change(self.state, program, now)

    def segment_changes(self) -> list[tuple[str, bool]]:
        """Return the segments that he entered (True) or left since he was saved last."""
        before = frozenset(self.row["segments"])
        return [(key, key in self.segments) for key in sorted(before ^ self.segments)]

    def _forget(self, horizon: datetime) -> None:
        """Drop the figures that no window and no judgement of the present period looks at any more."""
        held = self.state.held
        needed = [horizon]
        if held is not None and held.until is not None:
            needed.append(held.since)
        if held is not None and held.judgement is not None:
            needed.append(held.judgement.start or held.judgement.until)
        self.state.tally.forget_before(min(needed))

    def _append(self, versions: Versions, now: datetime) -> None:
        state = self.state
        for change in self.changes:
            state.orders[change.new.ref.key] = change.new
        decide(state, self.events, versions, now)
        state.allotments.release(change.new.ref.key for change in self.changes if change.old is None)

    def tier_due(self, versions: Versions) -> datetime | None:
        """Return when something happens to the tier, a redemption or a segment by itself."""
        moments = next_tier_due(self.state, versions), next_reward_due(self.state), self.segments_due
        return min((at for at in moments if at is not None), default=None)

    def _ground(self) -> tuple[object, ...]:
        state = self.state
        return state.rules, state.held, tuple(state.terms), len(state.periods)

    def stands_otherwise(self) -> bool:
        """Return whether what his tier's benefits depend on is another than when he was loaded."""
        return self.refold or self._ground() != self.stood

    def has_other_figures(self) -> bool:
        """Return whether what a shop shows of his points and progress may be another than when he was loaded."""
        wallet, total = self.state.wallet, self.state.tally.total
        now = wallet.held, wallet.debt, total.spend, total.orders, total.points
        stored = codec.lifetime(self.row)
        return bool(self.drafts) or now != (
            self.row["held"], self.row["debt"], stored.spend, stored.orders, stored.points
        )  # fmt: skip

    def has_new_periods(self) -> bool:
        """Return whether the fold began a tier period."""
        return len(self.state.periods) > self.periods_before()

    def periods_before(self) -> int:
        """Return how many tier periods were stored."""
        return len(self.row["head"].get("periods", []))

"""What the fold knows of a member: the head of his timeline, or nothing and all his history;
law: state is what events left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from loyalty.commerce import OrderSnapshot
from loyalty.credit.purse import Purse
from loyalty.earning.allotments import Allotments
from loyalty.earning.earning import Rating
from loyalty.engine.commands import Command, MergeMember, UnmergeMember
from loyalty.engine.timeline import EventKey, OrderRef
from loyalty.ledger.entries import Movement
from loyalty.ledger.lots import Wallet
from loyalty.programs.automations import Action, Trigger
from loyalty.programs.program import Enrolment
from loyalty.rewards.redemption import Redemption
from loyalty.tiers.holding import Holding, Term
from loyalty.tiers.qualification import Metrics
from loyalty.tiers.tally import Tally
from loyalty.values import ZERO


@dataclass(slots=True)
class OrderFile:
    """One order on a member's timeline: the newest snapshot and what the fold made of it.

    `points` are what it stands at net of refunds, `taken` the points it may have at most after day and month caps,
    `forgiven` what a floor did not take back.
    """

    ref: OrderRef
    snapshot: OrderSnapshot | None = None
    deleted_at: datetime | None = None
    laurel_codes: frozenset[str] = frozenset()
    award_at: datetime | None = None
    version: int | None = None
    tier_key: str = ""
    nth: int = 0
    taken: int = 0
    points: int = 0
    counted: int = 0
    net_base: Fraction = ZERO
    counts: int = 0
    forgiven: int = 0
    dead: bool = False
    ended: bool = False
    """Its end (cancelled, deleted, stated as refunded) has been folded."""
    refund_ids: tuple[str, ...] = ()
    rating: Rating | None = None
    revision: int = 0
    """How often the order's row was written when it was read; 0: there was none."""

    def metrics(self) -> Metrics:
        """Return what the order adds to the tier metrics from its award on."""
        return Metrics(self.net_base, self.counts, self.counted)


class Period(NamedTuple):
    """One tier membership: the n-th entry of the member into that tier, from `started_at` until the next begins."""

    tier_key: str
    entry: int
    started_at: datetime
    cause: str
    rewarded: bool = False
    reason: str = ""
    """joined, reached, renewed, fell, refunded, rules, or the ground of a term and `…_ended`."""


@dataclass(slots=True)
class Grant:
    """A coupon that a cause deserves; withdrawn when the figures net of refunds no longer reach the
    cause, if unused.
    """

    cause: str
    reward_key: str
    version: int
    granted_at: datetime
    tier_key: str
    store: int
    withdrawn: bool = False
    used: bool = False
    judged: bool = True
    """Whether figures reached it: then refunds may withdraw it."""
    owner: str = ""
    """The key of the merged member who had it; empty: it is the member's own."""
    amount: str = ""
    """Of a variable discount or a code of credit: money as a decimal text."""
    until: datetime | None = None
    """When a code of credit ends."""
    is_claim: bool = False
    """Whether it is no code: people carry it out, or it lies at an address."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something on the timeline that automations may follow."""

    trigger: Trigger
    at: datetime
    cause: str
    order_key: str = ""
    subject: str = ""
    """The tier that is reached or lost, the kind of an activity, the side of a referral."""
    rises: bool = True
    judged: bool = False
    """Whether a tier was reached by figures: then refunds may take it back."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What else messages may tell of it."""


@dataclass(slots=True)
class Bonus:
    """What actions gave for a cause; withdrawn when the figures net of refunds no longer reach that."""

    cause: str
    actions: tuple[Action, ...]
    happening: Happening
    version: int
    key: str
    """Of the automation, or the side of a referral."""
    occasion: str
    owner: str = ""
    """The key of the member to whom it was given, where he is merged since."""
    withdrawn: bool = False

    def cause_of(self, number: int) -> str:
        """Return the cause of the points of one of its actions, as a merge renamed it."""
        cause = f"{self.cause}:{number}"
        return f"merged:{self.owner}:{cause}" if self.owner else cause


@dataclass(frozen=True, slots=True)
class Telling:
    """A message to the member, or a call of another system, that an action asks for; once for each cause."""

    cause: str
    kind: str
    """`message` or `webhook`."""
    target: str
    """The message's key, or the address."""
    at: datetime
    version: int
    data: Mapping[str, Any]


@dataclass(slots=True)
class MemberState:
    """The fold's working state of one member."""

    key: str
    guest: bool = False
    role: str = ""
    email_domain: str = ""
    joined_at: datetime | None = None
    head: EventKey | None = None
    wallet: Wallet = field(default_factory=Wallet)
    credit: Purse = field(default_factory=Purse)
    orders: dict[str, OrderFile] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    """What counts toward the tier: all orders, and the adjustments that are marked so."""
    order_count: int = 0
    """Awarded orders that are not dead."""
    periods: list[Period] = field(default_factory=list)
    held: Holding | None = None
    """The tier of his own figures; None before he joined."""
    terms: list[Term] = field(default_factory=list)
    """Tiers on other grounds that have not ended."""
    rules: int = 0
    """The program version whose rules his tier and his lots' dates followed last."""
    last_activity: datetime | None = None
    tags: frozenset[str] = frozenset()
    region: str = ""
    """Where his last awarded order came from."""
    last_order_at: datetime | None = None
    """When an order of his was awarded last, whatever became of it."""
    ran: dict[str, str] = field(default_factory=dict)
    """The last occasion of each automation that runs once for an occasion."""
    lost: dict[str, int] = field(default_factory=dict)
    """How often what a cause gave was withdrawn."""
    happenings: list[Happening] = field(default_factory=list)
    """What no automation has looked at yet."""
    bonuses: dict[str, Bonus] = field(default_factory=dict)
    told: list[Telling] = field(default_factory=list)
    allotments: Allotments = field(default_factory=Allotments)
    redemptions: dict[int, Redemption] = field(default_factory=dict)
    """By number; of earlier folds those to which time will do something, or a shop's answer."""
    code_users: Mapping[int, Sequence[OrderFile]] = field(default_factory=dict)
    """By the number of a redemption or a code of credit, the orders on which it stands, whoever placed them."""
    code_texts: Mapping[int, str] = field(default_factory=dict)
    """By the same numbers, the codes in small letters."""
    grants: dict[str, Grant] = field(default_factory=dict)
    live_grants: int = 0
    """Grants of earlier folds that may still be withdrawn."""
    used_causes: frozenset[str] = frozenset()
    """Causes whose coupon an order used, or whose service people have begun: never withdrawn."""
    movements: list[Movement] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    """Keys of the orders whose figures changed in this fold."""
    parts: dict[str, MemberState] = field(default_factory=dict)
    """By key, everybody who is merged into him or into one of them, each with his own orders and commands only."""
    is_customer: bool = False
    """Whether somebody merged into him is no guest."""
    rewarded: dict[str, datetime] = field(default_factory=dict)
    """When somebody merged into him was last given the reward of entering a tier."""

    @property
    def is_guest(self) -> bool:
        """Return whether neither he nor anybody merged into him is registered."""
        return self.guest and not self.is_customer

    def may_be_awarded(self, enrolment: Enrolment) -> bool:
        """Return whether a program lets this person earn here, having joined where joining is asked for; refunds of
        what he earned before count all the same (U2).
        """
        if enrolment.mode == "explicit" and self.joined_at is None:
            return False
        return self.may_earn(enrolment)

    def may_earn(self, enrolment: Enrolment) -> bool:
        """Return whether a program lets this person earn at this point of the fold."""
        return self.is_welcome(enrolment) and self.tags.isdisjoint(enrolment.excluded_tags)

    def is_welcome(self, enrolment: Enrolment) -> bool:
        """Return whether what is known of the person now, beside his tags, lets him earn: no excluded role or
        domain, no guest where guests do not.
        """
        if self.is_guest and not enrolment.guests:
            return False
        return (
            self.role not in enrolment.excluded_roles and self.email_domain not in enrolment.excluded_domains
        )

    @property
    def tier_key(self) -> str | None:
        """Return the present tier, None before the first event."""
        return self.periods[-1].tier_key if self.periods else None

    def merges(self) -> list[MergeMember]:
        """Return his own merges that nobody undid."""
        undone = {command.merge for command in self.commands if isinstance(command, UnmergeMember)}
        merges = (command for command in self.commands if isinstance(command, MergeMember))
        return [merge for merge in merges if merge.number not in undone]

    def blank(self) -> MemberState:
        """Return the same member before his first event, with the same orders and commands."""
        orders = {
            key: OrderFile(
                ref=file.ref,
                snapshot=file.snapshot,
                deleted_at=file.deleted_at,
                laurel_codes=file.laurel_codes,
                revision=file.revision,
            )
            for key, file in self.orders.items()
        }
        return MemberState(
            key=self.key,
            guest=self.guest,
            role=self.role,
            email_domain=self.email_domain,
            orders=orders,
            commands=list(self.commands),
            used_causes=self.used_causes,
            allotments=self.allotments.fresh(),
            parts=self.parts,
            code_users=self.code_users,
            code_texts=self.code_texts,
        )

"""The program document as frozen values; law: a published version never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property

from loyalty.programs.automations import ActivityLimit, Automation, Message, Referral, Trigger
from loyalty.programs.campaigns import Campaign
from loyalty.programs.cash_back import CashBack
from loyalty.programs.catalogue import STORE_CREDIT, Reward
from loyalty.programs.ladder import Text, Tier, TierPolicy
from loyalty.programs.limits import DiscountShare
from loyalty.programs.segments import Figure, Segment
from loyalty.programs.terms import (
    AwardOn,
    Discounts,
    Duration,
    Match,
    NegativeBalance,
    Rounding,
    RoundUp,
    WindowKind,
)
from loyalty.values import ONE, ZERO, StoreId

LANGUAGES = ("zh-TW", "zh-CN", "en")
MONTH_AND_A_BIT = timedelta(days=33)
"""More than the longest month with the whole of its first day, and an hour when clocks went back in it."""
YEAR_OF_MONTHS = 12


def text_in(text: Text, language: str) -> str:
    """Return the text in a language, or the first that was given."""
    return text.get(language) or next(iter(text.values()), "")


@dataclass(frozen=True, slots=True)
class Base:
    """What of an order earns; `tax` None: as the shop states its prices."""

    tax: bool | None = None
    shipping: bool = False
    fees: bool = False
    tips: bool = False
    discounts: Discounts = Discounts.DEDUCTED
    gift_cards: bool = False
    sale_items: bool = True


@dataclass(frozen=True, slots=True)
class ProductRule:
    match: Match
    multiplier: Fraction


@dataclass(frozen=True, slots=True)
class Caps:
    """Points at most; None: no limit. Days and months are the account's own."""

    per_order: int | None = None
    per_day: int | None = None
    per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Earning:
    """How the net base of an order becomes points (RULES §3)."""

    award_on: AwardOn = AwardOn.PAID
    points_per_unit: Fraction = ONE
    unit: Fraction = ONE
    whole_units: bool = False
    rounding: Rounding = Rounding.FLOOR
    base: Base = field(default_factory=Base)
    minimum_order: Fraction = ZERO
    pending_days: int = 0
    product_rules: tuple[ProductRule, ...] = ()
    excluded: Match = field(default_factory=Match)
    caps: Caps = field(default_factory=Caps)


@dataclass(frozen=True, slots=True)
class Expiry:
    """When lots die: `mode` none, lot or inactivity."""

    mode: str = "none"
    after: Duration | None = None
    round_up_to: RoundUp = RoundUp.DAY
    remind_days: tuple[int, ...] = ()

    def life(self) -> tuple[object, ...]:
        """Return what the dates of lots follow from."""
        return self.mode, self.after, self.round_up_to

    def inactivity_end(self, last: datetime, tz: str) -> datetime | None:
        """Return when everything dies after a last activity, None unless the mode is inactivity (RULES §9 (18))."""
        if self.mode != "inactivity" or self.after is None:
            return None
        return self.round_up_to.end_of(self.after.after(last, tz), tz)

    def lot_end(self, start: datetime, tz: str) -> datetime | None:
        """Return the first instant at which a lot from `start` is dead, None for never (RULES §9 (17))."""
        if self.mode != "lot" or self.after is None:
            return None
        return self.round_up_to.end_of(self.after.after(start, tz), tz)


@dataclass(frozen=True, slots=True)
class Refunds:
    negative_balance: NegativeBalance = NegativeBalance.ALLOW
    restore_redeemed: str = "proportional"
    restore_min_days: int = 30


@dataclass(frozen=True, slots=True)
class Membership:
    """A paid membership: buying one of its products holds the buyer in `tier` for a term, and some days of grace."""

    key: str
    match: Match
    tier: str
    term: Duration
    grace_days: int = 0
    name: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who becomes a member: `automatic` (whoever buys or registers) or `explicit`; the excluded never earn."""

    mode: str = "automatic"
    guests: bool = True
    excluded_roles: frozenset[str] = frozenset({"administrator", "shop_manager"})
    excluded_tags: frozenset[str] = frozenset()
    excluded_domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Program:
    """One version of an account's rules with the currency (ISO 4217), zone (IANA) and decimals it was published in."""

    version: int
    effective_from: datetime
    currency: str
    time_zone: str
    decimals: int
    points_name: Text
    tiers: tuple[Tier, ...]
    enrolment: Enrolment = field(default_factory=Enrolment)
    earning: Earning = field(default_factory=Earning)
    expiry: Expiry = field(default_factory=Expiry)
    refunds: Refunds = field(default_factory=Refunds)
    tier_policy: TierPolicy = field(default_factory=TierPolicy)
    rewards: tuple[Reward, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    memberships: tuple[Membership, ...] = ()
    cash_back: CashBack = field(default_factory=CashBack)
    segments: tuple[Segment, ...] = ()
    automations: tuple[Automation, ...] = ()
    referral: Referral = field(default_factory=Referral)
    messages: tuple[Message, ...] = ()
    activities: tuple[ActivityLimit, ...] = ()
    discount_share: DiscountShare | None = None
    gross_margin_percent: Fraction | None = None
    """What the shop keeps of its revenue once the goods are paid, as the merchant states it."""
    paused: bool = False
    """Orders paid while it is in force earn no points."""
    past: bool = False
    """It lies before the account's first version, for what a backfill brought: its orders count, and nothing else
    follows from them.
    """

    def living(self) -> tuple[object, ...]:
        """Return the rules whose change does something to members at the very instant when it takes effect."""
        return self.tiers, self.tier_policy, self.expiry.life()

    def tier_rank(self, key: str) -> int:
        """Return the place of a tier on the ladder, 0 for the first and for one that is no more."""
        for rank, tier in enumerate(self.tiers):
            if tier.key == key:
                return rank
        return 0

    def has_tier(self, key: str) -> bool:
        """Return whether the ladder has a tier of that key."""
        return any(tier.key == key for tier in self.tiers)

    def tier(self, key: str | None) -> Tier:
        """Return a tier of the ladder, the first when there is none of that key."""
        return self.tiers[self.tier_rank(key or "")]

    def reward(self, key: str) -> Reward | None:
        """Return a reward of the catalogue, if it is there."""
        return next((reward for reward in self.rewards if reward.key == key), None)

    def gives_credit(self) -> bool:
        """Return whether members may get store credit: as cash back, or for points."""
        return self.cash_back.gives or any(reward.kind == STORE_CREDIT for reward in self.rewards)

    def admits(self, reward: Reward, tier_key: str | None) -> bool:
        """Return whether members of a tier may have a reward: one of its tiers, and none below its lowest."""
        if reward.tiers and tier_key not in reward.tiers:
            return False
        least = self.tier_rank(reward.from_tier) if reward.from_tier else 0
        return self.tier_rank(tier_key or "") >= least

    def segment(self, key: str) -> Segment | None:
        """Return a segment, if it is there."""
        return next((segment for segment in self.segments if segment.key == key), None)

    def automation(self, key: str) -> Automation | None:
        """Return an automation, if it is there."""
        return next((automation for automation in self.automations if automation.key == key), None)

    def reach(self) -> timedelta:
        """Return how far back from an event the rules look at figures by their instant: windows, caps, streaks."""
        criteria = [it for segment in self.segments for it in segment.criteria]
        criteria += [it for automation in self.automations for it in automation.conditions]
        windows = [self.tier_policy.window, *(it.window for it in criteria if isinstance(it, Figure))]
        months = [each.months if each.kind is WindowKind.ROLLING else YEAR_OF_MONTHS for each in windows]
        months += [1 + (each.when.months or 0) for each in self.automations if each.trigger is Trigger.STREAK]
        return max(months) * MONTH_AND_A_BIT

    def needs_products(self, *, sells_gift_cards: bool) -> bool:
        """Return whether the rules ask for facts of products that an order does not carry."""
        base = self.earning.base
        if not base.sale_items or (sells_gift_cards and not base.gift_cards):
            return True
        matches = [self.earning.excluded, *(rule.match for rule in self.earning.product_rules)]
        matches += [campaign.scope.match for campaign in self.campaigns]
        matches += [membership.match for membership in self.memberships]
        return any(match.needs_products() for match in matches)


@dataclass(frozen=True)
class Versions:
    """All published versions of an account, oldest first, and for each store that has one the end of the past that
    counts toward tiers only.
    """

    programs: tuple[Program, ...]
    points_from: Mapping[StoreId, datetime] = field(default_factory=dict)

    def gives_points(self, store: StoreId, paid_at: datetime) -> bool:
        """Return whether orders of a store that were paid at an instant may give points at all."""
        start = self.points_from.get(store)
        return start is None or paid_at >= start

    def at(self, instant: datetime) -> Program | None:
        """Return the version in force at an instant, None before the first."""
        found = None
        for program in self.programs:
            if program.effective_from > instant:
                break
            found = program
        return found

    def after(self, version: int) -> Program | None:
        """Return the version that takes effect next after one, by time and not by number; None for the last."""
        if not self.programs or self.programs[-1].version == version:
            return None
        following = zip(self.programs, self.programs[1:], strict=False)
        return next((later for program, later in following if program.version == version), None)

    def numbered(self, version: int) -> Program | None:
        """Return the version of that number."""
        return next((program for program in self.programs if program.version == version), None)

    def have_codes(self) -> bool:
        """Return whether the members of any tier of any version may have a standing code."""
        return any(tier.benefits.has_code for program in self.programs for tier in program.tiers)

    def have_credit(self) -> bool:
        """Return whether the rules of any version may give store credit."""
        return any(program.gives_credit() for program in self.programs)

    def serve_orders(self) -> bool:
        """Return whether any tier of any version has a service that is done to orders."""
        return any(tier.benefits.order_words() for program in self.programs for tier in program.tiers)

    @cached_property
    def reach(self) -> timedelta:
        """Return how far back from an event any version may still look at figures by their instant."""
        return max((program.reach() for program in self.programs), default=timedelta())

    def need_products(self, *, sells_gift_cards: bool) -> bool:
        """Return whether any version asks for facts of products."""
        return any(program.needs_products(sells_gift_cards=sells_gift_cards) for program in self.programs)

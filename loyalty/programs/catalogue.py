"""The catalogue of a program: rewards with what they cost, who may have them, and how often."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from loyalty.programs.ladder import Text
from loyalty.programs.terms import Match
from loyalty.values import ZERO

FREE_SHIPPING = "free_shipping"
FREE_PRODUCT = "free_product"
VARIABLE_DISCOUNT = "variable_discount"
STORE_CREDIT = "store_credit"
GIFT_CARD = "gift_card"
EXTERNAL = "external"
EVENT_TICKET = "event_ticket"
CONTENT = "content"
COUPON_KINDS = frozenset({"fixed_discount", "percent_discount", FREE_SHIPPING, FREE_PRODUCT})
"""Rewards that are a code in the shop, and that rules may give."""
PROMOTION_KINDS = COUPON_KINDS | {VARIABLE_DISCOUNT}
"""Rewards that are a code at a checkout, which takes something off there."""
CODE_KINDS = PROMOTION_KINDS | {GIFT_CARD}
"""Rewards that are a code in the shop when they are redeemed."""
MONEY_KINDS = frozenset({STORE_CREDIT, GIFT_CARD})
"""Rewards that are money of the member's own, which does not end."""
DISCOUNT_KINDS = PROMOTION_KINDS - {FREE_SHIPPING}
"""Rewards that take money off what is bought."""
SERVICE_KINDS = frozenset({"sample", EVENT_TICKET, "service"})
"""Rewards that people carry out, with a state and a closing note."""
CLAIM_KINDS = SERVICE_KINDS | {CONTENT}
"""Rewards that are no code in the shop, and that rules may give."""
ONLY_AT: Mapping[str, frozenset[str]] = {GIFT_CARD: frozenset({"shopify"})}
"""Rewards that only shops of these platforms keep."""
REWARD_KINDS = (
    "fixed_discount", "percent_discount", FREE_SHIPPING, FREE_PRODUCT, VARIABLE_DISCOUNT, GIFT_CARD, STORE_CREDIT,
    "sample", EVENT_TICKET, "service", CONTENT, EXTERNAL,
)  # fmt: skip
FORM_KINDS = ("text", "choice", "date")
HOLD_MINUTES = 30
"""How long points are held for a code at a checkout, or for another system, unless it is used (RULES §7)."""


def is_offered(kind: str, platforms: Set[str]) -> bool:
    """Return whether a reward of a kind can be had where shops of these platforms are connected."""
    return kind not in ONLY_AT or not ONLY_AT[kind].isdisjoint(platforms)


def may_be_given(kind: str, event: str | None) -> bool:
    """Return whether rules may give a reward of a kind; a ticket to an event takes a seat, and so must be asked for."""
    return kind in COUPON_KINDS or (kind in CLAIM_KINDS and event is None)


@dataclass(frozen=True, slots=True)
class Uses:
    """How often a member may redeem a reward in a period of the account's calendar."""

    uses: int
    period: str = "lifetime"
    """day, week (from Monday), month, year or lifetime."""


@dataclass(frozen=True, slots=True)
class FormField:
    """What people must know to carry a service out, asked when it is redeemed."""

    key: str
    label: Text
    kind: str = "text"
    """text, choice (among `options`) or date."""
    required: bool = True
    options: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reward:
    """A catalogue item; `amount` is money for fixed discounts and credit, percent for percent discounts, and for a
    variable discount the money that `points` points are worth.
    """

    key: str
    kind: str
    points: int | None = None
    """What it costs; 0: it is claimed without points; None: it cannot be redeemed, only given by a rule."""
    amount: Fraction | None = None
    minimum_subtotal: Fraction = ZERO
    valid_days: int | None = None
    on_expiry: str = "return"
    tiers: tuple[str, ...] = ()
    """Only these tiers may have it; empty: all from `from_tier` on."""
    stock: int | None = None
    per_member: Uses | None = None
    unit_cost: Fraction | None = None
    name: Text = field(default_factory=dict)
    terms: Text = field(default_factory=dict)
    category: str | None = None
    from_tier: str | None = None
    """The lowest tier that may have it; None: the first."""
    minimum_balance: int = 0
    """Points that must be available before it is redeemed."""
    opens: datetime | None = None
    closes: datetime | None = None
    archived: bool = False
    """It is no longer given or redeemed; coupons that are out stay valid."""
    products: Match = field(default_factory=Match)
    """What a code takes its discount from; empty: the whole order."""
    combinable: bool = False
    """Whether its code may be used together with others."""
    least: int | None = None
    most: int | None = None
    step: int = 1
    """Points of a variable discount: at least, at most, in steps of."""
    event: str | None = None
    """The event to which a ticket admits."""
    url: str | None = None
    """Where content lies."""
    form: tuple[FormField, ...] = ()
    """What is asked of who redeems a service."""

    @property
    def is_claim(self) -> bool:
        """Return whether it is carried out by people, or lies at an address, and has no code."""
        return self.kind in CLAIM_KINDS

    @property
    def forfeits(self) -> bool:
        """Return whether points are gone when its time ends; content was there to be seen until then."""
        return self.on_expiry == "forfeit" or self.kind == CONTENT

    @property
    def is_given(self) -> bool:
        """Return whether rules give it to members: what `may_be_given`, and is not archived."""
        return may_be_given(self.kind, self.event) and not self.archived

    def is_open(self, instant: datetime) -> bool:
        """Return whether it may be redeemed at an instant as far as its dates go."""
        begun = self.opens is None or self.opens <= instant
        return begun and (self.closes is None or instant < self.closes) and not self.archived

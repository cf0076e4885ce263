"""What a shop, or another system, shall do: commands that connectors carry out, and what became of them;
law: each says how things shall be, so that a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty.errors import LoyaltyError


@dataclass(frozen=True, slots=True)
class PutCoupon:
    """The shop shall have this coupon, bound to the member, exactly so; a repeat changes nothing."""

    code: str
    kind: str
    """`fixed_discount`, `percent_discount`, `free_product` for 100 percent of one of its products, `free_shipping`
    with an amount of 0, or `gift_card`: money on a card of the shop's own, without a minimum, products or an end.
    """
    amount: Decimal
    minimum_subtotal: Decimal
    expires_at: datetime | None
    """First instant at which it is no longer valid; None: never."""
    email: str
    description: str
    free_shipping: bool = False
    reusable: bool = False
    """Without a limit of uses; else it serves once."""
    product_ids: tuple[str, ...] = ()
    category_ids: tuple[str, ...] = ()
    """What it takes its discount from; both empty: the whole order."""
    combinable: bool = False
    """Whether other codes may be used beside it."""
    customer_id: str = ""
    """The shop's own id of the member, where it is known: some shops bind a coupon to that, not to an e-mail."""
    currency: str = ""
    """ISO 4217 of the amount; needed for a gift card only."""


@dataclass(frozen=True, slots=True)
class DisableCoupon:
    """The shop shall not accept this code any more from `at` on; a code that the shop does not have is fine.

    A gift card of which something was spent is left alone, and the receipt says one use.
    """

    code: str
    at: datetime
    kind: str = ""
    """As of `PutCoupon`, where it is known; a `gift_card` is no discount, and is looked for elsewhere."""
    external_id: str = ""
    """The shop's own id of it, where it is known: a shop does not tell the code of a gift card again."""


@dataclass(frozen=True, slots=True)
class AddStoreCredit:
    """The shop's customer shall have so much more store credit, once; a repeat changes nothing.

    Shops have no key against repetition here: what was credited since then with this amount counts as an earlier try.
    """

    reference: str
    """Our own word for it, never used twice: `credit:17`."""
    customer_id: str
    """The shop's own id of the member; empty where it is not known."""
    email: str
    amount: Decimal
    currency: str
    """ISO 4217."""
    since: datetime
    """The instant at which it was asked for: nothing that was credited before is this."""
    known: tuple[str, ...] = ()
    """The shop's ids of what was credited for other references: none of them is this."""


@dataclass(frozen=True, slots=True)
class SetMemberTier:
    """The shop's customer shall carry this tier and balance as meta data or tags; a repeat changes nothing."""

    customer_id: str
    tier_key: str
    tier_name: str
    benefits: tuple[str, ...] = ()
    """Words that a theme or a help desk acts on: service flags, `early_access:…`, `free_shipping`, `discount:5`."""
    points: int | None = None
    """What he may spend, where the shop shall show that."""
    progress: str = ""
    """How far it is to the next tier, in words."""


@dataclass(frozen=True, slots=True)
class MarkOrder:
    """The shop's order shall carry these words as meta data: services that are done to it, such as `priority_shipping`;
    a repeat changes nothing.
    """

    order_id: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostWebhook:
    """Another system shall be told of an event at its address, as JSON; `event_id` tells repetitions apart."""

    url: str
    event_id: str
    data: Mapping[str, Any]


PushCommand = PutCoupon | DisableCoupon | AddStoreCredit | SetMemberTier | MarkOrder | PostWebhook


@dataclass(frozen=True, slots=True)
class PushReceipt:
    """The shop did as commanded; `external_id` is its own id of the thing, where it has one."""

    external_id: str = ""
    uses: int = 0
    """Of a code that was disabled: on how many orders it stands in the shop."""
    is_missing: bool = False
    """The shop does not find the thing by a search, which may lag behind what was made just now."""


EXHAUSTED = "exhausted"
"""Why a push failed for which there are no more tries: the shop was away, or always busy."""


class PushError(LoyaltyError):
    """The shop did not do as commanded."""

    def __init__(
        self, message: str, *, permanent: bool, reason: str, retry_after: float | None = None
    ) -> None:
        """`reason`: permission, limit, configuration, rejected, exhausted or unreachable; `retry_after` in seconds."""
        super().__init__(message, permanent=permanent, reason=reason, retry_after=retry_after)
        self.permanent = permanent
        self.reason = reason
        self.retry_after = retry_after


class OneFailed(PushError):
    """The shop answers, and fails at something of what it was asked for: without that it may answer the rest."""


class OneTooSlow(OneFailed):
    """The shop takes too long for something of what it was asked for; it can be asked so only a few times."""


class TokenRefused(PushError):
    """The shop refused a token that can be had anew: what was asked may be asked again with a fresh one."""

    def __init__(self, message: str) -> None:
        """Not permanent: another token may be accepted."""
        super().__init__(message, permanent=False, reason="permission")

"""What a fold's tiers and grants mean for the shop: coupons to issue, to disable, to revive, tiers to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from loyalty.credit.purse import CreditCode
from loyalty.db import Row
from loyalty.engine.benefits import StandingCode, standing_code, store_of
from loyalty.engine.book import AccountBook
from loyalty.engine.state import Grant
from loyalty.engine.timeline import parse_order_key
from loyalty.engine.work import MemberWork
from loyalty.outbox.repository import NewPush
from loyalty.programs.program import Program, Versions, text_in
from loyalty.pushes import DisableCoupon, PutCoupon, SetMemberTier
from loyalty.rewards.coupon import CouponTerms, coupon_code, coupon_terms
from loyalty.rewards.redemption import Redemption, RedemptionState, number_of
from loyalty.values import StoreId, new_id

LIVE = frozenset({"requested", "issued"})
NO_SHOP, NO_EMAIL = "the account has no shop that keeps coupons", "no e-mail to bind the coupon to"
"""Why a coupon was never asked of a shop."""
COUPON_SUBJECT = "coupon:"


@dataclass(slots=True)
class Issued:
    """Rows and pushes of a batch."""

    coupons: list[Row] = field(default_factory=list)
    pushes: list[NewPush] = field(default_factory=list)
    tier_changes: list[MemberWork] = field(default_factory=list)
    figure_changes: list[MemberWork] = field(default_factory=list)
    """Whose tier is the same, and whose points or progress may not be."""


def issue(issued: Issued, book: AccountBook, work: MemberWork, versions: Versions, now: datetime) -> None:
    """Compare a member's grants with his coupons: issue what is new, withdraw what is no longer deserved.

    After a merge, or when one is undone, each shop is told the tier of every customer concerned.
    """
    if work.is_merged:
        return
    if work.because or (work.state.tier_key != work.tier_before and not _is_first(work, versions.at(now))):
        issued.tier_changes.append(work)
    elif any(map(book.is_showing, book.store_numbers)) and work.has_other_figures():
        issued.figure_changes.append(work)
    stored = {row["cause"]: row for row in work.coupons if not row["reusable"]}
    for cause, grant in work.state.grants.items():
        if not grant.is_claim:
            _reconcile(issued, book, work, versions, now, grant, stored.pop(cause, None))
    if work.refold:
        for row in stored.values():
            _withdraw(issued, work, row, now)
    for row in work.coupons:
        if row["reusable"] and _is_to_withdraw(row):
            code = standing_code(work.state, versions, store_of(row["cause"]))
            _keep_standing(issued, book, work, row, code, now)


def _keep_standing(
    issued: Issued,
    book: AccountBook,
    work: MemberWork,
    row: Mapping[Any, Any],
    code: StandingCode | None,
    now: datetime,
) -> None:
    """Withdraw a standing code of another period, or that the tier no longer offers; renew one of other terms."""
    if code is None or code.cause != row["cause"]:
        _withdraw(issued, work, row, now)
    elif row["state"] in LIVE and not code.is_stored(row):
        put_standing(issued, book, work, code, now)


def put_standing(
    issued: Issued, book: AccountBook, work: MemberWork, code: StandingCode, now: datetime
) -> None:
    """Let the shop have a member's standing code."""
    grant = Grant(code.cause, "", code.version, now, code.tier_key, code.store)
    _put(issued, book, work, grant, code.terms, "requested")


def _is_first(work: MemberWork, program: Program | None) -> bool:
    """Return whether a member just stands in everybody's tier: the shop need not be told."""
    first = program is None or work.state.tier_key in (None, program.tiers[0].key)
    return first and work.tier_before is None


def _reconcile(
    issued: Issued,
    book: AccountBook,
    work: MemberWork,
    versions: Versions,
    now: datetime,
    grant: Grant,
    row: Mapping[Any, Any] | None,
) -> None:
    terms = _terms(grant, versions)
    if terms is None:
        return
    over = terms.expires_at is not None and terms.expires_at <= now
    redemption = redemption_of(work, grant.cause)
    if row is None:
        state = "cancelled" if grant.withdrawn else "expired" if over else "requested"
        _put(issued, book, work, grant, terms, state)
    elif redemption is not None and (redemption.uses or row["state"] == "used"):
        _follow_uses(issued, work, redemption, row, now)
    elif isinstance(redemption, Redemption) and redemption.state is RedemptionState.EXPIRED:
        if row["state"] in LIVE:
            issued.coupons.append({**row, "state": "expired"})
    elif grant.withdrawn:
        _withdraw(issued, work, row, now)
    elif row["state"] == "cancelled" and not over:
        _put(issued, book, work, grant, terms, "requested", row["store_id"])


def _terms(grant: Grant, versions: Versions) -> CouponTerms | None:
    """Return what a grant's code is worth; money of the member's own goes together with other codes."""
    if grant.until is not None:
        return CouponTerms("fixed_discount", Decimal(grant.amount), Decimal(0), grant.until, combinable=True)
    program = versions.numbered(grant.version)
    reward = program.reward(grant.reward_key) if program else None
    if program is None or reward is None:
        return None
    return coupon_terms(reward, program, grant.granted_at, grant.amount)


def redemption_of(work: MemberWork, cause: str) -> Redemption | CreditCode | None:
    """Return the redemption, or the code of credit, whose coupon a cause names."""
    number = number_of(cause)
    if number is None:
        return None
    return work.state.redemptions.get(number) or work.state.credit.codes.get(number)


def _follow_uses(
    issued: Issued,
    work: MemberWork,
    redemption: Redemption | CreditCode,
    row: Mapping[Any, Any],
    now: datetime,
) -> None:
    """A code that an order uses is used, and free again without one, unless its points went back meanwhile."""
    user = next(iter(redemption.uses), None)
    state = "cancelled" if redemption.is_over else "used" if user else "issued"
    if (row["state"], row["used_by"]) == (state, user):
        return
    issued.coupons.append({**row, "state": state, "used_by": user, "failure": None})
    if state == "cancelled":
        _disable(issued, work, row, now)


def _put(
    issued: Issued,
    book: AccountBook,
    work: MemberWork,
    grant: Grant,
    terms: CouponTerms,
    state: str,
    known_in: StoreId | None = None,
) -> None:
    """Let a shop have a coupon: the one that knows its code already, else the one of the cause."""
    store = known_in or book.shop(grant.store)
    failure = _hindrance(book, work, store) if state == "requested" else None
    row = _coupon_row(book, work, grant, terms)
    row |= {"store_id": store, "state": "failed" if failure else state, "failure": failure}
    issued.coupons.append(row)
    if row["state"] == "requested":
        command = _put_command(row["code"], work.email, grant, terms, book.currency)
        issued.pushes.append(NewPush(row["store_id"], work.id, COUPON_SUBJECT + row["code"], command))


def _put_command(code: str, email: str, grant: Grant, terms: CouponTerms, currency: str) -> PutCoupon:
    return PutCoupon(
        code=code,
        kind=terms.kind,
        amount=terms.amount,
        minimum_subtotal=terms.minimum_subtotal,
        expires_at=terms.expires_at,
        email=email,
        description=f"Laurel: {grant.cause}",
        free_shipping=terms.free_shipping,
        reusable=terms.reusable,
        product_ids=terms.product_ids,
        category_ids=terms.category_ids,
        combinable=terms.combinable,
        currency=currency,
    )


def _hindrance(book: AccountBook, work: MemberWork, store: StoreId) -> str | None:
    if store in book.tills:
        return NO_SHOP
    return None if work.email or book.is_showing(store) else NO_EMAIL


def _coupon_row(book: AccountBook, work: MemberWork, grant: Grant, terms: CouponTerms) -> Row:
    return {
        "id": new_id(),
        "member_id": work.root(grant.owner),
        "cause": grant.cause,
        "reward_key": grant.reward_key,
        "program_version": grant.version,
        "code": coupon_code(book.coupon_key, grant.cause),
        "kind": terms.kind,
        "amount": terms.amount,
        "minimum_subtotal": terms.minimum_subtotal,
        "granted_at": grant.granted_at,
        "expires_at": terms.expires_at,
        "reusable": terms.reusable,
        "free_shipping": terms.free_shipping,
        "used_by": None,
        "scope": terms.scope(),
    }


def _withdraw(issued: Issued, work: MemberWork, row: Mapping[Any, Any], now: datetime) -> None:
    if _is_to_withdraw(row):
        issued.coupons.append({**row, "state": "cancelled", "failure": None})
        _disable(issued, work, row, now)


def _is_to_withdraw(row: Mapping[Any, Any]) -> bool:
    """Return whether a coupon is in a shop, or may be: one that it failed to make may be there all the same, or be
    tried again. The failed code of a redemption was seen to when it failed.
    """
    if row["state"] != "failed":
        return row["state"] in LIVE
    return row["failure"] not in (NO_SHOP, NO_EMAIL) and number_of(row["cause"]) is None


def disabling(row: Mapping[Any, Any], now: datetime) -> DisableCoupon:
    """Return the command that takes a coupon out of use."""
    return DisableCoupon(row["code"], now, row["kind"], row.get("external_id", ""))


def disable_again(row: Mapping[Any, Any], now: datetime) -> NewPush:
    """Return the push that takes a coupon out of use once more."""
    return NewPush(row["store_id"], row["member_id"], COUPON_SUBJECT + row["code"], disabling(row, now))


def _disable(issued: Issued, work: MemberWork, row: Mapping[Any, Any], now: datetime) -> None:
    command = disabling(row, now)
    issued.pushes.append(NewPush(row["store_id"], work.id, COUPON_SUBJECT + row["code"], command))


def push_tiers(
    issued: Issued, book: AccountBook, customers: Mapping[UUID, list[str]], program: Program | None
) -> None:
    """Tell each shop the present tier of its customers who changed theirs; tills keep none. Those that show figures
    are told whenever these change, and are given the newest ones once the push is delivered.
    """
    if program is None:
        return
    words = {
        tier.key: (tier.key, text_in(tier.name, "zh-TW"), tier.benefits.words()) for tier in program.tiers
    }
    silent = set(book.tills)
    quiet = silent | book.closed | {store for store in book.store_numbers if not book.is_showing(store)}
    for changes, untold in ((issued.tier_changes, silent), (issued.figure_changes, quiet)):
        for work in changes:
            told = words[program.tier(work.state.tier_key).key]
            for customer in (one for root in work.roots for one in customers.get(root, [])):
                place = parse_order_key(customer)
                store = book.store(place.store)
                if store not in untold:
                    command = SetMemberTier(place.external_id, *told)
                    issued.pushes.append(NewPush(store, work.id, f"tier:{customer}", command))

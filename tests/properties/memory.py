"""One member's ledger in memory: loads, decides and saves as the engine does, and checks the laws at each step.

Orders of strangers are kept beside his own: they may have codes that he redeemed.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from builders import STORE
from redeemed import check_redemptions, is_of_order

from loyalty.commerce import OrderDeleted, OrderSnapshot
from loyalty.credit.entries import CreditDraft, CreditPosted
from loyalty.earning.allotments import Allocation, Allotments, Place
from loyalty.engine import codec
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Command, Ending, EndRedemption
from loyalty.engine.credit_codec import credit_head
from loyalty.engine.decide import refold
from loyalty.engine.issuing import LIVE, Issued, issue
from loyalty.engine.news import gather, is_ambiguous, restate
from loyalty.engine.planning import Change
from loyalty.engine.redemption_rows import changed_rows
from loyalty.engine.saving import withdrawable
from loyalty.engine.segmenting import segments_of
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.tiering import metrics_at
from loyalty.engine.timeline import command_event
from loyalty.engine.work import MemberWork
from loyalty.ledger.entries import EntryDraft, Posted
from loyalty.ledger.lots import Lot, balance_of
from loyalty.programs.program import Versions
from loyalty.rewards.redemption import number_of
from loyalty.values import AccountId, MessageId, exact, fraction_text

STRANGER = "8"
MEMBER = UUID(int=5)
BOOK = AccountBook(AccountId(UUID(int=9)), b"k" * 32, {STORE: 1}, {STORE: "woocommerce"})
NO_ROW: dict[str, Any] = {
    "id": MEMBER, "key": "customer:1:7", "registered": True, "registered_by": None, "role": "",
    "email": "amy@example.test",
    "joined_at": None, "head": {}, "order_count": 0, "live_coupons": 0, "debt": 0, "next_lot": 1,
    "lifetime_spend": "0", "lifetime_orders": 0, "lifetime_points": 0, "must_refold": False, "tier_key": None,
    "settled_at": None, "segments": [], "merged_into": None, "merged": 0, "held": 0,
    "credit": None,
}  # fmt: skip
Statement = OrderSnapshot | OrderDeleted | Command


class EntryKeyExists(AssertionError):
    """The database would refuse this entry."""


@dataclass
class Ledger:
    """What is stored of one member."""

    versions: Versions
    row: dict[str, Any] = field(default_factory=lambda: dict(NO_ROW))
    files: dict[str, OrderFile] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    entries: list[EntryDraft] = field(default_factory=list)
    credit_entries: list[CreditDraft] = field(default_factory=list)
    lots: dict[str, Lot] = field(default_factory=dict)
    consumed: Counter[tuple[str, str]] = field(default_factory=Counter)
    coupons: dict[str, dict[str, Any]] = field(default_factory=dict)
    redemptions: dict[int, dict[str, Any]] = field(default_factory=dict)
    others: dict[str, OrderFile] = field(default_factory=dict)
    """Orders of strangers."""
    to_read: set[str] = field(default_factory=set)
    """Orders of which two statements share a second: the shop must be asked."""
    allocations: dict[Place, Allocation] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    appended: int = 0
    settled_at: datetime | None = None

    def take(self, statements: Sequence[Statement], now: datetime) -> None:
        """Take a batch as a drain, or a command as a request, would."""
        facts: list[Any] = []
        for each in statements:
            if isinstance(each, Command):
                self._take_facts(facts, now)
                self._take([], each, now)
                facts = []
            else:
                facts.append(each)
        self._take_facts(facts, now)

    def _take_facts(self, facts: Sequence[Any], now: datetime) -> None:
        if facts:
            self._take(facts, None, now)

    def settle(self, now: datetime) -> None:
        """Let everything fall due, as loading the member at an instant does."""
        self._take([], None, now)

    def _take(self, facts: Sequence[Any], command: Command | None, now: datetime) -> None:
        try:
            self._attempt(facts, command, now, must_refold=self._is_late(command))
        except EntryKeyExists:
            self._attempt(facts, command, now, must_refold=True)

    def accept(self, command: Command, now: datetime) -> None:
        """Carry out a command as the engine itself plans it."""
        self._attempt([], command, now, must_refold=False)

    def inject(self, allocations: Mapping[Place, Allocation], now: datetime) -> None:
        """Take the allocations of another run for one's own, and fold again (DESIGN §8)."""
        self.allocations, self.spent = dict(allocations), {}
        for (key, _), row in allocations.items():
            self.spent[key] = self.spent.get(key, 0) + row.used
        self._attempt([], None, now, must_refold=True)

    def _is_late(self, command: Command | None) -> bool:
        """A command of the past is only ever injected, and then folded again (DESIGN §8)."""
        head = codec.member_state(self.row).head
        return command is not None and head is not None and command_event(command).key <= head

    def _attempt(
        self, facts: Sequence[Any], command: Command | None, now: datetime, *, must_refold: bool
    ) -> None:
        work = self._load(facts)
        work.command, work.refold = command, work.refold or must_refold
        self._settle_coupon(command)
        work.plan(self.versions, now)
        if work.refold:
            self._load_history(work)
        work.decide(self.versions, now)
        self._save(work, now)
        if command is not None:
            self.commands.append(command)

    def _settle_coupon(self, command: Command | None) -> None:
        """What the shop made of a code is written before the redemption is captured (engine/answering.py)."""
        if isinstance(command, EndRedemption) and command.ending is Ending.CAPTURED:
            coupon = self.coupons.get(f"redemption:{command.redemption}")
            if coupon is not None and coupon["state"] == "requested":
                coupon["state"] = "issued"

    def codes(self) -> dict[str, int]:
        """The codes of redemptions and of credit, with their numbers."""
        return {row["code"]: number for row in self.coupons.values() if (number := number_of(row["cause"]))}

    def _load(self, facts: Sequence[Any]) -> MemberWork:
        row = copy.deepcopy(self.row)
        work = MemberWork(row, codec.member_state(row), tier_before=row["tier_key"])
        news = gather([(MessageId(n), fact) for n, fact in enumerate(facts)], {STORE: 1}).orders
        theirs = {key for key in news if key in self.others or _is_strangers(news[key].snapshot)}
        work.state.orders = {key: self._file(key) for key in self.files if key in news}
        causes = {f"order:{key}:award" for key in news}
        work.state.allotments = self._allotments()
        kept = {cause: lot for cause, lot in self.lots.items() if lot.remaining or cause in causes}
        work.state.wallet.lots = copy.deepcopy(kept)
        for key, order in news.items():
            old = self.others.get(key) if key in theirs else work.state.orders.get(key)
            if order.must_read or _contradicts(order.snapshot, old):
                self.to_read.add(order.ref.external_id)
                continue
            stated = {use.code for use in order.snapshot.coupons} if order.snapshot else set()
            restated = restate(order, old, frozenset(stated & self.codes().keys()))
            if restated is None:
                continue
            new = restated.new if restated.old is None else codec.restated(restated.old, restated.new)
            if key in theirs:
                self.others[key] = new
            else:
                work.changes.append(Change(restated.old, new))
            if new.laurel_codes or (old is not None and old.laurel_codes):
                work.refold = True  # code_uses.fold_owners_again
        return work

    def _allotments(self) -> Allotments:
        return Allotments(dict(self.spent), dict(self.allocations), dict(self.allocations))

    def _file(self, key: str) -> OrderFile:
        file = copy.copy(self.files[key])
        file.rating = None
        return file

    def _load_history(self, work: MemberWork) -> None:
        work.begin_history()
        for key in self.files:
            work.add_history(work.id, self._file(key))
        work.state.commands = list(self.commands)
        work.posted, work.posted_credit = self.posted(), self.posted_credit()
        work.coupons = list(self.coupons.values())
        work.users = {key: file for key, file in self.others.items() if file.laurel_codes}
        work.end_history()

    def posted(self) -> dict[str, Posted]:
        """What is posted by cause."""
        found: dict[str, Posted] = {}
        for entry in self.entries:
            old = found.get(entry.cause)
            found[entry.cause] = Posted(
                entry.points + (old.points if old else 0), 1 + (old.entries if old else 0),
                old.kind if old else entry.kind, min(entry.effective_at, (old or entry).effective_at), entry.order_key,
                entry.version,
            )  # fmt: skip
        return found

    def posted_credit(self) -> dict[str, CreditPosted]:
        """What is posted of credit by cause."""
        found: dict[str, CreditPosted] = {}
        for entry in self.credit_entries:
            old = found.get(entry.cause)
            found[entry.cause] = CreditPosted(
                entry.amount + (old.amount if old else 0), 1 + (old.entries if old else 0),
                old.kind if old else entry.kind, min(entry.effective_at, (old or entry).effective_at), entry.order_key,
                entry.version,
            )  # fmt: skip
        return found

    def _save(self, work: MemberWork, now: datetime) -> None:
        _refuse_twice(self.entries, work.drafts)
        _refuse_twice(self.credit_entries, work.credit_drafts)
        wallet = work.state.wallet
        if work.refold:
            self.lots, self.consumed = {}, Counter()
        elif work.changes or work.command:
            self.appended += 1
        self.entries += work.drafts
        self.credit_entries += work.credit_drafts
        self.lots |= copy.deepcopy(wallet.lots)
        self.consumed.update(wallet.consumed)
        self.files |= {change.new.ref.key: work.state.orders[change.new.ref.key] for change in work.changes}
        if work.refold:
            self.files = dict(work.state.orders)
        self.allocations, self.spent = work.state.allotments.rows, work.state.allotments.spent
        self._save_coupons(work, now)
        for row in changed_rows(work):
            self.redemptions[row["number"]] = row
        self._save_row(work)
        self.settled_at = self.row["settled_at"] = max(now, self.row["settled_at"] or now)

    def _save_coupons(self, work: MemberWork, now: datetime) -> None:
        issued = Issued()
        issue(issued, BOOK, work, self.versions, now)
        for row in issued.coupons:
            self.coupons[row["cause"]] = row

    def _save_row(self, work: MemberWork) -> None:
        state, totals = work.state, work.state.tally.total
        self.row |= {
            "joined_at": state.joined_at, "head": head_of(state), "tier_key": state.tier_key,
            "order_count": state.order_count, "debt": state.wallet.debt, "held": state.wallet.held,
            "next_lot": state.wallet.next_sequence,
            "live_coupons": withdrawable(state), "segments": sorted(work.segments),
            "lifetime_spend": fraction_text(totals.spend), "lifetime_orders": totals.orders,
            "lifetime_points": totals.points,
            "credit": sum(each.amount for each in self.credit_entries) if self.credit_entries else None,
        }  # fmt: skip

    def fold(self, until: datetime) -> MemberState:
        """The member folded from nothing out of what is stored."""
        work = MemberWork(copy.deepcopy(self.row), codec.member_state(self.row))
        work.state.allotments = self._allotments()
        self._load_history(work)
        return refold(work.state, self.versions, until)

    def check(self, now: datetime) -> None:
        """The laws of DESIGN §8 that hold after every step."""
        total = sum(entry.points for entry in self.entries)
        figures = balance_of(self.lots.values(), self.row["debt"], now, self.row["held"])
        not_posted = sum(lot.remaining for lot in self.lots.values() if lot.is_dead(now))
        assert figures.available + figures.pending + figures.held + not_posted == total
        for cause, lot in self.lots.items():
            assert 0 <= lot.remaining <= lot.points
            assert 0 <= lot.expired <= lot.points
            lost = sum(points for (lot_cause, _), points in self.consumed.items() if lot_cause == cause)
            assert lost == lot.points - lot.remaining, f"consumptions of {cause}"
        for file in self.files.values():
            self._check_order(file)
        self._check_allocations()
        self._check_credit(now)
        codes = [row["code"] for row in self.coupons.values()]
        assert len(codes) == len(set(codes))
        check_redemptions(self, self.fold(max(now, self.settled_at or now)))

    def _check_credit(self, now: datetime) -> None:
        """Nothing is counted twice, and no order took back more than it credited."""
        purse = codec.member_state(self.row).credit
        found = purse.figures(now)
        assert found.available + found.pending + found.held == found.balance == (self.row["credit"] or 0)
        assert min(found.pending, found.held) >= 0
        for file in self.files.values():
            about = [each for each in self.credit_entries if each.order_key == file.ref.key]
            assert sum(each.amount for each in about if each.cause.startswith("credit:")) <= 0
            own = [each for each in about if each.cause.startswith("order:")]
            given = sum(each.amount for each in own if not each.cause.endswith(":forgiven"))
            assert given >= 0
            assert purse.forgiven.get(file.ref.key, Decimal(0)) == sum(each.amount for each in own) - given
            if file.ended:
                assert given == 0

    def _check_allocations(self) -> None:
        """No campaign gave more than it may, in all or to the member, and what is in use is counted."""
        used: Counter[str] = Counter()
        for (key, _), row in self.allocations.items():
            assert 0 <= row.returned <= row.granted
            used[key] += row.used
        assert used == Counter(self.spent)
        for campaign in (each for program in self.versions.programs for each in program.campaigns):
            for limit in (campaign.budget, campaign.per_member):
                assert limit is None or used[campaign.key] <= limit

    def _check_order(self, file: OrderFile) -> None:
        """What an order gave less what it took is what it stands at, from 0 to all that it gave."""
        own = [entry for entry in self.entries if entry.order_key == file.ref.key and is_of_order(entry)]
        moved = [entry for entry in own if not entry.cause.endswith((":void", ":forgiven"))]
        net = sum(entry.points for entry in moved if not entry.cause.startswith("expiry:"))
        assert net == file.points
        assert 0 <= file.points <= file.taken
        if file.ended:
            assert net == 0

    def dump(self, instants: Sequence[datetime]) -> dict[str, Any]:
        """Everything that RULES §2 promises, in a form that can be compared."""
        by_cause = {cause: posted.points for cause, posted in self.posted().items() if posted.points}
        state = codec.member_state(self.row)
        program = self.versions.programs[-1]
        return {
            "points": dict(sorted(by_cause.items())),
            "orders": {key: (file.points, file.net_base, file.tier_key) for key, file in sorted(self.files.items())},
            "lots": {cause: _figures(lot) for cause, lot in sorted(self.lots.items())},
            "balances": [
                balance_of(self.lots.values(), self.row["debt"], instant, self.row["held"]) for instant in instants
            ],
            "tier": self.row["tier_key"],
            "periods": self.row["head"].get("periods", []),
            "joined_at": self.row["joined_at"],
            "head": _standing(state),
            "active": state.last_activity,
            "redemptions": {n: {**row, "id": None} for n, row in sorted(self.redemptions.items())},
            "metrics": [metrics_at(state, program, instant) for instant in instants] if state.periods else [],
            "tally": _moments(state, state.tally.since),
            "lifetime": (exact(self.row["lifetime_spend"]), self.row["lifetime_orders"], self.row["lifetime_points"]),
            "order_count": self.row["order_count"],
            "allocations": dict(sorted(self.allocations.items())),
            "segments": self.row["segments"],
            "coupons": sorted(cause for cause, row in self.coupons.items() if row["state"] in LIVE),
            "credit": {cause: one.amount for cause, one in sorted(self.posted_credit().items()) if one.amount},
            "credit_figures": [state.credit.figures(instant) for instant in instants],
            "credit_head": credit_head(state.credit),
        }  # fmt: skip

    def dump_of_fold(self, instants: Sequence[datetime], until: datetime) -> dict[str, Any]:
        """The same figures of a fold from nothing; of coupons those that the fold deserves."""
        state, stored = self.fold(until), codec.member_state(self.row)
        by_cause = {one.cause: one.points for one in state.movements if one.points}
        program = self.versions.programs[-1]
        return {
            "points": dict(sorted(by_cause.items())),
            "orders": {key: (file.points, file.net_base, file.tier_key) for key, file in sorted(state.orders.items())},
            "lots": {cause: _figures(lot) for cause, lot in sorted(state.wallet.lots.items())},
            "balances": [state.wallet.balance(instant) for instant in instants],
            "tier": state.tier_key,
            "periods": head_of(state)["periods"],
            "joined_at": state.joined_at,
            "head": _standing(state),
            "active": state.last_activity,
            "metrics": [metrics_at(state, program, instant) for instant in instants] if state.periods else [],
            "tally": _moments(state, stored.tally.since),
            "order_count": state.order_count,
            "allocations": dict(sorted(state.allotments.rows.items())),
            "segments": sorted(segments_of(state, self.versions.at(until) or program, until)),
            "credit": {one.cause: one.amount for one in sorted(state.credit.movements, key=lambda it: it.cause)},
            "credit_figures": [state.credit.figures(instant) for instant in instants],
            "credit_head": credit_head(state.credit),
        }  # fmt: skip


def _refuse_twice(posted: Sequence[Any], drafts: Sequence[Any]) -> None:
    new = [draft.entry_key for draft in drafts]
    if {entry.entry_key for entry in posted} & set(new) or len(set(new)) < len(new):
        raise EntryKeyExists


def _contradicts(order: OrderSnapshot | None, old: OrderFile | None) -> bool:
    if order is None or old is None or old.snapshot is None:
        return False
    return is_ambiguous(order, old.snapshot)


def _is_strangers(order: OrderSnapshot | None) -> bool:
    return order is not None and order.buyer.customer_id == STRANGER


def head_of(state: MemberState) -> dict[str, Any]:
    """Where a fold stands, as it comes back from the database."""
    read: dict[str, Any] = json.loads(json.dumps(codec.head_data(state)))
    return read


def _standing(state: MemberState) -> tuple[object, ...]:
    """What the fold carries on from, beside lots, orders and figures."""
    figures = state.held, tuple(state.terms), state.rules, state.tags
    return (*figures, state.region, state.last_order_at, state.ran, state.lost)


def _moments(state: MemberState, since: datetime | None) -> object:
    """The figures by instant, as far as the stored ones go back."""
    if since is not None:
        state.tally.forget_before(since)
    data = state.tally.data()
    return data["moments"], data.get("activity")


def _figures(lot: Lot) -> tuple[object, ...]:
    return lot.points, lot.remaining, lot.expired, lot.available_from, lot.expires_at, lot.order_key

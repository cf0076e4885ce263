"""The laws of redemptions: what is held, what uses pay, and what comes back (RULES §4, §7)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from loyalty.commerce import OrderState
from loyalty.engine.state import MemberState, OrderFile
from loyalty.ledger.entries import EntryDraft
from loyalty.rewards.redemption import Charge, Redemption, RedemptionState

if TYPE_CHECKING:
    from memory import Ledger


def is_of_order(entry: EntryDraft) -> bool:
    """Bonuses, and what codes took or gave back, name an order and are none of its points."""
    return not entry.cause.removeprefix("expiry:").startswith(("automation:", "redemption:"))


def check_redemptions(ledger: Ledger, state: MemberState) -> None:
    """The laws hold of what is stored and of what a fold from nothing gives."""
    redemptions = state.redemptions.values()
    held = sum(each.charge.found for each in redemptions if each.state is RedemptionState.HELD)
    assert ledger.row["held"] == state.wallet.held == held >= 0
    moved: Counter[int] = Counter()
    for entry in ledger.entries:
        if entry.cause.startswith("redemption:"):
            moved[int(entry.cause.split(":")[1])] += entry.points
    for redemption in redemptions:
        assert moved.pop(redemption.number, 0) == -_stands(redemption), f"entries of {redemption.cause}"
        _check_charges(ledger, redemption)
        _check_uses(ledger, redemption)
    assert not any(moved.values())
    stored = {number: _shown(row) for number, row in ledger.redemptions.items()}
    assert stored == {each.number: _folded(each) for each in redemptions}


def _stands(redemption: Redemption) -> int:
    """What a redemption takes from the member in the end: of each use what was not restored, of none what waits."""
    if redemption.state is RedemptionState.HELD:
        return 0
    used = sum(charge.taken - charge.restored for charge in redemption.uses.values())
    return used + sum(charge.taken for charge in redemption.unused)


def _check_charges(ledger: Ledger, redemption: Redemption) -> None:
    """No refund gives back more than its order's use took, nor lots more than they gave."""
    for order_key, charge in redemption.uses.items():
        cause = f"{redemption.cause}:restored:{order_key}:"
        given = sum(entry.points for entry in ledger.entries if entry.cause.startswith(cause))
        assert 0 <= given == charge.restored <= charge.taken
    for charge in redemption.charges:
        assert 0 <= charge.forgiven <= charge.short <= charge.points == redemption.charge.points
        assert sum(source.points for source in charge.sources) == charge.found
    assert len(redemption.unused) <= 1
    if redemption.state is RedemptionState.EXPIRED:
        assert bool(redemption.unused) <= redemption.forfeits


def _check_uses(ledger: Ledger, redemption: Redemption) -> None:
    """Every order that has the code is charged for it by itself, unless it was never paid or died without a refund."""
    codes = {code for code, number in ledger.codes().items() if number == redemption.number}
    files = {**ledger.others, **ledger.files}
    users = {key for key, file in files.items() if file.laurel_codes & codes}
    must = {key for key in users if _must_pay(files[key])}
    assert must <= redemption.uses.keys() <= users
    charges: list[Charge] = list(redemption.uses.values())
    assert len({id(charge) for charge in charges}) == len(charges)
    if redemption.uses:
        assert redemption.state is RedemptionState.CAPTURED


def _must_pay(file: OrderFile) -> bool:
    return (
        file.snapshot is not None
        and file.deleted_at is None
        and file.snapshot.state in (OrderState.LIVE, OrderState.REFUNDED)
    )


def _folded(redemption: Redemption) -> tuple[object, ...]:
    state, uses = redemption.state.value, redemption.uses
    return state, redemption.ended_at, len(uses), next(iter(uses), None), redemption.restored


def _shown(row: dict[str, object]) -> tuple[object, ...]:
    return row["state"], row["ended_at"], row["uses"], row["used_by"], row["restored"]

"""Open redemptions as JSON data of a member's head, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loyalty.clock import instant_text
from loyalty.rewards.redemption import Charge, Redemption, RedemptionState, Source


def open_redemptions(redemptions: Mapping[int, Redemption]) -> list[list[Any]]:
    """Return those that time, or a shop's answer, will end: the others need the whole history."""
    found = (redemptions[number] for number in sorted(redemptions))
    return [
        [
            it.number, it.reward_key, it.kind, it.version, instant_text(it.at), _charge_data(it), it.state.value,
            it.amount, _text(it.hold_until), _text(it.ends_at), it.forfeits,
        ]
        for it in found
        if it.state is RedemptionState.HELD or it.due() is not None
    ]  # fmt: skip


def read_redemption(item: list[Any]) -> Redemption:
    """Return the redemption whose data `open_redemptions` wrote."""
    number, reward, kind, version, at, charged, state, amount, hold, end, forfeits = item
    points, sources, short, forgiven = charged
    charge = Charge(points, [Source(lot, used, _at(dies)) for lot, used, dies in sources], short, forgiven)
    redemption = Redemption(
        number, reward, kind, version, datetime.fromisoformat(at), charge, RedemptionState(state), amount, _at(hold),
        _at(end), forfeits,
    )  # fmt: skip
    redemption.unused = [] if redemption.state is RedemptionState.HELD else [charge]
    return redemption


def _charge_data(redemption: Redemption) -> list[Any]:
    """Return what is held, or what is spent and waits for a use."""
    charge = redemption.unused[0] if redemption.unused else redemption.charge
    sources = [[source.lot, source.points, _text(source.ends_at)] for source in charge.sources]
    return [charge.points, sources, charge.short, charge.forgiven]


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(at: datetime | None) -> str | None:
    return instant_text(at) if at else None

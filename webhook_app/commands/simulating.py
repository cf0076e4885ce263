"""A simulation as people read it: a table of both sides, who moves, who loses what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Data = dict[str, Any]
_TITLES = {
    "history": "If the document had always been in force, as of {at}: {people} people",
    "switch": "If the document were published at {at}: {people} people",
}
_PAYOUT = {
    "liability": "  points outstanding are worth",
    "payout_ratio": "  that by the spend",
    "given_ratio": "  all points given by the spend",
}


def table(data: Data) -> list[str]:
    """Return the lines of a simulation as SimulationSchema shows it."""
    title = _TITLES[data["question"]].format(**data)
    rows = [("", "before", "after"), *_rows(data["before"], data["after"], data["currency"])]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{name:<{widths[0]}}  {old:>{widths[1]}}  {new:>{widths[2]}}".rstrip() for name, old, new in rows
    ]
    return [title, "", *lines, "", *_moves(data), *_losses(data["losses"])]


def _rows(before: Data, after: Data, currency: str) -> Iterator[tuple[str, str, str]]:
    yield "members", str(before["members"]), str(after["members"])
    old, new = ({tier["key"]: tier["members"] for tier in side["tiers"]} for side in (before, after))
    for key in dict.fromkeys((*new, *old)):
        yield f"  {key}", _shown(old.get(key)), _shown(new.get(key))
    for name in ("given", "outstanding", "expired", "debt"):
        yield f"points {name}", str(before["points"][name]), str(after["points"][name])
    yield f"net spend ({currency})", before["spend"], after["spend"]
    if before["payout"] or after["payout"]:
        yield from _payout(before["payout"] or {}, after["payout"] or {}, currency)


def _payout(before: Data, after: Data, currency: str) -> Iterator[tuple[str, str, str]]:
    yield f"cheapest discount ({currency})", _reward(before), _reward(after)
    for name, words in _PAYOUT.items():
        yield words, _shown(before.get(name)), _shown(after.get(name))
    for name, words in (("able_now", "now"), ("able_within_90_days", "within 90 days of joining")):
        yield f"  members able to redeem it {words}", _share(before.get(name)), _share(after.get(name))


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


def _reward(payout: Data) -> str:
    return f"{payout['amount']} for {payout['points']}" if payout else "-"


def _share(share: Data | None) -> str:
    return f"{share['members']} of {share['of']}" if share else "-"


def _moves(data: Data) -> Iterator[str]:
    yield f"{data['moved']} move to another tier"
    for move in data["moves"]:
        yield f"  {move['from'] or 'no member'} → {move['to'] or 'no member'}: {move['members']}"
    for mover in data["movers"]:
        yield f"  {mover['member']}  {mover['from'] or 'no member'} → {mover['to'] or 'no member'}"
    yield from _rest(data["moved"], data["movers"])


def _losses(losses: Data | None) -> Iterator[str]:
    if losses is None:
        return
    dying, earlier = losses["dying"], losses["earlier"]
    yield f"{dying['points']} points of {dying['members']} members die at once"
    first = f", the first at {earlier['first_at']}" if earlier["first_at"] else ""
    yield f"{earlier['points']} points of {earlier['members']} members get an earlier date{first}"
    for loser in losses["losers"]:
        date = f" from {loser['first_at']} on" if loser["first_at"] else ""
        yield f"  {loser['member']}  {loser['dying']} at once, {loser['earlier']} earlier{date}"
    yield from _rest(losses["members"], losses["losers"])


def _rest(count: int, named: list[Data]) -> Iterator[str]:
    if count > len(named):
        yield f"  … and {count - len(named)} more"

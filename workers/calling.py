"""Call other systems, within a time; law: an address that cannot be reached costs the others one wait, not many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any
from zlib import crc32

from connectors.webhooks import post_webhook
from loyalty.outbox.commands import read_command
from loyalty.pushes import PostWebhook, PushError, PushReceipt


class Calls:
    """The calls of one job. An address that cannot be reached is not called again in it: what else is for it has the
    same outcome.
    """

    def __init__(self, deadline: float, *, allow_private: bool) -> None:
        """`deadline`, by the monotonic clock: no call begins after it."""
        self._deadline = deadline
        self._allow_private = allow_private
        self._away: dict[str, PushError] = {}

    def has_time(self) -> bool:
        """Return whether a call may begin."""
        return monotonic() < self._deadline

    def make(self, rows: Sequence[Mapping[Any, Any]], secret: bytes) -> dict[int, PushReceipt | PushError]:
        """Make the calls of leased pushes; return by id what became of each for which there was time."""
        results: dict[int, PushReceipt | PushError] = {}
        for row in sorted(rows, key=_turn):
            command = read_command(row["kind"], row["command"])
            assert isinstance(command, PostWebhook)
            away = self._away.get(command.url)
            if away is None and not self.has_time():
                continue
            results[row["id"]] = away or self._call(command, secret)
        return results

    def _call(self, command: PostWebhook, secret: bytes) -> PushReceipt | PushError:
        result = post_webhook(command, secret, allow_private=self._allow_private)
        if isinstance(result, PushError) and result.reason == "unreachable":
            self._away[command.url] = result
        return result


def _turn(row: Mapping[Any, Any]) -> tuple[int, int]:
    """Return when a push has its turn: the new ones first, in their order. Of those that failed together another one
    goes first at each try, else one at which its address always fails would take the others along to their last try.
    """
    number, tries = row["id"], row["attempts"]
    return tries, number if tries <= 1 else crc32(f"{number}:{tries}".encode())

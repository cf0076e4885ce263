"""Instants as text: what heads are full of and other releases read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from builders import NOON

from loyalty.clock import instant_text


@pytest.mark.parametrize(
    "instant",
    [
        NOON, NOON + timedelta(microseconds=1), NOON - timedelta(microseconds=1), datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), NOON.astimezone(ZoneInfo("UTC")),
        NOON.astimezone(ZoneInfo("Asia/Taipei")),
    ],
)  # fmt: skip
def test_an_instant_is_written_as_isoformat_writes_it(instant: datetime) -> None:
    assert instant_text(instant) == instant.isoformat()

"""What the measures time is still there under its name."""

from __future__ import annotations

from typing import Any

import pytest

from bench.spent import _PLACES


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for _, owner, name in _PLACES])
def test_a_timed_step_exists(owner: Any, name: str) -> None:
    assert callable(getattr(owner, name))

"""The threat model names tests that are there, and a test for every threat."""

from __future__ import annotations

import re

from guards_sources import PROJECT

PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("|")]


def test_every_named_test_is_there() -> None:
    named = set(re.findall(r"`(?:tests/[a-z]+/)?(test_\w+\.py)`", PAGE))
    known = {path.name for path in (PROJECT / "tests").rglob("test_*.py")}
    assert len(named) > 15
    assert named - known == set()
    folders = set(re.findall(r"`(tests/[a-z/_]+(?:\.py)?)`", PAGE))
    assert [it for it in folders if not (PROJECT / it).exists()] == []


def test_every_threat_has_one() -> None:
    rows = [cells for cells in THREATS if len(cells) == 4 and cells[0] not in ("who", "---")]
    assert len(rows) > 20
    assert [cells[0] for cells in rows if "test" not in cells[3] and "same file" not in cells[3]] == []

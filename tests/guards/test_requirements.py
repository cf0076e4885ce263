"""Every package is pinned to one version with its hashes, and what is installed fits together."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from guards_sources import PROJECT

NAMED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==(\S+)")


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_hashes(file: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (PROJECT / file).read_text())
    packages = [block for block in blocks if not block.startswith("#")]
    assert len(packages) > 20
    assert [block.splitlines()[0] for block in packages if not NAMED.match(block)] == []
    assert [block.splitlines()[0] for block in packages if "--hash=sha256:" not in block] == []


def test_what_is_installed_fits_together() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

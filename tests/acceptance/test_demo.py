"""`make demo`: orders in a shop become points, tiers and coupons; a refund takes them back; nothing keeps running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("shop", ["woocommerce", "shopify"])
def test_the_demo_ends_well_and_leaves_nothing(shop: str, tmp_path: Path) -> None:
    done = demo(tmp_path, SHOP=shop)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert "differences: 0" in done.stdout
    assert f"/webhooks/{shop}" in done.stdout
    assert "已停用 disabled" in done.stdout
    assert done.stdout.rstrip().endswith("All of it is true.")
    assert not list(tmp_path.iterdir())
    assert not processes_of(tmp_path)


def test_an_unknown_shop_is_refused(tmp_path: Path) -> None:
    done = demo(tmp_path, SHOP="magento")
    assert done.returncode == 2
    assert "SHOP must be woocommerce or shopify" in done.stderr


def demo(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "bench.demo"]
    given = {**os.environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8", **environ}
    return subprocess.run(
        argv,
        cwd=PROJECT,
        env=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that name the folder."""
    argv = ["ps", "-ww", "-eo", "stat=,args="]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if str(folder) in line and line[0] != "Z"]

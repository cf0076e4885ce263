"""The project's own source files as trees, for the guards."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("loyalty", "connectors", "workers", "webhook_app", "embedded", "bench")


@lru_cache(maxsize=1)
def trees() -> dict[str, ast.Module]:
    """Every source file of the packages by its path within the project."""
    files = (path for package in PACKAGES for path in sorted((PROJECT / package).rglob("*.py")))
    return {str(path.relative_to(PROJECT)): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def of_package(*names: str) -> Iterator[tuple[str, ast.Module]]:
    """The files below these folders."""
    for path, tree in trees().items():
        if path.startswith(tuple(f"{name}/" for name in names)):
            yield path, tree

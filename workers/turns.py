"""In which order things that failed together are tried again; law: none of them always goes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32


def turn(row: Mapping[Any, Any]) -> tuple[int, int]:
    """Return when a row with `id` and `attempts` has its turn: the new ones first, in their order. Those that failed
    together are mixed anew at each try: else those beside a thing at which somebody always fails would always share
    its end.
    """
    number, tries = row["id"], row["attempts"]
    return tries, number if tries <= 1 else crc32(f"{number}:{tries}".encode())

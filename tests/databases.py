"""What a test knows of its own database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated, empty database of one test."""

    name: str
    app_url: str
    owner_url: str
    superuser_url: str = ""

"""SQL files of this folder as statements that take named parameters."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import TextClause, text

_DASHES = re.compile(r"^-{20,}$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*$", re.MULTILINE)


def read_statements(name: str, *parameters: str) -> list[TextClause]:
    """Return the statements of a file, parted by dashed lines; every colon that begins no parameter is a plain one."""
    sql = (Path(__file__).parent / name).read_text(encoding="utf-8")
    plain = re.sub(rf"(?<!:):(?!:|(?:{'|'.join(parameters)})\b)", r"\:", sql)
    return [text(_COMMENT.sub("", part).strip().rstrip(";")) for part in _DASHES.split(plain)]

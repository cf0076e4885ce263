"""Structured logs: one JSON line an event on standard error, same keys everywhere, no personal data."""

from __future__ import annotations

import logging
import sys
from traceback import extract_tb

import structlog


def configure_logging(level: str) -> None:
    """Let structlog write JSON lines of at least this level; call it once, in an entry point."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def where(error: BaseException) -> str:
    """Return kind and traceback of an error without its words, in which a person may stand."""
    places = (f"{place.filename}:{place.lineno} {place.name}" for place in extract_tb(error.__traceback__))
    return "; ".join([type(error).__name__, *places])

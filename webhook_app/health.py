"""Whether this process lives, whether the servers behind it answer, and how much waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask, Response
from sqlalchemy.exc import SQLAlchemyError

from loyalty.clock import utc_now
from loyalty.crypto import Undecryptable
from loyalty.engine.recovering import list_sealed
from loyalty.reports.waiting import Waiting, read_alarms, read_lookout, read_waiting
from webhook_app.metrics import Watched, exposition
from webhook_app.tools import tools


def register(app: Flask) -> None:
    """Add what load balancers and Prometheus ask for."""
    app.get("/healthz")(is_alive)
    app.get("/readyz")(is_ready)
    app.get("/metrics")(show_metrics)


def is_alive() -> dict[str, str]:
    """Answer 200 as long as the process answers at all."""
    return {"status": "ok"}


def is_ready() -> tuple[dict[str, Any], int]:
    """Answer 200 with what waits, or 503 with the reasons when a server behind is away."""
    waiting = _find_waiting()
    reasons = [] if waiting else ["The database does not answer."]
    if not tools().wakes.is_reachable():
        reasons.append("The queue does not answer.")
    if waiting and not _opens_what_is_stored():
        reasons.append(f"The encryption keys do not fit. {Undecryptable().message}")
    status = "unavailable" if reasons else "ok"
    figures = _figures(waiting, utc_now()) if waiting else {}
    alerts = _alerts(waiting, utc_now()) if waiting else []
    told = {"status": status, "reasons": reasons, "alerts": alerts, **figures}
    return told, 503 if reasons else 200


def _opens_what_is_stored() -> bool:
    return all(tools().vault.opens(sealed) for sealed in tools().database.single_statement(list_sealed))


def _alerts(waiting: Waiting, now: datetime) -> list[str]:
    """Return what somebody should look at; a balancer must not take the web away for it."""
    seconds = waiting.age(now)
    if seconds <= tools().settings.alert_seconds:
        return []
    return [f"The oldest message has waited {round(seconds)} seconds: are workers and clock running?"]


def show_metrics() -> Response:
    """Answer in the text format of Prometheus."""
    return exposition(_find_watched(), utc_now(), tools().settings.alert_seconds)


def _find_waiting() -> Waiting | None:
    try:
        return tools().database.single_statement(read_waiting)
    except SQLAlchemyError:
        return None


def _find_watched() -> Watched | None:
    ask = tools().database.single_statement
    try:
        return Watched(ask(read_waiting), ask(read_alarms), ask(read_lookout))
    except SQLAlchemyError:
        return None


def _figures(waiting: Waiting, now: datetime) -> dict[str, Any]:
    oldest = waiting.oldest_message
    return {
        "oldest_message_seconds": round((now - oldest).total_seconds(), 3) if oldest else None,
        "messages": {"waiting": waiting.messages, "failed": waiting.failed_messages},
        "pushes": {"waiting": waiting.pushes, "failed": waiting.failed_pushes},
    }

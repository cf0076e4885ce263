"""What Prometheus may know of the web: requests, deliveries, and, asked at the scrape, what waits in the database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from loyalty.reports.waiting import Alarms, Waiting

REQUESTS = Counter("laurel_requests", "Answered requests.", ["route", "status"])
DELIVERIES = Counter("laurel_deliveries", "Deliveries of shops by what became of them.", ["outcome"])
_OUTCOMES = {it: DELIVERIES.labels(it) for it in ("accepted", "repeated", "refused", "ping")}
_ROUTES: dict[tuple[str, int], Counter] = {}


def count_delivery(outcome: str) -> None:
    """Count a delivery: accepted, repeated, refused or ping."""
    _OUTCOMES[outcome].inc()


def register(app: Flask) -> None:
    """Count every answered request by its route, not by its path, which holds ids and tokens."""
    app.after_request(_count_request)


def _count_request(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule is not None else "none"
    key = (route, response.status_code)
    counter = _ROUTES.get(key)
    if counter is None:
        counter = _ROUTES[key] = REQUESTS.labels(route, str(response.status_code))
    counter.inc()
    return response


def exposition(waiting: Waiting | None, alarms: Alarms | None, now: datetime, alert_seconds: int) -> Response:
    """Return the metrics of all processes of this machine; None: the database is away, its gauges are left out."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    text = generate_latest(registry)
    if waiting is not None and alarms is not None:
        gauges = CollectorRegistry()
        gauges.register(_Gauges(waiting, alarms, now, alert_seconds))
        text += generate_latest(gauges)
    return Response(text, mimetype=CONTENT_TYPE_LATEST)


class _Gauges(Collector):
    """What waits and what should be looked at, as it was read for one scrape."""

    def __init__(self, waiting: Waiting, alarms: Alarms, now: datetime, alert_seconds: int) -> None:
        self._waiting = waiting
        self._alarms = alarms
        self._age = waiting.age(now)
        self._is_late = self._age > alert_seconds

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one gauge each."""
        waiting, alarms = self._waiting, self._alarms
        for name, what, value in (
            ("laurel_oldest_message_seconds", "Age of the oldest message that waits.", self._age),
            ("laurel_messages_late", "1 while the oldest message waits too long.", int(self._is_late)),
            ("laurel_messages_waiting", "Messages that wait.", waiting.messages),
            ("laurel_messages_failed", "Messages that could not be processed.", waiting.failed_messages),
            ("laurel_pushes_waiting", "Pushes that wait.", waiting.pushes),
            ("laurel_pushes_failed", "Pushes that a shop refused for good.", waiting.failed_pushes),
            ("laurel_incidents_open", "Incidents that nobody has looked at.", alarms.open_incidents),
            (
                "laurel_discounts_above",
                "Accounts whose discounts are above their limit.",
                alarms.discounts_above,
            ),
        ):
            yield GaugeMetricFamily(name, what, value=value)

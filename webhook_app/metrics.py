"""What Prometheus may know of the web: requests, deliveries, and, asked at the scrape, what waits in the database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from loyalty.reports.waiting import Alarms, Lookout, Waiting

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


@dataclass(frozen=True, slots=True)
class Watched:
    """What was read of the database for one scrape."""

    waiting: Waiting
    alarms: Alarms
    lookout: Lookout


def exposition(watched: Watched | None, now: datetime, alert_seconds: int) -> Response:
    """Return the metrics of all processes of this machine; None: the database is away, its gauges are left out."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    text = generate_latest(registry)
    if watched is not None:
        gauges = CollectorRegistry()
        gauges.register(_Gauges(watched, now, alert_seconds))
        text += generate_latest(gauges)
    return Response(text, mimetype=CONTENT_TYPE_LATEST)


class _Gauges(Collector):
    """What waits and what should be looked at, as it was read for one scrape."""

    def __init__(self, watched: Watched, now: datetime, alert_seconds: int) -> None:
        self._watched = watched
        self._now = now
        self._alert_seconds = alert_seconds

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one gauge each."""
        for name, what, value in (*self._of_waiting(), *self._of_shops()):
            yield GaugeMetricFamily(name, what, value=value)

    def _of_waiting(self) -> Iterator[tuple[str, str, float]]:
        waiting = self._watched.waiting
        age = waiting.age(self._now)
        yield "laurel_oldest_message_seconds", "Age of the oldest message that waits.", age
        is_late = age > self._alert_seconds
        yield "laurel_messages_late", "1 while the oldest message waits too long.", int(is_late)
        yield "laurel_messages_waiting", "Messages that wait.", waiting.messages
        yield "laurel_messages_failed", "Messages that could not be processed.", waiting.failed_messages
        yield "laurel_pushes_waiting", "Pushes that wait.", waiting.pushes
        yield "laurel_pushes_failed", "Pushes that a shop refused for good.", waiting.failed_pushes

    def _of_shops(self) -> Iterator[tuple[str, str, float]]:
        alarms, lookout = self._watched.alarms, self._watched.lookout
        unseen = self._age(lookout.oldest_look)
        what = "Since when the shop that waits longest was not looked over."
        yield "laurel_incidents_open", "Incidents that nobody has looked at.", alarms.open_incidents
        above = alarms.discounts_above
        yield "laurel_discounts_above", "Accounts whose discounts are above their limit.", above
        found = lookout.found
        yield "laurel_differences_found", "Differences between shops and copies in the last day.", found
        yield "laurel_looks_failed", "Passes over shops that failed in the last day.", lookout.failed
        yield "laurel_oldest_look_seconds", what, unseen

    def _age(self, since: datetime | None) -> float:
        return (self._now - since).total_seconds() if since else 0.0

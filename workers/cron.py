"""The clock: RQ's scheduler, made safe to run twice and to outlive Redis; its jobs do the catching up."""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import Final

import structlog
from redis import ConnectionError, Redis, TimeoutError
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested

from loyalty.config import Settings, load_settings
from loyalty.errors import ConfigurationError
from loyalty.logs import configure_logging
from workers.queues import Queues, connect, enqueue

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
SECONDS_TO_RETRY: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job without arguments that runs once in each interval of so many seconds, counted from 1970 in UTC."""

    name: str
    seconds: int
    function: str


PERIODIC: Final = (
    Periodic("sweep", 15, "workers.jobs.sweep"),
    Periodic("deliver_mails", MINUTE, "workers.jobs.deliver_mails"),
    Periodic("continue_readings", MINUTE, "workers.jobs.continue_readings"),
    Periodic("poll_silent_shops", 2 * MINUTE, "workers.jobs.poll_silent_shops"),
    Periodic("reconcile", 15 * MINUTE, "workers.jobs.reconcile"),
    Periodic("reconcile_in_depth", HOUR, "workers.jobs.reconcile_in_depth"),
    Periodic("settle_members", MINUTE, "workers.jobs.settle_members"),
    Periodic("seal_ledgers", MINUTE, "workers.jobs.seal_ledgers"),
    Periodic("run_automations", 10 * MINUTE, "workers.jobs.run_automations"),
    Periodic("send_reminders", HOUR, "workers.jobs.send_reminders"),
    Periodic("tell_matured", HOUR, "workers.jobs.tell_matured"),
    Periodic("judge_discounts", HOUR, "workers.jobs.judge_discounts"),
    Periodic("check_webhooks", HOUR, "workers.jobs.check_webhooks"),
    Periodic("forget_shops", HOUR, "workers.jobs.forget_shops"),
    Periodic("keep_tokens", DAY, "workers.jobs.keep_tokens"),
    Periodic("tidy", DAY, "workers.jobs.tidy"),
    Periodic("verify_ledgers", DAY, "workers.jobs.verify_ledgers"),
)


class Clock(CronScheduler):
    """Enqueues each job once per interval, however many clocks run."""

    def __init__(self, connection: Redis, table: tuple[Periodic, ...] = PERIODIC) -> None:
        super().__init__(connection, logging_level=logging.WARNING)
        self.is_stopping = False
        self._cron_jobs = [_cron_job(periodic) for periodic in table]

    def enqueue_jobs(self) -> list[CronJob]:
        """Enqueue what is due and not yet claimed by another clock; return what was enqueued. Raises RedisError."""
        now = time.time()
        return [job for job in self._cron_jobs if job.should_run() and self._enqueue_once(job, now)]

    def _enqueue_once(self, job: CronJob, now: float) -> bool:
        seconds = job.interval or DAY
        tick = int(now // seconds)
        is_first = self.connection.set(f"tick:{job.name}:{tick}", 1, nx=True, ex=2 * seconds)
        if is_first:
            enqueue(self.connection, job.queue_name, job.func_name)
        job.latest_enqueue_time = datetime.fromtimestamp(now, UTC)
        job.next_enqueue_time = datetime.fromtimestamp((tick + 1) * seconds, UTC)
        return bool(is_first)

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.is_stopping = True
        raise StopRequested


def run(clock: Clock) -> None:
    """Run the clock until SIGINT or SIGTERM, also while Redis is away."""
    while not clock.is_stopping:
        try:
            clock.start()
        except (ConnectionError, TimeoutError) as error:
            log.warning("clock_without_redis", error=type(error).__name__)
            _sleep_unless_stopped()
        except StopRequested:
            return


def _sleep_unless_stopped() -> None:
    try:
        time.sleep(SECONDS_TO_RETRY)
    except StopRequested:
        return


def _cron_job(periodic: Periodic) -> CronJob:
    return CronJob(
        Queues.PERIODIC, func_name=periodic.function, interval=periodic.seconds, name=periodic.name
    )


def main(settings: Settings) -> None:
    """Run the clock of this machine."""
    configure_logging(settings.log_level)
    run(Clock(connect(settings.redis_url)))


if __name__ == "__main__":
    try:
        main(load_settings(os.environ, need_servers=True))
    except ConfigurationError as error:
        sys.exit(str(error))

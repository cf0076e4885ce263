"""The workers of one machine: a pool of processes that never give up on Redis and end with their pool."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import structlog
from redis import ConnectionError, Redis, TimeoutError
from rq import Queue, SimpleWorker
from rq.worker import DequeueStrategy
from rq.worker_pool import WorkerPool

import workers.jobs  # noqa: F401 - imported before the fork, so that no job has to import anything
from loyalty.config import Settings, load_settings
from loyalty.errors import ConfigurationError
from loyalty.logs import configure_logging
from workers.lifetime import die_with_parent
from workers.queues import Queues, connect

LOG_LEVEL = "WARNING"
JOBS_OF_ONE_PROCESS = 20_000
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_RETRY = 1.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = structlog.get_logger(__name__)


class LaurelWorker(SimpleWorker):
    """Runs its jobs in its own process: state is in the database, and a fork per job would cost 15 ms."""


class LaurelPool(WorkerPool):
    """Keeps a number of workers running; where they are several, one of them reads no whole shops, so that however many
    are read nobody else's orders and coupons wait for it.
    """

    def __init__(self, redis_url: str, number: int) -> None:
        super().__init__(Queues.ALL, connection=connect(redis_url), num_workers=number)
        self._redis_url = redis_url
        self._reads_nothing = ""

    def get_worker_process(
        self, name: str, burst: bool, _sleep: float = 0, logging_level: str = LOG_LEVEL
    ) -> BaseProcess:
        """Return a process, not started yet, that runs one worker; the arguments are RQ's."""
        arguments = (name, self._redis_url, self.queues_of(name), os.getpid())
        return get_context("fork").Process(target=run_worker, args=arguments, name=f"worker {name}")

    def queues_of(self, name: str) -> list[str]:
        """Return to what a new worker listens; it takes the place of the one that reads no shops if that has ended."""
        if self.num_workers == 1 or self._reads_nothing in self.worker_dict:
            return self._queue_names
        self._reads_nothing = name
        return [queue for queue in self._queue_names if queue != Queues.READING]

    def run(self) -> None:
        """Keep the workers running until SIGINT or SIGTERM; then let each finish its job."""
        self._burst = False
        self.status = self.Status.STARTED
        self._install_signal_handlers()
        while self.status != self.Status.STOPPED:
            self.check_workers()
            time.sleep(SECONDS_BETWEEN_LOOKS)
        # A worker that was just started has not heard of the end yet.
        self.stop_workers()
        while not self.all_workers_have_stopped():
            time.sleep(SECONDS_BETWEEN_LOOKS)


def run_worker(name: str, redis_url: str, queue_names: list[str], pool_pid: int) -> None:
    """Work until told to stop or after so many jobs; runs in a process of its own."""
    die_with_parent(pool_pid)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    connection = Redis.from_url(redis_url)
    queues = [Queue(queue, connection=connection) for queue in queue_names]
    try:
        worker = LaurelWorker(queues, name=name, connection=connection)
        worker.work(
            logging_level=LOG_LEVEL,
            max_jobs=JOBS_OF_ONE_PROCESS,
            dequeue_strategy=DequeueStrategy.ROUND_ROBIN,
        )
    except (ConnectionError, TimeoutError) as error:
        # The pool starts the next one at once; while Redis is away one line a second is enough.
        log.warning("worker_without_redis", error=type(error).__name__)
        time.sleep(SECONDS_TO_RETRY)


def main(settings: Settings) -> None:
    """Run the pool until it is told to stop."""
    configure_logging(settings.log_level)
    LaurelPool(settings.redis_url, settings.workers).run()


if __name__ == "__main__":
    try:
        main(load_settings(os.environ, need_servers=True))
    except ConfigurationError as error:
        sys.exit(str(error))

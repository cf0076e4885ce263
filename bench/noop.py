"""RQ's own pace: no-op jobs through its SimpleWorker, in one process."""

from __future__ import annotations

import subprocess
import sys

from redis import Redis
from rq import Queue, SimpleWorker

from bench.figures import seconds_of
from bench.stage import PROJECT

QUEUE = "bench-noop"
JOBS = 600


def nothing() -> None:
    """Do nothing."""


def rate_of_noops(redis_url: str) -> float:
    """Return no-op jobs per second of one SimpleWorker in a process of its own."""
    argv = [sys.executable, "-m", "bench.noop", redis_url]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=300)
    return float(done.stdout.split()[-1])


def main(redis_url: str) -> None:
    """Put the jobs onto the queue, work them off and say how many a second that was."""
    with Redis.from_url(redis_url) as connection:
        queue = Queue(QUEUE, connection=connection)
        job = Queue.prepare_data("bench.noop.nothing", result_ttl=0, timeout=60)
        queue.enqueue_many([job._replace(job_id=None) for _ in range(JOBS)])
        worker = SimpleWorker([queue], connection=connection)
        seconds = seconds_of(lambda: worker.work(burst=True, logging_level="ERROR"))
    print(JOBS / seconds)


if __name__ == "__main__":
    main(sys.argv[1])

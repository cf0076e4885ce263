"""How gunicorn serves the web: some processes with some threads each, metrics of all of them in one folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from workers.lifetime import die_with_parent

metrics_folder = Path(os.environ.get("LAUREL_DATA") or "var").resolve() / "prometheus"
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(metrics_folder))

# The client library looks for the variable once, when it is imported.
from prometheus_client import multiprocess  # noqa: E402

bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or "2")
threads = int(os.environ.get("WEB_THREADS") or "8")
timeout = 30
graceful_timeout = 20
keepalive = 5
# A request of more, or longer, headers is refused before the application sees it.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL") or "info"
accesslog = None
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Empty the metrics folder; not on a reload, which would lose the counters."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def post_fork(_server: Any, worker: Any) -> None:
    """End with the master, even with a request that hangs."""
    die_with_parent(worker.ppid)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a process that is gone."""
    multiprocess.mark_process_dead(worker.pid)

"""A careful client: what was not answered 200 is sent again, the very same bytes, until it is."""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.orders import Delivery

SECONDS = 10.0
PAUSE = 0.1
SENDERS = 4


@dataclass(slots=True)
class Sender:
    """Delivers to one webhook address from several threads."""

    port: int
    path: str
    secret: str
    answered: int = 0
    repeated: int = 0
    """Tries that were not answered 200."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, deliveries: Sequence[Delivery]) -> list[threading.Thread]:
        """Begin to deliver in the background; join the threads to wait until each is answered 200."""
        waiting: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        for delivery in deliveries:
            waiting.put(delivery)
        threads = [threading.Thread(target=self._work, args=(waiting,), daemon=True) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, waiting: queue.SimpleQueue[Delivery]) -> None:
        while True:
            try:
                delivery = waiting.get_nowait()
            except queue.Empty:
                return
            self._deliver(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        while not self._post(delivery):
            with self._lock:
                self.repeated += 1
            time.sleep(PAUSE)
        with self._lock:
            self.answered += 1

    def _post(self, delivery: Delivery) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("POST", self.path, delivery.body, delivery.headers(self.secret))
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

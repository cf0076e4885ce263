"""A careful client: what was not answered 200 is sent again, the very same bytes, until it is."""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.fault_shops import Letter

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

    def begin(self, letters: Sequence[Letter]) -> list[threading.Thread]:
        """Begin to deliver in the background; join the threads to wait until each is answered 200."""
        waiting: queue.SimpleQueue[Letter] = queue.SimpleQueue()
        for letter in letters:
            waiting.put(letter)
        threads = [threading.Thread(target=self._work, args=(waiting,), daemon=True) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, waiting: queue.SimpleQueue[Letter]) -> None:
        while True:
            try:
                letter = waiting.get_nowait()
            except queue.Empty:
                return
            self._deliver(letter)

    def _deliver(self, letter: Letter) -> None:
        while not self._post(letter):
            with self._lock:
                self.repeated += 1
            time.sleep(PAUSE)
        with self._lock:
            self.answered += 1

    def _post(self, letter: Letter) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("POST", self.path, letter.body, letter.headers(self.secret))
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

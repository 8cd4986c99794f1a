"""Makes the next items in a thread while the last ones are used."""

import queue
import threading


class _Failure:
    def __init__(self, error):
        self.error = error


def prefetch(make, count=None, depth=2):
    """Yields `count` results of make(), or results without end; raises its errors."""
    ready, stop = queue.Queue(depth), threading.Event()

    def offer(item):
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.5)
                return
            except queue.Full:
                continue

    def work():
        made = 0
        try:
            while not stop.is_set() and (count is None or made < count):
                offer(make())
                made += 1
        except Exception as error:  # handed to the reader
            offer(_Failure(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        taken = 0
        while count is None or taken < count:
            item = ready.get()
            if isinstance(item, _Failure):
                raise item.error
            yield item
            taken += 1
    finally:
        stop.set()
        thread.join()

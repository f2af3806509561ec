"""How long a change in a driver takes until it has reached all open pages, and what these cost the service.

    python benchmarks/service_streams.py [--streams 50] [--changes 40] [--page /runs/run]

Each open page holds a stream of events (a browser holds one for all of its pages). A driver records a candidate. What
is measured is the time until each stream has told of it, and the computing time and memory of the service.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from service_pages import memory_mb
from service_restart import cpu_seconds

from tests.support.reading_service import BEARER, application, served
from tests.support.store_values import ME, driven, evaluation, key
from tuner.storage import Store

PATIENCE = 60.0
PAUSE = 0.5  # seconds between two changes


class Streams:
    """Streams that are open, and when each has told of a change: by the number of the change.

    With a page, each asks for it after each change, as a browser does, and has told of the change when it has arrived.
    """

    def __init__(self, address: str, count: int, page: str | None) -> None:
        self.host = address.removeprefix("http://")
        self.page = page
        self.told: dict[int, list[float]] = {}
        self.open = Counter[str]()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._read, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _read(self) -> None:
        connection, page = (http.client.HTTPConnection(self.host, timeout=PATIENCE) for _ in range(2))
        connection.request("GET", "/api/v1/events", headers=BEARER)
        answer = connection.getresponse()
        with contextlib.suppress(OSError, http.client.HTTPException):
            while line := answer.readline():
                if line.startswith(b"event: resync"):
                    with self.lock:
                        self.open["streams"] += 1
                elif line.startswith(b"data: ") and b'"number": ' in line:
                    number = int(line.rpartition(b'"number": ')[2].rstrip(b"}\r\n"))
                    if self.page is not None:
                        page.request("GET", self.page, headers=BEARER)
                        page.getresponse().read()
                    with self.lock:
                        self.told.setdefault(number, []).append(time.monotonic())

    def until(self, condition: object) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():  # type: ignore[operator]
            if time.monotonic() > end:
                raise TimeoutError("a stream has not told of a change")
            time.sleep(0.005)


def measure(streams: int, changes: int, page: str | None) -> None:
    """Print the times and the costs."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "runs.db")
        with Store.open(file) as store:
            keys = [key(slot) for slot in range(changes)]
            study, epoch = driven(store, owner=ME, generations=1, population=changes, add=keys)
            command = [sys.executable, __file__, "--serve", file]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
                try:
                    address = server.stdout.readline().strip()  # type: ignore[union-attr]
                    before, computed = memory_mb(server.pid), cpu_seconds(server.pid)
                    opened = Streams(address, streams, page)
                    opened.until(lambda: opened.open["streams"] == streams)
                    print(f"opening {streams} streams: {cpu_seconds(server.pid) - computed:.2f} s of computing")
                    idle, since = cpu_seconds(server.pid), time.monotonic()
                    time.sleep(10)
                    share = (cpu_seconds(server.pid) - idle) / (time.monotonic() - since)
                    print(f"without changes: {100 * share:.1f} % of a core")
                    first, last, start = [], [], cpu_seconds(server.pid)
                    for each in keys:
                        seen = dict(opened.told)
                        written = time.monotonic()
                        store.record(study, epoch, [evaluation(each, fitness=1.0)])
                        committed = time.monotonic()
                        opened.until(
                            lambda seen=seen: any(
                                len(at) == streams for number, at in opened.told.items() if number not in seen
                            )
                        )
                        number = max(number for number in opened.told if number not in seen)
                        first.append(min(opened.told[number]) - written)
                        last.append(max(opened.told[number]) - committed)
                        time.sleep(PAUSE)
                    print(
                        f"from a result to the first stream: median {statistics.median(first):.2f} s; to the last:"
                        f" median {statistics.median(last):.2f} s, at most {max(last):.2f} s"
                    )
                    each_ms = 1000 * (cpu_seconds(server.pid) - start) / changes
                    print(f"a change that {streams} streams tell of: {each_ms:.1f} ms of computing")
                    print(f"memory: {memory_mb(server.pid):.0f} MB (before: {before:.0f})")
                    assert all(len(at) == streams for at in opened.told.values()), "missed or told twice"
                finally:
                    server.stdin.close()  # type: ignore[union-attr]
                    server.wait(timeout=PATIENCE)


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--page", help="page that each stream reads after a change, such as /runs/run or /studies/1")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        with served(application(arguments.serve)) as address:
            print(address, flush=True)
            sys.stdin.read()
        return
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    measure(arguments.streams, arguments.changes, arguments.page)


if __name__ == "__main__":
    main()

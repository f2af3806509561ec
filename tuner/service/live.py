"""Changes of studies, noticed by one thread for all streams.

The thread reads the table of changes, one short row per study, and keeps for each study the number that it saw last and
the place of that change in its own order. A stream is woken after each round, and sends every study whose place is
beyond its cursor: what is sent is the newest number, so that a slow client is sent less, never something old. A cursor
is valid as long as this process lives; after another start, or without one, the client is told to read everything
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from tuner.storage import ServiceStore, UnknownStudy
from tuner.storage.errors import StorageError

INTERVAL = 0.25
"""Seconds between two rounds."""

KEEPALIVE = 15.0
"""Seconds after which a stream without news sends a comment, so that a proxy does not cut it."""

QUEUE = 0
"""Stands for the queue among the ids of studies, which begin at 1."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A study that has changed."""

    study: int  # its id, or QUEUE: requests have changed
    run: str
    number: int | None  # of its changes so far; None if the study was deleted
    cursor: str


@dataclass(slots=True)
class _Seen:
    run: str
    number: int | None
    place: int


class Watcher:
    """Notices changes of studies; `start` and `stop` belong to the application's life.

    Args:
        store: The database, which is read by one thread.
        interval: Seconds between two rounds.
    """

    def __init__(self, store: ServiceStore, interval: float = INTERVAL) -> None:
        self._store, self._interval = store, interval
        self._process = secrets.token_hex(4)
        self._seen: dict[int, _Seen] = {}
        self._queue_version: tuple[int, int] | None = None
        self._place = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lodo-changes", daemon=True)
        self._wake: dict[Callable[[], None], int] = {}  # of each stream, and the place that it has sent
        self._looked_at = time.monotonic()
        self._is_away = False

    def start(self) -> None:
        """Read the present numbers, and begin to watch."""
        self._look()
        self._thread.start()

    def end_streams(self) -> None:
        """End all streams, without waiting for the thread, which may wait for the database."""
        self._stopping.set()
        self._tell()

    def stop(self) -> None:
        """End the thread and all streams."""
        self.end_streams()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return len(self._wake)

    @property
    def behind(self) -> int:
        """Changes that the slowest stream has not sent yet, at most: of several of one study it sends the last."""
        with self._lock:
            return max((self._place - sent for sent in self._wake.values()), default=0)

    @property
    def age(self) -> float:
        """Seconds since the changes were last read."""
        return time.monotonic() - self._looked_at

    def cursor(self) -> str:
        """Return the cursor of the newest change."""
        with self._lock:
            return self._text(self._place)

    def since(self, cursor: str | None) -> list[Change] | None:
        """Return the changes after a cursor in order, of each study the last; None of another process's cursor."""
        process, _, place = (cursor or "").partition("-")
        if process != self._process or not place.isdecimal():
            return None
        with self._lock:
            news = [(seen.place, study, seen) for study, seen in self._seen.items() if seen.place > int(place[:18])]
        return [Change(study, seen.run, seen.number, self._text(at)) for at, study, seen in sorted(news, key=_place)]

    async def stream(self, cursor: str | None, is_hidden: Callable[[str], bool]) -> AsyncIterator[str]:
        """Yield the text of server-sent events until the watcher stops; no database connection is held.

        Args:
            cursor: The cursor that the client has; None if it has none.
            is_hidden: Returns whether a run is hidden from the client.
        """
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        was_away = False

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be closing
                loop.call_soon_threadsafe(woken.set)

        self._wake[wake] = self._place
        try:
            yield "retry: 1000\n\n"
            while not self._stopping.is_set():
                woken.clear()
                if cursor is not None:
                    self._wake[wake] = self._place_of(cursor)
                changes = self.since(cursor)
                if changes is None:
                    cursor = self.cursor()
                    yield _event("resync", cursor, "{}")
                    continue
                if was_away is not self._is_away:
                    was_away = self._is_away
                    yield _event("database", cursor or self.cursor(), json.dumps({"available": not was_away}))
                for change in changes:
                    if change.study == QUEUE:
                        yield _event("queue", change.cursor, "{}")
                    else:
                        try:
                            shown = not await asyncio.to_thread(is_hidden, change.run)
                        except StorageError:  # this change is sent once the database is back, which wakes the stream
                            break
                        if shown:
                            yield _event("study", change.cursor, _data(change))
                    cursor = change.cursor
                try:
                    await asyncio.wait_for(woken.wait(), KEEPALIVE)
                except TimeoutError:
                    yield ": nothing new\n\n"
        finally:
            self._wake.pop(wake, None)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                is_news, is_away = self._look(), False
            except StorageError as error:  # what changes meanwhile is noticed afterwards
                if not self._is_away:
                    _LOG.warning("changes cannot be read: %s", error)
                is_news, is_away = False, True
            except Exception:  # a fault of this program does not end the pages' updates
                _LOG.exception("changes cannot be read")
                self._stopping.wait(5.0)
                continue
            if is_news or is_away is not self._is_away:
                self._is_away = is_away
                self._tell()

    def _look(self) -> bool:
        """Read the numbers; return whether any is new."""
        numbers = self._store.changes()
        self._looked_at = time.monotonic()
        before = self._place
        for study, number in numbers.items():
            seen = self._seen.get(study)
            if seen is None or seen.number != number:
                run = self._run_of(study) if seen is None else seen.run
                if run is not None:
                    self._note(study, run, number)
        if (version := self._store.queue_version()) != self._queue_version:
            self._queue_version = version
            self._note(QUEUE, "", None)
        for study in [one for one, seen in self._seen.items() if seen.number is not None and one not in numbers]:
            self._note(study, self._seen[study].run, None)
        return self._place > before

    def _note(self, study: int, run: str, number: int | None) -> None:
        with self._lock:
            self._place += 1
            self._seen[study] = _Seen(run, number, self._place)

    def _run_of(self, study: int) -> str | None:
        try:
            return self._store.run_of(study)
        except UnknownStudy:  # deleted since
            return None

    def _tell(self) -> None:
        for wake in list(self._wake):
            wake()

    def _place_of(self, cursor: str) -> int:
        process, _, place = cursor.partition("-")
        return int(place[:18]) if process == self._process and place.isdecimal() else self._place

    def _text(self, place: int) -> str:
        return f"{self._process}-{place}"


def _place(news: tuple[int, int, _Seen]) -> int:
    return news[0]


def _data(change: Change) -> str:
    return json.dumps({"study": change.study, "run": change.run, "number": change.number})


def _event(kind: str, cursor: str, data: str) -> str:
    return f"id: {cursor}\nevent: {kind}\ndata: {data}\n\n"

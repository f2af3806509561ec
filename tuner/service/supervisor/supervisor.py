"""The supervisor: a thread that starts drivers and notices their ends.

It tells them how many workers they may use.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from tuner.api.request_driver import Assigned
from tuner.core.requests import Desired, Outcome, RequestRecord, State
from tuner.core.trial import Status
from tuner.service.settings import ServiceSettings
from tuner.service.supervisor.processes import DriverProcesses
from tuner.service.supervisor.schedule import Schedule, expected_starts
from tuner.storage import ServiceStore, StorageError, UnknownStudy, this_process

INTERVAL = 0.5
"""Seconds between two rounds."""

ESTIMATE_SECONDS = 10.0
"""Seconds between two estimates of when waiting runs start."""

PATIENCE_SECONDS = 15.0
"""Seconds that a driver may take to cancel its run before its process is ended."""

LEASES_SECONDS = 20.0
"""Seconds after the database has come back, or this service has begun, in which drivers renew their leases."""

OUTAGE_SECONDS = 5.0
"""Seconds without a look at the database after which drivers may not have been able to renew their leases either."""

STOP_SECONDS = 3.0
"""Seconds in which the last round may end, and the queue be handed over, before the database is waited for no more."""

ACTIVE = (State.QUEUED, State.STARTING, State.RUNNING)

_LOG = logging.getLogger(__name__)


class Supervisor:
    """Supervises the drivers of a database. Its state is in the database: another process can take its place.

    Args:
        settings: Of the service.
        store: The database, which this thread alone uses.
        processes: Starts the processes of drivers.
        interval: Seconds between two rounds.
    """

    def __init__(
        self, settings: ServiceSettings, store: ServiceStore, processes: DriverProcesses, interval: float = INTERVAL
    ) -> None:
        self._settings, self._store, self._processes, self._interval = settings, store, processes, interval
        self._schedule = Schedule(settings.workers, settings.quota)
        self._me = this_process()
        self._is_in_charge = False
        self._decided_at: float | None = None
        self._estimated_at = -ESTIMATE_SECONDS
        self._expected: Mapping[int, float | None] = {}
        self._cancelled_at: dict[tuple[int, int], float] = {}  # by request and epoch
        self._failing: str | None = None
        self._well_since = self._looked_at = time.monotonic()  # since when the database has been there
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lodo-supervisor", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and let another service take over. Drivers go on."""
        self._stopping.set()
        limit = threading.Timer(STOP_SECONDS, self._store.stop_waiting)
        limit.daemon = True
        limit.start()
        if self._thread.is_alive():
            self._thread.join()
        if self._is_in_charge and self._failing is None:
            try:
                self._store.resign(self._me)
            except StorageError as error:  # the lease expires
                _LOG.warning("the supervisor could not resign: %s", error)
        limit.cancel()

    def round(self) -> None:
        """Look once, and do what is due.

        Raises:
            StorageError: The database cannot be used at the moment.
        """
        other = self._store.supervise(self._me)
        if (other is None) != self._is_in_charge:
            _LOG.info("supervisor: %s", "in charge" if other is None else f"{other} is in charge")
        self._is_in_charge = other is None
        if other is not None:
            self._decided_at = None
            return
        self._processes.reap()
        active = self._store.requests(ACTIVE)
        looked_at, self._looked_at = self._looked_at, time.monotonic()
        if self._looked_at > looked_at + OUTAGE_SECONDS:  # it did not answer, which is no error if it was short
            self._well_since = self._looked_at
        requests = [one for one in active if not self._has_lost_its_driver(one)]
        for one in requests:
            if one.state.has_driver and one.desired is Desired.CANCEL:
                self._insist(one)
        now = time.monotonic()
        seconds = 0.0 if self._decided_at is None else now - self._decided_at
        self._decided_at = now
        decisions = self._schedule.decide(requests, self._store.user_weights(), seconds)
        if now >= self._estimated_at + ESTIMATE_SECONDS:
            self._estimated_at = now
            self._expected = self._estimated(requests, list(decisions.waiting))
            self._processes.keep_logs([one.id for one in requests])
        waiting = {
            one.id: (decisions.waiting[one.id], self._expected.get(one.id))
            for one in requests
            if one.id in decisions.waiting
            and (one.reason, one.expected_in) != (decisions.waiting[one.id], self._expected.get(one.id))
        }
        if decisions.granted or waiting:
            self._store.grant(decisions.granted, waiting)
        for request, workers in decisions.starts:
            self._start(request, workers)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.round()
                if self._failing is not None:
                    self._failing, self._well_since = None, time.monotonic()
            except (StorageError, OSError) as error:  # a state and no crash: drivers go on, and the next round looks
                if str(error) != self._failing:
                    _LOG.warning("the supervisor waits: %s", error)
                self._failing = str(error)
                self._stopping.wait(1.0)
            except Exception:  # a fault of this program ends no supervision
                _LOG.exception("a round of the supervisor has failed")
                self._stopping.wait(5.0)

    def _has_lost_its_driver(self, request: RequestRecord) -> bool:
        """Return whether the driver of a request has ended without reporting it; that is stored."""
        if not request.state.has_driver or request.driver_left is None or request.driver_left > 0:
            return False
        if request.driver is not None and request.driver_lives:
            if time.monotonic() < self._well_since + LEASES_SECONDS:  # it could not renew its lease
                return False
            # It hangs; another one is started.
            self._processes.signal(request.driver, signal.SIGKILL)
        words = self._processes.last_words(request.id)
        if "Traceback" not in words:
            words = f"{words}\nthe process of the driver has ended unexpectedly".strip()
        _LOG.warning("the driver of %s is lost: %s", request.run, words.splitlines()[-1])
        self._store.end_driver(request.id, request.epoch, Outcome.INTERRUPTED, words)
        return True

    def _insist(self, request: RequestRecord) -> None:
        """End the process of a driver that does not cancel its run in time."""
        key, now = (request.id, request.epoch), time.monotonic()
        since = self._cancelled_at.setdefault(key, now)
        if request.driver is not None and now > since + PATIENCE_SECONDS:
            self._processes.signal(request.driver, signal.SIGKILL)

    def _start(self, request: RequestRecord, workers: int) -> None:
        epoch = self._store.start_driver(request.id, request.epoch, workers)
        if epoch is None:  # a user has paused it meanwhile
            return
        settings = self._settings
        process = self._processes.start(
            Assigned(
                database=settings.database,
                request=request.id,
                epoch=epoch,
                workers=settings.workers,
                address=settings.address,
                cpus_per_candidate=settings.cpus_per_candidate,
                gpus_per_candidate=settings.gpus_per_candidate,
                catalogue={name: tuple(names) for name, names in asdict(settings.catalogue).items()},
            )
        )
        self._store.name_driver(request.id, epoch, process)
        _LOG.info("the driver %d of %s is started", epoch, request.run)

    def _estimated(self, requests: Sequence[RequestRecord], waiting: Sequence[int]) -> dict[int, float | None]:
        """Return the seconds until waiting requests are expected to start."""
        if not waiting:
            return {}
        pace = self._store.pace(workload.partition("/")[0] for one in requests for workload in one.cost.rounds)
        by_id = {one.id: one for one in requests}
        ends = [self._left(one, pace) for one in requests if one.state.has_driver]
        takes = [by_id[request].cost.seconds(pace, 1) for request in waiting]
        return dict(zip(waiting, expected_starts(ends, takes), strict=True))

    def _left(self, request: RequestRecord, pace: Mapping[str, float]) -> float | None:
        """Return the seconds that a run with a driver is expected to take."""
        whole = request.cost.seconds(pace, max(1, request.granted))
        try:
            records = self._store.find(request.run)
        except UnknownStudy:  # its driver is starting
            return whole
        done = sum(count for record in records for status, count in record.counts.items() if Status(status).is_final)
        due = sum(record.spec.due for record in records)
        return None if whole is None else whole * max(0.0, 1 - done / max(1, due))

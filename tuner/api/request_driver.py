"""The driver of a request: a process that trains a submitted run.

It ends when the run has ended, or when the service has requested it.

What is desired and how many workers it may use are read from the database, with each heartbeat. A driver
continues without the service, and another service finds it by its heartbeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from tuner.api.progress import Progress
from tuner.api.running import begin, check_users_code, continue_run
from tuner.api.stored_database import PATIENCE
from tuner.api.submission import Catalogue, planned
from tuner.core.errors import RESUMABLE, LodoTuneError
from tuner.core.events import Event
from tuner.core.requests import Desired, Orders, Outcome, RequestRecord
from tuner.core.text import describe_error, first_line
from tuner.core.trial import Evaluation
from tuner.execution.executor import Executor
from tuner.execution.resources import Resources
from tuner.storage import LeaseLost, ServiceStore, StudyExists, this_process
from tuner.studies.callbacks import Callback, CallbackList
from tuner.studies.control import Ended
from tuner.studies.fingerprints import identified
from tuner.studies.heartbeat import Heartbeat

BEAT_SECONDS = 0.5
"""Seconds between two readings of a driver's orders."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """The request that a service assigns to the process of a driver.

    Attributes:
        database: URL of the database, with its password.
        request: Id of the request.
        epoch: Of the driver.
        workers: Workers of the service, of which the driver may use as many as it is granted.
        address: Of a Ray cluster; None: a Ray of the driver's own.
        cpus_per_candidate: Cores of a worker.
        gpus_per_candidate: GPUs of a worker.
        catalogue: Names of tasks, optimizers and strategies that requests may use.
    """

    database: str
    request: int
    epoch: int
    workers: int
    address: str | None
    cpus_per_candidate: int
    gpus_per_candidate: float
    catalogue: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return what a mapping holds, as a process receives it."""
        catalogue = {name: tuple(names) for name, names in values["catalogue"].items()}
        return cls(**{**values, "catalogue": catalogue})


class Link:
    """The connection of a driver to its request: renews its lease, and applies its orders.

    It is the `Control` of the run. Use it as a context manager, in which a thread reads the orders.

    Args:
        store: The database.
        request: Id of the request.
        epoch: Of the driver.
        granted: Workers that it may use at first.
    """

    def __init__(self, store: ServiceStore, request: int, epoch: int, granted: int) -> None:
        self._store, self._request, self._epoch = store, request, epoch
        self._orders = Orders(Desired.RUN, granted)
        self._using = 0
        self._has_results, self._has_told = False, False
        self._heartbeat = Heartbeat(self._beat, every=BEAT_SECONDS)

    def __enter__(self) -> Self:
        """Begin to send heartbeats."""
        self._beat()
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """End the heartbeats."""
        self._heartbeat.__exit__(*error)

    def check(self, executor: Executor) -> None:
        """See `Control.check`: no worker is granted where the run is to pause or to stop.

        Raises:
            Ended: The run is cancelled, or is to end and trains nothing any more.
            LeaseLost: Another driver has the request.
        """
        self._heartbeat.check()
        told = self._orders
        if told.desired is Desired.CANCEL:
            raise Ended("the run was cancelled")
        allowed = told.granted if told.desired is Desired.RUN else 0
        executor.limit(allowed)
        self._using = executor.workers
        if allowed == 0 and executor.busy == 0:
            raise Ended(
                f"{told.desired} requested" if told.desired is not Desired.RUN else "other runs have the workers"
            )

    def end(self) -> None:
        """See `Control.end`: the next heartbeat gives the workers back."""
        self._using = 0

    def _beat(self) -> None:
        is_news = self._has_results and not self._has_told
        self._orders = self._store.heartbeat(self._request, self._epoch, self._using, is_news)
        self._has_told = self._has_told or is_news

    def callback(self) -> Callback:
        """Return a callback of a study, which notices results."""
        return _Noticing(self)

    def note_result(self) -> None:
        """Note that a result was recorded: the driver is not one of those that die before they have done anything."""
        self._has_results = True


class _Noticing(CallbackList):
    """A callback that notifies a link of results."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def on_event(self, event: Event) -> None:
        """Note an evaluation, which is recorded."""
        if isinstance(event, Evaluation):
            self._link.note_result()


def drive(assigned: Assigned, progress: Progress) -> Outcome:
    """Train a run that was submitted, as far as the service lets it, and store how that has ended.

    Args:
        assigned: What to train, and where.
        progress: Receives what is reported.

    Returns:
        How it has ended.

    Raises:
        LeaseLost: The service has started another driver; nothing was done, or what was trained is recorded.
        BaseException: A signal, or an error that is none of this program's; the request waits to be tried again.
    """
    with ServiceStore.open(assigned.database, patience=PATIENCE) as store:
        request = store.claim(assigned.request, assigned.epoch, this_process())
        outcome, text = Outcome.INTERRUPTED, ""
        try:
            with Link(store, request.id, assigned.epoch, request.granted) as link:
                _train(request, assigned, store, progress, link)
            outcome = Outcome.COMPLETE
        except Ended as ended:
            outcome, text = Outcome.DRAINED, str(ended)
        except LeaseLost as error:
            text = str(error)
            raise
        except (LodoTuneError, ValueError) as error:
            may_pass = getattr(error, "exit_code", 1) in RESUMABLE
            outcome, text = Outcome.INTERRUPTED if may_pass else Outcome.FAILED, first_line(str(error))
        except KeyboardInterrupt:
            text = "its driver was interrupted by a signal"
            raise
        except BaseException as error:
            text = describe_error(error)[1]
            raise
        finally:
            store.end_driver(request.id, assigned.epoch, outcome, text)
    return outcome


def _train(request: RequestRecord, assigned: Assigned, store: ServiceStore, progress: Progress, link: Link) -> None:
    """Create the studies of a request, unless an earlier driver has, and complete them."""
    fields = request.fields
    resources = Resources(
        workers=assigned.workers,
        cpus_per_candidate=assigned.cpus_per_candidate,
        gpus_per_candidate=assigned.gpus_per_candidate,
        memory_per_candidate=fields.get("memory_per_candidate"),
        timeout=fields.get("timeout"),
        max_attempts=fields.get("max_attempts") or 3,
        address=assigned.address,
        dashboard=False,
    )
    resources.check()
    if request.run not in store.runs():
        catalogue = Catalogue(**assigned.catalogue)
        plan = planned(request.run, fields, catalogue, resources.cpus_per_candidate, assigned.database)
        check_users_code(plan.specs, resources.timeout, progress)
        plan = identified(plan, resources, accept_changes=bool(fields.get("accept_changes")))
        try:
            begin(plan, request.run, resources, store, progress, callbacks=link.callback, control=link)
            return
        except StudyExists:  # of an earlier driver, which was taken as lost
            pass
    # The number of cores that a study was begun with decides its last bits.
    threads = store.find(request.run)[0].spec.workload.threads
    resources = replace(resources, cpus_per_candidate=threads)
    continue_run(request.run, resources, store, progress, callbacks=link.callback, wait=True, control=link)

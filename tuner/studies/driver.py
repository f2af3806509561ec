"""The driver: runs several studies side by side on one executor.

A generation ends with its last candidate, and workers would be idle until then. The next study therefore begins as soon
as the executor has room. Earlier studies keep the workers that have compiled their workloads. Studies with the time of
a step as an objective are run one after the other.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tuner.core.study import StudyRecord
from tuner.execution.executor import Batch, Executor
from tuner.storage import Store, StudyComplete, StudyOwned, UnknownStudy
from tuner.studies.batch import EveryCandidateFailed
from tuner.studies.callbacks import Callback
from tuner.studies.control import Control
from tuner.studies.study_run import StudyRun, Work

WAIT_SECONDS = 1.0
"""Seconds between two attempts to acquire a study that another driver holds."""


def run_study(
    store: Store, study: StudyRecord, executor: Executor, callback: Callback, *, owner: str, lease_seconds: float = 15.0
) -> None:
    """Run one study, or the rest of it, to completion; see `run_studies`."""
    run_studies(store, [study], executor, lambda: callback, owner=owner, lease_seconds=lease_seconds)


def run_studies(
    store: Store,
    studies: Sequence[StudyRecord],
    executor: Executor,
    callbacks: Callable[[], Callback],
    *,
    owner: str,
    lease_seconds: float = 15.0,
    wait: bool = False,
    control: Control | None = None,
) -> None:
    """Run studies, or the rest of them, to completion; in order, and concurrently if the executor has room.

    Args:
        store: Store of the studies and their results.
        studies: Studies that were created, and possibly begun.
        executor: Trains the candidates.
        callbacks: Returns the callback of a study.
        owner: Name of this driver, "host:pid".
        lease_seconds: Seconds for which a study remains with this driver after its process has stopped.
        wait: Whether to wait for a study that another driver holds; it is skipped if that driver completes it.
        control: Says how many workers may be used, and ends the run early. Default: none.

    Raises:
        StorageError: The database fails, or another driver holds a study.
        ClusterUnavailable: The machines are lost, or never had the requested resources.
        UnknownStudy: A study was deleted before it began, and the others have run; or while it ran.
        EveryCandidateFailed: All candidates of a generation of a study raised the same error; the others have run.
        OtherGenome: A study cannot be replayed with these versions.
        Ended: `control` has ended the run; what was trained is recorded.
    """
    driver = _Driver(
        executor, lambda study: StudyRun(store, study, callbacks(), owner=owner, lease_seconds=lease_seconds)
    )
    try:
        driver.run(studies, wait=wait, control=control)
    except BaseException:
        executor.cancel()
        store.stop_retrying()  # one attempt to write what is pending
        raise
    finally:
        driver.close()
    if len(driver.stopped) > 1:
        raise EveryCandidateFailed("; ".join(map(str, driver.stopped)))
    if driver.stopped:
        raise driver.stopped[0]
    for others in (driver.deleted, driver.owned):
        if others:
            raise others[0]


class _Driver:
    """Studies in progress, and the outstanding submission of each."""

    def __init__(self, executor: Executor, begin: Callable[[StudyRecord], StudyRun]) -> None:
        self.stopped: list[EveryCandidateFailed] = []
        self.deleted: list[UnknownStudy] = []
        self.owned: list[StudyOwned] = []
        self._has_begun = False
        self._executor = executor
        self._begin = begin
        self._runs: dict[StudyRun, Batch] = {}

    def run(self, studies: Sequence[StudyRecord], *, wait: bool, control: Control | None) -> None:
        """Run all studies to completion."""
        waiting = deque(studies)
        # A step is timed while nothing else of the run is trained.
        is_timed = any(study.spec.workload.objective.has_step_time for study in studies)
        not_before = 0.0  # time of the next attempt to acquire a study that another driver holds
        while waiting or self._runs:
            if control is not None:
                control.check(self._executor)
            while (
                waiting
                and time.monotonic() >= not_before
                and (not self._runs or (self._executor.has_room and not is_timed))
            ):
                study = waiting.popleft()
                try:
                    self._advance(self._begin(study))
                    self._has_begun = True
                except StudyOwned as error:
                    if wait:
                        # The following studies are not begun either: the other driver is about to acquire them.
                        waiting.appendleft(study)
                        not_before = time.monotonic() + WAIT_SECONDS
                    elif self._has_begun:
                        self.owned.append(error)  # by a later driver; the studies in progress continue
                    else:
                        raise
                except UnknownStudy as error:
                    self.deleted.append(error)
                except StudyComplete:  # by the driver for which this one waited
                    if not wait:
                        raise
            if self._runs:
                self._poll()
            elif waiting:
                time.sleep(max(0.0, not_before - time.monotonic()))

    def close(self) -> None:
        """Interrupt the studies in progress."""
        with ExitStack() as stack:
            for run in self._runs:
                stack.callback(run.close)
        self._runs.clear()

    def _poll(self) -> None:
        """Let the executor make progress, and pass each event to its study."""
        self._executor.poll()
        for run, submitted in list(self._runs.items()):
            for event in submitted.take():
                run.tell(event)
            run.tick()
            self._advance(run)

    def _advance(self, run: StudyRun) -> None:
        """Submit a study's next work; remove the study once it is over."""
        try:
            work = run.ask()
        except EveryCandidateFailed as error:
            self._runs.pop(run, None)
            self.stopped.append(error)
            return
        if run.is_over:
            self._runs.pop(run, None)
        elif work is not None:
            try:
                self._runs[run] = self._submit(work)
            except BaseException:
                run.close()
                raise

    def _submit(self, work: Work) -> Batch:
        return self._executor.submit(work.workload, work.trials, label=work.label, remaining=work.remaining)

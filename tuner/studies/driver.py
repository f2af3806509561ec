"""The driver: it leads several studies side by side through one executor, so that none waits for another's end.

A generation ends with its last candidate, and until then workers that have nothing left to do would be idle. So as
soon as the executor has room the next study begins, and fills it. The first of them keep the workers that know them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tuner.core.study import StudyRecord
from tuner.core.trial import Event
from tuner.execution.executor import Batch, Executor
from tuner.storage import Store, StudyComplete, StudyOwned, UnknownStudy
from tuner.studies.batches import Course, EveryCandidateFailed, Wanted
from tuner.studies.callbacks import Listener
from tuner.studies.search import course

WAIT_SECONDS = 1.0
"""How long to wait before a study that another driver holds is asked for again."""


def run_study(
    store: Store, study: StudyRecord, executor: Executor, listener: Listener, *, owner: str, lease_seconds: float = 15.0
) -> None:
    """Run one study, or what is left of it, to its end; see `run_studies`."""
    run_studies(store, [study], executor, lambda: listener, owner=owner, lease_seconds=lease_seconds)


def run_studies(
    store: Store,
    studies: Sequence[StudyRecord],
    executor: Executor,
    listeners: Callable[[], Listener],
    *,
    owner: str,
    lease_seconds: float = 15.0,
    wait: bool = False,
) -> None:
    """Run studies, or what is left of them, to their ends; in order, and side by side where the executor has room.

    Args:
        store: Holds the studies and takes what comes of them.
        studies: Created, and perhaps begun.
        executor: Trains the candidates.
        listeners: Makes the listener of a study, which is told of everything.
        owner: Names this driver to others, "host:pid".
        lease_seconds: How long a study stays ours if this process stops.
        wait: Whether a study that another driver holds is waited for; it is left to that driver if it completes it.

    Raises:
        StorageError: The database fails, or another driver has a study.
        ClusterUnavailable: The machines went away, or never had what was asked for.
        UnknownStudy: A study was deleted before it was begun, and the others have run; or while it ran.
        EveryCandidateFailed: A generation of some study raised one and the same error throughout; the others have run.
        OtherGenome: A study cannot be replayed here.
    """
    driver = _Driver(
        executor, lambda study: course(store, study, listeners(), owner=owner, lease_seconds=lease_seconds)
    )
    try:
        driver.run(studies, wait=wait)
    except BaseException:
        executor.cancel()
        store.give_up()  # what is still to be written is tried once
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
    """Studies under way, and the batch that each of them waits for."""

    def __init__(self, executor: Executor, begin: Callable[[StudyRecord], Course]) -> None:
        self.stopped: list[EveryCandidateFailed] = []
        self.deleted: list[UnknownStudy] = []
        self.owned: list[StudyOwned] = []
        self._has_begun = False
        self._executor = executor
        self._begin = begin
        self._courses: dict[Course, Batch] = {}

    def run(self, studies: Sequence[StudyRecord], *, wait: bool) -> None:
        """Lead all studies to their ends."""
        waiting = deque(studies)
        not_before = 0.0  # when to ask again for what another driver holds
        while waiting or self._courses:
            while waiting and time.monotonic() >= not_before and (not self._courses or self._executor.has_room):
                study = waiting.popleft()
                try:
                    self._advance(self._begin(study), None)
                    self._has_begun = True
                except StudyOwned as error:
                    if wait:
                        # Nor are the next ones begun: whoever leads this one counts on those not taken yet.
                        waiting.appendleft(study)
                        not_before = time.monotonic() + WAIT_SECONDS
                    elif self._has_begun:
                        self.owned.append(error)  # by somebody who came later; what is under way goes on
                    else:
                        raise
                except UnknownStudy as error:
                    self.deleted.append(error)
                except StudyComplete:  # by the driver that was waited for
                    if not wait:
                        raise
            if self._courses:
                self._hear()
            elif waiting:
                time.sleep(max(0.0, not_before - time.monotonic()))

    def close(self) -> None:
        """Interrupt what is under way."""
        with ExitStack() as all_of_them:
            for under_way in self._courses:
                all_of_them.callback(under_way.close)
        self._courses.clear()

    def _hear(self) -> None:
        """Let something happen, and tell each study what happened to it."""
        self._executor.poll()
        for under_way, batch in list(self._courses.items()):
            for event in batch.take():
                self._advance(under_way, event)
            if under_way in self._courses:
                self._advance(under_way, None)

    def _advance(self, under_way: Course, event: Event | None) -> None:
        """Begin a study, or send it an event or None, and have trained what it wants next."""
        try:
            wanted = under_way.send(event)
        except StopIteration:
            self._courses.pop(under_way, None)
        except EveryCandidateFailed as error:
            self._courses.pop(under_way, None)
            self.stopped.append(error)
        else:
            if wanted is not None:
                self._courses[under_way] = self._submit(wanted)

    def _submit(self, wanted: Wanted) -> Batch:
        return self._executor.submit(wanted.workload, wanted.trials, label=wanted.label, remaining=wanted.remaining)

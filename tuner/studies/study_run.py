"""One driver's run of a study: ask for work, tell what happened, tick.

State is rows: whatever is recorded is not trained again, and a study that was interrupted anywhere continues to the
same result. A command line's driver, a service's supervisor and an adapter to another library all use this interface.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tuner.core.events import Event
from tuner.core.numbers import fitness
from tuner.core.study import SearchSpec, StudyRecord, StudyStatus
from tuner.core.trial import Evaluation, Key, Trial, Workload
from tuner.execution.executor import cohorts
from tuner.storage import LeaseLost, Store, UnknownStudy
from tuner.studies.batch import Batch, BatchSource, EveryCandidateFailed, Result
from tuner.studies.callbacks import Callback
from tuner.studies.comparison import ComparisonBatches
from tuner.studies.heartbeat import Heartbeat
from tuner.studies.recorder import Recorder
from tuner.studies.search import SearchBatches


@dataclass(frozen=True, slots=True)
class Work:
    """What a study needs to have trained before it can go on; see `Executor.submit`."""

    workload: Workload
    trials: tuple[Trial, ...]
    label: str
    remaining: int


class StudyRun:
    """A study that this driver holds, from the moment it is created until it is over or closed.

    Call `ask` for work, have it trained, pass each event to `tell`, call `tick` now and then and after events that came
    together; then `ask` again. Any exception releases the study.

    Args:
        store: Holds the study and takes its results.
        study: Created, and perhaps begun.
        callback: Receives everything that happens.
        owner: Names this driver to others, "host:pid".
        lease_seconds: How long the study stays with this driver if its process stops.

    Raises:
        StorageError: The database fails, or another driver holds the study.
    """

    def __init__(
        self, store: Store, study: StudyRecord, callback: Callback, *, owner: str, lease_seconds: float
    ) -> None:
        self.study = study
        self.is_over = False  # completed, released or lost
        self._store, self._callback = store, callback
        try:
            self._epoch = store.acquire(study.id, owner=owner, lease_seconds=lease_seconds)
        except UnknownStudy:
            raise self._deleted() from None
        self._batch: Batch | None = None
        self._results: dict[Key, Result] = {}  # of the batch
        self._recorder: Recorder | None = None  # while work is outstanding
        self._left = 0  # evaluations that are outstanding
        self._stack = ExitStack()
        with self._released_on_error():
            renew = Heartbeat(lambda: store.renew(study.id, self._epoch), every=lease_seconds / 4)
            self._heartbeat = self._stack.enter_context(renew)
            callback.study_began(study)
            self._recorded = {record.key: record for record in store.candidates(study.id)}
            self._source = self._batches()

    def ask(self) -> Work | None:
        """Return what is to be trained next; None while earlier work is outstanding, and once the study is over.

        Raises:
            StorageError: The database fails, or the study was lost to another driver.
            EveryCandidateFailed: A batch raised the same error throughout.
            OtherGenome: The study cannot be replayed with these versions.
        """
        if self.is_over or self._left:
            return None
        with self._released_on_error():
            while True:
                if self._batch is not None:
                    batch, self._batch, self._recorder = self._batch, None, None
                    self._source.take([self._results[candidate.key] for candidate in batch.candidates])
                self._batch = self._source.next_batch()
                if self._batch is None:
                    break
                work = self._begin(self._batch)
                if work is not None:
                    return work
            self._release(StudyStatus.COMPLETE)
        self._callback.study_ended(self._store.find(self.study.spec.name)[0])
        return None

    def tell(self, event: Event) -> None:
        """Take an event of the outstanding work.

        Raises:
            StorageError: It could not be written; the study is released.
        """
        if self._recorder is not None:
            with self._released_on_error():
                self._heartbeat.check()
                self._report(self._recorder.take(event))

    def tick(self) -> None:
        """Write what has waited for long enough.

        Raises:
            StorageError: It could not be written; the study is released.
        """
        if self._recorder is not None:
            with self._released_on_error():
                self._heartbeat.check()
                self._report(self._recorder.tick())

    def close(self) -> None:
        """Release the study, interrupted unless it is over; what has come so far is written."""
        if not self.is_over:
            self._release(StudyStatus.INTERRUPTED)

    def _batches(self) -> BatchSource:
        spec, study = self.study.spec, self.study
        if not isinstance(spec, SearchSpec):
            return ComparisonBatches(spec)

        def remark(text: str) -> None:
            self._store.add_note(study.id, self._epoch, text)
            self._callback.remarked(text)

        return SearchBatches(
            spec,
            self._recorded,
            finish=lambda tuned, genome: self._store.finish(study.id, self._epoch, tuned=tuned, tuned_genome=genome),
            remark=remark,
        )

    def _begin(self, batch: Batch) -> Work | None:
        """Add the candidates of a batch to the store; return those that are to be trained, None if there are none.

        A cohort that misses any result is trained whole, with the same members in the same lanes, because this is what
        makes its numbers the same; recorded results take precedence.
        """
        spec, candidates = self.study.spec, batch.candidates
        workload = spec.workload_of(candidates[0].key.generation)
        self._store.add(self.study.id, self._epoch, candidates)
        self._results = {
            candidate.key: record
            for candidate in candidates
            if (record := self._recorded.get(candidate.key)) and record.status.is_final
        }
        self._callback.batch_began(batch.name, candidates[0].trial.steps, [candidate.key for candidate in candidates])
        for key, known in self._results.items():
            self._callback.known(key, known.status, fitness(known))
        missing = [
            cohort
            for cohort in cohorts([candidate.trial for candidate in candidates], workload.cohort_size)
            if any(trial.key not in self._results for trial in cohort)
        ]
        trials = tuple(trial for cohort in missing for trial in cohort)
        if not trials:
            return None
        self._recorder = Recorder(self._store, self.study.id, self._epoch, missing)
        self._left = len(trials)
        label = f"{workload.task_label}/{spec.workload.optimizer}/{batch.mark}"
        return Work(workload, trials, label, batch.remaining)

    def _report(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Evaluation):
                self._left -= 1
                self._results.setdefault(event.key, event)
            self._callback.happened(event)

    @contextmanager
    def _released_on_error(self) -> Iterator[None]:
        try:
            yield
        except EveryCandidateFailed:
            self._release(StudyStatus.STOPPED)
            raise
        except LeaseLost:  # another driver's by now
            self._release(None)
            raise
        except UnknownStudy:
            self._release(None)
            raise self._deleted() from None
        except BaseException:
            self._release(StudyStatus.INTERRUPTED)
            raise

    def _release(self, status: str | None) -> None:
        """Write what waits, end the heartbeat and give the study back with this status; None: it is not ours."""
        if self.is_over:
            return
        self.is_over = True
        recorder, self._recorder = self._recorder, None
        try:
            try:
                if recorder is not None:
                    recorder.flush()
            finally:
                self._stack.close()
        finally:
            if status is not None:
                self._store.release(self.study.id, self._epoch, status)

    def _deleted(self) -> UnknownStudy:
        return UnknownStudy(
            f"the study {self.study.spec.name} was deleted from the database while its run was under way"
        )

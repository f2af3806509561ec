"""The run of a study by one driver: `ask` for work, `tell` events, `tick`.

The state is in the database: recorded candidates are not trained again, and a study that was interrupted at any point
continues to the same result. A command line's driver, a service's supervisor and an adapter to another library all use
this interface.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from tuner.core.events import Event
from tuner.core.numbers import fitness
from tuner.core.study import SearchSpec, StudyRecord, StudyStatus
from tuner.core.trial import MILESTONES, OBJECTIVES, Evaluation, Key, Trial, Workload
from tuner.execution.executor import cohorts
from tuner.storage import LeaseLost, Store, UnknownStudy
from tuner.studies.batch import Batch, BatchSource, EveryCandidateFailed, Result
from tuner.studies.callbacks import Callback
from tuner.studies.comparison import ComparisonBatches
from tuner.studies.heartbeat import Heartbeat
from tuner.studies.pruning import ends_early
from tuner.studies.recorder import Recorder
from tuner.studies.search import SearchBatches
from tuner.studies.step_times import StepTimes


@dataclass(frozen=True, slots=True)
class Work:
    """Candidates that a study needs trained before it can continue; see `Executor.submit`."""

    workload: Workload
    trials: tuple[Trial, ...]
    label: str
    remaining: int


class StudyRun:
    """A study that this driver holds, from the construction of this object until the study is over or closed.

    Call `ask` for work, train it, pass each event to `tell`, call `tick` regularly and after each group of events; then
    call `ask` again. Any exception releases the study.

    Args:
        store: Store of the study and its results.
        study: A study that was created, and possibly begun.
        callback: Receives all events.
        owner: Name of this driver, "host:pid".
        lease_seconds: Seconds for which the study remains with this driver after its process has stopped.

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
        self._left = 0  # number of outstanding evaluations
        self._step_times: StepTimes | None = None  # of a search that has them as an objective
        self._waiting: Work | None = None  # for calibrations
        self._stack = ExitStack()
        with self._released_on_error():
            renew = Heartbeat(lambda: store.renew(study.id, self._epoch), every=lease_seconds / 4)
            self._heartbeat = self._stack.enter_context(renew)
            callback.on_study_begin(study)
            further = store.further_fitnesses(study.id) if study.spec.workload.objective.further else {}
            milestones = store.milestones(study.id) if ends_early(study.spec) else {}
            self._recorded = {
                key: replace(record, further=further.get(key, ()), milestones=milestones.get(key, ()))
                for record in store.candidates(study.id)
                for key in [record.key]
            }
            self._source = self._batches()
            if study.spec.workload.objective.has_step_time:
                self._step_times = StepTimes(store, study, self._recorded)

    def ask(self) -> Work | None:
        """Return the work to train next; None while earlier work is outstanding, and once the study is over.

        Raises:
            StorageError: The database fails, or the study was lost to another driver.
            EveryCandidateFailed: All candidates of a batch raised the same error.
            OtherGenome: The study cannot be replayed with these versions.
        """
        if self.is_over or self._left or self._is_calibrating:
            return None
        with self._released_on_error():
            if self._waiting is not None:
                return self._calibrated(self._waiting)
            while True:
                if self._batch is not None:
                    batch, self._batch, self._recorder = self._batch, None, None
                    self._source.take([self._results[candidate.key] for candidate in batch.candidates])
                self._batch = self._source.next_batch()
                if self._batch is None:
                    break
                work = self._begin(self._batch)
                if work is not None:
                    return self._calibrated(work)
            self._release(StudyStatus.COMPLETE)
        self._callback.on_study_end(self._store.find(self.study.spec.name)[0])
        return None

    def tell(self, event: Event) -> None:
        """Record an event of the outstanding work.

        Raises:
            StorageError: It could not be written; the study is released.
        """
        if self._recorder is not None:
            with self._released_on_error():
                self._heartbeat.check()
                if self._step_times is not None and self._is_calibrating:
                    self._step_times.take(event)
                else:
                    self._report(self._recorder.take(self._with_step_time(event)))

    def tick(self) -> None:
        """Write events that have waited long enough.

        Raises:
            StorageError: It could not be written; the study is released.
        """
        if self._recorder is not None:
            with self._released_on_error():
                self._heartbeat.check()
                self._report(self._recorder.tick())

    def close(self) -> None:
        """Write the waiting events and release the study, as interrupted unless it is over."""
        if not self.is_over:
            self._release(StudyStatus.INTERRUPTED)

    def _batches(self) -> BatchSource:
        spec, study = self.study.spec, self.study
        if not isinstance(spec, SearchSpec):
            return ComparisonBatches(spec)

        def remark(text: str) -> None:
            self._store.add_note(study.id, self._epoch, text)
            self._callback.on_remark(text)

        return SearchBatches(
            spec,
            self._recorded,
            finish=lambda tuned, genome: self._store.finish(study.id, self._epoch, tuned=tuned, tuned_genome=genome),
            remark=remark,
        )

    def _begin(self, batch: Batch) -> Work | None:
        """Add the candidates of a batch to the store; return those to train, None if there are none.

        A cohort that lacks any result is trained as a whole, with the same members in the same lanes, so that its
        numbers are the same; recorded results take precedence.
        """
        spec, candidates = self.study.spec, batch.candidates
        workload = spec.workload_of(candidates[0].key.generation)
        self._store.add(self.study.id, self._epoch, candidates)
        self._results = {
            candidate.key: record
            for candidate in candidates
            if (record := self._recorded.get(candidate.key)) and record.status.is_final
        }
        self._callback.on_batch_begin(
            batch.name, candidates[0].trial.steps, [candidate.key for candidate in candidates]
        )
        for key, known in self._results.items():
            self._callback.on_recorded_result(key, known.status, fitness(known))
        missing = [
            cohort
            for cohort in cohorts([candidate.trial for candidate in candidates], workload.cohort_size)
            if any(trial.key not in self._results for trial in cohort)
        ]
        trials = tuple(trial for cohort in missing for trial in cohort)
        if not trials:
            return None
        self._recorder = Recorder(self._store, self.study.id, self._epoch, missing)
        label = f"{workload.task_label}/{spec.workload.optimizer}/{batch.mark}"
        return Work(workload, trials, label, batch.remaining)

    @property
    def _is_calibrating(self) -> bool:
        return self._step_times is not None and self._step_times.is_measuring

    def _calibrated(self, work: Work) -> Work:
        """Return the next calibration that comes before a batch, or the batch."""
        if self._step_times is not None and (trial := self._step_times.next(work.trials)) is not None:
            if self._waiting is None:
                kinds = self._step_times.lacking(work.trials)
                self._callback.on_remark(f"measuring the seconds of a step; kinds of candidates: {kinds}")
            self._waiting = work
            return Work(self._step_times.workload, (trial,), f"{work.label}/step-time", work.remaining)
        self._waiting, self._left = None, len(work.trials)
        return work

    def _with_step_time(self, event: Event) -> Event:
        if self._step_times is None or self._batch is None or not isinstance(event, Evaluation):
            return event
        trial = next(one.trial for one in self._batch.candidates if one.key == event.key)
        return self._step_times.filled(event, trial)

    def _report(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Evaluation):
                self._left -= 1
                self._results.setdefault(event.key, _without_what_is_stored(event))
            self._callback.on_event(event)

    @contextmanager
    def _released_on_error(self) -> Iterator[None]:
        try:
            yield
        except EveryCandidateFailed:
            self._release(StudyStatus.STOPPED)
            raise
        except LeaseLost:  # another driver has acquired it
            self._release(None)
            raise
        except UnknownStudy:
            self._release(None)
            raise self._deleted() from None
        except BaseException:
            self._release(StudyStatus.INTERRUPTED)
            raise

    def _release(self, status: str | None) -> None:
        """Write the waiting events, end the heartbeat and release the study with this status; None: it is not held."""
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


def _without_what_is_stored(evaluation: Evaluation) -> Evaluation:
    """Return an evaluation as strategies take it: curves and outputs of a generation would fill the memory."""
    needed = tuple(one for one in evaluation.observations if one.split in (OBJECTIVES, MILESTONES))
    return replace(evaluation, losses=(), observations=needed, output="")

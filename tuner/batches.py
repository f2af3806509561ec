"""Candidates of a study, batch by batch: added, trained, recorded, and what is on record taken from there.

A batch is a generation, the fresh seeds, or a point of a comparison. State is rows: a batch that was cut short is
trained as far as it is missing, to the same results.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from tuner.candidate import Candidate, Evaluation, Event, Key, Status, Trial
from tuner.execution.executor import Executor, cohorts
from tuner.heartbeat import Heartbeat
from tuner.ledger import Ledger
from tuner.listener import Listener
from tuner.records import CandidateRecord, StudyRecord
from tuner.storage import Store

Result = CandidateRecord | Evaluation


class EveryCandidateFailed(Exception):  # noqa: N818 (what happened, in the words of the message)
    """All candidates of a batch raised the same error; the study is stopped."""

    exit_code = 3


class Batches:
    """One driver's batches of a study.

    Attributes:
        recorded: The candidates that were on record when it began.
    """

    def __init__(
        self,
        store: Store,
        study: StudyRecord,
        epoch: int,
        executor: Executor,
        listener: Listener,
        heartbeat: Heartbeat,
    ) -> None:
        self.store, self.study, self.epoch, self.executor = store, study, epoch, executor
        self.listener, self.heartbeat = listener, heartbeat
        self.recorded = {record.key: record for record in store.candidates(study.id)}

    def evaluate(self, new: Sequence[Candidate], name: str, mark: str) -> list[Result]:
        """Return what came of each candidate, in slot order, training what is not on record.

        A cohort of which anything is missing is trained whole, with the same members in the same places, since that is
        what makes its numbers the same; results on record win.

        Args:
            new: All of one generation, with one budget.
            name: For people: "generation 3", "fresh seeds".
            mark: Ends the names of its tasks: "g03", "fresh".
        """
        workload = self.study.spec.workload_of(new[0].key.generation)
        self.store.add(self.study.id, self.epoch, new)
        results: dict[Key, Result] = {
            candidate.key: record
            for candidate in new
            if (record := self.recorded.get(candidate.key)) and record.status.is_final
        }
        self.listener.batch_began(name, new[0].trial.steps, [candidate.key for candidate in new])
        for key, known in results.items():
            self.listener.known(key, known.status, fitness(known))
        missing = [
            cohort
            for cohort in cohorts([candidate.trial for candidate in new], workload.cohort_size)
            if any(trial.key not in results for trial in cohort)
        ]
        label = f"{workload.task_label}/{self.study.spec.workload.optimizer}/{mark}"
        with closing(self._train(missing, label)) as events:
            for event in events:
                if isinstance(event, Evaluation):
                    results.setdefault(event.key, event)
                self.listener.happened(event)
        return [results[candidate.key] for candidate in new]

    def _train(self, groups: Sequence[Sequence[Trial]], label: str) -> Generator[Event, None, None]:
        """Yield what happens to these cohorts, once it is written; also what came before an interruption is."""
        ledger = Ledger(self.store, self.study.id, self.epoch, groups)
        trials = [trial for cohort in groups for trial in cohort]
        if not trials:
            return
        workload = self.study.spec.workload_of(trials[0].key.generation)
        try:
            for event in self.executor.evaluate(workload, trials, label=label):
                self.heartbeat.check()
                yield from ledger.take(event)
        finally:
            ledger.flush()


def fitness(result: Result) -> float:
    """Return a result's fitness; +inf where there is none."""
    return float("inf") if result.fitness is None else result.fitness


def stop_if_all_raised_one_error(batch: str, results: Sequence[Result]) -> None:
    """Refuse to go on after a batch that never had a chance; divergence, timeouts and lost workers do not count.

    Raises:
        EveryCandidateFailed: All of it raised one and the same error.
    """
    reasons = {result.reason for result in results if result.status is Status.FAILED and result.error}
    if len(reasons) == 1 and all(result.status is Status.FAILED and result.error for result in results):
        raise EveryCandidateFailed(f"all {len(results)} candidates of {batch} failed alike: {reasons.pop()}")

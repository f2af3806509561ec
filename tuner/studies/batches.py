"""Candidates of a study, batch by batch: added, trained, recorded, and what is on record taken from there.

A batch is a generation, the fresh seeds, or a point of a comparison. State is rows: a batch that was cut short is
trained as far as it is missing, to the same results.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Candidate, Evaluation, Event, Key, Status, Trial, Workload
from tuner.execution.executor import cohorts
from tuner.storage import Store
from tuner.studies.callbacks import Listener
from tuner.studies.heartbeat import Heartbeat
from tuner.studies.recorder import Ledger

Result = CandidateRecord | Evaluation


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a study needs to have trained before it can go on; see `Executor.submit`."""

    workload: Workload
    trials: tuple[Trial, ...]
    label: str
    remaining: int


Course = Generator[Wanted | None, Event | None, None]
"""A study under way: yields what it wants trained, then None for each event of that but the last.

It is to be sent the events one by one, and None now and then.
"""


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
        listener: Listener,
        heartbeat: Heartbeat,
    ) -> None:
        self.store, self.study, self.epoch = store, study, epoch
        self.listener, self.heartbeat = listener, heartbeat
        self.recorded = {record.key: record for record in store.candidates(study.id)}

    def evaluate(
        self, new: Sequence[Candidate], name: str, mark: str, remaining: int
    ) -> Generator[Wanted | None, Event | None, list[Result]]:
        """Return what came of each candidate, in slot order, having wanted what is not on record.

        A cohort of which anything is missing is trained whole, with the same members in the same places, since that is
        what makes its numbers the same; results on record win.

        Args:
            new: All of one generation, with one budget.
            name: For people: "generation 3", "fresh seeds".
            mark: Ends the names of its tasks: "g03", "fresh".
            remaining: Gradient evaluations of the study's later batches, a cohort's counted once.
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
        trials = tuple(trial for cohort in missing for trial in cohort)
        ledger = Ledger(self.store, self.study.id, self.epoch, missing)
        wanted = Wanted(workload, trials, label, remaining) if trials else None
        left = len(trials)
        try:
            while left:
                event = yield wanted
                wanted = None
                self.heartbeat.check()
                for told in ledger.tick() if event is None else ledger.take(event):
                    if isinstance(told, Evaluation):
                        left -= 1
                        results.setdefault(told.key, told)
                    self.listener.happened(told)
        finally:
            ledger.flush()  # also what came before an interruption
        return [results[candidate.key] for candidate in new]


def fitness(result: Result) -> float:
    """Return a result's fitness; +inf where there is none."""
    return float("inf") if result.fitness is None else result.fitness


def stop_if_all_raised_one_error(study: str, batch: str, results: Sequence[Result]) -> None:
    """Refuse to go on after a batch that never had a chance; divergence, timeouts and lost workers do not count.

    Raises:
        EveryCandidateFailed: All of it raised one and the same error.
    """
    reasons = {result.reason for result in results if result.status is Status.FAILED and result.error}
    if len(reasons) == 1 and all(result.status is Status.FAILED and result.error for result in results):
        raise EveryCandidateFailed(f"all {len(results)} candidates of {study}, {batch}, failed alike: {reasons.pop()}")

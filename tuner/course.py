"""The course of a study: ask, decode, add, evaluate, record, tell; and its resumption, which is the same course.

State is rows. A resumed study asks a fresh strategy for the genomes anew, checks each against the stored one, takes
the fitnesses that are on record and trains only what is missing. What was found depends on nothing but the study's
specification: not on the number of workers, the order in which results come, what else runs beside it, or how often it
was interrupted.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from search_spaces.space import SearchSpace
from tuner import evolution
from tuner.candidate import Candidate, Evaluation, Event, Key, Role, Status, Trial, Workload
from tuner.execution.executor import cohorts
from tuner.heartbeat import Heartbeat
from tuner.ledger import Ledger
from tuner.listener import Listener
from tuner.records import CandidateRecord, StudyRecord, StudyStatus
from tuner.seeds import strategy_seed, trial_seed
from tuner.storage import LeaseLost, Store, UnknownStudy

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
    """All candidates of a generation raised the same error; the study is stopped."""

    exit_code = 3


class OtherGenome(Exception):  # noqa: N818
    """A replayed genome is not the stored one: other versions or another machine made it."""

    exit_code = 1


def course(store: Store, study: StudyRecord, listener: Listener, *, owner: str, lease_seconds: float) -> Course:
    """Go through a study, or what is left of it, to its end; closing the generator interrupts it.

    Args:
        store: Holds the study and takes what comes of it.
        study: Created, and perhaps begun.
        listener: Is told of everything.
        owner: Names this driver to others, "host:pid".
        lease_seconds: How long the study stays ours if this process stops.

    Yields:
        See `Course`.

    Raises:
        StorageError: The database fails, or another driver has the study.
        EveryCandidateFailed: A generation raised one and the same error throughout.
        OtherGenome: The study cannot be replayed here.
    """
    try:
        epoch = store.acquire(study.id, owner=owner, lease_seconds=lease_seconds)
    except UnknownStudy:
        raise _deleted(study) from None
    status = StudyStatus.INTERRUPTED
    try:
        with Heartbeat(lambda: store.renew(study.id, epoch), every=lease_seconds / 4) as heartbeat:
            listener.study_began(study)
            yield from _Run(store, study, epoch, listener, heartbeat).to_the_end()
        status = StudyStatus.COMPLETE
    except EveryCandidateFailed:
        status = StudyStatus.STOPPED
        raise
    except LeaseLost:
        status = ""  # another driver's by now
        raise
    except UnknownStudy:
        status = ""
        raise _deleted(study) from None
    finally:
        if status:
            store.release(study.id, epoch, status)
    listener.study_ended(store.find(study.spec.name)[0])


def _deleted(study: StudyRecord) -> UnknownStudy:
    return UnknownStudy(f"the study {study.spec.name} was deleted from the database while its run was under way")


class _Run:
    """One driver's run of a study."""

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
        self.space = SearchSpace.from_dict(study.spec.space)
        self.recorded = {record.key: record for record in store.candidates(study.id)}

    def to_the_end(self) -> Course:
        """Search, store the tuned point, and run it and the defaults on fresh seeds."""
        spec = self.study.spec
        strategy = evolution.create(
            spec.strategy,
            mean=self.space.default_genome(),
            lower=self.space.lower,
            upper=self.space.upper,
            population=spec.population,
            sigmas=spec.sigmas,
            steps=spec.steps,
            seed=strategy_seed(spec.seed, spec.workload.optimizer),
        )
        for generation, budget in enumerate(spec.steps):
            keys = [Key(Role.SEARCH, generation, slot) for slot in range(spec.population)]
            new = [self._candidate(key, genome, budget) for key, genome in zip(keys, strategy.ask(), strict=True)]
            left = self._left_after(generation)
            results = yield from self._evaluate(new, f"generation {generation}", f"g{generation:02d}", left)
            _stop_if_all_raised_one_error(generation, results)
            remark = strategy.tell([_fitness(result) for result in results])
            if remark:
                self.store.add_note(self.study.id, self.epoch, remark)
                self.listener.remarked(remark)
        tuned = strategy.result()
        self.store.finish(
            self.study.id, self.epoch, tuned=self.space.decode(tuned), tuned_genome=tuple(map(float, tuned))
        )
        points = ((Role.DEFAULT, self.space.default_genome()), (Role.TUNED, tuned))
        fresh = [
            self._candidate(Key(role, 0, slot), genome, spec.steps[-1])
            for role, genome in points
            for slot in range(spec.fresh_seeds)
        ]
        if fresh:
            yield from self._evaluate(fresh, "fresh seeds", "fresh", 0)

    def _left_after(self, generation: int) -> int:
        """Return the gradient evaluations that come after a generation, a cohort's counted once."""
        spec = self.study.spec
        size = spec.workload.cohort_size
        later = -(-spec.population // size) * sum(spec.steps[generation + 1 :])
        return later + -(-2 * spec.fresh_seeds // size) * spec.steps[-1]

    def _candidate(self, key: Key, genome: Iterable[float], budget: int) -> Candidate:
        """Decode a genome, and check it against the one on record, if any."""
        values = tuple(float(gene) for gene in genome)
        stored = self.recorded.get(key)
        if stored is not None and stored.genome != values:
            raise OtherGenome(
                f"{self.study.spec.name}: {key.role} {key.generation}/{key.slot} was {stored.genome} and would now be"
                f" {values}: resume it with the versions that began it ({dict(self.study.spec.versions)})"
            )
        decoded = self.space.defaults() if key.role is Role.DEFAULT else self.space.decode(values)
        return Candidate(values, Trial(key, decoded, trial_seed(self.study.spec.seed, key), budget))

    def _evaluate(
        self, new: Sequence[Candidate], name: str, mark: str, remaining: int
    ) -> Generator[Wanted | None, Event | None, list[Result]]:
        """Return what came of each candidate, in slot order, having wanted what is not on record.

        A cohort of which anything is missing is trained whole, with the same members in the same places, since that is
        what makes its numbers the same; results on record win.
        """
        spec = self.study.spec
        self.store.add(self.study.id, self.epoch, new)
        results: dict[Key, Result] = {
            candidate.key: record
            for candidate in new
            if (record := self.recorded.get(candidate.key)) and record.status.is_final
        }
        self.listener.batch_began(name, new[0].trial.steps, [candidate.key for candidate in new])
        for key, known in results.items():
            self.listener.known(key, known.status, _fitness(known))
        missing = [
            cohort
            for cohort in cohorts([candidate.trial for candidate in new], spec.workload.cohort_size)
            if any(trial.key not in results for trial in cohort)
        ]
        label = f"{spec.workload.task_label}/{spec.workload.optimizer}/{mark}"
        trials = tuple(trial for cohort in missing for trial in cohort)
        ledger = Ledger(self.store, self.study.id, self.epoch, missing)
        wanted = Wanted(spec.workload, trials, label, remaining) if trials else None
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


def _fitness(result: Result) -> float:
    return float("inf") if result.fitness is None else result.fitness


def _stop_if_all_raised_one_error(generation: int, results: Sequence[Result]) -> None:
    """Raise EveryCandidateFailed if that is what happened; divergence, timeouts and lost workers do not count."""
    reasons = {result.reason for result in results if result.status is Status.FAILED and result.error}
    if len(reasons) == 1 and all(result.status is Status.FAILED and result.error for result in results):
        raise EveryCandidateFailed(
            f"all {len(results)} candidates of generation {generation} failed alike: {reasons.pop()}"
        )

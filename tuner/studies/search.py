"""The course of a study: ask, decode, add, evaluate, record, tell; and its resumption, which is the same course.

State is rows. A resumed study asks a fresh strategy for the genomes anew, checks each against the stored one, takes
the fitnesses that are on record and trains only what is missing. What was found depends on nothing but the study's
specification: not on the number of workers, the order in which results come, what else runs beside it, or how often it
was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable

from search_spaces.space import SearchSpace
from tuner import strategies
from tuner.core.seeds import strategy_seed, trial_seed
from tuner.core.study import StudyRecord, StudyStatus
from tuner.core.trial import Candidate, Key, Role, Trial
from tuner.storage import LeaseLost, Store, UnknownStudy
from tuner.studies.batches import Batches, Course, EveryCandidateFailed, fitness, stop_if_all_raised_one_error
from tuner.studies.callbacks import Listener
from tuner.studies.comparison import compare
from tuner.studies.heartbeat import Heartbeat


class OtherGenome(Exception):  # noqa: N818
    """A replayed genome is not the stored one: other versions or another machine made it."""

    exit_code = 1


def course(store: Store, study: StudyRecord, listener: Listener, *, owner: str, lease_seconds: float) -> Course:
    """Go through a study, a search or one of a comparison, to its end; closing the generator interrupts it.

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
            batches = Batches(store, study, epoch, listener, heartbeat)
            if study.spec.comparison is None:
                yield from _Search(batches).to_the_end()
            else:
                yield from compare(batches, study.spec.comparison)
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


class _Search:
    """One driver's run of a search."""

    def __init__(self, batches: Batches) -> None:
        self.batches, self.store, self.study, self.epoch = batches, batches.store, batches.study, batches.epoch
        self.space = SearchSpace.from_dict(self.study.spec.space)

    def to_the_end(self) -> Course:
        """Search, store the tuned point, and run it and the defaults on fresh seeds."""
        spec = self.study.spec
        strategy = strategies.create(
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
            name, mark = f"generation {generation}", f"g{generation:02d}"
            results = yield from self.batches.evaluate(new, name, mark, self._left_after(generation))
            stop_if_all_raised_one_error(self.study.spec.name, name, results)
            remark = strategy.tell([fitness(result) for result in results])
            if remark:
                self.store.add_note(self.study.id, self.epoch, remark)
                self.batches.listener.remarked(remark)
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
            yield from self.batches.evaluate(fresh, "fresh seeds", "fresh", 0)

    def _left_after(self, generation: int) -> int:
        """Return the gradient evaluations that come after a generation, a cohort's counted once."""
        spec = self.study.spec
        size = spec.workload.cohort_size
        later = -(-spec.population // size) * sum(spec.steps[generation + 1 :])
        return later + -(-2 * spec.fresh_seeds // size) * spec.steps[-1]

    def _candidate(self, key: Key, genome: Iterable[float], budget: int) -> Candidate:
        """Decode a genome, and check it against the one on record, if any."""
        values = tuple(float(gene) for gene in genome)
        stored = self.batches.recorded.get(key)
        if stored is not None and stored.genome != values:
            raise OtherGenome(
                f"{self.study.spec.name}: {key.role} {key.generation}/{key.slot} was {stored.genome} and would now be"
                f" {values}: resume it with the versions that began it ({dict(self.study.spec.versions)})"
            )
        decoded = self.space.defaults() if key.role is Role.DEFAULT else self.space.decode(values)
        return Candidate(values, Trial(key, decoded, trial_seed(self.study.spec.seed, key), budget))

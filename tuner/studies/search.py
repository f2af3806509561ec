"""The batches of a search: its generations, then the fresh seeds.

Each generation is requested from the strategy, decoded, trained, and reported to the strategy. At the end, the tuned
point and the defaults are trained on fresh seeds.

A resumed search repeats the recorded generations with a new strategy: it compares each genome with the recorded one,
and passes the recorded results to the strategy. Where they differ, a strategy that can continue from the recorded ones
does, with a remark; `paper` refuses. The outcome depends only on the specification: not on the number of
workers, the order of results, other studies, or interruptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from search_spaces.space import SearchSpace
from tuner import strategies
from tuner.core.errors import LodoTuneError
from tuner.core.numbers import fitness
from tuner.core.seeds import strategy_seed, trial_seed
from tuner.core.study import CandidateRecord, SearchSpec
from tuner.core.trial import Candidate, Key, Role, Trial
from tuner.strategies.strategy import Amendable
from tuner.studies.batch import Batch, Result, stop_if_all_raised_one_error


class OtherGenome(LodoTuneError):  # noqa: N818 (names a state)
    """A replayed genome differs from the recorded one, which was made with other versions or on another machine."""


class SearchBatches:
    """A `BatchSource` of a search.

    Args:
        spec: Specification of the study.
        recorded: Recorded candidates, by key.
        finish: Stores the tuned hyperparameters and the tuned genome.
        remark: Stores and reports a remark of the strategy.
    """

    def __init__(
        self,
        spec: SearchSpec,
        recorded: Mapping[Key, CandidateRecord],
        *,
        finish: Callable[[Mapping[str, float], Sequence[float]], None],
        remark: Callable[[str], None],
    ) -> None:
        self._spec, self._recorded, self._finish, self._remark = spec, recorded, finish, remark
        self._space = SearchSpace.from_dict(spec.space)
        self._strategy = strategies.create(
            spec.strategy,
            mean=self._space.default_genome(),
            lower=self._space.lower,
            upper=self._space.upper,
            population=spec.population,
            steps=spec.steps,
            seed=strategy_seed(spec.seed, spec.workload.optimizer),
            parameters=spec.parameters,
        )
        self._generation = 0  # index of the next one
        self._searches = True  # until the strategy has its result
        self._amended = False  # whether a recorded genome was another than the one proposed

    def next_batch(self) -> Batch | None:
        """See `BatchSource`."""
        if not self._searches:
            return None
        proposal = self._strategy.ask()
        if proposal is None:
            self._searches = False
            return self._fresh_seeds()
        generation = self._generation
        genomes = self._as_recorded(generation, proposal.genomes)
        replicates = proposal.replicates or (0,) * len(genomes)
        return Batch(
            [
                self._candidate(
                    Key(Role.SEARCH, generation, slot), genome, proposal.budget, proposal.seed_block, replicate
                )
                for slot, (genome, replicate) in enumerate(zip(genomes, replicates, strict=True))
            ],
            f"generation {generation}",
            f"g{generation:02d}",
            self._left_after(generation),
        )

    def take(self, results: Sequence[Result]) -> None:
        """See `BatchSource`."""
        if not self._searches:
            return
        stop_if_all_raised_one_error(self._spec.name, f"generation {self._generation}", results)
        self._generation += 1
        text = self._strategy.tell([fitness(result) for result in results])
        if text:
            self._remark(text)

    def _fresh_seeds(self) -> Batch | None:
        """Store the tuned point, and return it and the defaults on fresh seeds."""
        tuned = self._strategy.result()
        stored = self._recorded.get(Key(Role.TUNED, 0, 0))
        if stored is not None and isinstance(self._strategy, Amendable):
            tuned = np.array(stored.genome)
        self._finish(self._space.decode(tuned), tuple(map(float, tuned)))
        points = ((Role.DEFAULT, self._space.default_genome()), (Role.TUNED, tuned))
        candidates = [
            self._candidate(Key(role, 0, slot), genome, self._spec.steps[-1])
            for role, genome in points
            for slot in range(self._spec.fresh_seeds)
        ]
        return Batch(candidates, "fresh seeds", "fresh", 0) if candidates else None

    def _left_after(self, generation: int) -> int:
        """Return the gradient evaluations that follow a generation, counted once per cohort."""
        spec = self._spec
        size = spec.workload.cohort_size
        later = -(-spec.population // size) * sum(spec.steps[generation + 1 :])
        return later + -(-2 * spec.fresh_seeds // size) * spec.steps[-1]

    def _as_recorded(self, generation: int, genomes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the recorded genomes of a generation if the strategy can continue from them, or else those proposed.

        A strategy that computes with many floating-point numbers may propose others on another machine.
        """
        if not isinstance(self._strategy, Amendable):
            return genomes
        stored = [self._recorded.get(Key(Role.SEARCH, generation, slot)) for slot in range(len(genomes))]
        trained = np.array(
            [own if record is None else record.genome for own, record in zip(genomes, stored, strict=True)]
        )
        if np.array_equal(trained, genomes):
            return genomes
        if not self._amended:
            self._amended = True
            self._remark(f"generation {generation}: this machine computes other genomes; those on record are used")
        self._strategy.amend(trained)
        return trained

    def _candidate(
        self, key: Key, genome: Iterable[float], budget: int, seed_block: int | None = None, replicate: int = 0
    ) -> Candidate:
        """Decode a genome, and compare it with the recorded one, if any."""
        values = tuple(float(gene) for gene in genome)
        stored = self._recorded.get(key)
        if stored is not None and stored.genome != values:
            raise OtherGenome(
                f"{self._spec.name}: {key.role} {key.generation}/{key.slot} was {stored.genome} and would now be"
                f" {values}: resume it with the versions that began it ({dict(self._spec.versions)})"
            )
        decoded = self._space.defaults() if key.role is Role.DEFAULT else self._space.decode(values)
        seed = trial_seed(self._spec.seed, key, seed_block, replicate)
        return Candidate(values, Trial(key, decoded, seed, budget))

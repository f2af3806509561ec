"""The batches of a search: its generations, then the fresh seeds.

Each generation is requested from the strategy, decoded, trained, and reported to the strategy. At the end, the tuned
point and the defaults are trained on fresh seeds. A search on several tasks trains each generation, and the fresh
seeds, once per task in order, with the same genomes and seeds, and reports the scores of `tuner.core.scores`.

A resumed search repeats the recorded generations with a new strategy: it compares each genome with the recorded one,
and passes the recorded results to the strategy. Where they differ, a strategy that can continue from the recorded ones
does, with a remark; `paper` refuses. The outcome depends only on the specification: not on the number of
workers, the order of results, other studies, or interruptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.space import SearchSpace
from tuner import strategies
from tuner.core.errors import LodoTuneError
from tuner.core.numbers import fitness
from tuner.core.scores import Scale
from tuner.core.seeds import strategy_seed, trial_seed
from tuner.core.study import CandidateRecord, SearchSpec, TaskPart
from tuner.core.trial import Candidate, Key, Milestone, Role, Status, Trial
from tuner.strategies.strategy import Amendable, EndsEarly, Fitness, Proposal
from tuner.studies.batch import Batch, Result, stop_if_all_raised_one_error
from tuner.studies.coordinates import coordinates_of
from tuner.studies.pruning import ends_early


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
        finish: Callable[[Mapping[str, Any], Sequence[float]], None],
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
            steps=spec.budgets,
            seed=strategy_seed(spec.seed, spec.workload.optimizer),
            parameters=spec.parameters,
            coordinates=coordinates_of(self._space),
        )
        self._generation = 0  # index of the one in progress, or of the next
        self._proposal: Proposal | None = None  # of the generation in progress
        self._results: list[Sequence[Result]] = []  # of its tasks that are complete, in order
        self._scale = Scale(part.workload.objective.is_max for part in spec.parts)
        self._fresh = 0  # index of the next task that is trained on fresh seeds
        self._searches = True  # until the strategy has its result
        self._amended = False  # whether a recorded genome was another than the one proposed

    def next_batch(self) -> Batch | None:
        """See `BatchSource`."""
        if self._searches and self._proposal is None:
            self._proposal = self._next_generation()
        return self._fresh_seeds() if self._proposal is None else self._of_generation(self._proposal)

    def take(self, results: Sequence[Result]) -> None:
        """See `BatchSource`."""
        if not self._searches:
            return
        name = self._named(f"generation {self._generation}", len(self._results))
        stop_if_all_raised_one_error(self._spec.name, name, results)
        self._results.append(results)
        if len(self._results) < len(self._spec.parts):
            return
        told = self._told(self._results)
        if ends_early(self._spec) and isinstance(self._strategy, EndsEarly):
            ended = (Status.FINISHED, Status.PRUNED)
            reached = [result.milestones if result.status in ended else () for result in results]
            self._strategy.tell_milestones(reached, [result.status is Status.PRUNED for result in results])
        self._generation, self._results, self._proposal = self._generation + 1, [], None
        text = self._strategy.tell(told)
        if text:
            self._remark(text)

    def _told(self, results: Sequence[Sequence[Result]]) -> Sequence[Fitness]:
        """Return what the strategy receives of a generation: the fitnesses, or the scores over several tasks.

        Args:
            results: Those of each task, in slot order.
        """
        if len(results) == 1:
            return [result.fitnesses if result.further else fitness(result) for result in results[0]]
        fitnesses = [[fitness(result) for result in task] for task in results]
        for task, values in enumerate(fitnesses):
            self._scale.learn(task, values)
        return [self._scale.score(values) for values in zip(*fitnesses, strict=True)]

    def _next_generation(self) -> Proposal | None:
        """Return the genomes of the next generation; None after the last, once the tuned point is stored."""
        proposal = self._strategy.ask()
        if proposal is not None:
            return replace(proposal, genomes=self._as_recorded(self._generation, proposal.genomes))
        self._searches = False
        self._tuned = self._strategy.result()
        stored = self._recorded.get(Key(Role.TUNED, 0, 0))
        if stored is not None and isinstance(self._strategy, Amendable):
            self._tuned = np.array(stored.genome)
        self._finish(self._space.decode(self._tuned), tuple(map(float, self._tuned)))
        return None

    def _of_generation(self, proposal: Proposal) -> Batch:
        """Return the candidates of the generation in progress on its next task."""
        task, generation = len(self._results), self._generation
        replicates = proposal.replicates or (0,) * len(proposal.genomes)
        candidates = []
        milestones = proposal.milestones or ((),) * len(proposal.genomes)
        for slot, (genome, replicate) in enumerate(zip(proposal.genomes, replicates, strict=True)):
            seed_of = Key(Role.SEARCH, generation, slot)  # the same for all tasks
            seed = trial_seed(self._spec.seed, seed_of, proposal.seed_block, replicate)
            key = Key(Role.SEARCH, generation * len(self._spec.parts) + task, slot)
            budget = self._spec.parts[task].steps[generation]
            candidates.append(self._candidate(key, genome, budget, seed, milestones[slot]))
        name, left = self._named(f"generation {generation}", task), self._left_after(generation, task)
        return Batch(candidates, name, f"g{generation:02d}", left)

    def _fresh_seeds(self) -> Batch | None:
        """Return the defaults and the tuned point on fresh seeds, for the next task; None if there is none."""
        task = self._fresh
        if not self._spec.fresh_runs or task == len(self._spec.parts):
            return None
        self._fresh += 1
        points = ((Role.DEFAULT, self._space.default_genome()), (Role.TUNED, self._tuned))
        keys = [(Key(role, task, slot), point) for role, point in points for slot in range(self._spec.fresh_runs)]
        steps = self._spec.parts[task].steps[-1]
        candidates = [self._candidate(key, point, steps, trial_seed(self._spec.seed, key)) for key, point in keys]
        left = sum(map(self._cost_of_fresh_seeds, self._spec.parts[task + 1 :]))
        return Batch(candidates, self._named("fresh seeds", task), "fresh", left)

    def _named(self, batch: str, task: int) -> str:
        """Return the name of a batch, with its task if there are several."""
        parts = self._spec.parts
        return batch if len(parts) == 1 else f"{batch} on {parts[task].workload.task_label}"

    def _left_after(self, generation: int, task: int) -> int:
        """Return the gradient evaluations that follow a generation on a task, counted once per cohort."""
        left = 0
        for number, part in enumerate(self._spec.parts):
            first = generation + (number <= task)
            left += -(-self._spec.population // part.workload.cohort_size) * sum(part.steps[first:])
            left += self._cost_of_fresh_seeds(part)
        return left

    def _cost_of_fresh_seeds(self, part: TaskPart) -> int:
        return -(-2 * self._spec.fresh_runs // part.workload.cohort_size) * part.steps[-1]

    def _as_recorded(self, generation: int, genomes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the recorded genomes of a generation if the strategy can continue from them, or else those proposed.

        A strategy that computes with many floating-point numbers may propose others on another machine.
        """
        if not isinstance(self._strategy, Amendable):
            return genomes
        first = generation * len(self._spec.parts)  # of the first task, which is trained before the others
        stored = [self._recorded.get(Key(Role.SEARCH, first, slot)) for slot in range(len(genomes))]
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
        self, key: Key, genome: Iterable[float], budget: int, seed: int, milestones: tuple[Milestone, ...] = ()
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
        return Candidate(values, Trial(key, decoded, seed, budget, milestones))

"""Strategy `nsga2`: the Pareto front of two or three objectives.

"A fast and elitist multiobjective genetic algorithm: NSGA-II" (Deb et al. 2002), by DEAP's operators: binary
tournaments by dominance and crowding distance, bounded simulated binary crossover, bounded polynomial mutation, and the
best of parents and offspring by rank and crowding distance. What is our own:

- **A box.** The operators need bounds of the size of the search: the defaults ± 3 σ_0, within the bounds.
- **The start** are the defaults and a scrambled Sobol sequence in the box.
- **No genome twice:** an offspring that was trained already is mutated until it is another.
- **Failures** are never parents, and never DEAP's: their distances would be NaN.
- **One seed** for the whole search (common random numbers), so that parents and offspring are comparable. In the second
  generation the best is trained on another seed as well: if it has other values there, the task is noisy, and the last
  generation trains the front again on fresh seeds. The means over these and the seed of the search decide what the
  front is: fresh seeds alone, of which a point of a large front has one, drop good points by chance.
- **Budgets:** where the budget changes, the population is trained again, and forgets what it had.

With one objective it is an elitist genetic algorithm.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from deap import base, tools
from numpy.typing import NDArray

from tuner.strategies.generational import Amending
from tuner.strategies.setting import Setting, is_number
from tuner.strategies.sobol import Sobol
from tuner.strategies.unordered import evenly, inherit

Array = NDArray[np.float64]
Genome = tuple[float, ...]
Values = tuple[float, ...]
"""Fitness by each objective; all are minimised."""

BOX = 3.0  # half its width, in units of σ_0
CROSSOVER = 0.9  # probability that two parents are crossed
ETA_CROSSOVER, ETA_MUTATION = 15.0, 20.0  # distribution indices: the greater, the nearer to the parents
MAX_OBJECTIVES = 3
HUGE = 1e150  # values beyond it are the same to DEAP, whose distances would overflow
ATTEMPTS = 20  # further mutations of an offspring that was trained already
GENERATIONS = 4  # of a budget at least, so that the last trains the front again


class Candidate(list[float]):
    """A genome with its values, for DEAP."""

    def __init__(self, genome: Sequence[float], values: Values) -> None:
        super().__init__(genome)
        self.values = values
        self.fitness = _minimised(len(values))(tuple(min(max(value, -HUGE), HUGE) for value in values))


class Nsga2(Amending[Values]):
    """NSGA-II."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        sigma = setting.sigmas[0]
        bounds = zip(setting.mean, setting.lower, setting.upper, strict=True)
        self._box = [(max(low, at - BOX * sigma), min(high, at + BOX * sigma)) for at, low, high in bounds]
        self._free = [at for at, (low, high) in enumerate(self._box) if low < high]
        self._sobol = Sobol(len(setting.mean), setting.seed)
        self._objectives: int | None = None  # None until something is told
        self._population: list[Candidate] = []  # with the budget of the last generation
        self._trained: set[Genome] = set()
        self._probe: Genome | None = None  # trained on a second seed in the generation in progress
        self._is_noisy = False
        self._finalists: list[Genome] = []  # of the last generation, slot by slot, if it trains the front again
        self._front: list[tuple[Genome, Values]] = []

    # Several objectives

    def _checked(self, slot: int, fitness: Any) -> Values:
        """Return the values of a candidate: a number is one objective, or a failure."""
        values = tuple(fitness) if isinstance(fitness, list | tuple) else (fitness,)
        if not 1 <= len(values) <= MAX_OBJECTIVES or not all(is_number(value) for value in values):
            raise ValueError(
                f"the fitness of slot {slot} must be a number, or {MAX_OBJECTIVES} at most. Received: {fitness!r:.80}"
            )
        if len(values) == 1 and self._objectives and not math.isfinite(values[0]):
            return (math.inf,) * self._objectives  # a failure
        if self._objectives not in (None, len(values)):
            raise ValueError(
                f"the fitness of slot {slot} must have {self._objectives} objectives. Received: {fitness!r:.80}"
            )
        return tuple(float(value) for value in values)

    @property
    def front(self) -> list[tuple[Genome, Values]]:
        """Genomes of which no other is better by every objective, and their values, in the order of the first one.

        After a last generation that trained them on fresh seeds, values are the means over these and the search's own.
        """
        return list(self._front)

    # Genomes

    def _seeds(self, generation: int) -> tuple[int | None, tuple[int, ...] | None]:
        replicates = [0] * self.setting.population
        if self._finalists:
            distinct = len(dict.fromkeys(self._finalists))
            replicates = [2 + slot // distinct for slot in range(self.setting.population)]
        elif self._probe is not None:
            replicates[-1] = 1
        return 0, tuple(replicates)

    def _draw(self, generation: int) -> Array:
        population = self.setting.population
        self._probe, self._finalists = None, []
        if not self._free:
            return np.tile(np.array(self.setting.mean), (population, 1))
        if not self._population:
            return self._start(population, with_defaults=generation == 0)
        if self._is_another_budget(generation):
            again = [tuple(one) for one in self._population[:population]]
            return np.array([*again, *self._start(population - len(again), with_defaults=False).tolist()])
        if self._trains_again(generation):
            front = self._spread_out(population)
            self._finalists = [front[slot % len(front)] for slot in range(population)]
            return np.array(self._finalists)
        count = population
        if self._is_second(generation) and population > 1:
            self._probe, count = tuple(self._population[0]), population - 1
        offspring = self._offspring(count)
        return np.array(offspring if self._probe is None else [*offspring, self._probe])

    def _start(self, count: int, *, with_defaults: bool) -> Array:
        """Return the defaults, if wanted, and points that fill the box evenly."""
        first = [list(self.setting.mean)][:count] if with_defaults else []
        uniform = self._sobol.draw(count - len(first))
        low, high = np.array([pair[0] for pair in self._box]), np.array([pair[1] for pair in self._box])
        points = evenly(low + (high - low) * uniform, uniform, self.setting.levels)
        return np.array([*first, *points.tolist()]).reshape(count, len(self.setting.mean))

    def _offspring(self, count: int) -> list[Genome]:
        """Return offspring of the population that were not trained yet."""
        made: list[Genome] = []
        with self.generators.installed():
            while len(made) < count:
                for child in self._pair():
                    genome = self._snapped(child)
                    for _ in range(ATTEMPTS):
                        if genome not in self._trained and genome not in made:
                            break
                        self._mutate(child)
                        genome = self._snapped(child)
                    made.append(genome)
        return made[:count]

    def _pair(self) -> list[list[float]]:
        """Return two offspring of two parents."""
        first, second = self._parents()
        one, other = [first[at] for at in self._free], [second[at] for at in self._free]
        low, high = [self._box[at][0] for at in self._free], [self._box[at][1] for at in self._free]
        if random.random() < CROSSOVER:  # noqa: S311 - nothing secret
            tools.cxSimulatedBinaryBounded(one, other, ETA_CROSSOVER, low, high)
        children = []
        for genes, parent in ((one, first), (other, second)):
            child = list(parent)
            for at, gene in zip(self._free, genes, strict=True):
                child[at] = gene
            inherit(child, [first, second], self.setting.levels, changed=0.0)
            self._mutate(child)
            children.append(child)
        return children

    def _parents(self) -> tuple[list[float], list[float]]:
        """Return the winners of two tournaments; DEAP's needs four candidates."""
        population = self._population
        if len(population) < 4:
            first, second = random.choice(population), random.choice(population)  # noqa: S311
        else:
            first, second = tools.selTournamentDCD(random.sample(population, 4), 4)[:2]
        return self._inside(first), self._inside(second)

    def _inside(self, genome: Sequence[float]) -> list[float]:
        """Return a genome within the box: outside of it, DEAP's operators return complex numbers."""
        return [min(max(gene, low), high) for gene, (low, high) in zip(genome, self._box, strict=True)]

    def _mutate(self, child: list[float]) -> None:
        """Change one gene on average, in place; of an unordered choice to any of its values."""
        share = 1 / len(self._free)
        for at in self._free:
            if at in self.setting.levels:
                if random.random() < share:  # noqa: S311
                    child[at] = random.choice(self.setting.levels[at])  # noqa: S311
            else:
                low, high = self._box[at]
                child[at] = tools.mutPolynomialBounded([child[at]], ETA_MUTATION, low, high, share)[0][0]

    def _snapped(self, genome: Sequence[float]) -> Genome:
        return tuple(self.setting.snapped(np.array([genome]))[0].tolist())

    # Phases

    def _is_another_budget(self, generation: int) -> bool:
        steps = self.setting.steps
        return generation > 0 and steps[generation] != steps[generation - 1]

    def _first_of_budget(self, generation: int) -> int:
        """Return the number of the first generation in a row with the budget of this one."""
        while generation > 0 and not self._is_another_budget(generation):
            generation -= 1
        return generation

    def _is_second(self, generation: int) -> bool:
        return generation == self._first_of_budget(generation) + 1

    def _trains_again(self, generation: int) -> bool:
        is_last = generation == self.setting.generations - 1
        return is_last and self._is_noisy and generation - self._first_of_budget(generation) >= GENERATIONS - 1

    def _spread_out(self, count: int) -> list[Genome]:
        """Return the genomes of the front, at most `count`, those that are farthest apart first."""
        front = tools.sortNondominated(self._population, len(self._population), first_front_only=True)[0]
        chosen = tools.selNSGA2(list(front), min(count, len(front)))
        return list(dict.fromkeys(tuple(one) for one in chosen))

    # What was trained

    def _take(self, generation: int, genomes: Array, fitnesses: Sequence[Any]) -> str:
        if self._is_another_budget(generation):
            self._population, self._trained = [], set()
        self._objectives = max(len(values) for values in fitnesses)
        named = [tuple(genome) for genome in genomes.tolist()]
        finished = [
            (genome, values)
            for genome, values in zip(named, fitnesses, strict=True)
            if all(math.isfinite(value) for value in values)
        ]
        self._trained |= set(named)
        if self._finalists:
            again = {genome for genome, _ in finished}
            before = [(tuple(one), one.values) for one in self._population if tuple(one) in again]
            self._front = _front(_means([*before, *finished])) or self._front
            return "" if finished else f"generation {generation}: none of the front finished on fresh seeds"
        if self._probe is not None:
            self._compare(named[-1], fitnesses[-1])
            finished = finished[:-1] if finished and finished[-1][0] == named[-1] else finished
        offspring = [Candidate(genome, values) for genome, values in finished]
        with self.generators.installed():
            pool = [*self._population, *offspring]
            self._population = tools.selNSGA2(pool, min(self.setting.population, len(pool))) if pool else []
        self._front = _front([(tuple(one), one.values) for one in self._population])
        return "" if finished else f"generation {generation}: none of {self.setting.population} finished"

    def _compare(self, genome: Genome, values: Values) -> None:
        """Learn from a second training whether the task has noise."""
        first = next((one.values for one in self._population if tuple(one) == genome), None)
        self._is_noisy = first != values

    def _tuned(self) -> Sequence[float]:
        """Return the genome of the front that is nearest to the best of each objective, in units of the front."""
        if not self._front:
            return self.setting.mean
        values = np.clip([values for _, values in self._front], -HUGE, HUGE)
        best, width = values.min(axis=0), np.ptp(values, axis=0)
        scaled = (values - best) / np.where(width > 0, width, 1.0)
        return self._front[int((scaled**2).sum(axis=1).argmin())][0]


@cache
def _minimised(objectives: int) -> Any:
    """Return the class of a fitness whose values are all minimised."""
    return type("Minimised", (base.Fitness,), {"weights": (-1.0,) * objectives})


def _means(trained: Sequence[tuple[Genome, Values]]) -> list[tuple[Genome, Values]]:
    """Return the mean values of each genome, in the order of their first training."""
    grouped: dict[Genome, list[Values]] = {}
    for genome, values in trained:
        grouped.setdefault(genome, []).append(values)
    return [
        (genome, tuple(mean(column) for column in zip(*several, strict=True))) for genome, several in grouped.items()
    ]


def mean(values: Sequence[float]) -> float:
    """Return the mean of values whose sum may overflow."""
    return math.fsum(value / len(values) for value in values)


def _front(known: Sequence[tuple[Genome, Values]]) -> list[tuple[Genome, Values]]:
    """Return those that no other dominates, each set of values once, in the order of the first objective."""
    kept = [
        (genome, values)
        for genome, values in known
        if not any(other != values and all(a <= b for a, b in zip(other, values, strict=True)) for _, other in known)
    ]
    different: dict[Values, Genome] = {}
    for genome, values in kept:
        different.setdefault(values, genome)
    return sorted(((genome, values) for values, genome in different.items()), key=lambda pair: pair[1])


def create(*, parameters: Mapping[str, Any], **setting: Any) -> Nsga2:
    """Create the strategy; see `tuner.strategies.create`.

    Its parameters are `sigmas`, one per generation, of which the first gives the box.
    """
    return Nsga2(Setting(sigmas=tuple(parameters["sigmas"]), **setting))

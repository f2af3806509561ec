"""Strategy `genetic`: evolution in which a model chooses among the offspring.

Generations with smaller budgets than the last, at the start of the schedule, are rungs: the first of them explores,
with the defaults and a quasi-random sample of N(defaults, σ² I); each next one trains the best of the one before for
longer.
With the full budget, a surrogate predicts the loss of a genome. Every generation then trains leading elites again, on
new seeds, and those offspring of the best that promise the greatest improvement. Long searches have some genomes by
densities as well, which assume no smoothness. In the last generation, finalists meet on fresh seeds, unless the task
has no noise. docs/explanation/strategies.md has the formulas.

Candidates of a generation share one seed (common random numbers). The elites tie generations together, which have
different seeds, so that the surrogate can tell good genomes from lucky seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Milestone
from tuner.strategies.acquisition import choose
from tuner.strategies.density import Prior, promising
from tuner.strategies.generational import Amending, Generational
from tuner.strategies.individuals import Individual
from tuner.strategies.modelling import MODELLED, Genome, Model, Trained, fitted, is_exact
from tuner.strategies.prior_weight import prior_weight
from tuner.strategies.pruning import Pruning, Reached
from tuner.strategies.setting import Setting
from tuner.strategies.sobol import Sobol, normal_points
from tuner.strategies.unordered import features
from tuner.strategies.variation import offspring

Array = NDArray[np.float64]

CANDIDATES = 1_800  # offspring from which a generation is chosen, or twice the population if that is more
PARENTS = 8
NEIGHBOURS = 500  # failed and finished genomes each that decide on feasibility, those nearest to the best
BY_DENSITY = 4  # one of so many slots has a genome by densities, in searches with many full trainings
MAX_BY_DENSITY = 16
MAX_GOOD = 25  # genomes that count as good for densities, or a tenth of all
INFEASIBLE = 0.02  # factor of the expected improvement beside a failure
FINALISTS = 8
SEEDS_PER_GENERATION = 1_000  # numbers of seeds: generation · 1,000 + replicate


class Phase(Enum):
    """What a generation is for."""

    EXPLORE = auto()
    PROMOTE = auto()
    EVOLVE = auto()
    MEET = auto()


class Genetic(Amending[float], Generational):
    """Model-assisted evolution.

    Args:
        setting: The search.
        allowance: See `tuner.strategies.pruning`; None ends no candidate early.
    """

    def __init__(self, setting: Setting, allowance: float | None = None) -> None:
        super().__init__(setting)
        widest = max(high - low for low, high in zip(setting.lower, setting.upper, strict=True))
        self.sigma = min(setting.sigmas[0], widest)
        self._prior = Prior(setting.mean, self.sigma, setting.lower, setting.upper, setting.levels)
        self._sobol = Sobol(len(setting.mean), setting.seed)
        self._runs = _runs(setting.steps)  # number of the run of equal budgets that each generation belongs to
        self.phases = self._planned()
        self._trained: list[Trained] = []
        self._finalists: list[Genome] = []
        self._replicates: tuple[int, ...] | None = None  # of the generation in which finalists meet
        self._pruning = None if allowance is None else Pruning(setting.steps[-1], allowance)
        self._exempt = 0  # leading slots of the current generation that are not ended early
        self._reached: list[tuple[Reached, bool]] = []  # what `tell_milestones` took, until `tell`

    # The plan

    def _planned(self) -> list[Phase]:
        """Return the phase of each generation."""
        population, runs = self.setting.population, self._runs
        phases = []
        for generation, run in enumerate(runs):
            place, length = generation - runs.index(run), runs.count(run)
            if run == 0:
                enough = -(-max(8, 3 * len(self.setting.mean)) // population)
                explores = run < runs[-1] or place < max(1, min(enough, length // 3))
                phases.append(Phase.EXPLORE if explores else Phase.EVOLVE)
            else:
                phases.append(Phase.PROMOTE if run < runs[-1] or place == 0 else Phase.EVOLVE)
        if runs.count(runs[-1]) >= 4 and population >= 4:
            phases[-1] = Phase.MEET
        return phases

    def _seeds(self, generation: int) -> tuple[int | None, tuple[int, ...] | None]:
        """Return one seed block per rung, whose generations are compared, and one per later generation."""
        run = self._runs[generation]
        return (self._runs.index(run) if run < self._runs[-1] else generation), self._replicates

    def _milestones(self, generation: int) -> tuple[tuple[Milestone, ...], ...] | None:
        """Return those of a generation with the full budget: elites and finalists are never ended early."""
        if self._pruning is None or self._runs[generation] < self._runs[-1]:
            return None
        population = self.setting.population
        exempt = population if self.phases[generation] is Phase.MEET else self._exempt
        return (self._pruning.unlimited(),) * exempt + (self._pruning.limits(),) * (population - exempt)

    # Genomes

    def _draw(self, generation: int) -> Array:
        self._replicates, self._exempt = None, 0
        if self.sigma == 0:
            return np.tile(np.array(self.setting.mean), (self.setting.population, 1))
        phase = self.phases[generation]
        if phase is Phase.EXPLORE:
            return self._explorers(self.setting.population)
        if phase is Phase.PROMOTE:
            return self._promoted(generation)
        known = self._finished(generation)
        if len({each.genome for each in known}) < 3:
            return self._mutants(generation)
        if phase is Phase.MEET and not is_exact(known):
            return self._meeting(known)
        return self._chosen(known)

    def _explorers(self, count: int) -> Array:
        """Return the defaults, if nothing was trained yet, and points of the prior."""
        setting = self.setting
        first = [setting.mean][:count] if not self._trained else []
        points = normal_points(
            self._sobol, count - len(first), setting.mean, self.sigma, setting.lower, setting.upper, setting.levels
        )
        return setting.snapped(np.array([*first, *points.tolist()]).reshape(count, len(setting.mean)))

    def _promoted(self, generation: int) -> Array:
        """Return the best of the run before that are not in this run yet, and offspring in the remaining slots."""
        population, run = self.setting.population, self._runs[generation]
        before = [each for each in self._trained if self._runs[each.generation] == run - 1]
        here = {each.genome for each in self._trained if self._runs[each.generation] == run}
        ranked = _ranked(before)
        survivors = ranked[: max(1, len(before) // (2 if run == self._runs[-1] else 4))]
        chosen = [each.genome for each in survivors if each.genome not in here][:population]
        rest = self._mutants(generation)[: population - len(chosen)]
        return np.array([*chosen, *rest.tolist()])

    def _mutants(self, generation: int) -> Array:
        """Return offspring of the best that were trained for longest, without a model; points of the prior at worst."""
        population = self.setting.population
        budgets = self.setting.steps
        longest = max((budgets[each.generation] for each in self._trained if each.finished), default=0)
        ranked = _ranked([each for each in self._trained if budgets[each.generation] == longest])
        if not ranked:
            return self._explorers(population)
        parents = [Individual(each.genome, each.loss) for each in ranked[:PARENTS]]
        varied = self._varied(parents, 10 * population)
        feasible = self._feasible(varied, parents[0], lambda genomes: features(genomes, self.setting.levels))
        trained = {each.genome for each in self._trained}  # of a mutation of some genes, none may have changed
        is_new = np.array([tuple(genome) not in trained for genome in varied.tolist()])
        order = np.argsort(-feasible * is_new, kind="stable")  # new ones that are expected to finish come first
        return varied[order][:population]

    def _chosen(self, known: Sequence[Trained]) -> Array:
        """Return elites, to be trained again, genomes by densities, and the most promising offspring."""
        population = self.setting.population
        model, ranked, means = self._modelled(known)
        surrogate = model.surrogate
        again = 0 if is_exact(known) or population < 3 else max(1, population // 8)
        elites = ranked[:again]
        self._exempt = len(elites)
        parents = [Individual(genome, mean) for genome, mean in zip(ranked[:PARENTS], means, strict=False)]
        candidates = self._varied(parents, max(CANDIDATES, 2 * population))
        trained = {each.genome for each in [*known, *self._pruned()]}
        candidates = candidates[[tuple(genome) not in trained for genome in candidates.tolist()]]
        if self.setting.coordinates is not None:  # many are rounded to the same
            candidates = np.array(list(dict.fromkeys(map(tuple, candidates.tolist()))))
            if not len(candidates):  # every genome nearby was trained
                return np.array([*ranked, *self._explorers(population).tolist()])[:population]
        by_density = self._by_density(known)
        count = population - len(elites) - len(by_density)
        feasible = self._feasible(candidates, ranked[0], model.scaled)
        weights = self._weights(candidates)
        centre = model.scaled(np.array(ranked[:1]))[0]
        scaled = model.scaled(candidates)
        picked = choose(
            surrogate,
            scaled,
            centre,
            means[0],
            feasible,
            weights,
            count,
            surrogate.noise,
            is_local=not self._is_long(),
        )
        fill = self._explorers(count - len(picked))
        return np.array([*elites, *by_density, *candidates[picked].tolist(), *fill.tolist()])

    def _is_long(self) -> bool:
        """Return whether the search has more full trainings than twice what the surrogate knows."""
        return self._runs.count(self._runs[-1]) * self.setting.population > 2 * MODELLED

    def _by_density(self, known: Sequence[Trained]) -> list[list[float]]:
        """Return genomes where the best tenth is denser than the others; none in a search of few full trainings.

        With up to twice as many full trainings as the surrogate knows, all are needed where the surrogate wants them.
        """
        setting = self.setting
        if not self._is_long():
            return []
        count = min(setting.population // BY_DENSITY, MAX_BY_DENSITY)
        budget = setting.steps[known[0].generation]
        failed = [each.genome for each in self._trained if each.failed and setting.steps[each.generation] == budget]
        ranked = [each.genome for each in _ranked(known)]
        pruned = [each.genome for each in self._pruned()]
        good = max(3, min(MAX_GOOD, -(-(len(ranked) + len(pruned)) // 10)))
        others = np.array([*ranked[good:], *pruned, *failed]).reshape(-1, len(setting.mean))
        made = setting.snapped(promising(self.generators, np.array(ranked[:good]), others, count, self._prior))
        return [[float(gene) for gene in genome] for genome in made]

    def _meeting(self, known: Sequence[Trained]) -> Array:
        """Return the finalists, each several times: the best by the model, and the best that was seen."""
        population = self.setting.population
        _, ranked, _ = self._modelled(known)
        seen = min(known, key=lambda each: each.loss).genome
        count = max(2, min(population // 2, FINALISTS))
        self._finalists = list(dict.fromkeys([*ranked[: count - 1], seen, *ranked]))[:count]
        slots = [divmod(slot, len(self._finalists)) for slot in range(population)]
        self._replicates = tuple(replicate for replicate, _ in slots)
        return np.array([self._finalists[finalist] for _, finalist in slots])

    def _varied(self, parents: Sequence[Individual], count: int) -> Array:
        setting = self.setting
        spread = np.array(parents).std(axis=0) if len(parents) > 2 else np.full(len(setting.mean), self.sigma)
        varied = offspring(
            self.generators,
            parents,
            count,
            spread=np.clip(spread, 0.01 * self.sigma, self.sigma).tolist(),
            sigma=self.sigma,
            lower=setting.lower,
            upper=setting.upper,
            levels=setting.levels,
        )
        return setting.snapped(varied)

    # What is known

    def _finished(self, generation: int) -> list[Trained]:
        """Return the trainings with a generation's budget that finished."""
        budget = self.setting.steps[generation]
        return [each for each in self._trained if each.finished and self.setting.steps[each.generation] == budget]

    def _pruned(self) -> list[Trained]:
        """Return the trainings that were ended early, with the losses that they had there."""
        return [each for each in self._trained if each.pruned]

    def _modelled(self, known: Sequence[Trained]) -> tuple[Model, list[Genome], list[float]]:
        """Return the model of finished and pruned trainings, and the genomes that finished, best first, with means."""
        model = fitted([*known, *self._pruned()], self.sigma, levels=self.setting.levels)
        finished = {each.genome for each in known}
        ranked = [(g, mean) for g, mean in zip(model.genomes, model.means, strict=True) if g in finished]
        return model, [genome for genome, _ in ranked], [mean for _, mean in ranked]

    def _feasible(self, genomes: Array, best: Sequence[float], scaled: Callable[[Array], Array]) -> Array:
        """Return 1, or `INFEASIBLE` where the nearest genome that was trained, for however long, failed."""

        def nearest(known: list[Genome]) -> Array:
            points = scaled(np.array(known))
            points = points[np.argsort(((points - centre) ** 2).sum(axis=1), kind="stable")[:NEIGHBOURS]]
            squares = np.zeros((len(places), len(points)))
            for at in range(points.shape[1]):
                squares += (places[:, at, None] - points[None, :, at]) ** 2
            return np.asarray(squares.min(axis=1))

        centre, places = scaled(np.array([best]))[0], scaled(genomes)
        failed = [each.genome for each in self._trained if each.failed]
        finished = [each.genome for each in self._trained if not each.failed]  # also those that were pruned
        if not failed or not finished:
            return np.ones(len(genomes))
        return np.where(nearest(failed) < nearest(finished), INFEASIBLE, 1.0)

    def _weights(self, candidates: Array) -> Array:
        """Return how much the expected improvement of each counts, by the prior and the number of full trainings."""
        full = sum(self._runs[each.generation] == self._runs[-1] for each in self._trained)
        return prior_weight(candidates, self._prior, full)

    # Results

    def _take(self, generation: int, genomes: Array, fitnesses: Sequence[float]) -> str:
        block, replicates = self._seeds(generation)
        for slot, (genome, loss) in enumerate(zip(genomes.tolist(), fitnesses, strict=True)):
            seed = (block or 0) * SEEDS_PER_GENERATION + (replicates[slot] if replicates else 0)
            reached, pruned = self._reached[slot] if self._reached else ((), False)
            if self._pruning is not None and self._runs[generation] == self._runs[-1] and math.isfinite(loss):
                self._pruning.learn(tuple(genome), loss, reached)
            if pruned:
                _, loss = reached[-1]
            loss = loss if math.isfinite(loss) else math.inf
            self._trained.append(Trained(tuple(genome), loss, generation, seed, pruned))
        self._reached = []
        return super()._take(generation, genomes, fitnesses)

    def tell_milestones(self, reached: Sequence[Reached], pruned: Sequence[bool]) -> None:
        """See `EndsEarly.tell_milestones`."""
        if self._proposed is None:
            raise RuntimeError("tell_milestones() needs a generation that was requested with ask()")
        self._reached = list(zip(reached, pruned, strict=True))

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        useful = finished or any(each.pruned and each.generation == generation for each in self._trained)
        remarks = [] if useful else [f"none of {self.setting.population} finished"]
        if generation == self.setting.generations - 1 and not self._finished(generation):
            remarks.append(f"no individual finished {self.setting.steps[-1]} steps, so the defaults are the result")
        return f"generation {generation}: {'; '.join(remarks)}" if remarks else ""

    def _tuned(self) -> Sequence[float]:
        """Return the best seen where there is no noise, or else the finalist with the lowest predicted loss."""
        known = self._finished(self.setting.generations - 1)
        failed = {each.genome for each in self._trained if each.failed}
        safe = [each for each in known if each.genome not in failed] or known
        if not safe:
            return self.setting.mean
        if len({each.genome for each in known}) >= 3 and not is_exact(known):
            _, ranked, _ = self._modelled(known)
            accepted = {each.genome for each in safe}
            for names in (set(self._finalists) & accepted, accepted):
                for genome in ranked:
                    if genome in names:
                        return genome
        return min(safe, key=lambda each: each.loss).genome


def _runs(steps: Sequence[int]) -> list[int]:
    """Return the number of each generation's run of equal budgets, from 0."""
    runs = [0]
    for before, budget in pairwise(steps):
        runs.append(runs[-1] + (budget != before))
    return runs


def _ranked(trained: Sequence[Trained]) -> list[Trained]:
    """Return the best training of each genome that finished, best first; ties go to the earlier."""
    ordered = sorted((each for each in trained if each.finished), key=lambda each: each.loss)
    best: dict[Genome, Trained] = {}
    for each in ordered:
        best.setdefault(each.genome, each)
    return list(best.values())


def create(*, parameters: Mapping[str, Any], **setting: Any) -> Genetic:
    """Create the strategy; see `tuner.strategies.create`.

    Its parameters are `sigmas`, one per generation, of which the first is the spread of the start, and, where
    candidates may be ended early, `pruning`, the allowance.
    """
    return Genetic(Setting(sigmas=tuple(parameters["sigmas"]), **setting), parameters.get("pruning"))

"""Strategy `genetic`: evolution in which a model chooses among the offspring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.strategies.generational import Generational
from tuner.strategies.individuals import Individual
from tuner.strategies.setting import Setting
from tuner.strategies.sobol import Sobol, normal_points
from tuner.strategies.surrogate import Observations, Surrogate
from tuner.strategies.variation import offspring

Array = NDArray[np.float64]

MODELLED = 60
CANDIDATES = 1_800
PARENTS = 8
INFEASIBLE = 0.02
MODEL_PICKS = 64


@dataclass(frozen=True, slots=True)
class Trained:
    """A genome that was trained once."""

    genome: tuple[float, ...]
    fitness: float  # inf if it failed
    budget: int
    block: int  # number of its seed
    generation: int


class Genetic(Generational):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.sigma = setting.sigmas[0]
        self._sobol = Sobol(len(setting.mean), setting.seed)
        self._trained: list[Trained] = []
        self._budget = setting.steps[-1]
        self._phases = self._planned()
        self._replicates: tuple[int, ...] = ()
        self._finalists: list[tuple[float, ...]] = []

    # plan

    def _planned(self) -> list[str]:
        steps, population = self.setting.steps, self.setting.population
        count = len(steps)
        runs: list[list[int]] = []
        for at, budget in enumerate(steps):
            if at and steps[at - 1] == budget:
                runs[-1].append(at)
            else:
                runs.append([at])
        phases = [""] * count
        for number, run in enumerate(runs):
            last = number == len(runs) - 1
            for place, at in enumerate(run):
                if number == 0:
                    wanted = max(1, min(-(-max(8, 3 * len(self.setting.mean)) // population), len(run) // 3))
                    phases[at] = "explore" if not last or place < wanted else "evolve"
                else:
                    phases[at] = "promote" if not last or place == 0 else "evolve"
        if len(runs[-1]) >= 4 and population >= 4:
            phases[-1] = "meet"
        self._run_of = [number for number, run in enumerate(runs) for _ in run]
        return phases

    # draws

    def _seeds(self, generation: int) -> tuple[int | None, tuple[int, ...] | None]:
        if self._phases[generation] in ("explore", "promote") and self.setting.steps[generation] != self._budget:
            return self._run_of[generation], None  # a rung's generations are compared with each other
        return 1000 + generation, self._replicates or None

    def _draw(self, generation: int) -> Array:
        self._replicates = ()
        setting = self.setting
        if self.sigma == 0:
            return np.tile(np.array(setting.mean), (setting.population, 1))
        phase = self._phases[generation]
        if phase == "explore":
            return self._explore(generation, setting.population)
        if phase == "promote":
            return self._promote(generation)
        if phase == "meet" and not self._is_exact() and len(self._at_budget()) >= 4:
            return self._meet()
        return self._evolve(generation)

    def _explore(self, generation: int, count: int) -> Array:
        s = self.setting
        first = [s.mean] if not self._trained and generation == 0 else []
        points = normal_points(self._sobol, count - len(first), s.mean, self.sigma, s.lower, s.upper) if count > len(first) else np.empty((0, len(s.mean)))
        return np.array([*first, *points.tolist()])

    def _promote(self, generation: int) -> Array:
        population = self.setting.population
        number = self._run_of[generation]
        of_before = [t for t in self._trained if self._run_of[t.generation] == number - 1]
        here = {t.genome for t in self._trained if self._run_of[t.generation] == number}
        ranked = sorted((t for t in of_before if math.isfinite(t.fitness)), key=lambda t: t.fitness)
        ranked = list({t.genome: t for t in reversed(ranked)}.values())[::-1]
        ranked.sort(key=lambda t: t.fitness)
        share = 2 if number == max(self._run_of) else 4
        survivors = ranked[: max(1, len(of_before) // share)]
        chosen = [t.genome for t in survivors if t.genome not in here][:population]
        missing = population - len(chosen)
        if missing:
            parents = [Individual(t.genome, t.fitness) for t in ranked[: max(PARENTS, len(survivors))]]
            if parents:
                varied = self._varied(parents, 40 * missing)
                varied = varied[self._feasible(varied, generation) == 1.0]
                chosen += list(map(tuple, varied[:: max(1, len(varied) // missing)][:missing].tolist()))
            missing = population - len(chosen)
            if missing:
                chosen += list(map(tuple, self._explore(generation, missing).tolist()))
        return np.array(chosen)

    def _varied(self, parents: Sequence[Individual], count: int) -> Array:
        s = self.setting
        genomes = np.array(parents)
        spread = np.clip(genomes.std(axis=0) if len(genomes) > 2 else np.full(len(s.mean), self.sigma), 0.01 * self.sigma, self.sigma)
        return offspring(
            self.generators, parents, count, spread=spread.tolist(), sigma=self.sigma, lower=s.lower, upper=s.upper
        )

    def _feasible(self, genomes: Array, generation: int) -> Array:
        """Return 1, or INFEASIBLE where the nearest known neighbour failed."""
        budget = self.setting.steps[generation]
        failed = np.array([t.genome for t in self._trained if not math.isfinite(t.fitness)])
        well = np.array([t.genome for t in self._trained if math.isfinite(t.fitness) and t.budget == budget])
        if not len(well):
            well = np.array([t.genome for t in self._trained if math.isfinite(t.fitness)])
        if not len(failed) or not len(well):
            return np.ones(len(genomes))
        scale = self._scale
        near = lambda points: (((genomes[:, None, :] - points[None, :, :]) / scale) ** 2).sum(axis=-1).min(axis=1)
        return np.where(near(failed) < near(well), INFEASIBLE, 1.0)

    _scale: Any = 1.0

    # model

    def _at_budget(self) -> list[Trained]:
        return [t for t in self._trained if t.budget == self._budget and math.isfinite(t.fitness)]

    def _is_exact(self) -> bool:
        by: dict[tuple[float, ...], set[float]] = {}
        blocks: dict[tuple[float, ...], set[int]] = {}
        for t in self._at_budget():
            by.setdefault(t.genome, set()).add(t.fitness)
            blocks.setdefault(t.genome, set()).add(t.block)
        repeated = [genome for genome in by if len(blocks[genome]) > 1]
        return bool(repeated) and all(len(by[genome]) == 1 for genome in repeated)

    def _model(self) -> tuple[Surrogate, list[Trained], Array]:
        """Return the surrogate, the distinct genomes it knows, best first, and their posterior means."""
        found = sorted(self._at_budget(), key=lambda t: t.fitness)
        times: dict[tuple[float, ...], int] = {}
        for t in found:
            times[t.genome] = times.get(t.genome, 0) + 1
        exact = self._is_exact()
        kept = found[:MODELLED] + [t for t in found[MODELLED:] if times[t.genome] > 1]
        kept = kept[: MODELLED + 20]
        values = _compressed([t.fitness for t in kept])
        genomes = np.array([t.genome for t in kept])
        spread = genomes.std(axis=0)
        self._scale = np.clip(spread, 0.02 * self.sigma, 2 * self.sigma)
        surrogate = Surrogate(
            Observations(genomes / self._scale, values, np.array([t.block for t in kept]), exact)
        )
        distinct = list({t.genome: t for t in kept}.values())
        means, _, _ = surrogate.predict(np.array([t.genome for t in distinct]) / self._scale)
        order = np.argsort(means, kind="stable")
        return surrogate, [distinct[at] for at in order], means[order]

    def _elites(self) -> int:
        return 0 if self._is_exact() or self.setting.population < 3 else max(1, self.setting.population // 8)

    def _evolve(self, generation: int) -> Array:
        population = self.setting.population
        known = self._at_budget()
        if len({t.genome for t in known}) < 3:
            return self._promote_or_explore(generation, known)
        surrogate, ranked, means = self._model()
        elites = [t.genome for t in ranked[: min(self._elites(), population - 1)]]
        parents = [Individual(t.genome, float(m)) for t, m in zip(ranked[:PARENTS], means[:PARENTS], strict=True)]
        candidates = self._varied(parents, CANDIDATES)
        trained = {t.genome for t in self._trained if t.budget == self._budget}
        others = [t.genome for t in self._trained if t.genome not in trained and math.isfinite(t.fitness)]
        candidates = np.concatenate([candidates, np.array(others).reshape(-1, candidates.shape[1])])
        fresh = [at for at, row in enumerate(candidates.tolist()) if tuple(row) not in trained]
        candidates = candidates[fresh]
        chosen = self._picked(surrogate, candidates, float(means[0]), generation, population - len(elites))
        return np.array([*elites, *chosen.tolist()])

    def _promote_or_explore(self, generation: int, known: list[Trained]) -> Array:
        finished = sorted((t for t in self._trained if math.isfinite(t.fitness)), key=lambda t: (-t.budget, t.fitness))
        population = self.setting.population
        if not finished:
            return self._explore(generation, population)
        parents = [Individual(t.genome, float(rank)) for rank, t in enumerate(finished[:PARENTS])]
        half = population // 2
        varied = self._varied(parents, 40 * max(1, half))[::40][:half]
        return np.concatenate([varied.reshape(-1, len(self.setting.mean)), self._explore(generation, population - len(varied))])

    def _picked(self, surrogate: Surrogate, candidates: Array, best: float, generation: int, count: int) -> Array:
        scaled = candidates / self._scale
        mean, variance, solved = surrogate.predict(scaled)
        feasible = self._feasible(candidates, generation)
        chosen: list[int] = []
        picks = min(count, MODEL_PICKS, len(candidates))
        extra: list[tuple[int, Array, float]] = []
        for pick in range(picks):
            deviation = np.sqrt(variance)
            score = _expected_improvement(best - mean, deviation) * feasible
            if pick == picks - 1 and count > 1:
                score = -mean - (1 - feasible) * 1e6
            score[chosen] = -np.inf
            at = int(np.argmax(score))
            chosen.append(at)
            shared = surrogate.covariance(scaled[at], solved[:, at], scaled, solved)
            for _, vector, own in extra:
                shared = shared - vector * vector[at] / own
            own = float(shared[at]) + surrogate.noise**2 + 1e-12
            extra.append((at, shared, own))
            variance = np.maximum(variance - shared**2 / own, 1e-12)
        rest = [at for at in np.argsort(mean, kind="stable").tolist() if at not in set(chosen) and feasible[at] == 1.0]
        left = count - len(chosen)
        picked = candidates[chosen + rest[:left]]
        if len(picked) < count:
            picked = np.concatenate([picked, self._explore(generation, count - len(picked))])
        return picked

    def _meet(self) -> Array:
        population = self.setting.population
        count = max(2, min(population // 2, 8))
        _, ranked, _ = self._model()
        best = min(self._at_budget(), key=lambda t: t.fitness).genome
        names = list(dict.fromkeys([*(t.genome for t in ranked[: count - 1]), best, *(t.genome for t in ranked)]))[:count]
        self._finalists = names
        slots = [(names[slot % len(names)], slot // len(names)) for slot in range(population)]
        self._replicates = tuple(replicate for _, replicate in slots)
        return np.array([genome for genome, _ in slots])

    # results

    def _take(self, generation: int, genomes: Array, fitnesses: Sequence[float]) -> str:
        block, replicates = self._seeds(generation)
        self._trained += [
            Trained(
                tuple(genome),
                fitness if math.isfinite(fitness) else math.inf,
                self.setting.steps[generation],
                (block or 0) * 1000 + (replicates[slot] if replicates else 0),
                generation,
            )
            for slot, (genome, fitness) in enumerate(zip(genomes.tolist(), fitnesses, strict=True))
        ]
        return super()._take(generation, genomes, fitnesses)

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        if not finished:
            return f"generation {generation}: none of {self.setting.population} finished"
        return ""

    def amend(self, genomes: Array) -> None:
        self._asked = np.array(genomes)

    def _tuned(self) -> Sequence[float]:
        found = self._at_budget()
        failed = {t.genome for t in self._trained if t.budget == self._budget and not math.isfinite(t.fitness)}
        safe = [t for t in found if t.genome not in failed] or found
        if not safe:
            return self.setting.mean
        if self._is_exact() or len({t.genome for t in found}) < 3:
            return min(safe, key=lambda t: t.fitness).genome
        _, ranked, _ = self._model()
        names = {t.genome for t in safe}
        finalists = set(self._finalists)
        for t in ranked:
            if t.genome in names and (not finalists or t.genome in finalists):
                return t.genome
        return min(safe, key=lambda t: t.fitness).genome


def _compressed(fitnesses: Sequence[float]) -> Array:
    """Return values in which differences near the best count, and bad outliers do not."""
    values = np.array(fitnesses)
    best = values.min()
    if best > 0:
        values = np.log(values)
    else:
        width = float(np.median(values - best)) or 1.0
        values = np.arcsinh((values - best) / width)
    order = np.sort(values)
    scale = max(order[len(order) // 3] - order[0], 1e-12)
    return np.minimum(values, order[0] + 5 * scale)


def _expected_improvement(gain: Array, deviation: Array) -> Array:
    z = gain / deviation
    density = np.exp(-0.5 * np.minimum(z * z, 1400)) / math.sqrt(2 * math.pi)
    share = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z.tolist()])
    return np.maximum(gain * share + deviation * density, 0.0) + 1e-300


def create(*, parameters: Mapping[str, Any], **setting: Any) -> Genetic:
    return Genetic(Setting(sigmas=tuple(parameters["sigmas"]), **setting))

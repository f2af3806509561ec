"""The searches that search_quality.py compares: ours by name, and peers.

An arm is a generator of one search. It yields what to train, as (genomes, budget, seeds), is sent the losses, which are
inf where a training diverged, and returns the point that it recommends. Costs are in full trainings of T gradient
evaluations.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Asked = tuple[Array, int, list[int]]
Search = Generator[Asked, list[float], Array]

FULL, THIRD = 228, 76  # full trainings
SIGMA = 3.0  # of the prior, in the transformed space
BOX = 9.0  # of peers: half the width of their box around the defaults
WIDTH = 8  # candidates per batch, of all arms that can choose


def ours(
    strategy: str, cost: int = FULL, population: int = WIDTH, kind: type | None = None, *, rungs: bool = True
) -> Callable[..., Search]:
    """Return an arm that runs a strategy of lodo-tune; `kind` is another class for it, such as an ablation."""

    def arm(problem: Any, seed: int) -> Search:
        from tuner import strategies
        from tuner.core.seeds import strategy_seed, trial_seed
        from tuner.core.trial import Key, Role
        from tuner.strategies.setting import Setting

        steps, sigmas, population_ = _schedule(strategy, problem.steps, cost, population, rungs=rungs)
        space = problem.space
        setting: dict[str, Any] = {
            "mean": space.default_genome(),
            "lower": space.lower,
            "upper": space.upper,
            "population": population_,
            "steps": steps,
            "seed": strategy_seed(seed, problem.optimizer),
        }
        if kind is None:
            parameters = {"sigmas": list(sigmas), "draws": "sobol"}
            search = strategies.create(strategy, **setting, parameters=parameters)
        else:
            search = kind(Setting(sigmas=sigmas, **setting))
        generation = 0
        while (proposal := search.ask()) is not None:
            replicates = proposal.replicates or (0,) * population_
            seeds = [
                trial_seed(seed, Key(Role.SEARCH, generation, slot), proposal.seed_block, replicate)
                for slot, replicate in enumerate(replicates)
            ]
            search.tell((yield proposal.genomes, proposal.budget, seeds))
            generation += 1
        return search.result()

    return arm


def _schedule(strategy: str, full: int, cost: int, population: int, *, rungs: bool) -> tuple[Any, Any, int]:
    """Return the steps, the sigmas and the population of a strategy's search of a cost."""
    from tasks.preset import Preset
    from tasks.registry import TASKS
    from tuner.strategies.rungs import rung_schedule
    from tuner.strategies.schedule import ScheduleRequest

    preset = TASKS["noisy-quadratic-bowl"].presets["paper"]
    if strategy == "paper":  # 228.5 full trainings
        return tuple(max(1, full * steps // 10_000) for steps in preset.steps), preset.sigmas, preset.population
    if strategy == "genetic" and rungs:
        own = Preset(
            generations=1, population=population, sigmas=(SIGMA,), steps=(full,), fresh_seeds=0, optimizers=("Adam",)
        )
        made = rung_schedule(own, ScheduleRequest(budget=cost * full, population=population))
        return made.steps, tuple(made.parameters["sigmas"]), population
    count = cost // population
    return (full,) * count, (SIGMA,) * count, population


def top_k(problem: Any, seed: int) -> Search:
    """Half of the cost for independent draws at T/16, half for the best of them at T; common seeds."""
    from tuner.core.seeds import derive

    space, random = problem.space, np.random.default_rng(seed)
    count = FULL // 2 * 16
    drawn = random.normal(size=(count, len(space.names))) * SIGMA + space.default_genome()
    points = np.clip(drawn, space.lower, space.upper)
    short = max(1, problem.steps // 16)
    losses = yield points, short, [derive(seed, "short")] * count
    best = points[np.argsort(losses, kind="stable")[: FULL // 2]]
    losses = yield best, problem.steps, [derive(seed, "long")] * len(best)
    return np.asarray(best[int(np.argmin(losses))])


def optuna_arm(sampler: str, *, common: bool) -> Callable[..., Search]:
    """Return an arm of Optuna in batches of `WIDTH`, with a seed per trial or one for the study."""

    def arm(problem: Any, seed: int) -> Search:
        import optuna

        from tuner.core.seeds import derive

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        space = problem.space
        middle = space.default_genome()
        low, high = np.maximum(space.lower, middle - BOX), np.minimum(space.upper, middle + BOX)
        samplers: dict[str, Callable[[], Any]] = {
            "tpe": lambda: optuna.samplers.TPESampler(seed=seed % 2**31),
            "cma": lambda: optuna.samplers.CmaEsSampler(seed=seed % 2**31),
            "gp": lambda: optuna.samplers.GPSampler(seed=seed % 2**31),
        }
        study = optuna.create_study(sampler=samplers[sampler]())
        number = 0
        for _ in range(FULL // WIDTH):
            trials = [study.ask() for _ in range(WIDTH)]
            genomes = np.array(
                [
                    [
                        trial.suggest_float(name, float(a), float(b))
                        for name, a, b in zip(space.names, low, high, strict=True)
                    ]
                    for trial in trials
                ]
            )
            seeds = [derive(seed, "optuna", 0 if common else number + at) for at in range(WIDTH)]
            number += WIDTH
            losses = yield genomes, problem.steps, seeds
            for trial, loss in zip(trials, losses, strict=True):
                if math.isfinite(loss):
                    study.tell(trial, loss)
                else:
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return np.array([study.best_params[name] for name in space.names])

    return arm


def arms() -> dict[str, Callable[..., Search]]:
    """Return the arms by name; those of a library that is not installed are left out."""
    found = {
        "genetic": ours("genetic"),
        "genetic-third": ours("genetic", THIRD),
        "genetic-32": ours("genetic", population=32),
        "cma-es": ours("cma-es"),
        "random": ours("random"),
        "paper": ours("paper"),
        "top-k": top_k,
        **ablations(),
    }
    if importlib.util.find_spec("optuna"):
        for sampler, needs in (("tpe", "optuna"), ("cma", "cmaes"), ("gp", "torch")):
            if importlib.util.find_spec(needs):
                found[f"optuna-{sampler}"] = optuna_arm(sampler, common=False)
                found[f"optuna-{sampler}-common"] = optuna_arm(sampler, common=True)
    return found


def ablations() -> dict[str, Callable[..., Search]]:
    """Return arms of `genetic` at a third of the cost without one of its parts."""
    from tuner.strategies.genetic import Genetic, Phase

    class OwnSeeds(Genetic):
        def _seeds(self, generation: int) -> Any:
            # Replicates that no other slot has: a seed per training, as without common random numbers.
            super()._seeds(generation)
            first = generation * self.setting.population
            return 0, tuple(range(first, first + self.setting.population))

    class OneSeed(Genetic):
        def _seeds(self, generation: int) -> Any:
            _, replicates = super()._seeds(generation)
            return (generation if replicates else 0), replicates

    class WithoutModel(Genetic):
        def _chosen(self, known: Sequence[Any]) -> Array:
            return self._mutants(self._completed)

    class WithoutFeasibility(Genetic):
        def _feasible(self, genomes: Array, best: Sequence[float], scale: Array) -> Array:
            return np.ones(len(genomes))

    class WithoutPrior(Genetic):
        def _weights(self, candidates: Array) -> Array:
            return np.ones(len(candidates))

    class WithoutMeeting(Genetic):
        def _planned(self) -> list[Phase]:
            return [Phase.EVOLVE if phase is Phase.MEET else phase for phase in super()._planned()]

    class BestSeen(Genetic):
        def _tuned(self) -> Sequence[float]:
            known = self._finished(self.setting.generations - 1)
            return min(known, key=lambda each: each.loss).genome if known else self.setting.mean

    kinds = {
        "own-seeds": OwnSeeds,
        "one-seed": OneSeed,
        "no-model": WithoutModel,
        "no-feasibility": WithoutFeasibility,
        "no-prior": WithoutPrior,
        "no-meeting": WithoutMeeting,
        "best-seen": BestSeen,
    }
    made = {f"third-{name}": ours("genetic", THIRD, kind=kind) for name, kind in kinds.items()}
    return {**made, "third-no-rungs": ours("genetic", THIRD, rungs=False)}

"""Strategies as a search algorithm of Ray Tune.

    from ray import tune
    from tuner.integrations.ray_tune import Genetic

    tuned = tune.Tuner(
        trainable,
        param_space={"lr": tune.loguniform(1e-6, 1.0), "width": tune.lograndint(8, 1024)},
        tune_config=tune.TuneConfig(metric="loss", mode="min", search_alg=Genetic(), num_samples=-1),
    )
    results = tuned.fit()

With `num_samples=-1` Ray Tune trains as many trials as the search has.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher
from ray.tune.search.sample import Categorical, Domain, Float, Integer, LogUniform, Quantized, Uniform

from search_spaces.space import SearchSpace
from tuner import strategies
from tuner.core import files
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Candidate, Key, Role, Status
from tuner.integrations.outside_spaces import OutsideSpace, Parameter, constant, multiples, one_of, real, whole
from tuner.integrations.search_loop import (
    SearchLoop,
    check_request,
    differences,
    identity_of,
    planned,
    records_as_json,
    records_of_json,
    trial_seed_of,
)

FORMAT = 1  # of the files that `save` writes
ACCEPTED = (
    "uniform, quniform, loguniform, qloguniform, randint, qrandint, lograndint, qlograndint, choice or a constant"
)

_Path = tuple[str, ...]  # of a key in nested dictionaries


class Genetic(Searcher):  # type: ignore[misc]  # Ray has no types
    """A strategy as a search algorithm of Ray Tune.

    A generation ends when the last of its trials has ended; until then no further trial is suggested, so that as many
    trials as a generation has can run at a time. The last trials of a search are the defaults and the tuned
    hyperparameters. A search is saved and restored with the experiment of Ray Tune, and goes on to the same result.

    Args:
        space: What `tuner.space` returned, or a search space of Ray Tune, a dictionary. Default: the `param_space` of
            `tune.Tuner`.
        metric: What is optimised, a key of what trials report; two or three of them with `strategy="nsga2"`. Default:
            that of `tune.TuneConfig`, which Ray Tune passes on if there is a `param_space`.
        mode: "min" or "max", one for each metric. Default: likewise.
        strategy: Name of a strategy: "genetic", "cma-es", "random" or "paper".
        generations: Number of generations. Default: 10.
        population: Trials per generation. Default: 8.
        sigma: Standard deviation of the draws: one value, or one per generation. Default: 3.
        steps: Budget of a trial, in a unit of its own: one value, or one per generation; it needs `budget_name`.
        budget: Budget of all trials together, instead of `generations`.
        budget_name: Key of the configuration in which a trial finds its budget. Default: none.
        seed_name: Key of the configuration in which a trial finds its seed, a whole number below 2**31, which trials
            that are compared share. Default: none.
        seed: Decides everything that is drawn.
        fresh_seeds: How often the defaults, and the tuned hyperparameters, are trained at the end. Default: once each.

    Raises:
        InvalidRequest: An argument is not accepted; one line.

    Example:
        >>> from tuner.integrations.ray_tune import Genetic
        >>> search = Genetic(tuner.space(x=tuner.linear(0.5, low=0.0, high=1.0)), metric="loss", mode="min")
        >>> search.suggest("trial-1")
        {'x': 0.5}
    """

    def __init__(
        self,
        space: SearchSpace | Mapping[str, Any] | None = None,
        *,
        metric: str | Sequence[str] | None = None,
        mode: str | Sequence[str] | None = None,
        strategy: str = strategies.DEFAULT,
        generations: int | None = None,
        population: int | None = None,
        sigma: float | Sequence[float] | None = None,
        steps: int | Sequence[int] | None = None,
        budget: int | None = None,
        budget_name: str | None = None,
        seed_name: str | None = None,
        seed: int = 0,
        fresh_seeds: int = 1,
    ) -> None:
        metrics, modes = _listed(metric), _listed(mode)
        if not all(isinstance(each, str) for each in metrics) or len(set(metrics)) < len(metrics):
            raise InvalidRequest("metric", "is a key of what trials report, or two or three different ones", metric)
        if not set(modes) <= {"min", "max"} or (metrics and modes and len(metrics) != len(modes)):
            raise InvalidRequest("mode", "is 'min' or 'max', one for each {metric}", mode)
        if steps is not None and budget_name is None:
            raise InvalidRequest("steps", "needs {budget_name}, the key in which a trial finds its budget")
        super().__init__()
        self._metric: str | list[str] | None = metrics if len(metrics) > 1 else next(iter(metrics), None)
        self._mode: str | list[str] | None = modes if len(modes) > 1 else next(iter(modes), None)
        self._request: dict[str, Any] = {
            "strategy": strategy,
            "generations": generations,
            "population": population,
            "sigma": sigma,
            "steps": steps,
            "budget": budget,
            "seed": seed,
            "fresh_seeds": fresh_seeds,
        }
        check_request(self._request)
        self._budget_name, self._seed_name = budget_name, seed_name
        self._outside: OutsideSpace[_Path] | None = None  # None of a space of ours
        self._loop: SearchLoop | None = None  # None without a space
        self._trials: dict[str, Key] = {}  # what each trial trains
        self._goes_on = False  # whether trials that were running go on when the state is restored
        if space is not None:
            self._begin(space)

    @property
    def tuned(self) -> dict[str, Any] | None:
        """The tuned hyperparameters as a configuration; None until the last generation is complete."""
        if self._loop is None or self._loop.tuned is None:
            return None
        return self._configuration(self._loop.tuned)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks of the strategy, such as that a whole generation diverged."""
        return () if self._loop is None else tuple(self._loop.remarks)

    # What Ray Tune calls

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """Take the metric and the search space of a `tune.Tuner`; return False if there is a space already."""
        del spec
        self._metric, self._mode = metric or self._metric, mode or self._mode
        if self._loop is None:
            self._begin(config)
            return True
        return not any(isinstance(value, Domain) for value in _flat(config).values())

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the configuration of the next trial; None while a generation waits, "FINISHED" after the last."""
        loop = self._running()
        candidate = loop.ask()
        if candidate is None:
            return str(Searcher.FINISHED) if loop.is_over else None
        self._trials[trial_id] = candidate.key
        return self._configuration_of(candidate)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Take the last result of a trial; without one, or without the metric in it, the trial has failed."""
        key = self._trials.get(trial_id)
        if key is None:
            return
        loop, metrics = self._running(), _listed(self._metric)
        found = {} if error or not result else {name: result.get(name) for name in metrics}
        values = [float(value) for value in found.values() if isinstance(value, Real)]
        if len(values) < len(metrics):
            missing = ", ".join(name for name in metrics if not isinstance(found.get(name), Real))
            loop.tell(
                key, None, "the trial ended with an error" if error else f"the trial reported no number {missing}"
            )
            return
        signs = [1.0 if mode == "min" else -1.0 for mode in _listed(self._mode)]
        unusual = [
            f"{name} was {value}" for name, value in zip(metrics, values, strict=True) if not math.isfinite(value)
        ]
        loop.tell(key, [sign * value for sign, value in zip(signs, values, strict=True)], ", ".join(unusual))

    def save(self, checkpoint_path: str) -> None:
        """Write the search into a file, as JSON."""
        loop = self._running()
        state = {
            "format": FORMAT,
            "search": self._identity(),
            "candidates": records_as_json(loop.records),
            "trials": {trial: [key.role.value, key.generation, key.slot] for trial, key in self._trials.items()},
        }
        files.write(checkpoint_path, json.dumps(state), overwrite=True)

    def restore(self, checkpoint_path: str) -> None:
        """Go on from a file that `save` wrote; candidates that were not finished are suggested again.

        Raises:
            InvalidRequest: The file is of another search, or cannot be read.
        """
        try:
            state = json.loads(Path(checkpoint_path).read_text(encoding="utf-8"))
            if state["format"] != FORMAT:
                raise ValueError(f"format {state['format']}")
            search, recorded = state["search"], records_of_json(state["candidates"])
            trials = {trial: Key(Role(role), at, slot) for trial, (role, at, slot) in state["trials"].items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidRequest("restore", f": {checkpoint_path} is not a search that was saved: {error}") from None
        if other := differences(self._identity(), search):
            raise InvalidRequest("restore", f": {checkpoint_path} is of a search with another {other}")
        if not self._goes_on:
            recorded = {
                key: record if record.status.is_final else replace(record, status=Status.WAITING)
                for key, record in recorded.items()
            }
        self._trials = trials
        before = self._running()
        self._loop = SearchLoop(before.spec, recorded, objectives=before.objectives)

    def restore_from_dir(self, checkpoint_dir: str) -> None:
        """Go on with an experiment of Ray Tune, which trains the trials on that were running."""
        self._goes_on = True
        try:
            super().restore_from_dir(checkpoint_dir)
        finally:
            self._goes_on = False

    # The search

    def _begin(self, space: SearchSpace | Mapping[str, Any]) -> None:
        """Take a search space, and begin the search."""
        names = [*space.names, *space.fixed] if isinstance(space, SearchSpace) else list(space)
        for field, name in (("budget_name", self._budget_name), ("seed_name", self._seed_name)):
            if name is not None and name in names:
                raise InvalidRequest(field, "is not a key of the search space", name)
        if not isinstance(space, SearchSpace):
            try:
                self._outside = OutsideSpace({path: _parameter(path, one) for path, one in _flat(space).items()})
            except ValueError as error:
                raise InvalidRequest("space", f": {error}") from None
            space = self._outside.space
        self._loop = SearchLoop(planned(space, **self._request), objectives=max(1, len(_listed(self._metric))))

    def _running(self) -> SearchLoop:
        """Return the search; raise if something is missing that it needs."""
        if self._loop is None:
            raise InvalidRequest("space", "is missing: pass it to Genetic(…) or as param_space")
        if self._metric is None or self._mode is None:
            raise InvalidRequest(
                "metric", "and {mode} are missing: pass both to Genetic(…), unless there is a param_space"
            )
        return self._loop

    def _identity(self) -> dict[str, Any]:
        """Return what determines the search, as JSON has it."""
        return {"metric": self._metric, "mode": self._mode, **identity_of(self._running().spec)}

    def _configuration_of(self, candidate: Candidate) -> dict[str, Any]:
        configuration = self._configuration(candidate.trial.hyperparameters)
        if self._budget_name is not None:
            configuration[self._budget_name] = candidate.trial.steps
        if self._seed_name is not None:
            configuration[self._seed_name] = trial_seed_of(candidate)
        return configuration

    def _configuration(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        if self._outside is None:
            return dict(hyperparameters)
        nested: dict[str, Any] = {}
        for path, value in self._outside.values(hyperparameters).items():
            inner = nested
            for key in path[:-1]:
                inner = inner.setdefault(key, {})
            inner[path[-1]] = value
        return nested


def _listed(given: str | Sequence[str] | None) -> list[str]:
    """Return what is one or several as a list."""
    return [] if given is None else [given] if isinstance(given, str) else list(given)


def _flat(space: Mapping[str, Any], before: _Path = ()) -> dict[_Path, Any]:
    """Return the values of nested dictionaries by the path of their keys."""
    flat: dict[_Path, Any] = {}
    for key, value in space.items():
        path = (*before, key)
        if isinstance(value, Mapping) and value and "grid_search" not in value:
            flat |= _flat(value, path)
        else:
            flat[path] = value
    return flat


def _parameter(path: _Path, domain: Any) -> Parameter:
    """Return a value of a search space of Ray Tune as a parameter."""
    if isinstance(domain, Mapping) and "grid_search" in domain:
        raise ValueError(f"{'/'.join(path)} is {ACCEPTED}. Received: grid_search")
    if not isinstance(domain, Domain):
        return constant(domain)
    sampler = domain.get_sampler()
    step = sampler.q if isinstance(sampler, Quantized) else None
    drawn = sampler.sampler if isinstance(sampler, Quantized) else sampler
    log = isinstance(drawn, LogUniform)
    if isinstance(domain, Categorical):
        return one_of(domain.categories)
    if not isinstance(domain, Float | Integer) or not (log or isinstance(drawn, Uniform)):
        raise ValueError(f"{'/'.join(path)} is {ACCEPTED}. Received: {type(domain).__name__} with {drawn}")
    low, high = domain.lower, domain.upper
    if isinstance(domain, Float):
        return real(low, high, log=log) if step is None else _stepped(low, high, step, log=log, of=float)
    if step is None or step == 1:
        return whole(low, high - 1, log=log)  # Ray's upper bound is excluded, but with a step
    return _stepped(low, high, step, log=log, of=int)


def _stepped(low: float, high: float, step: float, *, log: bool, of: type) -> Parameter:
    """Return the multiples of a step between two bounds, which need not be exact."""
    return multiples(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9), step, log=log, of=of)

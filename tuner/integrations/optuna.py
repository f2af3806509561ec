"""Strategies as a sampler of Optuna.

    import optuna
    from tuner.integrations.optuna import GeneticSampler

    study = optuna.create_study(sampler=GeneticSampler())
    study.optimize(objective)  # ends with the search

What each trial trains is in the attributes that Optuna stores of it. Any process, and any later one, reads the search
from the study's trials.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

try:
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.samplers import BaseSampler, RandomSampler
    from optuna.study import Study, StudyDirection
    from optuna.trial import FrozenTrial, Trial, TrialState
except ImportError:
    raise ImportError("Optuna is not installed: pip install 'lodo-tune[optuna]'") from None

from tuner import strategies
from tuner.core.errors import InvalidRequest
from tuner.core.seeds import derive
from tuner.core.trial import Candidate, Key, Role
from tuner.integrations.outside_spaces import OutsideSpace, Parameter, multiples, one_of, real, whole
from tuner.integrations.search_loop import (
    MAX_TRIAL_SEED,
    SearchLoop,
    check_request,
    differences,
    identity_of,
    planned,
    trial_seed_of,
)

CANDIDATE, SEED, BUDGET = "lodo_tune:candidate", "lodo_tune:seed", "lodo_tune:budget"  # system attributes of a trial
SEARCH = "lodo_tune:search"  # of a study


class GeneticSampler(BaseSampler):  # type: ignore[misc]  # Optuna may be missing where types are checked
    """A strategy as a sampler of Optuna.

    A study may have two or three directions with `strategy="nsga2"`; `Study.best_trials` are its front then.

    The search space is static: each trial suggests the same parameters, with the same distributions. A parameter that
    is not in it is sampled independently, at random. The last trials of the search are the defaults and the tuned
    parameters; `Study.optimize` ends after them. A trial that is asked for while all of a generation are being trained
    repeats one of these; the first result counts, so that a trial that never ends does not stop the search.

    Args:
        space: The search space, distributions by name. Default: that of the first trial that is complete; trials before
            it are sampled at random and do not belong to the search.
        strategy: Name of a strategy: "genetic", "cma-es", "random", "paper" or "nsga2".
        generations: Number of generations. Default: 10.
        population: Trials per generation. Default: 8.
        sigma: Standard deviation of the draws: one value, or one per generation. Default: 3.
        steps: Budget of a trial, which `budget_of` returns: one value, or one per generation. Default: 1.
        budget: Budget of all trials together, instead of `generations`.
        seed: Decides everything that is drawn.
        fresh_seeds: How often the defaults, and the tuned parameters, are trained at the end. Default: once each.

    Raises:
        InvalidRequest: An argument is not accepted; one line.
    """

    def __init__(
        self,
        space: Mapping[str, BaseDistribution] | None = None,
        *,
        strategy: str = strategies.DEFAULT,
        generations: int | None = None,
        population: int | None = None,
        sigma: float | Sequence[float] | None = None,
        steps: int | Sequence[int] | None = None,
        budget: int | None = None,
        seed: int = 0,
        fresh_seeds: int = 1,
    ) -> None:
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
        self._given = None if space is None else dict(space)
        self._random = RandomSampler(seed=seed % 2**32)
        self._forget()
        if self._given is not None:
            self._translate(self._given)

    # What Optuna calls

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the search space; an empty one if it is not known yet, or for an enqueued trial."""
        if "fixed_params" in trial.system_attrs:
            return {}
        with self._lock:
            self._follow(study)
            if self._given is not None:
                return _varied(self._given)
            trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            return _varied(min(trials, key=lambda each: each.number).distributions) if trials else {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parameters of the next candidate, and store in the trial which one it is."""
        if not search_space:
            return {}
        with self._lock:
            if self._loop is None:
                self._begin(search_space, study)
            candidate = self._next(self._read(study), study)
            attributes = {
                CANDIDATE: [candidate.key.role.value, candidate.key.generation, candidate.key.slot],
                SEED: trial_seed_of(candidate),
                BUDGET: candidate.trial.steps,
            }
            for name, value in attributes.items():
                study._storage.set_trial_system_attr(trial._trial_id, name, value)
            return self._outside.values(candidate.trial.hyperparameters)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a parameter that the search does not have, at random."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """End `Study.optimize` if this is the last trial of the search."""
        attributes = study._storage.get_trial_system_attrs(trial._trial_id)
        if CANDIDATE not in attributes:
            return
        with self._lock:
            if self._loop is None:
                return
            loop = self._read(study)
            self._tell(loop, _key(attributes), study, state, values, trial)
            if loop.is_over:
                with contextlib.suppress(RuntimeError):  # where the user asks and tells, there is nothing to end
                    study.stop()

    def reseed_rng(self) -> None:
        """Seed the draws of independent parameters anew."""
        self._random.reseed_rng()

    # The search

    @property
    def tuned(self) -> dict[str, Any] | None:
        """The tuned parameters; None until the last generation is complete."""
        if self._loop is None or self._loop.tuned is None:
            return None
        return self._outside.values(self._loop.tuned)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks of the strategy, such as that a whole generation diverged."""
        return () if self._loop is None else tuple(self._loop.remarks)

    def _forget(self) -> None:
        self._loop: SearchLoop | None = None
        self._study: tuple[int, int] | None = None  # the one whose search this is
        self._is_known = False  # whether the study was compared with the search
        self._lock = threading.RLock()

    def _begin(self, space: Mapping[str, BaseDistribution], study: Study) -> None:
        self._translate(space)
        spec = planned(self._outside.space, **self._request)
        self._loop = SearchLoop(spec, objectives=len(study.directions))

    def _translate(self, space: Mapping[str, BaseDistribution]) -> None:
        try:
            self._outside = OutsideSpace({name: _parameter(name, one) for name, one in _varied(space).items()})
        except ValueError as error:
            raise InvalidRequest("space", f": {error}") from None
        planned(self._outside.space, **self._request)  # refuses what the strategy does not search

    def _follow(self, study: Study) -> None:
        """Reset the state if the study differs from the last one."""
        identity = (id(study._storage), study._study_id)
        if self._study not in (None, identity):
            self._forget()
        self._study = identity

    def _read(self, study: Study) -> SearchLoop:
        """Return the search, as far as the study's trials are."""
        loop = self._loop
        assert loop is not None  # noqa: S101 - begun by the caller
        if not self._is_known:
            self._compare(study, identity_of(loop.spec))
        trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
        ours = [trial for trial in trials if CANDIDATE in trial.system_attrs]
        running = {_key(trial.system_attrs) for trial in ours if trial.state is TrialState.RUNNING}
        ended: dict[Key, FrozenTrial] = {}
        for trial in sorted(
            (trial for trial in ours if trial.state.is_finished()),
            key=lambda trial: (trial.datetime_complete, trial.number),
        ):
            ended.setdefault(_key(trial.system_attrs), trial)
        went_on = True
        while went_on:
            went_on = False
            for candidate in (*loop.outstanding, *loop.waiting):
                if (trial := ended.get(candidate.key)) is not None:
                    self._tell(loop, candidate.key, study, trial.state, trial.values, trial)
                    went_on = True
                elif candidate in loop.waiting and candidate.key in running:
                    loop.ask(candidate.key)
        return loop

    def _compare(self, study: Study, identity: Mapping[str, Any]) -> None:
        """Store what determines the search in the study, or refuse if the study has another one."""
        known = study._storage.get_study_system_attrs(study._study_id).get(SEARCH)
        if known is None:
            study._storage.set_study_system_attr(study._study_id, SEARCH, identity)
        elif other := differences(identity, known):
            accepted = f": {study.study_name} has a search with another {other}; go on with the arguments that began it"
            raise InvalidRequest("study", accepted)
        self._is_known = True

    @staticmethod
    def _tell(
        loop: SearchLoop,
        key: Key,
        study: Study,
        state: TrialState,
        values: Sequence[float] | None,
        trial: FrozenTrial,
    ) -> None:
        """Take the result of a trial; that of one that was pruned is the last value that it reported."""
        if key in {candidate.key for candidate in loop.waiting}:
            loop.ask(key)
        if state is TrialState.PRUNED and values is None and trial.last_step is not None:
            values = [trial.intermediate_values[trial.last_step]]
        if values is None or state is TrialState.FAIL:
            loop.tell(key, None, f"the trial's state is {state.name}")
        else:
            signs = [-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in study.directions]
            fitnesses = [sign * value for sign, value in zip(signs, values, strict=True)]
            loop.tell(key, fitnesses, "" if all(map(math.isfinite, values)) else f"the values were {values}")

    def _next(self, loop: SearchLoop, study: Study) -> Candidate:
        """Return the candidate of the next trial: a new one, or one that the fewest trials are training."""
        candidate = loop.ask()
        if candidate is not None:
            return candidate
        trials = study._storage.get_all_trials(study._study_id, deepcopy=False, states=(TrialState.RUNNING,))
        if loop.outstanding:
            count = Counter(_key(trial.system_attrs) for trial in trials if CANDIDATE in trial.system_attrs)
            return min(loop.outstanding, key=lambda candidate: count[candidate.key])
        return loop.beyond()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what cannot be pickled; the search is read from the study's trials again."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_lock", "_loop", "_study")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the settings, without the state of a search."""
        self.__dict__.update(state)
        self._forget()


def seed_of(trial: Trial) -> int:
    """Return the seed of a trial, a whole number below 2**31, which trials that are compared share.

    Args:
        trial: One of a study with a `GeneticSampler`.
    """
    seed = _attribute(trial, SEED)
    return derive("independent", trial.number) % MAX_TRIAL_SEED if seed is None else int(seed)


def budget_of(trial: Trial) -> int:
    """Return the budget of a trial, see `steps` of `GeneticSampler`; that of the last generation outside the search.

    Args:
        trial: One of a study with a `GeneticSampler`.
    """
    budget = _attribute(trial, BUDGET)
    if budget is not None:
        return int(budget)
    steps = trial.study.sampler._request["steps"]
    return 1 if steps is None else steps if isinstance(steps, int) else steps[-1]


def _attribute(trial: Trial, name: str) -> Any:
    if not isinstance(trial.study.sampler, GeneticSampler):
        raise InvalidRequest("trial", "is one of a study with a GeneticSampler", type(trial.study.sampler).__name__)
    trial.relative_params  # noqa: B018 - which candidate it is, is decided when its parameters are asked for
    return trial.study._storage.get_trial_system_attrs(trial._trial_id).get(name)


def _key(attributes: Mapping[str, Any]) -> Key:
    role, generation, slot = attributes[CANDIDATE]
    return Key(Role(role), int(generation), int(slot))


def _varied(space: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
    """Return the distributions with more than one value; Optuna sets the other parameters."""
    return {name: one for name, one in space.items() if not one.single()}


def _parameter(name: str, distribution: BaseDistribution) -> Parameter:
    if isinstance(distribution, CategoricalDistribution):
        return one_of(distribution.choices)
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        accepted = "FloatDistribution, IntDistribution or CategoricalDistribution"
        raise ValueError(f"{name} is a {accepted}. Received: {type(distribution).__name__}")
    low, high, step = distribution.low, distribution.high, distribution.step
    if isinstance(distribution, FloatDistribution) and step is None:
        return real(low, high, log=distribution.log)
    if isinstance(distribution, IntDistribution) and step == 1:
        return whole(low, high, log=distribution.log)
    of = int if isinstance(distribution, IntDistribution) else float
    return multiples(0, round((high - low) / step), step, log=False, start=low, of=of)

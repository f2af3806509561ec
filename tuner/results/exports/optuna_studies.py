"""Optuna export: a search as a study whose trials are its individuals.

Optuna and its dashboard open the storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.space import Dimension, Scale, SearchSpace
from tuner.core.numbers import fitness
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Role, Status
from tuner.results.analysis.generations import by_generation

MADE_BY = "lodo-tune"
_COMPLETE = "whole"  # attribute of a study that was written completely


class NoOptuna(Exception):  # noqa: N818 (states what happened)
    """Optuna is not installed, or its storage cannot be used or has a study of this name. The text is one line."""

    exit_code = 1


class OptunaStorage:
    """An Optuna storage.

    Args:
        url: URL in the form of Optuna; the tables are created if missing.
        shown: The URL without passwords, for messages.

    Raises:
        NoOptuna: Optuna is not installed, or the storage cannot be opened.
    """

    def __init__(self, url: str, shown: str) -> None:
        try:
            import optuna
        except ImportError:
            raise NoOptuna("Optuna is not installed: pip install 'lodo-tune[optuna]'") from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna, self._shown = optuna, shown
        try:
            self._storage = optuna.storages.RDBStorage(url)
        except Exception as error:  # errors of SQLAlchemy and Optuna, of many kinds
            raise NoOptuna(f"Optuna cannot open {shown}: {_cause(error)}") from None

    def write(self, study: StudyRecord, candidates: Sequence[CandidateRecord]) -> int:
        """Write a search: one trial per final individual, in order.

        A trial is COMPLETE with the value of the objective if the individual finished, and the study has the
        objective's direction; one that missed a target has its fitness. Otherwise a trial is FAIL, with `status` and
        `reason` among its attributes. Fitnesses of different budgets are not comparable: if there are several budgets,
        the constraint `budget` makes trials with another budget than the best individual's infeasible, so that Optuna's
        best trial is that of the study. A study that was written incompletely is replaced.

        Args:
            study: Record of the search, which may be running.
            candidates: All of its candidates, in any order.

        Returns:
            Number of trials written.

        Raises:
            NoOptuna: There is a study of this name, or the storage fails.
        """
        name = study.spec.name
        try:
            self._free_name(name)
            direction = "maximize" if study.spec.workload.objective.is_max else "minimize"
            optuna_study = self._optuna.create_study(study_name=name, storage=self._storage, direction=direction)
            optuna_study.set_user_attr("made_by", MADE_BY)
            for attribute, value in _study_attributes(study).items():
                optuna_study.set_user_attr(attribute, value)
            trials = self._trials(study, candidates)
            optuna_study.add_trials(trials)
            optuna_study.set_user_attr(_COMPLETE, True)
        except NoOptuna:
            raise
        except Exception as error:  # errors of SQLAlchemy and Optuna
            raise NoOptuna(f"Optuna cannot write {name} to {self._shown}: {_cause(error)}") from None
        return len(trials)

    def _free_name(self, name: str) -> None:
        """Delete a study of this name that was written incompletely; raise an error for any other."""
        for existing in self._optuna.get_all_study_names(self._storage):
            if existing == name:
                attributes = self._optuna.load_study(study_name=name, storage=self._storage).user_attrs
                if attributes.get("made_by") != MADE_BY or attributes.get(_COMPLETE):
                    raise NoOptuna(
                        f"there is a study {name!r} in {self._shown} already; delete it there first "
                        f"(optuna delete-study --study-name {name})"
                    )
                self._optuna.delete_study(study_name=name, storage=self._storage)

    def _trials(self, study: StudyRecord, candidates: Sequence[CandidateRecord]) -> list[Any]:
        distributions = {
            one.name: self._distribution(one) for one in SearchSpace.from_dict(study.spec.space).dimensions
        }
        search = sorted((one for one in candidates if one.key.role is Role.SEARCH), key=lambda one: one.key)
        with_results = [generation for generation in by_generation(study.spec, candidates) if generation.finished]
        budget = with_results[-1].steps if with_results else study.search.steps[-1]
        several = len(set(study.search.steps)) > 1
        states = self._optuna.trial.TrialState
        pruned = {Status.PRUNED: states.PRUNED}
        trials = []
        for candidate in (one for one in search if one.status.is_final):
            finished = candidate.status is Status.FINISHED
            effective = {name: value for name, value in candidate.hyperparameters.items() if value is not None}
            params = {name: value for name, value in effective.items() if name in distributions}
            trials.append(
                self._optuna.trial.create_trial(
                    state=states.COMPLETE if finished else pruned.get(candidate.status, states.FAIL),
                    value=study.spec.workload.objective.value(fitness(candidate)) if finished else None,
                    params=params,
                    distributions={name: distributions[name] for name in params},
                    user_attrs=_trial_attributes(candidate),
                    constraints={"budget": float(candidate.steps != budget)} if several else None,
                )
            )
        return trials

    def _distribution(self, one: Dimension) -> Any:
        kinds = self._optuna.distributions
        if one.scale is Scale.CHOICE:
            return kinds.CategoricalDistribution(one.values)
        if one.scale is Scale.INTEGER:
            return kinds.IntDistribution(one.least, one.greatest, log=one.log)
        return kinds.FloatDistribution(one.least, one.greatest, log=one.scale is Scale.LOG)


def _cause(error: Exception) -> str:
    """Return the cause of a database error in one line, without the URL, which messages of SQLAlchemy contain."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception) and not hasattr(error, "orig"):
        error = error.__cause__
    message = str(getattr(error, "orig", "")).strip()  # of the database driver
    return message.splitlines()[0] if message else type(error).__name__


def _study_attributes(study: StudyRecord) -> dict[str, Any]:
    """Return the attributes of a study in a form for JSON."""
    spec = study.search
    return {
        "task": spec.workload.task,
        "optimizer": spec.workload.optimizer,
        "status": study.status,
        "objective": spec.workload.objective.text,
        "strategy": spec.strategy,
        "seed": spec.seed,
        "generations": spec.generations,
        "population": spec.population,
        "steps": list(spec.steps),
        "tuned": None if study.tuned is None else dict(study.tuned),
    }


def _trial_attributes(candidate: CandidateRecord) -> dict[str, Any]:
    return {
        "generation": candidate.key.generation,
        "slot": candidate.key.slot,
        "steps": candidate.steps,
        "seed": candidate.seed,
        "status": candidate.status.value,
        "seconds": candidate.seconds,
        **({"reason": candidate.reason} if candidate.reason else {}),
    }

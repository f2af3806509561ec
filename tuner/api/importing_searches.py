"""Import of searches that were made elsewhere: in Optuna, in Ray Tune.

An imported search has one generation, whose candidates are the trials in their order, and the best trial as its tuned
point. No fresh seeds were trained. It is marked as imported as comparisons are, see `tuner.api.importing`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_spaces.dimension import MAX_VALUES, Dimension
from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.study import IMPORTED_FROM, SearchSpec, StudyStatus
from tuner.core.text import one_line
from tuner.core.trial import FUNCTION, Candidate, Evaluation, Key, Observation, Role, Status, Trial, Workload
from tuner.storage import Store, StudyExists, this_process
from tuner.storage.validation import check_optimizer_name, check_run_name

MAX_TRIALS = 100_000
MAX_CURVE = 1_000  # observations of a trial that are kept
LOG_RATIO = 100  # positive numbers that reach over more than this ratio are taken for logarithmic

_REMARK = (
    ": searched elsewhere, and not by lodo-tune; no fresh seeds were trained; the values of the first trial stand for"
    " the defaults"
)


@dataclass(frozen=True, slots=True)
class OutsideTrial:
    """A trial that was trained elsewhere.

    Attributes:
        status: How it ended.
        value: The value of the objective; None unless it finished.
        values: Its hyperparameters by their names there; numbers, texts, booleans, and others, which become texts.
        steps: What was done of its budget.
        seconds: What it took.
        reason: Why it did not finish, one line.
        curve: The metric by step.
    """

    status: Status
    value: float | None
    values: Mapping[str, Any]
    steps: int = 1
    seconds: float = 0.0
    reason: str = ""
    curve: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideSearch:
    """A search that was made elsewhere.

    Attributes:
        name: Name of the study there, from which that of the run is made.
        label: What stands in the place of an optimizer: the program.
        strategy: What chose the trials.
        source: Where it was read, for display.
        objective: What was optimised.
        layouts: For each hyperparameter whose range is known, by its name there: a dimension, without default and name.
        trials: The trials that have ended, in order.
    """

    name: str
    label: str
    strategy: str
    source: str
    objective: Objective
    trials: Sequence[OutsideTrial]
    layouts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def write_search(target: Store, search: OutsideSearch, *, name: str | None, task: str | None) -> str:
    """Write a search, and return the name of its study.

    Args:
        target: Where to.
        search: The search.
        name: Name of the run. Default: that of the search.
        task: Name of the task. Default: likewise.

    Raises:
        InvalidRequest: No trial has finished, or a hyperparameter cannot be stored.
        BadName: The name of the run breaks the rule for names.
        StudyExists: The database has a run of this name.
    """
    run = name if name is not None else run_name(search.name)
    check_run_name(run)
    check_optimizer_name(search.label)
    if run in target.runs():
        raise StudyExists(f"the run {run} exists already; give this one another name")
    if not any(trial.status is Status.FINISHED for trial in search.trials):
        raise InvalidRequest("import", f": no trial of {search.name} has finished")
    if len(search.trials) > MAX_TRIALS:
        raise InvalidRequest("import", f": {search.name} has at most {MAX_TRIALS} trials", len(search.trials))
    with Store.open("sqlite://") as memory:  # so that a study is in the target as a whole or not at all
        memory.copy_to(target, _store(memory, search, run, task or search.name))
    return f"{run}/{search.label}"


def run_name(name: str) -> str:
    """Return the name of a run for a name elsewhere."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64] or "imported"


def _store(memory: Store, search: OutsideSearch, run: str, task: str) -> int:
    """Write a complete study, and return its id."""
    trials, objective = search.trials, search.objective
    names = _names(key for trial in trials for key in trial.values)
    tried = [{names[key]: _plain(value) for key, value in trial.values.items()} for trial in trials]
    space = _space(search, tried, names)
    budget = max(1, *(trial.steps for trial in trials))
    source = f"{IMPORTED_FROM} {search.source}"
    spec = SearchSpec(
        run=run,
        workload=Workload(
            task=task,
            optimizer=search.label,
            cohort_size=1,
            code={FUNCTION: {"files": {}, IMPORTED_FROM: search.source}},
            objective=objective,
        ),
        strategy=search.strategy[:64],
        parameters={},
        generations=1,
        population=len(trials),
        steps=(budget,),
        fresh_seeds=0,
        seed=0,
        space=space.to_dict(),
        hardware={IMPORTED_FROM: search.source},
    )
    study = memory.create_study(spec).id
    epoch = memory.acquire(study, owner=this_process())
    candidates = []
    for slot, values in enumerate(tried):
        given = {name: values.get(name) for name in space.names} | dict(space.fixed)
        candidates.append(Candidate(_genome(space, given), Trial(Key(Role.SEARCH, 0, slot), given, slot, budget)))
    memory.add(study, epoch, candidates)
    memory.record(
        study, epoch, [_evaluation(one.key, of, objective) for one, of in zip(candidates, trials, strict=True)]
    )
    finished = [slot for slot, trial in enumerate(trials) if trial.status is Status.FINISHED]
    best = candidates[min(finished, key=lambda slot: objective.fitness(trials[slot].value or 0.0))]
    memory.finish(study, epoch, tuned=best.trial.hyperparameters, tuned_genome=best.genome)
    memory.add_note(study, epoch, f"{source}{_REMARK}")
    memory.release(study, epoch, StudyStatus.COMPLETE)
    return study


def _evaluation(key: Key, trial: OutsideTrial, objective: Objective) -> Evaluation:
    is_finished = trial.status is Status.FINISHED and trial.value is not None
    metric = objective.validation_metric
    every = -(-len(trial.curve) // MAX_CURVE)
    points = sorted(trial.curve.items())
    kept = [point for at, point in enumerate(reversed(points)) if at % max(1, every) == 0]
    return Evaluation(
        key,
        trial.status,
        objective.fitness(trial.value) if is_finished and trial.value is not None else math.inf,
        [],
        trial.steps,
        trial.seconds,
        reason="" if is_finished else one_line(trial.reason)[:300],
        observations=tuple(
            Observation("validation", step, math.nan, math.nan, {metric: value}) for step, value in reversed(kept)
        ),
    )


# The search space


def _names(keys: Iterable[str]) -> dict[str, str]:
    """Return names that hyperparameters may have, by those that they have elsewhere."""
    names: dict[str, str] = {}
    for key in keys:
        if key not in names:
            plain = re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")[:56] or "x"
            plain = plain if plain[0].isalpha() else f"x_{plain}"
            taken, number = set(names.values()), 2
            names[key] = plain
            while names[key] in taken:
                names[key], number = f"{plain}_{number}", number + 1
    return names


def _space(search: OutsideSearch, tried: Sequence[dict[str, Any]], names: Mapping[str, str]) -> SearchSpace:
    """Return the search space: of known ranges, and for all others of the values that were tried.

    A hyperparameter that some trials lack has a condition: values of another one that decide it, or else a boolean of
    its own, NAME_used, which the trials get.

    Args:
        search: The search.
        tried: The values of each trial, by our names; changed in place.
        names: Our names by those elsewhere.
    """
    layouts = {
        name: search.layouts.get(key) or _guessed([each[name] for each in tried if name in each])
        for key, name in names.items()
    }
    partial = [name for name in layouts if any(name not in each for each in tried)]
    choices = [
        name for name, layout in layouts.items() if name not in partial and layout and layout["scale"] == "choice"
    ]
    conditions: dict[str, dict[str, Any]] = {}
    for name in (name for name in partial if layouts[name] is not None):
        decisive = next((other for other in choices if _decides(other, name, tried)), None)
        if decisive is None:
            decisive = f"{name[:56]}_used"
            layouts[decisive] = {"scale": "choice", "values": [True, False]}
            for each in tried:
                each[decisive] = name in each
        conditions[name] = {decisive: list(dict.fromkeys(each[decisive] for each in tried if name in each))}
    dimensions, fixed = [], {}
    for name in sorted(layouts, key=lambda name: name in partial):  # conditions name what stands before
        first, layout = next(each[name] for each in tried if name in each), layouts[name]
        if layout is None:
            fixed[name] = first
            continue
        try:
            dimensions.append(Dimension(name, **{**layout, "default": first, "only_when": conditions.get(name, ())}))
        except ValueError as error:
            raise InvalidRequest("import", f": {search.name}, {name}: {error}") from None
    if not dimensions:
        raise InvalidRequest("import", f": {search.name} has no hyperparameter that was searched")
    return SearchSpace(search.label, tuple(dimensions), fixed)


def _decides(other: str, name: str, tried: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether trials with a hyperparameter have other values of another one than trials without it."""
    having = {each[other] for each in tried if name in each}
    return not having & {each[other] for each in tried if name not in each}


def _guessed(tried: Sequence[Any]) -> dict[str, Any] | None:
    """Return a dimension for the values that were tried; None if all are the same."""
    different = list(dict.fromkeys((type(value), value) for value in tried))
    if len(different) == 1:
        return None
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in tried):
        low, high = min(tried), max(tried)
        log = low > 0 and high / low > LOG_RATIO
        if all(isinstance(value, int) for value in tried):
            return {"scale": "integer", "low": low, "high": high, "log": log and low >= 1}
        return {"scale": "log" if log else "linear", "low": low, "high": high}
    values = list(dict.fromkeys(value if isinstance(value, str) else str(value) for value in tried))
    if len(values) > MAX_VALUES or any(not isinstance(value, str) for value in tried):
        values = list(dict.fromkeys(tried))
    return {"scale": "choice", "values": values}


def _plain(value: Any) -> Any:
    """Return a value that a hyperparameter can have: texts stand for what is none."""
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)


def _genome(space: SearchSpace, values: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the genome of values, with the default for those that a trial did not have."""
    return tuple(one.encode(one.default if values[one.name] is None else values[one.name]) for one in space.dimensions)

"""The seconds of a step of a search's candidates, measured once per kind.

What a step costs depends on the optimizer, on the task with its arguments, and on whole numbers and choices, but not on
the value of a continuous hyperparameter. Candidates that agree in these form a *kind*. Before a generation is trained,
its kinds without a value are calibrated one after the other (`tuner.training.step_time`) while nothing else of the run
is trained, and every candidate of a kind gets its value when it finishes.

The record is the finished candidates: a search that goes on, and one that begins later in the same database with the
same workload on the same kind of machine, takes the value of the first candidate of the kind and does not measure it
again. A calibration that is interrupted leaves nothing behind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from search_spaces.space import SearchSpace
from tuner.core.events import Event
from tuner.core.objective import SECONDS_PER_STEP
from tuner.core.objective_text import cost
from tuner.core.study import CandidateRecord, SearchSpec, StudyRecord, StudySpec
from tuner.core.task_arguments import is_of_task
from tuner.core.trial import OBJECTIVES, Evaluation, Key, Role, Status, Trial, Workload
from tuner.storage import Damaged, Store
from tuner.studies import machine

GPUS = "gpus_per_candidate"
"""What the hardware of such a study has beside that of the machine."""

MACHINE = ("processor", "cores", "memory_gib", GPUS)
"""What of a study's hardware is to be the same; not the host's name, which a container has for one start only."""

VERSIONS = ("lodo-tune", "tensorflow", "keras")


class StepTimes:
    """The seconds of a step by the kind of a candidate, for one study.

    Args:
        store: The database, with what earlier searches have measured.
        study: The study.
        recorded: Its candidates by key.
    """

    def __init__(self, store: Store, study: StudyRecord, recorded: Mapping[Key, CandidateRecord]) -> None:
        self._store, self._study = store, study
        self._spec = study.search
        space = SearchSpace.from_dict(self._spec.space)
        self._continuous = {
            one.name for one in space.dimensions if one.scale.is_continuous and not is_of_task(one.name)
        }
        self._known: dict[str, float] = {}
        self._failed: dict[str, str] = {}  # why there is no value; the next batch tries again
        self._batch: tuple[Role, int] | None = None  # that for which the last calibration was asked
        self._measured: Trial | None = None
        self._learn(self._spec, recorded.values())

    @property
    def is_measuring(self) -> bool:
        """Whether a calibration has begun and not ended."""
        return self._measured is not None

    @property
    def workload(self) -> Workload:
        """What a calibration shares with the others: it has the time of a step as its only objective."""
        return replace(self._spec.workload, objective=cost(SECONDS_PER_STEP))

    def next(self, trials: Sequence[Trial]) -> Trial | None:
        """Begin the next calibration that candidates of a batch need, and return its trial; None if they need none."""
        batch = (trials[0].key.role, trials[0].key.generation)
        if batch != self._batch:
            self._batch, self._failed = batch, {}
        lacking = self._lacking(trials)
        if lacking is not None:
            self._learn_from_others()
            lacking = self._lacking(trials)
        self._measured = lacking
        return lacking

    def lacking(self, trials: Sequence[Trial]) -> int:
        """Return how many kinds of candidates of a batch have to be measured."""
        return len({self._kind(trial.hyperparameters) for trial in trials} - self._known.keys() - self._failed.keys())

    def take(self, event: Event) -> None:
        """Take an event of the calibration in progress; its evaluation ends it."""
        if self._measured is None or not isinstance(event, Evaluation):
            return
        kind = self._kind(self._measured.hyperparameters)
        if event.status is Status.FINISHED and event.fitness > 0:
            self._known.setdefault(kind, event.fitness)
        else:
            self._failed[kind] = event.reason
        self._measured = None

    def filled(self, evaluation: Evaluation, trial: Trial) -> Evaluation:
        """Return an evaluation with the seconds of a step; one of a kind that could not be measured has failed."""
        if evaluation.status is not Status.FINISHED:
            return evaluation
        kind = self._kind(trial.hyperparameters)
        if kind not in self._known:
            reason = f"the seconds of its step could not be measured: {self._failed.get(kind, 'no result')}"
            left = tuple(one for one in evaluation.observations if one.split != OBJECTIVES)
            return replace(evaluation, status=Status.FAILED, fitness=math.inf, reason=reason, observations=left)
        observations = tuple(
            replace(one, metrics=_with(one.metrics, self._place, self._known[kind])) if one.split == OBJECTIVES else one
            for one in evaluation.observations
        )
        return replace(evaluation, observations=observations)

    @property
    def _place(self) -> int:
        """Place of the time of a step among the further objectives."""
        return [each.metric for each in self._spec.workload.objective.further].index(SECONDS_PER_STEP)

    def _kind(self, hyperparameters: Mapping[str, Any]) -> str:
        """Return what the time of a step depends on, as text."""
        decisive = {
            name: name if name in self._continuous and value is not None else [value]
            for name, value in hyperparameters.items()
        }
        return json.dumps(decisive, sort_keys=True)

    def _lacking(self, trials: Sequence[Trial]) -> Trial | None:
        """Return the first candidate whose kind has no value and no failure."""
        for trial in trials:
            kind = self._kind(trial.hyperparameters)
            if kind not in self._known and kind not in self._failed:
                return trial
        return None

    def _learn(self, spec: SearchSpec, candidates: Iterable[CandidateRecord]) -> None:
        """Take the values of finished candidates that are not known yet, the first of a kind before the others."""
        metrics = [each.metric for each in spec.workload.objective.further]
        place = metrics.index(SECONDS_PER_STEP)
        for one in candidates:
            if one.status is Status.FINISHED and len(one.further) == len(metrics):
                self._known.setdefault(self._kind(one.hyperparameters), one.further[place])

    def _learn_from_others(self) -> None:
        """Take what other searches of the database have measured, the earliest first."""
        damaged: list[Damaged] = []
        for other in self._store.studies(damaged):
            if other.id == self._study.id or not other.is_search or not self._is_alike(other.search):
                continue
            further = self._store.further_fitnesses(other.id)
            candidates = self._store.candidates(other.id)
            self._learn(other.search, [replace(one, further=further.get(one.key, ())) for one in candidates])

    def _is_alike(self, other: SearchSpec) -> bool:
        """Return whether the steps of another search take the same time."""
        own = self._spec
        return (
            other.workload.objective.has_step_time
            and other.workload.identity() == own.workload.identity()
            and all(other.hardware.get(name) == own.hardware.get(name) for name in MACHINE)
            and all(other.versions.get(name) == own.versions.get(name) for name in VERSIONS)
        )


def _with(metrics: Mapping[str, float], place: int, value: float) -> dict[str, float]:
    """Return the values of further objectives with another one at a place."""
    return {name: value if at == place else old for at, (name, old) in enumerate(sorted(metrics.items()))}


def on_machine(spec: StudySpec, gpus: float) -> StudySpec:
    """Return a specification with the GPUs of a candidate in its hardware, if the time of a step is an objective."""
    return replace(spec, hardware={**spec.hardware, GPUS: gpus}) if spec.workload.objective.has_step_time else spec


def moved(spec: StudySpec, gpus: float) -> str | None:
    """Return what to say of a search that goes on where a step takes another time; None if it does not."""
    now = {**machine.hardware(), GPUS: gpus}
    changed = [
        f"{name} {spec.hardware.get(name)} → {now[name]}" for name in MACHINE if spec.hardware.get(name) != now[name]
    ]
    if not changed or not spec.workload.objective.has_step_time:
        return None
    return (
        f"{spec.name} was started on another machine, and what it measures from now on does not compare with its"
        f" {SECONDS_PER_STEP} so far: {', '.join(changed)}"
    )

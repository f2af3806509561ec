"""Searches on several tasks: as studies on each, and as studies of scores.

The rows of such a study are trainings of one candidate on one task. Here they become what analyses of a search on one
task read: of each task alone, with its fitnesses; or of all of them, in which a candidate has its score as fitness, and
the sum of what it cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from tuner.core.numbers import fitness
from tuner.core.objective import SCORE
from tuner.core.scores import Scale
from tuner.core.study import CandidateRecord, SearchSpec, StudyRecord
from tuner.core.trial import Key, Role, Status
from tuner.results.analysis.generations import Run

_WORST_FIRST = (Status.WAITING, Status.RUNNING, Status.FAILED, Status.TIMED_OUT, Status.DIVERGED)


@dataclass(frozen=True, slots=True)
class Scored(Generic[Run]):
    """A study as one of the scores of its candidates.

    Attributes:
        study: Its record; the task has the names of all, and the objective is the score.
        runs: Its candidates.
        logarithms: The same runs on fresh seeds with the logarithm of the score as fitness, of which the difference of
            two is that of the means of the tasks' terms.
        is_geometric_mean: Whether a score is the geometric mean of the fitnesses.
    """

    study: StudyRecord
    runs: list[Run]
    logarithms: list[Run]
    is_geometric_mean: bool


def on_each_task(study: StudyRecord, runs: Sequence[Run]) -> list[tuple[StudyRecord, list[Run]]]:
    """Return a search as one study for each of its tasks, each with its candidates."""
    spec = study.search
    tasks = len(spec.parts)
    if tasks == 1:
        return [(study, list(runs))]
    members: list[list[Run]] = [[] for _ in range(tasks)]
    for run in runs:
        members[run.key.generation % tasks].append(_with_key(run, tasks))
    return [
        (replace(study, spec=each, counts=_counts(own)), own) for each, own in zip(spec.each_task, members, strict=True)
    ]


def whole(study: StudyRecord, runs: Sequence[Run]) -> tuple[StudyRecord, Sequence[Run]]:
    """Return a study with its runs as one in which each candidate is one run: see `scored`; others are unchanged."""
    if not isinstance(study.spec, SearchSpec) or not study.spec.further:
        return study, runs
    of_scores = scored(study, runs)
    return of_scores.study, of_scores.runs


def scored(study: StudyRecord, runs: Sequence[Run]) -> Scored[Run]:
    """Return a search on several tasks as a study of the scores of its candidates, complete or not."""
    spec = study.search
    by_key: list[dict[Key, Run]] = [{run.key: run for run in own} for _, own in on_each_task(study, runs)]
    keys = sorted(set().union(*by_key))
    workload = replace(spec.workload, task=spec.task_label, objective=SCORE)
    merged = replace(spec, workload=workload, steps=spec.budgets, further=(), best_known=())
    scale = scale_of(spec, runs)
    scores, logarithms = [], []
    for key in keys:
        of_tasks = [runs_of[key] for runs_of in by_key if key in runs_of]
        statuses = [run.status for run in of_tasks]
        worst = next((status for status in _WORST_FIRST if status in statuses), Status.FINISHED)
        if len(of_tasks) < len(by_key):
            worst = Status.WAITING
        values = list(map(fitness, of_tasks))
        is_known = worst.is_final
        shared = replace(
            next((run for run in of_tasks if run.status is worst), of_tasks[0]),  # the reason is its
            status=worst,
            fitness=scale.score(values) if is_known else None,
            steps_done=sum(run.steps_done for run in of_tasks),
            seconds=sum(run.seconds for run in of_tasks),
        )
        if isinstance(shared, CandidateRecord):
            shared = replace(shared, steps=merged.steps[-1 if not key.role.is_due else key.generation])
        scores.append(shared)
        if not key.role.is_due:
            logarithms.append(replace(shared, fitness=scale.mean_term(values) if is_known else None))
    return Scored(replace(study, spec=merged, counts=_counts(scores)), scores, logarithms, scale.is_log)


def scale_of(spec: SearchSpec, runs: Iterable[Run]) -> Scale:
    """Return the scale of the scores of a search, as the search itself learned it, from its candidates."""
    tasks = len(spec.parts)
    scale = Scale(part.workload.objective.is_max for part in spec.parts)
    batches: dict[int, list[float]] = {}
    for run in runs:
        if run.key.role is Role.SEARCH:
            batches.setdefault(run.key.generation, []).append(fitness(run))
    for batch in sorted(batches):
        scale.learn(batch % tasks, batches[batch])
    return scale


def _with_key(run: Run, tasks: int) -> Run:
    """Return a run with the number of its generation; 0 on fresh seeds."""
    return replace(run, key=replace(run.key, generation=run.key.generation // tasks))


def _counts(runs: Iterable[Run]) -> dict[Status, int]:
    counts = dict.fromkeys(Status, 0)
    for run in runs:
        counts[run.status] += run.key.role.is_due
    return counts

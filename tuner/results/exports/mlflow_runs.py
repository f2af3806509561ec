"""MLflow export: a study as an experiment whose runs are its candidates."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from numpy.typing import NDArray

from tuner.core.candidate_names import name_of
from tuner.core.environment import environment
from tuner.core.study import CandidateRecord, Series, StudyRecord
from tuner.core.text import first_line
from tuner.core.trial import MILESTONES, OBJECTIVES, Key, Status
from tuner.results.figures.learning import WINDOWS, window_means

MADE_BY = "lodo-tune"
MAX_POINTS = 1_000  # of a metric of a run
_TAG = "lodo_tune.made_by"
_ENDS = {Status.FINISHED: "FINISHED", Status.PRUNED: "KILLED"}  # what MLflow calls them
_BATCH = 1_000  # metrics of a request, the most that MLflow accepts
_PAGE = 1_000  # runs of an answer
_WITHOUT_STATISTICS = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}  # sent to its makers otherwise


class NoMlflow(Exception):  # noqa: N818 (states what happened)
    """MLflow is not installed, or its server or storage cannot be used. The text is one line."""

    exit_code = 1


class MlflowStorage:
    """A tracking server of MLflow, or its database.

    Args:
        uri: Tracking URI in the form of MLflow.
        shown: The URI without passwords, for messages.

    Raises:
        NoMlflow: MLflow is not installed.
    """

    def __init__(self, uri: str, shown: str) -> None:
        self._uri, self._shown = uri, shown
        with environment(_WITHOUT_STATISTICS):
            try:
                import mlflow
            except ImportError:
                raise NoMlflow("MLflow is not installed: pip install 'lodo-tune[mlflow]'") from None
            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.ERROR)
            self._mlflow = mlflow
            try:
                self._client = mlflow.MlflowClient(tracking_uri=uri)
            except Exception as error:  # of MLflow, SQLAlchemy and others
                raise self._failed("cannot open", error) from None

    def write(
        self,
        study: StudyRecord,
        candidates: Sequence[CandidateRecord],
        curve: Callable[[Key], NDArray[Any]],
        series: Callable[[Key], Mapping[str, Series]],
    ) -> int:
        """Write a study: one run per final candidate that the experiment of its name lacks.

        A run has the hyperparameters as parameters; its place, seed, budget, status and reason as tags; what was
        measured, SPLIT.METRIC, and the curve of a built-in task's loss as metrics by step, thinned out to `MAX_POINTS`;
        and `objective`, its value at the budget, if it finished. Numbers that are not finite are left out.

        Args:
            study: Record of the study, which may be running.
            candidates: All of its candidates, in any order.
            curve: Reads the losses of a final candidate, one per gradient evaluation.
            series: Reads its measurements.

        Returns:
            Number of runs written.

        Raises:
            NoMlflow: There is another experiment of this name, or the server or storage fails.
        """
        name = study.spec.name
        with environment(_WITHOUT_STATISTICS):
            try:
                experiment = self._experiment(study)
                known = self._known(experiment)
                missing = [one for one in candidates if one.status.is_final and name_of(one.key) not in known]
                for candidate in sorted(missing, key=lambda one: one.key):
                    measured = _measured(curve(candidate.key), series(candidate.key))
                    self._write_run(experiment, study, candidate, measured)
            except NoMlflow:
                raise
            except Exception as error:
                raise self._failed(f"cannot write {name} to", error) from None
        return len(missing)

    def _experiment(self, study: StudyRecord) -> str:
        """Return the id of the study's experiment; create it if there is none."""
        name, objective = study.spec.name, study.spec.workload.objective
        existing = self._client.get_experiment_by_name(name)
        if existing is None:
            tags = {_TAG: MADE_BY, "task": study.spec.task_label, "objective": objective.text}
            return str(self._client.create_experiment(name, tags=tags))
        if existing.lifecycle_stage != "active" or existing.tags.get(_TAG) != MADE_BY:
            kind = "another" if existing.lifecycle_stage == "active" else "a deleted"
            raise NoMlflow(
                f"there is {kind} experiment {name!r} in {self._shown}; rename it, or remove it there for good"
            )
        return str(existing.experiment_id)

    def _known(self, experiment: str) -> set[str]:
        """Return the names of the runs that are there; delete those whose writing was cut off."""
        known: set[str] = set()
        token = None
        while True:
            page = self._client.search_runs([experiment], max_results=_PAGE, page_token=token)
            for run in page:
                if run.info.status == "RUNNING":
                    self._client.delete_run(run.info.run_id)
                else:
                    known.add(run.info.run_name)
            token = page.token
            if not token:
                return known

    def _write_run(
        self,
        experiment: str,
        study: StudyRecord,
        candidate: CandidateRecord,
        measured: Sequence[tuple[str, int, float, float]],
    ) -> None:
        entities, key, objective = self._mlflow.entities, candidate.key, study.spec.workload.objective
        started = datetime.fromisoformat(study.created_at).timestamp()

        def moment(seconds: float) -> int:
            return round(1000 * (started + seconds))

        tags = {
            "role": key.role.value,
            "generation": str(key.generation),
            "slot": str(key.slot),
            "seed": str(candidate.seed),
            "budget": str(candidate.steps),
            "status": candidate.status.value,
            **({"reason": candidate.reason} if candidate.reason else {}),
        }
        run = self._client.create_run(experiment, moment(0), tags, name_of(key)).info.run_id
        effective = {name: value for name, value in candidate.hyperparameters.items() if value is not None}
        value = objective.shown(candidate.fitness, candidate.steps) if candidate.status is Status.FINISHED else None
        metrics = [
            entities.Metric(name, number, moment(seconds), step)
            for name, step, seconds, number in (
                *measured,
                *([] if value is None else [("objective", candidate.steps, candidate.seconds, value)]),
            )
        ]
        params = [entities.Param(name, str(value)) for name, value in effective.items()]
        self._client.log_batch(run, metrics=metrics[: _BATCH - len(params)], params=params)
        for start in range(_BATCH - len(params), len(metrics), _BATCH):
            self._client.log_batch(run, metrics=metrics[start : start + _BATCH])
        self._client.set_terminated(run, _ENDS.get(candidate.status, "FAILED"), moment(candidate.seconds))

    def _failed(self, what: str, error: Exception) -> NoMlflow:
        password = urlsplit(self._uri).password
        reason = str(error).replace(password, "***") if password else str(error)
        return NoMlflow(f"MLflow {what} {self._shown}: {type(error).__name__}: {first_line(reason, 200)}")


def _measured(losses: NDArray[Any], series: Mapping[str, Series]) -> list[tuple[str, int, float, float]]:
    """Return what was measured: name, step, seconds and number."""
    found = []
    if len(losses):
        middles, means = window_means(losses, max(1, -(-len(losses) // WINDOWS)))
        found += [("loss", int(step), 0.0, mean) for step, mean in zip(middles.tolist(), means.tolist(), strict=True)]
    for split, measured in series.items():
        if split in (OBJECTIVES, MILESTONES):  # which what was measured decides
            continue
        places = list(_thinned(len(measured.evaluations)))
        for name, numbers in measured.metrics.items():
            found += [
                (f"{split}.{name}", int(measured.evaluations[at]), float(measured.elapsed[at]), float(numbers[at]))
                for at in places
            ]
    return [each for each in found if math.isfinite(each[-1])]


def _thinned(count: int) -> Iterator[int]:
    """Yield at most `MAX_POINTS` places of so many, evenly, and the last."""
    every = max(1, -(-count // MAX_POINTS))
    return iter(range((count - 1) % every, count, every))

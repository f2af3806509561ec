"""Experiments of Ray Tune as searches that can be imported.

Their JSON files alone are read; nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuner.api.importing_searches import OutsideSearch, OutsideTrial
from tuner.core import objective_text
from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.trial import Status

MAX_LINE = 16 * 2**20  # bytes of a result
_NUMBER = re.compile(r"_(\d+)_")


def read_experiment(folder: Path, *, objective: str | None = None) -> OutsideSearch:
    """Return the search in a folder of Ray Tune.

    Args:
        folder: The experiment's, which has a folder per trial.
        objective: "validation.METRIC" with the name of a metric that trials report; ":best" takes its best value
            instead of the last, ":max" and ":min" its direction.

    Raises:
        InvalidRequest: The folder is none of an experiment, a file in it cannot be read, or the objective names no
            metric.
    """
    try:
        trials = sorted((path.parent for path in folder.glob("*/params.json")), key=_order)
    except OSError as error:
        raise InvalidRequest("ray_tune", f"{folder}: {error.strerror}") from None
    if not trials:
        raise InvalidRequest(
            "ray_tune", f"is the folder of an experiment, which has params.json in a folder per trial: {folder}"
        )
    results = [list(_lines(trial / "result.json")) for trial in trials]
    wanted, metric = _objective(objective, results)
    return OutsideSearch(
        name=folder.resolve().name,
        label="Ray-Tune",
        strategy="ray tune",
        source=f"Ray Tune experiment {folder.resolve().name}",
        objective=wanted,
        trials=[_trial(trial, lines, wanted, metric) for trial, lines in zip(trials, results, strict=True)],
    )


def _order(folder: Path) -> tuple[int, str]:
    """Return what trials are sorted by: the number in the folder's name."""
    found = _NUMBER.search(folder.name)
    return int(found[1]) if found and len(found[1]) < 10 else 0, folder.name


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the results of a trial; the last line may be cut where Ray was killed."""
    if not file.is_file():
        return
    with file.open("rb") as opened:
        number = 0
        while line := opened.readline(MAX_LINE):
            number += 1
            try:
                result = json.loads(line)
            except ValueError:
                if not line.endswith(b"\n"):
                    return
                raise InvalidRequest("ray_tune", f"{file}, line {number}: is no JSON") from None
            if isinstance(result, dict):
                yield _flat(result)


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested values with names joined by underscores."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{before}{key}_")
        else:
            flat[f"{before}{key}"] = value
    return flat


def _objective(text: str | None, results: list[list[dict[str, Any]]]) -> tuple[Objective, str]:
    """Return the objective, and the metric of the trials that it is."""
    reported = {key for lines in results for line in lines for key, value in line.items() if _is_number(value)}
    metrics = {re.sub(r"[^\w-]", "_", key): key for key in sorted(reported)}
    own = [
        key
        for key, name in metrics.items()
        if not name.startswith(("config_", "time", "pid", "iterations_", "training_iteration"))
    ]
    accepted = (
        f"is validation.METRIC[:best][:min | :max], METRIC one of {', '.join(own) or 'none, no trial reported any'}"
    )
    if text is None:
        raise InvalidRequest("objective", accepted)
    wanted = objective_text.parse(text)
    if wanted.reduction not in ("end", "best") or not wanted.validates or wanted.validation_metric not in metrics:
        raise InvalidRequest("objective", accepted, text)
    return wanted, metrics[wanted.validation_metric]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _trial(folder: Path, lines: list[dict[str, Any]], objective: Objective, metric: str) -> OutsideTrial:
    file = folder / "params.json"
    try:
        values = _flat(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError):
        raise InvalidRequest("ray_tune", f"{file}: is no JSON with the configuration of a trial") from None
    curve = {
        int(line.get("training_iteration", at + 1)): float(line[metric])
        for at, line in enumerate(lines)
        if _is_number(line.get(metric))
    }
    last = lines[-1] if lines else {}
    status, value, reason = _ending(folder, list(curve.values()), objective, metric)
    seconds = last.get("time_total_s", 0.0)
    return OutsideTrial(
        status=status,
        value=value,
        values=values,
        steps=max(1, int(last.get("training_iteration", 1))),
        seconds=seconds if _is_number(seconds) and math.isfinite(seconds) else 0.0,
        reason=reason,
        curve={step: one for step, one in curve.items() if math.isfinite(one)},
    )


def _ending(folder: Path, reported: list[float], objective: Objective, metric: str) -> tuple[Status, float | None, str]:
    """Return how a trial ended, its value, and why it has none."""
    error = folder / "error.txt"
    if error.is_file():
        lines = error.read_text(encoding="utf-8", errors="replace")[-4000:].strip().splitlines()
        return Status.FAILED, None, lines[-1] if lines else "failed according to Ray Tune"
    if not reported:
        return Status.FAILED, None, f"reported no {metric}"
    value = reported[-1]
    if objective.reduction == "best":
        finite = [one for one in reported if math.isfinite(one)]
        value = (max if objective.is_max else min)(finite) if finite else value
    if not math.isfinite(value):
        return Status.DIVERGED, None, f"{metric} was {value}"
    return Status.FINISHED, value, ""

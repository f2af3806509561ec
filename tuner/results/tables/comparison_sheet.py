"""Comparisons for machines: JSON with all that there is but curves, and CSV with a row a contender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender, Outcome
from tuner.results.analysis.estimate import Estimate
from tuner.results.tables.formats import strict_csv

_OUTCOME = ("loss", "spread", "low", "high", "diverged", "standing", "p")


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """Return all that a comparison says but its curves, as JSON takes it. Keys are never renamed; new ones may come."""
    return {
        "run": comparison.run,
        "task": comparison.task,
        "steps": comparison.steps,
        "seconds": comparison.seconds,
        "seeds": list(range(comparison.seeds)),
        "cohort_size": comparison.cohort_size,
        "validate_every": comparison.validate_every,
        "test_examples": comparison.test_examples,
        "sweep": comparison.sweep,
        "contenders": [_contender_as_json(one) for one in comparison.contenders],
        "remarks": list(comparison.remarks),
        "precision": comparison.precision,
        "options": dict(comparison.options),
        "data": None if comparison.data is None else dict(comparison.data),
        "versions": dict(comparison.versions),
        "hardware": dict(comparison.hardware),
        "created_at": comparison.created_at,
    }


def _contender_as_json(one: Contender) -> dict[str, Any]:
    return {
        "study": one.study,
        "name": one.name,
        "optimizer": one.optimizer,
        "value": one.point.value,
        "hyperparameters": dict(one.point.hyperparameters),
        "settings": dict(one.point.settings),
        "source": one.source,
        "status": one.status,
        "runs": {
            **{status.name.lower(): count for status, count in one.counts.items()},
            "left": one.left,
            "total": one.seeds,
        },
        "by_steps": _outcome_as_json(one.by_steps),
        "by_time": None if one.by_time is None else _outcome_as_json(one.by_time),
        "floor": one.floor,
        "validation": {name: _estimate_as_json(found) for name, found in one.validation.items()},
        "test": {name: _estimate_as_json(found) for name, found in one.test.items()},
        "evaluations_per_second": {"training": one.pace, "with_validation": one.pace_with_validation},
    }


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "loss": _estimate_as_json(outcome.loss),
        "diverged": outcome.diverged,
        "standing": outcome.place.standing.value or None,
        "p": outcome.place.p,
    }


def _estimate_as_json(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"mean": found.mean, "spread": found.spread, "low": found.low, "high": found.high, "runs": found.runs}


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons as CSV with a header: a row a contender, full precision."""
    metrics = list(dict.fromkeys(name for comparison in comparisons for name in comparison.metrics))
    header = ["run", "task", "contender", "optimizer", "value", "source", "steps", "seconds", "seeds"]
    header += [status.name.lower() for status in Status if status.is_final]
    header += [f"{budget}_{column}" for budget in ("by_steps", "by_time") for column in _OUTCOME] + ["floor"]
    header += [
        f"{split}_{name}{end}" for split in ("validation", "test") for name in metrics for end in ("", "_spread")
    ]
    header += ["evaluations_per_second", "evaluations_per_second_with_validation"]
    rows = []
    for comparison in comparisons:
        for one in comparison.contenders:
            row: list[Any] = [comparison.run, comparison.task, one.name, one.optimizer, one.point.value, one.source]
            row += [comparison.steps, comparison.seconds, one.seeds, *one.counts.values()]
            row += [*_outcome_cells(one.by_steps), *_outcome_cells(one.by_time), one.floor]
            for found in (one.validation, one.test):
                for name in metrics:
                    value = found.get(name)
                    row += [None, None] if value is None else [value.mean, value.spread]
            rows.append([*row, one.pace, one.pace_with_validation])
    return strict_csv(header, rows)


def _outcome_cells(outcome: Outcome | None) -> list[Any]:
    if outcome is None:
        return [None] * len(_OUTCOME)
    loss = outcome.loss
    numbers = [None] * 4 if loss is None else [loss.mean, loss.spread, loss.low, loss.high]
    return [*numbers, outcome.diverged, outcome.place.standing.value or None, outcome.place.p]

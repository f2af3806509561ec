"""Results of `tuner.train`: frozen values with curves as arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRun:
    """One run, on one seed.

    Attributes:
        seed: Decides its starting point, minibatches and noise.
        status: "finished", "diverged", "failed" or "timed out".
        fitness: Mean loss over the last tenth of the budget; inf unless it finished.
        losses: One per gradient evaluation, as far as it came [steps_done].
        steps_done: Gradient evaluations.
        seconds: Of training, without compilation.
        reason: Why it did not finish; "" if it did.
        validation_points: Gradient evaluations before each validation.
        validation: Mean over the validation set at each point, by metric.
        error_points: Gradient evaluations before each error.
        errors: ‖I - G H‖_F / √n of LODO's preconditioner at each point.
        frozen: The same run once more, with the preconditioner as it was learned; None unless it was tracked.
    """

    seed: int
    status: str
    fitness: float
    losses: NDArray[np.floating]
    steps_done: int
    seconds: float
    reason: str = ""
    validation_points: tuple[int, ...] = ()
    validation: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    error_points: tuple[int, ...] = ()
    errors: tuple[float, ...] = ()
    frozen: TrainedRun | None = None

    def to_dict(self, *, curve: bool = True) -> dict[str, Any]:
        """Return the run as JSON takes it; a number that is not finite is None.

        Args:
            curve: Whether to include every loss.
        """
        found: dict[str, Any] = {
            "seed": self.seed,
            "status": self.status,
            "fitness": _finite(self.fitness),
            "steps_done": self.steps_done,
            "seconds": self.seconds,
        }
        found |= self._reason_and_losses(curve)
        if self.validation:
            means = {name: list(map(_finite, values)) for name, values in self.validation.items()}
            found["validation"] = {"evaluations": list(self.validation_points), **means}
        if self.frozen is not None:
            errors = list(map(_finite, self.errors))
            found["hessian_error"] = {"evaluations": list(self.error_points), "errors": errors}
            found["frozen"] = {
                "status": self.frozen.status,
                "fitness": _finite(self.frozen.fitness),
                **self.frozen._reason_and_losses(curve),
            }
        return found

    def _reason_and_losses(self, curve: bool) -> dict[str, Any]:
        reason = {"reason": self.reason} if self.reason else {}
        return reason | ({"losses": [_finite(float(loss)) for loss in self.losses]} if curve else {})


@dataclass(frozen=True, slots=True, eq=False)
class TrainResult:
    """Results of one configuration on all of its seeds.

    Attributes:
        task: As it was requested.
        optimizer: Its name.
        hyperparameters: All of them, with those at their defaults.
        steps: Budget of a run in gradient evaluations.
        dtype: In which it was computed.
        runs: One per seed, in order.
    """

    task: str
    optimizer: str
    hyperparameters: Mapping[str, float]
    steps: int
    dtype: str
    runs: Sequence[TrainedRun]

    @property
    def losses(self) -> NDArray[np.floating]:
        """The losses of all runs [seeds, steps], NaN where a run ended early."""
        found = np.full([len(self.runs), self.steps], math.nan)
        for row, run in zip(found, self.runs, strict=True):
            row[: len(run.losses)] = run.losses[: self.steps]
        return found

    def to_dict(self, *, curve: bool = True) -> dict[str, Any]:
        """Return the result as JSON takes it; a number that is not finite is None.

        Args:
            curve: Whether to include every loss.
        """
        return {
            "task": self.task,
            "optimizer": self.optimizer,
            "hyperparameters": dict(self.hyperparameters),
            "steps": self.steps,
            "dtype": self.dtype,
            "runs": [run.to_dict(curve=curve) for run in self.runs],
        }


def run_of(evaluation: Evaluation) -> TrainedRun:
    """Return the run that an evaluation describes; its seed is that of its slot, yet to be filled in."""
    losses = np.asarray(evaluation.losses)
    losses.setflags(write=False)
    validation_points, validation = _series(evaluation, "validation")
    error_points, errors = _series(evaluation, "hessian-error")
    return TrainedRun(
        seed=evaluation.key.slot,
        status=evaluation.status.value,
        fitness=float(evaluation.fitness),
        losses=losses,
        steps_done=evaluation.steps_done,
        seconds=evaluation.seconds,
        reason=evaluation.reason,
        validation_points=validation_points,
        validation=validation,
        error_points=error_points,
        errors=errors.get("error", ()),
    )


def _series(evaluation: Evaluation, split: str) -> tuple[tuple[int, ...], dict[str, tuple[float, ...]]]:
    """Return the evaluations taken before each observation of a split, and each metric by name."""
    found = [each for each in evaluation.observations if each.split == split]
    names = found[0].metrics if found else ()
    metrics = {name: tuple(each.metrics[name] for each in found) for name in names}
    return tuple(each.evaluations for each in found), metrics


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

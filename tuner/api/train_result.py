"""Results of `tuner.train`: frozen values, with losses as arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.numbers import finite_or_none
from tuner.core.trial import Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRun:
    """One run, on one seed.

    Attributes:
        seed: Seed of its starting point, minibatches and noise.
        status: "finished", "diverged", "failed" or "timed out".
        fitness: Mean loss over the last tenth of the budget; inf unless it finished.
        losses: Loss of each gradient evaluation that was done [steps_done].
        steps_done: Number of gradient evaluations that were done.
        seconds: Seconds of training, without compilation.
        reason: Why it did not finish; "" if it finished.
        validation_points: Number of gradient evaluations before each validation.
        validation: Mean over the validation set at each point, by metric.
        error_points: Number of gradient evaluations before each measurement of the error.
        errors: ‖I - G H‖_F / √n of LODO's preconditioner at each point.
        frozen: Repetition of the run with the learned preconditioner, frozen; None without `track`.
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
        """Return the run in a form for JSON; a number that is not finite is None.

        Args:
            curve: Whether to include every loss. Default True.
        """
        document: dict[str, Any] = {
            "seed": self.seed,
            "status": self.status,
            "fitness": finite_or_none(self.fitness),
            "steps_done": self.steps_done,
            "seconds": self.seconds,
        }
        document |= self._reason_and_losses(curve)
        if self.validation:
            means = {name: list(map(finite_or_none, values)) for name, values in self.validation.items()}
            document["validation"] = {"evaluations": list(self.validation_points), **means}
        if self.frozen is not None:
            errors = list(map(finite_or_none, self.errors))
            document["hessian_error"] = {"evaluations": list(self.error_points), "errors": errors}
            document["frozen"] = {
                "status": self.frozen.status,
                "fitness": finite_or_none(self.frozen.fitness),
                **self.frozen._reason_and_losses(curve),
            }
        return document

    def _reason_and_losses(self, curve: bool) -> dict[str, Any]:
        reason = {"reason": self.reason} if self.reason else {}
        return reason | ({"losses": [finite_or_none(float(loss)) for loss in self.losses]} if curve else {})


@dataclass(frozen=True, slots=True, eq=False)
class TrainResult:
    """Results of one configuration on all of its seeds.

    Attributes:
        task: Name of the task, as requested.
        optimizer: Name of the optimizer.
        hyperparameters: All hyperparameters, including those with default values.
        steps: Budget of a run in gradient evaluations.
        dtype: Precision of the training.
        runs: Run of each seed, in order.
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
        losses = np.full([len(self.runs), self.steps], math.nan)
        for row, run in zip(losses, self.runs, strict=True):
            row[: len(run.losses)] = run.losses[: self.steps]
        return losses

    def to_dict(self, *, curve: bool = True) -> dict[str, Any]:
        """Return the result in a form for JSON; a number that is not finite is None.

        Args:
            curve: Whether to include every loss. Default True.
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
    """Return the run of an evaluation, with its slot as seed: the caller replaces it by the seed."""
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
    """Return the gradient evaluations before each observation of a split, and the values of each metric."""
    observations = [observation for observation in evaluation.observations if observation.split == split]
    names = observations[0].metrics if observations else ()
    metrics = {name: tuple(observation.metrics[name] for observation in observations) for name in names}
    return tuple(observation.evaluations for observation in observations), metrics

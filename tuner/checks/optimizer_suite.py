"""The suite of checks: each requirement of the Optimizer protocol."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.checks import optimizer_form as form
from tuner.checks import optimizer_laws as laws
from tuner.checks.check import Check
from tuner.checks.optimizer_probe import OptimizerProbe

DTYPES = ("float32", "float64")

CHECKS: tuple[Check, ...] = (
    Check("attributes", "Attributes are what they can be.", form.attributes, is_basic=True),
    Check("shapes-and-dtypes", "x and losses keep shape and dtype.", form.shapes_and_dtypes, is_basic=True),
    Check("state", "The state keeps its structure, shapes and dtypes from step to step.", form.state, is_basic=True),
    Check("finite", "The first step is finite at the defaults.", form.finite, is_basic=True),
    Check("randomness", "Its random numbers come from the seeds.", form.randomness),
    Check("hyperparameters", "Each lane takes the steps of its own hyperparameters.", laws.hyperparameters),
    Check("lanes", "Lanes do not influence each other.", laws.lanes),
    Check("diverged-lane", "A lane that diverges leaves the bits of the others alone.", laws.diverged_lane),
    Check("same-steps-again", "The same seeds give the same steps, bit for bit.", laws.same_steps_again),
    Check("compiled", "Compiled steps are those taken operation by operation.", laws.compiled),
    Check("one-trace", "The compiled loop trains it, traced once for all values.", laws.one_trace),
    Check("zero-gradient", "Steps are finite where the gradient is zero.", laws.zero_gradient),
    Check("bowl", "The loss falls on a bowl.", laws.falls_on_bowl),
    Check("rosenbrock", "The loss falls on Rosenbrock's function.", laws.falls_on_rosenbrock),
    Check("regression", "The loss falls on a noisy regression.", laws.falls_on_regression),
)


def probes(
    name: str, place: str | None, hyperparameters: Mapping[str, float], settings: Mapping[str, int] | None = None
) -> list[OptimizerProbe]:
    """Return probes of an optimizer in both dtypes.

    Args:
        name: Its name.
        place: Where the class of a user's own is; None: it is built in or of Keras.
        hyperparameters: The defaults.
        settings: Whole-number arguments of the constructor.

    Raises:
        PromiseError: It cannot be made.
    """
    return [OptimizerProbe(name, place, hyperparameters, settings, dtype=dtype) for dtype in DTYPES]

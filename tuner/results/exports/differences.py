"""What other libraries do otherwise than Keras, whose form our optimizers have: said the same way everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping


def parted(share: float) -> str:
    """Return how far a library's steps were found to lead from those that were tuned; a test measures it.

    Args:
        share: The greatest distance between the two in 50 steps on a quadratic and on Rosenbrock's function, as a share
            of the farthest that ours come from the start.
    """
    return f"Measured at one setting, in 50 steps on two test functions: apart by {share:g} of the way at most."


def bias_in_epsilon(library: str, values: Mapping[str, float]) -> str:
    """Return what adding epsilon after the correction of the bias, and not before, comes to for Adam."""
    felt = values["epsilon"] / math.sqrt(1 - values["beta_2"])
    return (
        f"{library} adds eps to √v after the bias of v is corrected, what was tuned before: there it is as if eps were "
        f"{felt:.2g} at the first step, and fell to {values['epsilon']:g}. It is felt where gradients are not far "
        f"above that. {parted(3e-6)}"
    )


def rate_in_velocity(library: str, values: Mapping[str, float]) -> tuple[str, ...]:
    """Return what multiplying the velocity, and not the gradient, by the rate comes to; nothing without momentum."""
    if values["momentum"] == 0:
        return ()
    return (
        f"The same while the learning rate is constant. Under a schedule {library} moves by the present rate times the "
        "velocity; what was tuned keeps each gradient at the rate that it came with.",
    )

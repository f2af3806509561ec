"""A weight by the prior: good genomes are expected near the defaults at first.

A candidate's expected improvement is multiplied by π(x)^(β/n), where π is the density from which the search started and
n the number of trainings (Hvarfner et al. 2022, "πBO: Augmenting Acquisition Functions with User Beliefs for Bayesian
Optimization"). A surrogate of few observations promises as much far outside the start as near it; whatever is found
there, the prior has no say later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.strategies.density import Prior

Array = NDArray[np.float64]

TRUST = 8.0  # β: with so many trainings the prior's density counts once


def prior_weight(genomes: Array, prior: Prior, trainings: int) -> Array:
    """Return π(x)^(β/n), 1 at the mean; choices without an order have no distances, and do not count.

    Args:
        genomes: [m, d].
        prior: Its spread is above 0.
        trainings: n, at least 1.

    Returns:
        float64 [m], above 0 and at most 1.
    """
    squares = np.zeros(len(genomes))
    for at, middle in enumerate(prior.mean):
        if at not in prior.levels:
            squares += ((genomes[:, at] - middle) / prior.sigma) ** 2
    return np.asarray(np.exp(np.maximum(-0.5 * squares * TRUST / trainings, -600.0)))

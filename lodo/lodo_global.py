"""LODO-Global, the ablation with a single learned rate."""

from __future__ import annotations

import tensorflow as tf

from lodo.learned_preconditioner import LearnedPreconditioner
from lodo.meta_optimizers import Parameters
from lodo.optimizer import State, Tensor


class LODOGlobal(LearnedPreconditioner):
    """LODO with one learned rate for all coordinates (arXiv 2210.06171, ablations).

    G(θ) = α_0 θ I, where θ [1, P] starts at 1.

    θ may become negative, as in the paper.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).
    """

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return ones [1, P]."""
        del seeds
        return (tf.ones_like(x[:1]),)

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return θ v [n, P], and v."""
        return theta[0] * vector, vector

    def theta_gradient(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of θ wᵀv with respect to θ: wᵀv [1, P]."""
        del theta
        return (tf.reduce_sum(passes * other, axis=0, keepdims=True),)

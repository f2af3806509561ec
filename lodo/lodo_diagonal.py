"""LODO-Diagonal, the ablation with one learned rate per coordinate."""

from __future__ import annotations

import tensorflow as tf

from lodo.learned_preconditioner import LearnedPreconditioner
from lodo.meta_optimizers import Parameters
from lodo.optimizer import State, Tensor


class LODODiagonal(LearnedPreconditioner):
    """LODO with a diagonal preconditioner (arXiv 2210.06171, ablations).

    G(θ) = α_0 diag(θ), where θ [n, P] starts at 1.

    θ may become negative, as in the paper.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).
    """

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return ones [n, P]."""
        del seeds
        return (tf.ones_like(x),)

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return diag(θ) v [n, P], and v."""
        return theta[0] * vector, vector

    def theta_gradient(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of wᵀ diag(θ) v with respect to θ: v w [n, P]."""
        del theta
        return (passes * other,)

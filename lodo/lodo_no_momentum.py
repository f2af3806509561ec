"""LODO-No-Momentum, the ablation that steps along the latest gradient."""

from __future__ import annotations

from lodo.lodo import LODO
from lodo.optimizer import Hyperparameters, Tensor


class LODONoMomentum(LODO):
    """LODO with β = 0, so that m is the latest gradient (arXiv 2210.06171, ablations).

        θ ← θ + Adam step of size α along ∂(gᵀ G(θ) m)/∂θ          m: the gradient of the previous step
        x ← x - G(θ) g

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0).

    Args:
        depth: Layers of the network, N >= 1. Default: 16.
        block_size: Rows of a block, k >= 1. Default: 4.

    Raises:
        ValueError: An argument is below 1.
    """

    hyperparameters = ("initial_learning_rate", "meta_learning_rate")

    def average(self, momentum: Tensor, gradient: Tensor, hyperparameters: Hyperparameters) -> Tensor:
        """Return the gradient [n, P]."""
        del momentum, hyperparameters
        return gradient

"""LODO-SGD, the ablation that learns its preconditioner by gradient descent."""

from __future__ import annotations

from lodo.lodo import LODO
from lodo.meta_optimizers import MetaSGD


class LODOSGD(LODO):
    """LODO with gradient descent on θ in place of Adam (arXiv 2210.06171, ablations).

        θ ← θ + α ∂(gᵀ G(θ) m)/∂θ
        m ← β m + (1-β) g
        x ← x - G(θ) m

    Unlike Adam's steps, those of θ scale with the square of the loss. The state has 128 n numbers for θ, 64 n for the
    passes and n for m.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Args:
        depth: Layers of the network, N >= 1. Default: 16.
        block_size: Rows of a block, k >= 1. Default: 4.

    Raises:
        ValueError: An argument is below 1.
    """

    meta_optimizer = MetaSGD()

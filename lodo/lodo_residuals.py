"""LODO-Residuals, the ablation with a network of residual layers."""

from __future__ import annotations

import tensorflow as tf

from lodo.learned_preconditioner import LearnedPreconditioner
from lodo.meta_optimizers import Parameters
from lodo.optimizer import State, Tensor
from lodo.residual_network import ResidualNetwork


class LODOResiduals(LearnedPreconditioner):
    """LODO with diagonal residual layers in place of orthogonal blocks (arXiv 2210.06171, ablations).

        G(θ) = α_0 [I 0] Vᵀ D V [I 0]ᵀ          V = ∏ (I + diag(w_i) P_i), N layers of width 2n

    θ are the weights w [N, 2n, P], drawn from N(0, variance 1/N), and the diagonal D [2n, P], which starts at 1. As in
    the paper, D may become negative, so that G is not always positive semi-definite, and G does not start as the
    identity. The state has 6 N n numbers for the weights and Adam's averages of them and 4 N n for the passes.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Args:
        depth: Layers of the network, N >= 1. Default: 64.

    Raises:
        ValueError: The depth is below 1.
    """

    def __init__(self, *, depth: int = 64) -> None:
        super().__init__()
        self.depth = depth
        self.network(1)  # raises ValueError for an argument out of range

    def network(self, size: int) -> ResidualNetwork:
        """Return the network for vectors of this size."""
        return ResidualNetwork(size, depth=self.depth)

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return random weights [N, 2n, P] and a diagonal of ones [2n, P]."""
        network = self.network(x.shape[0])
        return network.initial_weights(seeds, x.dtype), tf.ones([network.width, x.shape[1]], x.dtype)

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return Vᵀ D V v [n, P], and the activations of v, V v [2n, P], and the signals."""
        weights, diagonal = theta
        network = self.network(vector.shape[0])
        top, activations = network.up(weights, vector)
        preconditioned, signals = network.down(weights, diagonal * top)
        return preconditioned, (activations, top, signals)

    def theta_gradient(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of (V w)ᵀ D (V v) with respect to weights and D, by two passes of w [n, P]."""
        weights, diagonal = theta
        activations_v, top_v, signals_v = passes
        network = self.network(other.shape[0])
        top_w, activations_w = network.up(weights, other)
        _, signals_w = network.down(weights, diagonal * top_w)
        return network.weight_gradient(activations_v, signals_v, activations_w, signals_w), top_v * top_w

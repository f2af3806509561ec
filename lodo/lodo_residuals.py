"""LODO-Residuals, the ablation of LODO whose network is made of residual layers (arXiv 2210.06171, ablations)."""

from __future__ import annotations

import tensorflow as tf

from lodo.learned import LearnedPreconditioner
from lodo.optimizer import State, Tensor
from lodo.residual_network import ResidualNetwork
from lodo.tuners import Parameters


class LODOResiduals(LearnedPreconditioner):
    """LODO with a network of diagonal residual layers in place of orthogonal blocks.

        G(θ) = α_0 [I 0] Vᵀ D V [I 0]ᵀ          V = ∏ (I + diag(w_i) P_i), N layers of width 2n

    θ are the weights w [N, 2n, P], N(0, variance 1/N) at the start, and the diagonal D [2n, P], 1 at the start. G is
    positive semi-definite only for as long as D is: nothing keeps it so, as nothing does in the paper. Nor is G the
    identity at the start. The state is 6 N n numbers for the weights and Adam's averages and 4 N n for the passes.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Args:
        depth: Layers of the network, N >= 1. Default: 64.

    Raises:
        ValueError: The depth is below 1.
    """

    def __init__(self, *, depth: int = 64) -> None:
        super().__init__()
        self.depth = depth
        self.network(1)  # raises for a network that cannot be

    def network(self, size: int) -> ResidualNetwork:
        """Return the network for vectors of this size."""
        return ResidualNetwork(size, depth=self.depth)

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return random weights [N, 2n, P] and a diagonal of ones [2n, P]."""
        network = self.network(x.shape[0])
        return network.initial_weights(seeds, x.dtype), tf.ones([network.width, x.shape[1]], x.dtype)

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return Vᵀ D V v [n, P], and v's activations, its V v [2n, P] and its signals."""
        weights, diagonal = theta
        network = self.network(vector.shape[0])
        top, activations = network.up(weights, vector)
        preconditioned, signals = network.down(weights, diagonal * top)
        return preconditioned, (activations, top, signals)

    def slopes(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of (V w)ᵀ D (V v) by the weights and by D, from two passes of w [n, P] and those of v."""
        weights, diagonal = theta
        activations_v, top_v, signals_v = passes
        network = self.network(other.shape[0])
        top_w, activations_w = network.up(weights, other)
        _, signals_w = network.down(weights, diagonal * top_w)
        return network.weight_gradient(activations_v, signals_v, activations_w, signals_w), top_v * top_w

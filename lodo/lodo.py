"""LODO, Learning to Optimize During Optimization (arXiv 2210.06171).

This is algorithm 1 without autodiff: gᵀ G m is α_0 (Ug)·(Um), and a step makes four passes through the network. Two of
m, at the new θ, give the step of x, and two of g the hypergradient. The activations and signals of m are stored for the
next hypergradient: 2 · 16 · ñ = 64 n numbers. θ, its two averages (384 n numbers) and m (n) complete the state.
"""

from __future__ import annotations

import tensorflow as tf

from lodo.block_network import BlockNetwork
from lodo.learned_preconditioner import LearnedPreconditioner
from lodo.meta_optimizers import Parameters
from lodo.optimizer import State, Tensor


class LODO(LearnedPreconditioner):
    """LODO: a preconditioner that is a linear network times its transpose, learned during optimization.

        θ ← θ + Adam step of size α along ∂(gᵀ G(θ) m)/∂θ
        m ← β m + (1-β) g
        x ← x - G(θ) m                          G(θ) = α_0 [I 0] U(θ)ᵀ U(θ) [I 0]ᵀ

    θ are the network's blocks, N tensors [k, k, ñ/k · P]. They start as random orthogonal matrices, so that G = α_0 I.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Args:
        depth: Layers of the network, N >= 1. Default: 16.
        block_size: Rows of a block, k >= 1. Default: 4.

    Raises:
        ValueError: An argument is below 1.
    """

    def __init__(self, *, depth: int = 16, block_size: int = 4) -> None:
        super().__init__()
        self.depth, self.block_size = depth, block_size
        self.network(1)  # raises ValueError for an argument out of range

    def network(self, size: int) -> BlockNetwork:
        """Return the network for vectors of this size."""
        return BlockNetwork(size, depth=self.depth, block_size=self.block_size)

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return random orthogonal blocks."""
        return self.network(x.shape[0]).initial_blocks(seeds, x.dtype)

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return Uᵀ U v [n, P], and the activations and signals of v in each layer."""
        network = self.network(vector.shape[0])
        top, activations = network.up(theta, vector)
        preconditioned, signals = network.down(theta, top)
        return preconditioned, (activations, signals)

    def passes_of_zero(self, theta: Parameters, zeros: Tensor) -> State:
        """Return activations and signals of zeros, without the passes: operations that would be traced for one call."""
        rows = tf.zeros([self.block_size, theta[0].shape[-1]], zeros.dtype)
        return (rows,) * self.depth, (rows,) * self.depth

    def theta_gradient(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of (U w)·(U v) with respect to the blocks, by two passes of w [n, P]."""
        network = self.network(other.shape[0])
        top, activations = network.up(theta, other)
        _, signals = network.down(theta, top)
        layers = zip(*passes, activations, signals, strict=True)
        return tuple(network.block_gradient(*layer) for layer in layers)

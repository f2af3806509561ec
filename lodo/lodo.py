"""LODO, Learning to Optimize During Optimization (arXiv 2210.06171, algorithm 1), by the four-pass rule.

gᵀ G m is α_0 (Ug)·(Um). Of the four passes through the network, two (of m, at the new θ) give the step itself; what
they leave is kept for the next step's hypergradient (2 · 16 · ñ = 64 n numbers), whose own two passes are those of g.
With θ and Adam's two averages of it (384 n numbers) and m itself, that is LODO's state.
"""

from __future__ import annotations

from lodo.learned import LearnedPreconditioner
from lodo.optimizer import State, Tensor
from lodo.preconditioner import Preconditioner
from lodo.tuners import Parameters


class LODO(LearnedPreconditioner):
    """LODO: a preconditioner that is a linear network times its transpose, learned while it is used.

        θ ← θ + Adam step of size α along ∂(gᵀ G(θ) m)/∂θ
        m ← β m + (1-β) g
        x ← x - G(θ) m                          G(θ) = α_0 [I 0] U(θ)ᵀ U(θ) [I 0]ᵀ

    θ are the network's blocks, N of [k, k, ñ/k · P]. They start random and orthogonal, so that G starts as α_0 I.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Args:
        depth: Layers of the network, N >= 1. Default: 16.
        block_size: Of its block-diagonal matrices, k >= 1. Default: 4.

    Raises:
        ValueError: An argument is below 1.
    """

    def __init__(self, *, depth: int = 16, block_size: int = 4) -> None:
        super().__init__()
        self.depth, self.block_size = depth, block_size
        self.preconditioner(1)  # raises for a network that cannot be

    def preconditioner(self, size: int) -> Preconditioner:
        """Return the network for vectors of this size."""
        return Preconditioner(size, depth=self.depth, block_size=self.block_size)

    def initial_theta(self, x: Tensor, seeds: Tensor) -> Parameters:
        """Return random orthogonal blocks."""
        return self.preconditioner(x.shape[0]).initial_blocks(seeds, x.dtype)

    def precondition(self, theta: Parameters, vector: Tensor) -> tuple[Tensor, State]:
        """Return Uᵀ U v [n, P], and v's activations and signals in every layer."""
        network = self.preconditioner(vector.shape[0])
        top, activations = network.up(theta, vector)
        preconditioned, signals = network.down(theta, top)
        return preconditioned, (activations, signals)

    def slopes(self, theta: Parameters, passes: State, other: Tensor) -> Parameters:
        """Return the gradient of (U w)·(U v) by the blocks, from two passes of w [n, P] and those of v."""
        network = self.preconditioner(other.shape[0])
        top, activations = network.up(theta, other)
        _, signals = network.down(theta, top)
        layers = zip(*passes, activations, signals, strict=True)
        return tuple(network.block_gradient(*layer) for layer in layers)

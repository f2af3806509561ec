"""LODO, Learning to Optimize During Optimization (arXiv 2210.06171, algorithm 1), by the four-pass rule.

The hypergradient needs no tape through the loss: with g = ∇f(x_{t+1}) it is -∂(gᵀ G(θ_t) m_t)/∂θ, and gᵀ G m is
α_0 (Ug)·(Um). So LODO asks for what any optimizer asks for, one gradient a step, and moves θ with the m of the last
step before it moves x. Of the four passes through the network, two (of m, at the new θ) give the step itself; what they
leave is kept for the next step's hypergradient (2 · 16 · ñ = 64 n numbers), whose own two passes are those of g.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from lodo.adam import EPSILON, debiased_learning_rate
from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor
from lodo.preconditioner import Preconditioner

BETA_1, BETA_2 = 0.9, 0.999  # of the Adam that moves θ: Keras' defaults


class LODOState(NamedTuple):
    """What LODO carries from step to step: about 384 n numbers for θ and its moments, 64 n for the passes, n for m."""

    momentum: Tensor  # m [n, P]
    blocks: tuple[Tensor, ...]  # θ, N of [k, k, ñ/k · P]
    averages: tuple[Tensor, ...]  # Adam's m of θ
    squares: tuple[Tensor, ...]  # Adam's v of θ
    activations: tuple[Tensor, ...]  # a_i of the last m, N of [k, ñ/k · P]
    signals: tuple[Tensor, ...]  # q_i of the last m, N of [k, ñ/k · P]
    meta_learning_rate: Tensor  # α, repeated to [ñ/k · P] once, since it multiplies every entry of θ


class LODO(GradientOptimizer):
    """LODO: preconditioned gradient descent with momentum that learns its preconditioner while it runs.

        θ ← θ + Adam step of size α along ∂(gᵀ G(θ) m)/∂θ
        m ← β m + (1-β) g
        x ← x - G(θ) m                          G(θ) = α_0 [I 0] U(θ)ᵀ U(θ) [I 0]ᵀ

    The first step leaves θ where it is (m = 0), but Adam counts it.

    Hyperparameters: initial_learning_rate (α_0 > 0), meta_learning_rate (α >= 0), momentum (β in [0, 1)).

    Args:
        depth: Layers of the network. Default: 16.
        block_size: Of its block-diagonal matrices. Default: 4.
    """

    hyperparameters = ("initial_learning_rate", "meta_learning_rate", "momentum")

    def __init__(self, *, depth: int = 16, block_size: int = 4) -> None:
        super().__init__()
        self.depth, self.block_size = depth, block_size

    def preconditioner(self, size: int) -> Preconditioner:
        """Return the network for vectors of this size."""
        return Preconditioner(size, depth=self.depth, block_size=self.block_size)

    def initial_state(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> LODOState:
        """Return m at zero and random orthogonal blocks, so that G is α_0 times the identity."""
        network = self.preconditioner(x.shape[0])
        blocks = network.initial_blocks(seeds, x.dtype)
        nothing = tuple(tf.zeros_like(block) for block in blocks)
        still = tuple(tf.zeros_like(block[0]) for block in blocks)
        rates = tf.tile(hyperparameters["meta_learning_rate"], [network.n_blocks])
        return LODOState(tf.zeros_like(x), blocks, nothing, nothing, still, still, rates)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, LODOState]:
        """Move θ by the hypergradient, then m, then x, with this gradient [n, P]."""
        network = self.preconditioner(x.shape[0])
        state = LODOState(*state)
        initial_learning_rate, beta = hyperparameters["initial_learning_rate"], hyperparameters["momentum"]

        # The slope of the loss by θ is that of (U (-α_0 g)) · (U m): b_i and p_i are those of -α_0 g.
        top, of_gradient = network.up(state.blocks, -initial_learning_rate * gradient)
        _, from_gradient = network.down(state.blocks, top)
        rate = debiased_learning_rate(
            state.meta_learning_rate, tf.constant(BETA_1, x.dtype), tf.constant(BETA_2, x.dtype), t
        )
        blocks, averages, squares = [], [], []
        for layer, (block, average, square) in enumerate(zip(state.blocks, state.averages, state.squares, strict=True)):
            slope = network.block_gradient(
                state.activations[layer], state.signals[layer], of_gradient[layer], from_gradient[layer]
            )
            average = average + (slope - average) * (1 - BETA_1)
            square = square + (slope * slope - square) * (1 - BETA_2)
            blocks.append(block - rate * average / (tf.sqrt(square) + EPSILON))
            averages.append(average)
            squares.append(square)

        momentum = beta * state.momentum + (1 - beta) * gradient
        top, activations = network.up(blocks, momentum)
        preconditioned, signals = network.down(blocks, top)
        x = x - initial_learning_rate * preconditioned
        return x, LODOState(
            momentum,
            tuple(blocks),
            tuple(averages),
            tuple(squares),
            activations,
            signals,
            state.meta_learning_rate,
        )

"""The Task protocol: what a problem offers to the loop that trains on it.

A task is trained as a **cohort**: P candidates in lockstep, the *last* axis of every array. Lanes never mix: a cohort
of P equals P runs of one, to rounding, and each lane's randomness comes from its own seed alone.

    x, state = task.initial(seeds)                              # seeds [P, 2]
    for t in 1, 2, …:
        state = task.advance(state, seeds, t)                   # once a step: next minibatch, next centre
        loss, gradient, state = task.loss_and_gradient(x, state)  # as often as the optimizer asks
        x = …

Everything here is traced into one compiled function, so the methods hold TensorFlow operations only, keep shapes the
same from step to step, and draw what is random with `tf.random.stateless_*` from `(seeds, t)`: the same seed gives the
same run, whatever else runs beside it.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

Tensor = Any  # a tf.Tensor; TensorFlow has no types worth the name, and this module must not load it
State = Any  # a nest of tensors (tuples, dicts) as tf.nest knows it, of the same shapes at every step; may be ()

METHODS = ("initial", "advance", "loss_and_gradient")


@runtime_checkable
class Task(Protocol):
    """A problem to minimise.

    A constructor takes keyword options only, each with a default; the first is `dtype=None`, where None is the task's
    own. It raises ValueError at once for an option that it does not take.

    Attributes:
        name: The task's name, in lower case with hyphens.
        dtype: "float32" or "float64"; of x, losses and gradients.
        cohort_size: How many candidates are best trained in lockstep; 1 for networks.
        jit_compile: Whether the whole loop, optimizer and all, goes through XLA. True for toy tasks, where it is by far
            the fastest; False where XLA loses, as for convolutions on a CPU.
        layers: (start, stop) slices of x, which cover it in order and without overlap; an optimizer that scales its
            step by layer (LARS) goes by them.

    A task may also have a `hessian`, for optimizers that use it (Levenberg-Marquardt): a symmetric array [n, n] where
    it is the same everywhere, else a method that takes x [n, P] and returns [n, n, P]. And it may have
    `variable_shapes`, a tuple of the shapes of the network's variables that make up x, in order, for optimizers that
    treat them one by one (those of Keras); without it, x counts as one vector. Where its gradient is on purpose not
    that of its loss (a straight-through estimator) it says `gradient_is_estimated = True`; the two are not compared.
    Where no optimizer can bring the mean loss below a number, it may have a method `floor(evaluations_per_step)` that
    returns it. Where its `eager_initial` is True, `initial` is called as it is and not traced, with seeds that have
    values, for what only Python can build; within `tf.function` it works as well.
    """

    name: str
    dtype: str
    cohort_size: int
    jit_compile: bool
    layers: tuple[tuple[int, int], ...]

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the starting point and state of a cohort.

        Args:
            seeds: int32 [P, 2], one seed a lane; P is known when the function is traced.

        Returns:
            x [n, P] in the task's dtype, and the state before the first step.
        """
        ...

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the state of step t: draws the minibatch, moves what moves. Called once a step, before the loss.

        Args:
            state: The state of step t - 1.
            seeds: int32 [P, 2], the same at every step.
            t: int32 scalar, the step's number; 1 at the first step.

        Returns:
            The state of step t, of the same structure, shapes and dtypes.
        """
        ...

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return the loss at x, its gradient, and the state afterwards. Called as often as the optimizer asks.

        Args:
            x: [n, P] in the task's dtype.
            state: The state of this step. The same x and state give the same loss.

        Returns:
            loss [P], gradient [n, P], and the state, which differs where an evaluation leaves something behind (the
            running statistics of batch normalisation).
        """
        ...


@runtime_checkable
class Evaluated(Protocol):
    """A task that can also be judged on examples which training never sees: a validation and a test set.

    Evaluating is deterministic, in inference mode, and changes nothing: whoever trains gets the same run whether or
    not it is evaluated on the way. The test set is not even read before `evaluate` is asked for it.

    Attributes:
        metrics: What is measured of an example: "loss" first, then "accuracy" where it is classified.
        evaluation_batch: How many examples `evaluate` takes at a time at best.
    """

    metrics: tuple[str, ...]
    evaluation_batch: int

    def examples(self, split: str) -> int:
        """Return how many examples there are in "validation" or "test"; 0 in one that the task does not have."""
        ...

    def evaluate(self, x: Tensor, state: State, split: str, chosen: Tensor) -> Tensor:
        """Return the metrics of some examples, one by one; traced into a compiled function.

        Args:
            x: [n, P] in the task's dtype.
            state: As training left it; only what inference needs of it is used.
            split: "validation" or "test"; a Python string.
            chosen: int32 [E], numbers of examples from 0; E is known when the function is traced.

        Returns:
            [E, metrics, P], float32 or float64.
        """
        ...


@runtime_checkable
class Pictured(Protocol):
    """A task of which one can look at something."""

    def pictures(self, x: Tensor, state: State, seed: int) -> dict[str, Tensor]:
        """Return pictures by name, uint8 [height, width] in grey or [height, width, 3] in colour; called eagerly.

        Args:
            x: [n, 1], of a single lane.
            state: As training left it.
            seed: Decides what is drawn at random.
        """
        ...

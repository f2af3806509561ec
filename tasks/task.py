"""The Task protocol: a problem to minimise, as the training loop uses it.

A task is trained as a **cohort**: P candidates in lockstep, one per lane; lanes are the *last* axis of every array.
Lanes do not influence each other: a cohort of P equals P cohorts of one, to rounding, and the randomness of each lane
depends on its own seed alone.

    x, state = task.initial(seeds)                              # seeds [P, 2]
    for t in 1, 2, …:
        state = task.advance(state, seeds, t)                   # once per step: next minibatch
        loss, gradient, state = task.loss_and_gradient(x, state)  # as often as the optimizer needs
        x = …

All methods are traced into one compiled function: they consist of TensorFlow operations, keep shapes constant from step
to step, and draw random numbers with `tf.random.stateless_*` from `(seeds, t)`. The same seed gives the same run, for
any cohort.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

Tensor = Any  # a tf.Tensor; this module must not load TensorFlow, whose types are of little use
State = Any  # a structure of tensors (tuples, dicts) for tf.nest, of the same shapes at every step; may be ()

METHODS = ("initial", "advance", "loss_and_gradient")


@runtime_checkable
class Task(Protocol):
    """A problem to minimise.

    The constructor takes keyword arguments only, each with a default; the first is `dtype=None`, where None stands for
    the task's own default. It raises ValueError for a value that it does not accept.

    Attributes:
        name: The task's name, in lower case with hyphens.
        dtype: "float32" or "float64"; dtype of x, losses and gradients.
        cohort_size: Number of candidates to train in lockstep; 1 for networks.
        jit_compile: Whether XLA compiles the whole loop, including the optimizer. True for toy tasks, which are fastest
            that way; False where XLA is slower, as for convolutions on a CPU.
        layers: (start, stop) slices of x, which cover it in order and without overlap, for optimizers that scale steps
            per layer (LARS).

    Optional attributes:
        hessian: For optimizers that use it (Levenberg-Marquardt): a symmetric array [n, n] if the Hessian is constant,
            else a method that takes x [n, P] and returns [n, n, P].
        variable_shapes: Shapes of the variables that x consists of, in order, for optimizers that treat variables
            separately (those of Keras). Default: x is one vector.
        variable_paths: Paths of these variables in a Keras model, for optimizers that treat some by their names (Muon).
            Default: none have any.
        project: A method that takes x [n, P] after a step of the optimizer and returns the x that is kept: constraints
            of x. Default: none.
        is_random: False if no run depends on its seed: nothing is drawn, not even the start. Points are then trained on
            one fresh seed, which stands for all. Default: True.
        gradient_is_estimated: True if the gradient is deliberately not that of the loss (a straight-through estimator),
            so that checks do not compare them.
        best_known: The lowest mean training loss that any optimizer is known to reach. The smallest gain that matters
            is a share of the distance to it. Default: `floor`, if there is one.
        floor: A method of `evaluations_per_step` that returns a lower bound of the mean loss of every optimizer.
        eager_initial: True if `initial` needs Python, to build a model for example: it is then called eagerly, with
            concrete seeds. It must work within `tf.function` as well.
        fingerprint: A method that returns what identifies the data that is trained on, as JSON accepts it: a mapping
            with the keys name, sizes and sha256, as `tasks.fingerprint.arrays_fingerprint` returns it. It is compared
            between the processes of a run, and when a run is resumed. The test set does not belong to it.
        files: Paths of files that the code reads, such as data that only its evaluation needs, from the folder of its
            own file. Their sha256 belong to the code's, so that a change is noticed when a run is resumed.
    """

    name: str
    dtype: str
    cohort_size: int
    jit_compile: bool
    layers: tuple[tuple[int, int], ...]

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the starting points and the state of a cohort.

        Args:
            seeds: int32 [P, 2], one seed per lane; P is known when the function is traced.

        Returns:
            x [n, P] in the task's dtype, and the state before the first step.
        """
        ...

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the state of step t, with its minibatch. Called once per step, before the loss.

        Args:
            state: The state of step t - 1.
            seeds: int32 [P, 2], the same at every step.
            t: int32 scalar, the step's number; 1 at the first step.

        Returns:
            The state of step t, of the same structure, shapes and dtypes.
        """
        ...

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return the loss at x, its gradient, and the updated state. Called as often as the optimizer needs.

        Args:
            x: [n, P] in the task's dtype.
            state: The state of this step; the same x and state give the same loss.

        Returns:
            loss [P], gradient [n, P], and the state, which an evaluation may update (running statistics of batch
            normalisation).
        """
        ...


@runtime_checkable
class Evaluated(Protocol):
    """A task with validation or test examples, which are not used for training.

    Evaluation is deterministic, in inference mode, and has no effect on training. The test set is not read before it is
    evaluated.

    Attributes:
        metrics: Names of the metrics of an example: "loss", followed by "accuracy" for classification.
        evaluation_batch: Number of examples for which `evaluate` is most efficient.
    """

    metrics: tuple[str, ...]
    evaluation_batch: int

    def examples(self, split: str) -> int:
        """Return the number of examples in "validation" or "test"; 0 if the task does not have it."""
        ...

    def evaluate(self, x: Tensor, state: State, split: str, chosen: Tensor) -> Tensor:
        """Return the metrics of each of some examples; traced into a compiled function.

        Args:
            x: [n, P] in the task's dtype.
            state: The state after training.
            split: "validation" or "test"; a Python string.
            chosen: int32 [E], indices of examples; E is known when the function is traced.

        Returns:
            [E, metrics, P], float32 or float64.
        """
        ...


@runtime_checkable
class Pictured(Protocol):
    """A task that can draw pictures of a trained x."""

    def pictures(self, x: Tensor, state: State, seed: int) -> dict[str, Tensor]:
        """Return pictures by name: uint8 [height, width] in grey, or [height, width, 3] in colour. Called eagerly.

        Args:
            x: [n, 1], of one lane.
            state: The state after training.
            seed: Seed of random parts of the pictures.
        """
        ...

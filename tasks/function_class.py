"""The base class of tasks made by `function_task`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from tasks.arguments import checked
from tasks.errors import TaskError, described
from tasks.options import float_dtype
from tasks.outside import REMEDY, outside
from tasks.random_operations import operation_types, unseeded
from tasks.task import State, Tensor

# If a loss has one of these, a Python loop computes the lanes one by one: vectorized_map would turn branches and loops
# into operations of data-dependent shapes, which XLA does not support, and cannot stack results whose shapes differ
# between lanes.
_BRANCHES = ("If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile", "PyFunc", "EagerPyFunc")
_SHAPES = ("Where", "Unique", "UniqueV2", "UniqueWithCounts", "UniqueWithCountsV2", "DynamicPartition", "ListDiff")
_LANE_BY_LANE = frozenset((*_BRANCHES, *_SHAPES))


class FunctionTask:
    """A task that minimises a function of a vector; `function_task` returns subclasses with the function.

    The state is the step's seeds, int32 [2, P]; it is empty if the function takes no seed.

    Args:
        dtype: "float32" or "float64". Default: that given to `function_task`.
        **arguments: Arguments of the loss that have a default. Default: these.

    Raises:
        TaskError: The function raises, does not return a floating-point scalar, or has no gradient; or the start is
            not a vector.
    """

    name: str
    loss: Callable[..., Any]
    takes_seed: bool  # whether the loss does
    is_random: bool
    arguments: dict[str, Any]  # those with a default, beside x and the seed
    start: Any  # numbers, or a function of a seed
    own_dtype: str
    cohort_size: int
    jit_compile: bool
    layers: tuple[tuple[int, int], ...] = ()  # a subclass may define them; by default x is one layer

    def __init__(self, *, dtype: str | None = None, **arguments: Any) -> None:
        self._arguments = checked(self.name, arguments, self.arguments)
        self.dtype = float_dtype(dtype, default=self.own_dtype)
        self.size = self._size()
        self.layers = self.layers or ((0, self.size),)
        inputs = [tf.TensorSpec([self.size], self.dtype)]
        inputs += [tf.TensorSpec([2], tf.int32)] * self.takes_seed
        graph = tf.function(self._lane, autograph=False).get_concrete_function(*inputs).graph
        self._check_draws("the loss", "loss(x, seed)", graph)
        self._lane_by_lane = bool(operation_types(graph) & _LANE_BY_LANE)

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the starting points x [n, P], and the state before the first step."""
        if callable(self.start):
            x = tf.stack([self._drawn(seed) for seed in tf.unstack(seeds)], axis=1)
        else:
            x = tf.repeat(tf.constant(self.start, self.dtype)[:, tf.newaxis], seeds.shape[0], axis=1)
        return x, tf.transpose(seeds) if self.takes_seed else ()

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the seeds of step t, int32 [2, P]; the empty state if the function takes none."""
        if not self.takes_seed:
            return state
        folded = [tf.random.experimental.stateless_fold_in(seed, t) for seed in tf.unstack(seeds)]
        return tf.stack(folded, axis=1)

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return the function's values [P] and gradients [n, P]."""
        lanes = (tf.transpose(x), *([tf.transpose(state)] if self.takes_seed else []))
        if self._lane_by_lane:
            results = [self._lane(*lane) for lane in zip(*map(tf.unstack, lanes), strict=True)]
            loss, gradient = (tf.stack(part) for part in zip(*results, strict=True))
        else:
            loss, gradient = tf.vectorized_map(lambda lane: self._lane(*lane), lanes, warn=False)
        return loss, tf.transpose(gradient), state

    def _lane(self, x: Tensor, *seed: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of one lane, a scalar, and its gradient [n]."""
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = self._scalar(self._called(self.loss, x, *seed, **self._arguments))
        gradient = tape.gradient(loss, x)
        if gradient is None:
            raise TaskError(
                f"{self.name}: the loss has no gradient: it does not depend on x by TensorFlow operations that have"
                " one. Accepted: a function of x in tf operations, without rounding, comparing or NumPy in between"
            )
        return loss, tf.convert_to_tensor(gradient)  # the gradient of a gather is sparse

    def _scalar(self, value: Any) -> Tensor:
        accepted = f"{self.name}: the loss must return a floating-point scalar, as tf.reduce_sum or tf.reduce_mean do."
        if value is None:
            raise TaskError(f"{accepted} Received: None; is there a `return`?")
        try:
            loss = tf.convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise TaskError(f"{accepted} Received: {type(value).__name__}") from error
        if loss.shape.rank != 0 or not loss.dtype.is_floating:
            raise TaskError(f"{accepted} Received: {loss.dtype.name} of shape {loss.shape}")
        return tf.cast(loss, self.dtype)

    def _called(self, function: Callable[..., Any], *given: Any, **arguments: Any) -> Any:
        """Call the user's function; an exception of it becomes a TaskError of one line."""
        try:
            return function(*given, **arguments)
        except TaskError:
            raise
        except Exception as error:
            source = _source(function)
            what = "start" if function is self.start else "loss"
            hint = ""
            if "symbolic" in str(error):
                hint = "; compute with TensorFlow: no NumPy, and tf.cond or tf.where in place of `if`"
            elif "tensor but is a" in str(error) or "match type" in str(error):
                hint = f"; x is {self.dtype}: cast constants by tf.cast(..., x.dtype), or choose another `dtype`"
            raise TaskError(f"{self.name}: the {what} raises {described(error, source)}{hint}") from error

    def _drawn(self, seed: Tensor) -> Tensor:
        value = self._called(self.start, seed)
        x = tf.convert_to_tensor(() if value is None else value)
        if x.shape.rank != 1 or not x.shape[0] or not x.dtype.is_floating:
            raise TaskError(
                f"{self.name}: `start` must return a floating-point vector of n numbers. Received: "
                f"{'None' if value is None else f'{x.dtype.name} of shape {x.shape}'}"
            )
        return tf.cast(x, self.dtype)

    def _check_draws(self, what: str, accepted: str, graph: Any) -> None:
        if drawn := unseeded(graph):
            raise TaskError(
                f"{self.name}: {what} draws random numbers that no seed repeats ({drawn}). Accepted: {accepted} with"
                " tf.random.stateless_normal(..., seed=seed) and the like"
            )
        if read := outside(graph):
            raise TaskError(f"{self.name}: {what} reads {read} whenever it is computed. Accepted: {REMEDY}")

    def _size(self) -> int:
        if not callable(self.start):
            return len(self.start)
        traced = tf.function(self._drawn, autograph=False).get_concrete_function(tf.TensorSpec([2], tf.int32))
        self._check_draws("`start`", "start=lambda seed: …", traced.graph)
        return int(traced.structured_outputs.shape[0])


def _source(function: Callable[..., Any]) -> Path | None:
    """Return the file that defines a function; None if there is none."""
    try:
        return Path(inspect.getsourcefile(function) or "").resolve()
    except TypeError:
        return None

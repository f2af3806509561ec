"""Features of a Keras model that affect `fit`, and how a task handles each.

The one place that knows all of it: a constructor refuses by this table, the documentation prints it, and a test
compares each row with Keras' own `fit` and `evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import keras

from tasks.errors import TaskError
from tasks.keras_losses import single_loss

STEPS = ("train_step", "compile", "fit", "make_train_function", "train_on_batch")  # methods that decide how to train
EPSILON, LAYOUT = 1e-7, "channels_last"  # Keras' own defaults
EVALUATION = ("test_step", "evaluate", "make_test_function", "test_on_batch")


class Treatment(StrEnum):
    """What a task does with something that `fit` or `evaluate` knows."""

    SAME = "the same"
    UNUSED = "not used"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What `keras_task` and the constructor are given, as far as it decides whether a model can be trained."""

    dtype: str  # "float32" or "float64"
    loss: Any
    loss_weights: Any
    metrics: tuple[str, ...]  # in addition to the loss
    is_evaluated: bool  # whether there is a validation or a test set


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that `fit` or `evaluate` knows, and what a task does with it."""

    name: str
    treatment: Treatment
    remark: str  # of a refusal: what is accepted instead
    received: Callable[[Any, Setting], str | None] | None = None  # of a model: what is refused, or None

    def refusal(self, received: str) -> TaskError:
        """Return the error that says so, with what is accepted instead."""
        return TaskError(f"{self.name}: not supported. Accepted: {self.remark}. Received: {received}")


def refuse(model: Any, setting: Setting) -> None:
    """Raise for the first thing about a model that a task would train or measure otherwise than Keras.

    Raises:
        TaskError: There is one; the message says what is accepted instead.
    """
    for feature in FEATURES:
        received = feature.received(model, setting) if feature.received else None
        if received:
            raise feature.refusal(received)


def has_own(model: Any, method: str) -> bool:
    """Return whether a model defines a method in place of Keras' own."""
    if method in vars(model):
        return True
    base = next(base for base in type(model).__mro__ if method in vars(base))
    return base.__module__.partition(".")[0] != "keras"


def _layers(model: Any) -> Iterator[Any]:
    yield from model._flatten_layers()


def _first_own(methods: tuple[str, ...]) -> Callable[[Any], str | None]:
    return lambda model: next(
        (f"{type(model).__name__}.{method}" for method in methods if has_own(model, method)), None
    )


def _own_step(model: Any, _: Setting) -> str | None:
    return _first_own(STEPS)(model)


def _own_test_step(model: Any, setting: Setting) -> str | None:
    methods = EVALUATION + ("compute_metrics",) * bool(setting.metrics)
    return _first_own(methods)(model) if setting.is_evaluated else None


def _own_loss_evaluated(model: Any, setting: Setting) -> str | None:
    return _first_own(("compute_loss",))(model) if setting.is_evaluated else None


def _half(model: Any, _: Setting) -> str | None:
    layer = next((layer for layer in _layers(model) if layer.compute_dtype == "float16"), None)
    return None if layer is None else f"{layer.name} of dtype policy {layer.dtype_policy.name}"


def _other_dtype(model: Any, setting: Setting) -> str | None:
    variable = next((each for each in model.trainable_variables if each.dtype != setting.dtype), None)
    return None if variable is None else f"{variable.path} of {variable.dtype} in a task of {setting.dtype}"


def _overwritten(model: Any, _: Setting) -> str | None:
    variable = next(
        (each for each in model.trainable_variables if getattr(each, "overwrite_with_gradient", False)), None
    )
    return None if variable is None else str(variable.path)


def _stateful(model: Any, _: Setting) -> str | None:
    return next((str(layer.name) for layer in _layers(model) if getattr(layer, "stateful", False) is True), None)


def _eager(model: Any, _: Setting) -> str | None:
    return "run_eagerly=True" if model.run_eagerly else None


def _other_loss(model: Any, setting: Setting) -> str | None:
    if not model.compiled or model.loss is None or _identity(model.loss) == _identity(setting.loss):
        return None
    return f"compile(loss={model.loss!r:.60}) and keras_task(loss={setting.loss!r:.60})"


def _other_weights(model: Any, setting: Setting) -> str | None:
    weights = getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)
    if weights in (None, setting.loss_weights):
        return None
    return f"compile(loss_weights={weights!r:.60}) and keras_task(loss_weights={setting.loss_weights!r:.60})"


def _ignored_class(_: Any, setting: Setting) -> str | None:
    ignored = [each for each in _losses(setting.loss) if getattr(each, "ignore_class", None) is not None]
    return f"{type(ignored[0]).__name__}(ignore_class={ignored[0].ignore_class})" if ignored else None


def _losses(given: Any) -> Iterator[Any]:
    parts = given.values() if isinstance(given, dict) else given if isinstance(given, tuple | list) else ()
    yield from (each for part in parts for each in _losses(part))
    if not parts:
        yield given


def _defaults(_: Any, __: Setting) -> str | None:
    epsilon, layout = keras.config.epsilon(), keras.config.image_data_format()
    if epsilon != EPSILON:
        return f"epsilon {epsilon:g}"
    return None if layout == LAYOUT else f"image_data_format {layout}"


def _distributed(model: Any, _: Setting) -> str | None:
    strategy = getattr(model, "_distribute_strategy", None)
    return None if strategy is None else type(strategy).__name__


def _identity(loss: Any) -> Any:
    """Return what two losses that compute the same have in common."""
    if isinstance(loss, dict):
        return {key: _identity(each) for key, each in loss.items()}
    if isinstance(loss, tuple | list):
        return [_identity(each) for each in loss]
    if not isinstance(loss, str | keras.losses.Loss):
        return loss
    try:
        single = single_loss(loss, "float32")
        return type(single), {**single.get_config(), "name": None}
    except (TaskError, NotImplementedError):
        return loss


_SAME, _UNUSED, _REFUSED = Treatment.SAME, Treatment.UNUSED, Treatment.REFUSED

# Found only when a model is called.
ADDED_LOSS = Feature(
    "`add_loss` or an activity regularizer, with validation or test",
    _REFUSED,
    "a `loss` of targets and predictions, or a task without `validation` and `test`",
)
BATCH_LOSS = Feature(
    "a loss or model that mixes the examples of a batch, with validation or test",
    _REFUSED,
    "a loss that is a mean over examples, or a task without `validation` and `test`",
)
ASSIGNED = Feature(
    "layers that assign weights which are trained (SpectralNormalization)",
    _REFUSED,
    "layers that compute with other weights than they are trained in, without `assign`",
)
MOVING = Feature(
    "layers whose state moves in inference (random numbers, counters), with validation or test",
    _REFUSED,
    "layers that follow `training`, or a task without `validation` and `test`",
)
LOGITS = Feature(
    '`"accuracy"` of one column of logits',
    _REFUSED,
    "an output with a sigmoid and from_logits=False: Keras cuts at 0.5, which is 0 of logits",
)
FLAT = Feature(
    '`"accuracy"` of an output without a last axis',
    _REFUSED,
    "an output [examples, 1], as of Dense(1): of one number per example Keras takes the batch for the classes",
)

FEATURES: tuple[Feature, ...] = (
    # How a model computes
    Feature(
        "layers, `trainable = False`", _SAME, "any of Keras' layers and your own; frozen weights are not part of x"
    ),
    Feature("running statistics", _SAME, "updated by every evaluation of the gradient"),
    Feature("dropout, noise, random augmentation", _SAME, "drawn from the run's seed and the step"),
    Feature("`keras.constraints`", _SAME, "applied to x after each step, as `fit` does"),
    Feature("regularizers of weights", _SAME, "part of the loss, in validation too"),
    Feature(
        "`add_loss`, activity regularizers", _SAME, "part of the loss of a step; with validation or test, see below"
    ),
    Feature("`compute_loss` of your own", _SAME, "it is the loss of a step; with validation or test, see below"),
    Feature("masks", _SAME, "positions that a mask leaves out count in neither loss nor accuracy"),
    Feature("policy `mixed_bfloat16`", _SAME, "x, losses and gradients stay float32"),
    # What `compile` takes
    Feature("`loss`: name, object, function", _SAME, "given to `keras_task`"),
    Feature(
        "`loss` of several outputs, `loss_weights`", _SAME, "list or dictionary, as for `compile`; the weighted sum"
    ),
    Feature("`loss=None`", _SAME, "the loss is what layers add; data is (x, None)"),
    Feature("reduction `sum`, `mean_with_sample_weight`", _SAME, "validation in batches of `batch_size`"),
    Feature('`metrics=["accuracy"]`', _SAME, "binary, categorical or sparse, by shapes, as Keras chooses"),
    Feature("`optimizer`, and what it sets", _UNUSED, "optimizers are what is tuned"),
    Feature("other `metrics`, `weighted_metrics`", _UNUSED, "of a compiled model; `keras_task` refuses them"),
    Feature("`jit_compile`, `steps_per_execution`, `auto_scale_loss`", _UNUSED, "`keras_task(jit_compile=True)`"),
    # What `fit` takes
    Feature("sample weights", _SAME, "data is (x, y, sample_weight)"),
    Feature("targets of several outputs", _SAME, "tuple, list or dictionary, as for `fit`"),
    Feature("`shuffle`, `epochs`", _UNUSED, "each step draws its minibatch with replacement, by the seed and the step"),
    Feature("`class_weight`", _UNUSED, "give sample weights"),
    Feature("`callbacks`, `validation_split`", _UNUSED, "give `validation`"),
    # What would be trained or measured otherwise
    Feature(
        "a training step of the model's own",
        _REFUSED,
        "the loss in a `compute_loss` of the model, or a task written as a class",
        _own_step,
    ),
    Feature(
        "an evaluation of the model's own",
        _REFUSED,
        "a task without `validation`, `test` and metrics",
        _own_test_step,
    ),
    Feature(
        "a `compute_loss` of the model's own, with validation or test",
        _REFUSED,
        "a `loss` of targets and predictions, or a task without `validation` and `test`",
        _own_loss_evaluated,
    ),
    ASSIGNED,
    ADDED_LOSS,
    MOVING,
    BATCH_LOSS,
    Feature("reduction `none`", _REFUSED, "`sum_over_batch_size` or `sum`"),
    LOGITS,
    FLAT,
    Feature(
        "layers in float16, which need loss scaling",
        _REFUSED,
        "`mixed_bfloat16`, or layers without a dtype of their own (keras.json decides where nothing else does)",
        _half,
    ),
    Feature(
        "weights in another precision than the task",
        _REFUSED,
        "layers without a dtype of their own in a task of float32 or float64 (`dtype`), or `mixed_bfloat16` in float32",
        _other_dtype,
    ),
    Feature("weights that are overwritten by their gradient (float8)", _REFUSED, "a model in float32", _overwritten),
    Feature(
        "stateful layers", _REFUSED, "`stateful=False`: the minibatches of a task do not follow each other", _stateful
    ),
    Feature("a model compiled to run eagerly", _REFUSED, "a model that TensorFlow can trace", _eager),
    Feature(
        "a model compiled with another loss", _REFUSED, "the same `loss` in both places, or no `compile`", _other_loss
    ),
    Feature(
        "a model compiled with other loss weights",
        _REFUSED,
        "the same `loss_weights` in both places, or no `compile`",
        _other_weights,
    ),
    Feature(
        "`ignore_class`, with validation or test",
        _REFUSED,
        "sample weights of 0 for such examples, or a task without `validation` and `test`",
        lambda model, setting: _ignored_class(model, setting) if setting.is_evaluated else None,
    ),
    Feature(
        "defaults of Keras that keras.json or a module has changed",
        _REFUSED,
        "epsilon 1e-7 and image_data_format channels_last, as on every machine; layers and losses take others as"
        " arguments",
        _defaults,
    ),
    Feature("a model of a distribution strategy", _REFUSED, "a model that is built outside of its scope", _distributed),
    Feature("random numbers without a seed", _REFUSED, "a `keras.random.SeedGenerator` that the layer holds"),
    Feature("models of Keras 2 (tf_keras)", _REFUSED, "a model of `keras`, which is Keras 3"),
)

"""Refuse targets, weights and losses that do not fit the outputs of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tasks.errors import TaskError


def refuse_misfit(predicted: Any, targets: Any, weights: Any, loss: Any) -> None:
    """Refuse targets, sample weights and losses that do not belong to the outputs of a model.

    What Keras takes in several forms, such as a dictionary for a model with a list of named outputs, is left to it.

    Args:
        predicted: Outputs of the model: an array [E, …], or a list, tuple or dictionary of arrays.
        targets: As `fit` takes them; None if there are none.
        weights: Sample weights, or None.
        loss: As `keras_task` takes it.

    Raises:
        TaskError: They do not.
    """
    for given, name in ((loss, "loss"), (targets, "y"), (weights, "sample_weight")):
        if given is not None:
            _refuse_other_outputs(predicted, given, name, loss)
    for output, array, name in _pairs(predicted, weights):
        rank = len(output.shape)
        fits = all(one in (other, 1, None) or other is None for one, other in zip(array.shape, output.shape))  # noqa: B905
        if len(array.shape) > rank or not fits:
            shape = ", ".join(map(str, ("examples", *output.shape[1:-1])))
            raise TaskError(
                f"{name} must be one number per example [examples]{f' or position [{shape}]' if rank > 2 else ''}."
                f" Received: shape {('examples', *array.shape[1:])} for an output of {('examples', *output.shape[1:])}"
            )


def _refuse_other_outputs(predicted: Any, given: Any, name: str, loss: Any) -> None:
    if isinstance(predicted, dict):
        if not isinstance(given, dict):
            if name == "y":
                raise TaskError(f"{name} must be a dictionary with the outputs {_names(predicted)}. {_received(given)}")
            return  # one for all
        is_needed = name == "loss" or not isinstance(loss, dict)
        needed = [key for key in predicted if is_needed or loss.get(key) is not None]
        missing = [key for key in needed if key not in given]
        unknown = [key for key in given if key not in predicted]
        if unknown or (missing and name != "loss"):
            what = f"the model has no output {unknown[0]!r}" if unknown else f"{missing[0]!r} is missing"
            instead = " (an output without a loss has loss={…: None})" if name == "y" and not unknown else ""
            raise TaskError(
                f"{name} must be a dictionary with the outputs {_names(needed)}{instead}. Received: {_names(given)};"
                f" {what}"
            )
    elif isinstance(predicted, tuple | list):
        if isinstance(given, tuple | list) and len(given) != len(predicted) and name != "loss":
            raise TaskError(f"{name} must have {len(predicted)} parts, one for each output. {_received(given)}")
        if name == "y" and not isinstance(given, dict | tuple | list):
            raise TaskError(f"y must be a tuple with {len(predicted)} parts, one for each output. {_received(given)}")
    elif isinstance(given, dict) and not (name != "loss" and isinstance(loss, dict)):
        raise TaskError(f"{name} must be one for the one output of the model. {_received(given)}")


def _pairs(predicted: Any, weights: Any) -> Iterator[tuple[Any, Any, str]]:
    """Yield each output that has weights of its own, the weights, and how they are called."""
    if isinstance(weights, dict) and isinstance(predicted, dict):
        yield from ((predicted[key], array, f"sample_weight[{key!r}]") for key, array in weights.items())
    elif isinstance(weights, tuple | list) and isinstance(predicted, tuple | list):
        for place, (output, array) in enumerate(zip(predicted, weights, strict=True)):
            yield output, array, f"sample_weight[{place}]"
    elif hasattr(weights, "shape") and hasattr(predicted, "shape"):
        yield predicted, weights, "sample_weight"


def _names(names: Any) -> str:
    return ", ".join(map(repr, names))


def _received(given: Any) -> str:
    if isinstance(given, dict):
        return f"Received: a dictionary with {_names(given)}"
    return f"Received: {len(given)}" if isinstance(given, tuple | list) else "Received: one array"

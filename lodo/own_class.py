"""Optimizers of users' own: what is accepted, and its class in our protocol.

Accepted are a class of our protocol, a subclass of `keras.optimizers.Optimizer`, and a pair of functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

ACCEPTED = (
    "a subclass of lodo.optimizer.GradientOptimizer, a class with initial_state and step, a subclass of"
    " keras.optimizers.Optimizer, or a pair of functions (init, update)"
)
_PROTOCOL = {"hyperparameters": (), "evaluations_per_step": 1, "needs": (), "wants": (), "jit_compile": True}
_ELSEWHERE = ("optax", "torch", "jax", "flax")  # libraries whose optimizers TensorFlow cannot compile


class OwnOptimizerError(ValueError):
    """An object cannot be used as an optimizer; the message is one line that says what is accepted."""


def checked(optimizer: Any, name: str) -> type:
    """Return the class of a user's optimizer: a pair of functions becomes one.

    Args:
        optimizer: Any object.
        name: How messages call it.

    Raises:
        OwnOptimizerError: It is not an optimizer, or its constructor has an argument without default.
    """
    library = next((base.__module__.partition(".")[0] for base in _bases(optimizer)), "")
    if library in _ELSEWHERE:
        raise OwnOptimizerError(
            f"{name} is of {library}, whose optimizers run in loops of their own library only; write it as {ACCEPTED}"
        )
    if not inspect.isclass(optimizer):
        pair = _pair(optimizer)
        if pair is None:
            is_instance = _is_optimizer(optimizer)
            advice = f"; give the class {type(optimizer).__name__}, not an instance of it" if is_instance else ""
            raise OwnOptimizerError(f"{name} is not an optimizer; an optimizer is {ACCEPTED}{advice}")
        from lodo.function_optimizer import function_optimizer  # loads TensorFlow

        return function_optimizer(*pair, getattr(optimizer, "search_space", None), name.rpartition(":")[2])
    if not _is_optimizer(optimizer):
        raise OwnOptimizerError(f"{name} is not an optimizer; an optimizer is {ACCEPTED}")
    given = () if is_of_keras(optimizer) else (*getattr(optimizer, "needs", ()), *getattr(optimizer, "wants", ()))
    required = [
        parameter.name
        for parameter in _parameters(optimizer)
        if parameter.default is parameter.empty and parameter.name not in given
    ]
    if required:
        raise OwnOptimizerError(
            f"{name}: its constructor must have a default for every argument, and has none for {', '.join(required)};"
            " the search begins at the defaults"
        )
    return optimizer


def is_of_keras(kind: type) -> bool:
    """Return whether a class extends `keras.optimizers.Optimizer`; Keras is not imported if none of its bases is."""
    if not any(base.__module__.partition(".")[0] == "keras" for base in kind.__mro__):
        return False
    import keras

    return issubclass(kind, keras.optimizers.Optimizer)


def is_random(kind: type) -> bool:
    """Return whether the steps of a class may depend on its seeds; what extends Keras' class receives none."""
    return getattr(kind, "is_random", True) is not False and not is_of_keras(kind)


def registered_name(kind: type) -> str | None:
    """Return the name under which Keras finds a class of its own kind once its module is imported; None if it does not.

    `keras.saving.register_keras_serializable` registers one.
    """
    if not is_of_keras(kind):
        return None
    import keras

    name: str = keras.saving.get_registered_name(kind)
    return name if keras.saving.get_registered_object(name) is kind else None


def arguments(
    kind: type, name: str, variable_shapes: Sequence[tuple[int, ...]] | None = None
) -> dict[str, float | None]:
    """Return the hyperparameters of an optimizer with the defaults of its constructor.

    Those of Keras' class are the constructor's arguments that a step uses; those of a class of our protocol are its
    `hyperparameters`, or else the names in its `search_space`, or else the constructor's arguments that are numbers.

    Args:
        kind: As `checked` returned it.
        name: How messages call it.
        variable_shapes: Shapes of the variables that are trained; for Keras' class. Default: a matrix and a vector.

    Returns:
        Name -> default; None: the constructor has none, or it is switched off.
    """
    if is_of_keras(kind):
        from lodo import keras_adapter

        return keras_adapter.tunable_of(kind, variable_shapes or keras_adapter.NETWORK_SHAPES)
    defaults = {
        parameter.name: float(parameter.default)
        for parameter in _parameters(kind)
        if isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool)
    }
    names = getattr(kind, "hyperparameters", ())
    if isinstance(names, str) or not all(isinstance(each, str) for each in names):
        raise OwnOptimizerError(f"{name}: `hyperparameters` is a tuple of names. Received: {names!r:.80}")
    return {each: defaults.get(each) for each in names or getattr(kind, "search_space", ()) or defaults}


def adapted(kind: type, name: str, hyperparameters: Sequence[str]) -> type:
    """Return an optimizer as a class of our protocol.

    Args:
        kind: As `checked` returned it.
        name: How messages call it.
        hyperparameters: The hyperparameters that `step` receives. Other arguments of Keras' class keep their defaults.

    Raises:
        OwnOptimizerError: It has no such hyperparameter, or lacks one of its own.
    """
    if is_of_keras(kind):
        from lodo import keras_adapter

        return keras_adapter.adapted(kind, name, hyperparameters)
    own = tuple(getattr(kind, "hyperparameters", ()))
    if own and set(own) != set(hyperparameters):
        raise OwnOptimizerError(
            f"{name} takes the hyperparameters {', '.join(own)}. Received: {', '.join(hyperparameters)}"
        )
    members = {key: default for key, default in _PROTOCOL.items() if not hasattr(kind, key)}
    return type(kind.__name__, (kind,), {**members, "hyperparameters": own or tuple(hyperparameters)})


def _bases(given: Any) -> Sequence[type]:
    """Return what says from which library an object is: its bases, or those of its type, and functions of a pair."""
    pair = _pair(given) or ()
    return [*(given.__mro__ if inspect.isclass(given) else type(given).__mro__), *pair]


def _pair(given: Any) -> tuple[Any, Any] | None:
    """Return the two functions of a pair, which is a tuple or has `init` and `update`; None if it is none."""
    functions = tuple(given) if isinstance(given, tuple | list) else ()
    if len(functions) != 2:
        functions = (getattr(given, "init", None), getattr(given, "update", None))
    return functions if all(map(callable, functions)) else None


def _is_optimizer(given: Any) -> bool:
    kind = given if inspect.isclass(given) else type(given)
    return is_of_keras(kind) or all(callable(getattr(kind, name, None)) for name in ("initial_state", "step"))


def _parameters(kind: type) -> list[inspect.Parameter]:
    every = inspect.signature(kind).parameters.values()
    return [each for each in every if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]


def declared_space(kind: type) -> Mapping[str, Any] | None:
    """Return the search space that a class declares as `search_space`; None if it declares none."""
    return getattr(kind, "search_space", None) or None

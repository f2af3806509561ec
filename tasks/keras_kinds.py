"""Recognise objects of Keras, and of Keras 2, without loading either."""

from __future__ import annotations

from typing import Any

KERAS_2 = "of Keras 2 (tf_keras); a task takes models of `keras`, which is Keras 3"


def is_of_keras(given: Any) -> bool:
    """Return whether an object is of a class of Keras 3, or of one derived from it, such as a model or a layer."""
    return "keras" in _packages(given) and not is_of_keras_2(given)


def is_of_keras_2(given: Any) -> bool:
    """Return whether an object is of a class of Keras 2, or of one derived from it."""
    return "tf_keras" in _packages(given) or any(
        base.__module__.startswith(("keras.engine.", "keras.src.engine.", "tensorflow.python.keras."))
        for base in type(given).__mro__
    )


def _packages(given: Any) -> set[str]:
    return {base.__module__.partition(".")[0] for base in type(given).__mro__}

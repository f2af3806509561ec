"""A scalar tensor in place of a Python number, for code written for numbers.

Keras' optimizers store hyperparameters as Python numbers, compute with them, and skip what a zero switches off
(`if self.momentum > 0:`). A proxy is a tensor in arithmetic and a positive number in conditions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from lodo.optimizer import Tensor


def _forward(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    return lambda self, other: operation(self.read(), other)


def _backward(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Tensor]:
    return lambda self, other: operation(tf.cast(other, self.read().dtype), self.read())


class ScalarProxy:
    """A scalar tensor that compares as a positive number: true, greater than zero and not equal to it.

    Attributes:
        used: Whether any operation has used the tensor.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self.used = False

    def read(self) -> Tensor:
        """Return the tensor, and note that it is used."""
        self.used = True
        return self._tensor

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Tensor:
        """Return the tensor; called by TensorFlow's conversions."""
        del name
        return self.read() if dtype is None else tf.cast(self.read(), dtype)

    def _compared(self, other: object, result: bool) -> bool:
        if isinstance(other, (int, float)) and other == 0:
            return result
        raise TypeError(f"a tuned hyperparameter can be compared with 0 only. Received: {other!r:.80}")

    def __bool__(self) -> bool:
        return True

    def __gt__(self, other: object) -> bool:
        return self._compared(other, True)

    def __ge__(self, other: object) -> bool:
        return self._compared(other, True)

    def __lt__(self, other: object) -> bool:
        return self._compared(other, False)

    def __le__(self, other: object) -> bool:
        return self._compared(other, False)

    def __eq__(self, other: object) -> bool:
        return self is other or (other is not None and self._compared(other, False))

    __hash__ = object.__hash__

    def __neg__(self) -> Tensor:
        return -self.read()

    __add__, __radd__ = _forward(lambda a, b: a + b), _backward(lambda a, b: a + b)
    __sub__, __rsub__ = _forward(lambda a, b: a - b), _backward(lambda a, b: a - b)
    __mul__, __rmul__ = _forward(lambda a, b: a * b), _backward(lambda a, b: a * b)
    __truediv__, __rtruediv__ = _forward(lambda a, b: a / b), _backward(lambda a, b: a / b)
    __pow__, __rpow__ = _forward(lambda a, b: a**b), _backward(lambda a, b: a**b)

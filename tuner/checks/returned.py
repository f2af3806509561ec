"""What methods under test return or raise, refused in words of one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from tuner.checks.check import PromiseError
from tuner.core.text import describe_error

_XLA = "XlaMustCompile"  # part of TensorFlow's message about a function that does not compile


def described(error: BaseException) -> str:
    """Return an exception as one line."""
    return describe_error(error)[0]


@contextmanager
def naming(method: str, explain: Callable[[BaseException], str] = described) -> Iterator[None]:
    """Turn every exception of a `with` block into a PromiseError that names the method.

    Args:
        method: Name of the method, or what else is done.
        explain: Returns an exception as one line. Default: its class and its message.
    """
    try:
        yield
    except PromiseError:
        raise
    except Exception as error:
        hint = "; what XLA cannot compile sets `jit_compile = False`" if _XLA in str(error) else ""
        raise PromiseError(f"{method} fails: {explain(error)}{hint}") from error


def parts(method: str, returned: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the result of a method if it is a tuple of the expected length.

    Raises:
        PromiseError: It is not.
    """
    if not isinstance(returned, tuple | list) or len(returned) != len(names):
        received = f"{len(returned)} values" if isinstance(returned, tuple | list) else shown(returned)
        received = "None, as without a `return`" if returned is None else received
        raise PromiseError(f"{method} returns the tuple ({', '.join(names)}). Received: {received}")
    return tuple(returned)


def check_start(method: str, state: Any) -> None:
    """Refuse a state before the first step that is not made of tensors.

    Raises:
        PromiseError: Part of it is None.
    """
    if any(leaf is None for leaf in tf.nest.flatten(state)):
        received = "None, as without a `return`" if state is None else "None in it"
        raise PromiseError(
            f"{method} returns the state as a nest of tensors, () if there is none. Received: {received}"
        )


def check_same_form(method: str, first: Any, later: Any, origin: str) -> None:
    """Refuse a state whose structure, shapes or dtypes differ from those of the state at the start.

    Args:
        method: What returned the later state.
        first: The state at the start; tensors, or specifications of them.
        later: The state after a step, likewise.
        origin: What gives the state at the start, for the message: "initial".

    Raises:
        PromiseError: They differ.
    """
    try:
        tf.nest.assert_same_structure(first, later)
    except (TypeError, ValueError):
        raise PromiseError(
            f"{method} returns the state in the structure that {origin} returns, {_structure(first)}. Received:"
            f" {_structure(later)}"
        ) from None
    leaves = zip(tf.nest.flatten(first), tf.nest.flatten(later), strict=True)
    for number, (before, after) in enumerate(leaves):
        if shown(before) != shown(after):
            raise PromiseError(
                f"{method} returns tensor {number} of the state in the form that {origin} returns, {shown(before)}; a"
                f" state does not grow. Received: {shown(after)}"
            )


def shown(tensor: Any) -> str:
    """Return dtype and shape as text: 'float64 [5, 3]'; '?' is a size unknown before the graph runs."""
    if tensor is None:
        return "None"
    if not hasattr(tensor, "dtype"):
        return str(type(tensor).__name__)
    rank = tensor.shape.rank
    sizes = "of unknown rank" if rank is None else f"[{', '.join('?' if s is None else str(s) for s in tensor.shape)}]"
    return f"{tensor.dtype.name} {sizes}"


def cut(value: Any) -> str:
    """Return the representation of a value, at most 120 characters of it."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _structure(nest: Any) -> str:
    """Return a nest with its tensors replaced by their text, as `shown` returns it."""
    return cut(tf.nest.map_structure(shown, nest))

"""A hash of the code of a class that no file holds.

That is one of a notebook, or of the script that is being run.
It covers the compiled functions of the class and of all that they refer to in the same module. Arrays count with their
shapes and dtypes alone. Another minor version of Python compiles to other code.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Iterator
from typing import Any

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))
_OF_EVERY_CLASS = frozenset(
    ("__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__", "__annotations__")
)


def live_hash(kind: type) -> str:
    """Return the sha256 of a class's code in hexadecimal."""
    digest = hashlib.sha256()
    for text in _Walk(kind.__module__).texts(kind):
        digest.update(text.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


class _Walk:
    """Walks through what a class refers to, each object once; every object becomes lines of text."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._seen: dict[int, Any] = {}  # the objects too: an id is unique only as long as its object lives

    def texts(self, found: Any) -> Iterator[str]:
        """Yield the lines of an object."""
        if isinstance(found, _PLAIN):
            yield repr(found)
        elif id(found) in self._seen:
            yield "seen"
        else:
            if not isinstance(found, tuple):  # which tuples are one object is the compiler's choice
                self._seen[id(found)] = found
            yield type(found).__qualname__
            for part in self._parts(found):
                yield from self.texts(part)

    def _parts(self, found: Any) -> Iterator[Any]:
        if isinstance(found, types.CodeType):
            yield from (found.co_code, found.co_names, found.co_varnames, found.co_consts)
        elif isinstance(found, types.FunctionType):
            yield from self._of_function(found)
        elif isinstance(found, staticmethod | classmethod):
            yield found.__func__
        elif isinstance(found, property):
            yield from (found.fget, found.fset)
        elif isinstance(found, functools.partial):
            yield from (found.func, found.args, found.keywords)
        elif isinstance(found, types.MethodType):
            yield from (found.__func__, found.__self__)
        elif isinstance(found, type):
            yield from self._of_class(found)
        elif isinstance(found, tuple | list):
            yield from found
        elif isinstance(found, set | frozenset):
            yield from sorted(map(repr, found))
        elif isinstance(found, dict):
            for key, value in found.items():
                yield from (repr(key), value)
        elif isinstance(found, types.ModuleType):
            yield found.__name__
        elif hasattr(found, "dtype") and hasattr(found, "shape"):
            yield from (str(found.dtype), str(found.shape))
        elif callable(getattr(found, "get_config", None)):
            yield repr(found.get_config())

    def _of_function(self, found: types.FunctionType) -> Iterator[Any]:
        yield found.__qualname__
        if found.__module__ != self._module:
            yield found.__module__
            return
        yield from (found.__code__, found.__defaults__, found.__kwdefaults__)
        for cell in found.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # not set yet
                yield None
        for name in _names(found.__code__):
            if name in found.__globals__:
                yield from (name, found.__globals__[name])

    def _of_class(self, found: type) -> Iterator[Any]:
        # A class that is local to a function and was sent to another process has lost the function's name there.
        yield from (found.__module__, found.__name__)
        if found.__module__ == self._module:
            yield found.__bases__
            for name, value in sorted(vars(found).items()):
                if name not in _OF_EVERY_CLASS:
                    yield from (name, value)


def _names(code: types.CodeType) -> list[str]:
    """Return the global names that a function and the functions within it use."""
    nested = [name for constant in code.co_consts if isinstance(constant, types.CodeType) for name in _names(constant)]
    return sorted({*code.co_names, *nested})

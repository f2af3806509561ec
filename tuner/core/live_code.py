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

    def texts(self, item: Any) -> Iterator[str]:
        """Yield the lines of an object."""
        if isinstance(item, _PLAIN):
            yield repr(item)
        elif id(item) in self._seen:
            yield "seen"
        else:
            if not isinstance(item, tuple):  # which tuples are one object is the compiler's choice
                self._seen[id(item)] = item
            yield type(item).__qualname__
            for part in self._parts(item):
                yield from self.texts(part)

    def _parts(self, item: Any) -> Iterator[Any]:
        if isinstance(item, types.CodeType):
            yield from (item.co_code, item.co_names, item.co_varnames, item.co_consts)
        elif isinstance(item, types.FunctionType):
            yield from self._of_function(item)
        elif isinstance(item, staticmethod | classmethod):
            yield item.__func__
        elif isinstance(item, property):
            yield from (item.fget, item.fset)
        elif isinstance(item, functools.partial):
            yield from (item.func, item.args, item.keywords)
        elif isinstance(item, types.MethodType):
            yield from (item.__func__, item.__self__)
        elif isinstance(item, type):
            yield from self._of_class(item)
        elif isinstance(item, tuple | list):
            yield from item
        elif isinstance(item, set | frozenset):
            yield from sorted(map(repr, item))
        elif isinstance(item, dict):
            for key, value in item.items():
                yield from (repr(key), value)
        elif isinstance(item, types.ModuleType):
            yield item.__name__
        elif hasattr(item, "dtype") and hasattr(item, "shape"):
            yield from (str(item.dtype), str(item.shape))
        elif callable(getattr(item, "get_config", None)):
            yield repr(item.get_config())

    def _of_function(self, item: types.FunctionType) -> Iterator[Any]:
        yield item.__qualname__
        if item.__module__ != self._module:
            yield item.__module__
            return
        yield from (item.__code__, item.__defaults__, item.__kwdefaults__)
        for cell in item.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # not set yet
                yield None
        for name in _names(item.__code__):
            if name in item.__globals__:
                yield from (name, item.__globals__[name])

    def _of_class(self, item: type) -> Iterator[Any]:
        # A class that is local to a function and was sent to another process has lost the function's name there.
        yield from (item.__module__, item.__name__)
        if item.__module__ == self._module:
            yield item.__bases__
            for name, value in sorted(vars(item).items()):
                if name not in _OF_EVERY_CLASS:
                    yield from (name, value)


def _names(code: types.CodeType) -> list[str]:
    """Return the global names that a function and the functions within it use."""
    nested = [name for constant in code.co_consts if isinstance(constant, types.CodeType) for name in _names(constant)]
    return sorted({*code.co_names, *nested})

"""Read a safe subset of YAML, with the line of each value.

In YAML 1.1 `1e-3` is text, `010` is 8, `1:30` is 90, `no` is false, and the last of two equal keys wins. Here every
scalar stays the text that was written, which a schema interprets, and PyYAML's composer refuses what settings do not
need: tags, anchors and aliases, equal keys, keys that are not text, deep nesting, many values, several documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_VALUES = 10_000  # bounds the time: a file of MAX_BYTES could hold half a million

Content = dict[str, "Content"] | list["Content"] | str
KeyPath = tuple[str | int, ...]


class RefusedYamlError(ValueError):
    """Text that is not YAML, or not within the subset that is read; the message is one line.

    Attributes:
        line: Line at fault, from 1; None if it is not known.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a text, and the line of each value."""

    content: Content
    lines: Mapping[KeyPath, int]  # path of keys and indices -> line, from 1; () is the start of the document

    def line(self, path: KeyPath) -> int:
        """Return the line of a path, or of its nearest parent that exists."""
        return next(self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines)


def read(data: bytes) -> Document:
    """Read one YAML document.

    Args:
        data: At most `MAX_BYTES` of UTF-8, with or without a byte order mark.

    Raises:
        RefusedYamlError: The data is not within the subset.
    """
    if len(data) > MAX_BYTES:
        raise RefusedYamlError(f"the file must be at most {MAX_BYTES:,} bytes. Received: more")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RefusedYamlError(f"the file must be UTF-8. Received: byte 0x{data[error.start]:02x}", line) from None
    try:
        return _Loader(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(error.problem or error.context).split())
        raise RefusedYamlError(f"not YAML: {problem}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:  # control characters
        raise RefusedYamlError(f"not YAML: {' '.join(str(error).split()):.120}") from None


class _Loader(yaml.BaseLoader):
    """Checks each node before it is composed; MAX_DEPTH bounds the recursion.

    libyaml's loader is faster, but cannot be extended like this.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._lines: dict[KeyPath, int] = {}
        self._path: KeyPath = ()  # of the node that is being composed
        self._values = 0

    def document(self) -> Document:
        """Read the only document."""
        if not self.check_node():
            raise RefusedYamlError("the file must have content. Received: nothing", 1)
        node = self.get_node()
        if self.check_node():
            self._refuse(self._next(), "the file must hold one document. Received: a second one")
        return Document(self.construct_document(node), self._lines)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node: the root, a mapping's key (index None) or its value (the key's node), or a list's item."""
        event, outer = self._next(), self._path
        is_key = parent is not None and index is None
        if isinstance(index, yaml.ScalarNode):
            self._enter(str(index.value), index)
        elif not is_key:
            self._enter(index, event)
        self._check(event)
        if is_key and not isinstance(event, yaml.ScalarEvent):
            self._refuse(event, f"a key must be text{self._within()}. Received: a mapping or list")
        node = super().compose_node(parent, index)
        self._path = outer
        return node

    def _next(self) -> yaml.Event:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs lack its type
        return event

    def _enter(self, part: str | int | None, at: yaml.Node | yaml.Event) -> None:
        """Extend the path (None is the root) and record its line."""
        path = self._path if part is None else (*self._path, part)
        if path in self._lines:
            first = self._lines[path]
            self._refuse(
                at, f"a key must be given once{self._within()}. Received twice: {part!r:.80}, first in line {first}"
            )
        self._lines[path] = _line(at)
        self._path = path

    def _check(self, event: yaml.Event) -> None:
        self._values += 1
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            name = f"{'*' if isinstance(event, yaml.AliasEvent) else '&'}{anchor}"
            self._refuse(event, f"anchors and aliases are not read{self._within()}. Received: {name!r:.80}")
        if tag is not None:
            self._refuse(event, f"tags are not read{self._within()}. Received: {tag!r:.80}")
        if len(self._path) >= MAX_DEPTH:
            self._refuse(event, f"nesting must be at most {MAX_DEPTH} deep. Received: deeper")
        if self._values > MAX_VALUES:
            self._refuse(event, f"the file must hold at most {MAX_VALUES:,} values. Received: more")

    def _within(self) -> str:
        return f" (in {show(self._path)})" if self._path else ""

    @staticmethod
    def _refuse(at: yaml.Node | yaml.Event, message: str) -> NoReturn:
        raise RefusedYamlError(message, _line(at))


def _line(at: yaml.Node | yaml.Event) -> int:
    return at.start_mark.line + 1 if at.start_mark else 1


def show(path: KeyPath) -> str:
    """Return a path as text of one line: "hyperparameters.momentum.default"."""
    return ".".join(_show_part(part) for part in path[:6])


def _show_part(part: str | int) -> str:
    if isinstance(part, str) and 0 < len(part) <= 64 and part.isascii() and part.isprintable():
        return part
    return f"{part!r:.70}"

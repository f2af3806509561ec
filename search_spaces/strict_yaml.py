"""A reader for a small, safe part of YAML: mappings, lists and text, each with the line where it stands.

What YAML 1.1 makes of plain text surprises people: `1e-3` is text, `010` is 8, `1:30` is 90, `no` is false, a key
given twice silently counts once. Here every scalar stays the text that was written, for a schema to interpret, and
everything that a settings file has no use for is refused: tags, anchors and aliases, keys given twice, deep nesting,
several documents. Nothing is ever constructed but dict, list and str.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_VALUES = 10_000  # a file of one megabyte could hold half a million, each some microseconds

Content = dict[str, "Content"] | list["Content"] | str
KeyPath = tuple[str | int, ...]

# libyaml, where PyYAML was built with it, is several times faster; both yield the same events.
_PARSER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class RefusedYamlError(ValueError):
    """Text that is not YAML, or not of the part that is read here.

    Attributes:
        line: Where, from 1; None where it is not known.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says, and where."""

    content: Content
    lines: Mapping[KeyPath, int]  # path of keys and indices -> line, from 1; () is the document's first

    def line(self, path: KeyPath) -> int:
        """Return the line of a path, or of the nearest of its parents that is there."""
        return next(self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines)


def read(data: bytes) -> Document:
    """Read one YAML document.

    Args:
        data: UTF-8, at most `MAX_BYTES` of it; a byte order mark is allowed.

    Raises:
        RefusedYamlError: With one line that says what is refused.
    """
    if len(data) > MAX_BYTES:
        raise RefusedYamlError(f"the file must be at most {MAX_BYTES:,} bytes. Received: more")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RefusedYamlError(f"the file must be UTF-8. Received: byte 0x{data[error.start]:02x}", line) from None
    try:
        return _Composer(yaml.parse(text, Loader=_PARSER)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(error.problem or error.context).split())
        raise RefusedYamlError(f"not YAML: {problem}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:  # the reader's: control characters
        raise RefusedYamlError(f"not YAML: {' '.join(str(error).split()):.120}") from None


class _Composer:
    """Turns a parser's events into content. Never deeper than MAX_DEPTH, so its recursion is bounded."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._lines: dict[KeyPath, int] = {}
        self._values = 0

    def document(self) -> Document:
        """Read the only document."""
        self._expect(yaml.StreamStartEvent)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise RefusedYamlError("the file must have content. Received: nothing", 1)
        first = next(self._events)
        self._lines[()] = _line(first)
        content = self._value(first, ())
        self._expect(yaml.DocumentEndEvent)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise RefusedYamlError("the file must hold one document. Received: a second one", _line(after))
        return Document(content, self._lines)

    def _value(self, event: yaml.Event, path: KeyPath) -> Content:
        self._refuse_extras(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._mapping(path)

    def _list(self, path: KeyPath) -> list[Content]:
        content: list[Content] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item = (*path, len(content))
            self._lines[item] = _line(event)
            content.append(self._value(event, item))
        return content

    def _mapping(self, path: KeyPath) -> dict[str, Content]:
        content: dict[str, Content] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            self._refuse_extras(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                raise RefusedYamlError(f"a key must be text{_within(path)}. Received: a mapping or list", _line(event))
            key = str(event.value)
            if key in content:
                first = self._lines[(*path, key)]
                raise RefusedYamlError(
                    f"a key must be given once{_within(path)}. Received twice: {key!r:.80}, first in line {first}",
                    _line(event),
                )
            self._lines[(*path, key)] = _line(event)
            content[key] = self._value(next(self._events), (*path, key))
        return content

    def _refuse_extras(self, event: yaml.Event, path: KeyPath) -> None:
        """Refuse aliases, anchors, tags, depth and sheer number, before anything is built."""
        self._values += 1
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            name = f"{'*' if isinstance(event, yaml.AliasEvent) else '&'}{anchor}"
            raise RefusedYamlError(
                f"anchors and aliases are not read{_within(path)}. Received: {name!r:.80}", _line(event)
            )
        if tag is not None:
            raise RefusedYamlError(f"tags are not read{_within(path)}. Received: {tag!r:.80}", _line(event))
        if len(path) >= MAX_DEPTH:
            raise RefusedYamlError(f"nesting must be at most {MAX_DEPTH} deep. Received: deeper", _line(event))
        if self._values > MAX_VALUES:
            raise RefusedYamlError(f"the file must hold at most {MAX_VALUES:,} values. Received: more", _line(event))

    def _expect(self, kind: type[yaml.Event]) -> None:
        event = next(self._events)
        if not isinstance(event, kind):  # a parser's grammar rules it out
            raise RefusedYamlError(f"not YAML: unexpected {type(event).__name__}", _line(event))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _within(path: KeyPath) -> str:
    return f" (in {show(path)})" if path else ""


def show(path: KeyPath) -> str:
    """Return a path as people write it, on one line: "hyperparameters.momentum.default"."""
    return ".".join(_show_part(part) for part in path[:6])


def _show_part(part: str | int) -> str:
    if isinstance(part, str) and 0 < len(part) <= 64 and part.isascii() and part.isprintable():
        return part
    return f"{part!r:.70}"

"""Fingerprints of what a study is about: the data, and the code that users bring.

They are plain JSON, stored with the study. They are compared between the driver and its workers, and when a study is
resumed or its tuned points are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.source_code import MAIN

MAX_ROUNDING = 1e-3  # of the numbers about a starting point, relative to its norm


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Fingerprint of a workload.

    Attributes:
        data: What identifies the data: its name, sizes and sha256. None for a task without data.
        code: What identifies the code of users, by what it is for, such as "task": the sha256 of its files by name, and
            of all operations and other numbers that it computes with; and some numbers about the point from which it
            starts with one seed; and the sha256 of the files that it names, its `data`. None where the
            code ships with lodo-tune.
    """

    data: Mapping[str, Any] | None = None
    code: Mapping[str, Any] | None = None


def differences(before: Fingerprint, now: Fingerprint) -> list[str]:
    """Return in what two fingerprints differ, as phrases; without code, as older versions stored it, code is equal."""
    phrases: list[str] = []
    if before.code is not None:
        for what in sorted({*before.code, *(now.code or {})}):
            phrases += _of_code(what, before.code.get(what) or {}, (now.code or {}).get(what) or {})
    if (before.data or before.code is not None) and not _is_same(before.data, now.data):
        phrases.insert(0, f"other data ({described(before.data)}; now {described(now.data)})")
        if "numbers" in (now.code or {}).get("task", {}):  # that depend on the data
            phrases = [each for each in phrases if each != _numbers("task")]
    return phrases


def described(data: Mapping[str, Any] | None) -> str:
    """Return a fingerprint of data as text."""
    if data is None:
        return "none"
    sizes = "".join(f"{part} {size:,}, " for part, size in data.get("sizes", {}).items())
    return f"{data.get('name', 'unnamed')}: {sizes}sha256 {str(data.get('sha256'))[:12]}…"


def described_code(code: Mapping[str, Any]) -> str:
    """Return a fingerprint of code as text."""
    parts = [
        f"{_name(what, label)} {sha256[:12]}…"
        for what, each in code.items()
        for label, sha256 in (*each["files"].items(), *each.get("data", {}).items())
    ]
    return f"sha256 of {', '.join(parts)}"


def _of_code(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if changed := _changed(what, before.get("data", {}), now.get("data", {})):
        yield f"other data of the {what} ({', '.join(changed)})"
    if changed := _changed(what, before.get("files", {}), now.get("files", {})):
        yield f"other code of the {what} ({', '.join(changed)})"
    elif None not in (numbers := (before.get("numbers"), now.get("numbers"))) and len(set(numbers)) == 2:
        yield _numbers(what)
    elif not _is_same_start(before.get("start"), now.get("start")):
        yield f"another starting point of the {what} with the same seed"


def _changed(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return which files have changed, and how."""
    return [
        f"{_name(what, name)} {'added' if name not in before else 'gone' if name not in now else 'changed'}"
        for name in dict.fromkeys((*before, *now))
        if before.get(name) != now.get(name)
    ]


def _numbers(what: str) -> str:
    return f"other numbers or operations in the {what}, of the same code"


def _is_same_start(before: Sequence[Sequence[float]] | None, now: Sequence[Sequence[float]] | None) -> bool:
    """Return whether starts agree but for rounding, relative to the norm of each array, which is its first number."""
    if before is None or now is None:
        return True
    return len(before) == len(now) and all(
        abs(one - other) <= MAX_ROUNDING * max(array[0], another[0])
        for array, another in zip(before, now, strict=True)
        for one, other in zip(array, another, strict=True)
    )


def _name(what: str, label: str) -> str:
    return f"the {what} itself" if label == MAIN else label


def _is_same(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    return (None if before is None else dict(before)) == (None if now is None else dict(now))

"""A check: its requirement of a task, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class PromiseError(ValueError):
    """A task violates its protocol. The message is one line with the method, what is accepted and what was received."""


class NotApplicable(Exception):  # noqa: N818 (names a state)
    """A check does not apply to this task; the message is the reason."""


CheckFunction = Callable[[Any], str | None]
"""Takes a `tuner.checks.probe.Probe`; returns a remark, or None; raises PromiseError or NotApplicable."""


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement of the protocol, and the function that checks it."""

    name: str  # in lower case with hyphens
    demand: str  # a sentence
    run: CheckFunction
    is_basic: bool = False  # whether the other checks are meaningless if this one fails


class Verdict(StrEnum):
    """Result of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: Check
    verdict: Verdict
    note: str = ""  # the error, the reason for skipping, or a remark

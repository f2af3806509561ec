"""A check, what it demands of a task, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class PromiseError(ValueError):
    """A task does not keep its protocol: one line that names the method, what is accepted and what was received."""


class NotApplicable(Exception):  # noqa: N818 (what is the case)
    """A check does not apply to this task; the message is the reason."""


CheckFunction = Callable[[Any], str | None]
"""Takes a `tuner.checks.probe.Probe`; returns a remark for people, or None; raises PromiseError or NotApplicable."""


@dataclass(frozen=True, slots=True)
class Check:
    """One demand of the protocol, and the function that checks it."""

    name: str  # in lower case with hyphens
    demand: str  # a sentence
    run: CheckFunction
    is_basic: bool = False  # whether the other checks make no sense where this one fails


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: Check
    verdict: Verdict
    note: str = ""  # what is wrong, why it was skipped, or a remark

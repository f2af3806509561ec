"""A check, what it demands of a task, and what is said of a task that does not keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class PromiseError(ValueError):
    """A task does not keep a promise: one line that names the method, what is accepted and what came."""


class NotApplicable(Exception):  # noqa: N818 (what is the case)
    """A check has nothing to look at in this task; the message says why."""


Law = Callable[[Any], str | None]
"""Takes a `tuner.checks.probe.Probe` and returns a remark for people, or None; raises PromiseError, NotApplicable."""


@dataclass(frozen=True, slots=True)
class Check:
    """A promise of the protocol, and how it is put to the test."""

    name: str  # in lower case with hyphens
    demand: str  # a sentence: what a task has to keep
    law: Law
    of_form: bool = False  # whether the other checks make no sense where this one fails


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check."""

    check: Check
    verdict: Verdict
    note: str = ""  # what is wrong, why it was skipped, or a remark

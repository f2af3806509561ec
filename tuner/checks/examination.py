"""Examination of a task, an optimizer or a training function by a suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tuner.checks.check import Check, Finding, NotApplicable, PromiseError, Verdict


def examine(probes: Sequence[Any], checks: Sequence[Check]) -> Iterator[Finding]:
    """Yield the result of each check, in order.

    Args:
        probes: What is examined; a task or an optimizer in each of its dtypes, at least one. Basic checks run on all,
            the others on the last.
        checks: The suite.
    """
    broken = False
    for check in checks:
        if broken:
            yield Finding(check, Verdict.SKIPPED, "skipped because of the failure above")
            continue
        finding = _finding(check, probes if check.is_basic else probes[-1:])
        broken = check.is_basic and finding.verdict is Verdict.FAILED
        yield finding


def _finding(check: Check, probes: Sequence[Any]) -> Finding:
    note = None
    for probe in probes:
        try:
            note = check.run(probe)
        except NotApplicable as reason:
            return Finding(check, Verdict.SKIPPED, str(reason))
        except PromiseError as error:
            where = f"in {probe.task.dtype}: " if len(probes) > 1 else ""
            return Finding(check, Verdict.FAILED, f"{where}{error}")
    return Finding(check, Verdict.PASSED, note or "")

"""Runs that did not finish, grouped by reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.aggregates import ReasonTotals
from tuner.core.study import CandidateRecord
from tuner.core.trial import Key, Role, Status

UNKNOWN = "no reason recorded"
MAX_NAMED = 4  # runs of one group that are listed by name

_DIGITS = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Runs with the same final status and reason."""

    status: Status  # DIVERGED, FAILED or TIMED_OUT
    reason: str  # with … for numbers that differ between runs
    keys: tuple[Key, ...]  # in order


def grouped_failures(candidates: Sequence[CandidateRecord]) -> tuple[FailureGroup, ...]:
    """Return groups of the runs of any role that diverged, failed or timed out, the largest first.

    Reasons that differ only in numbers are the same: "loss was nan at evaluation …".
    """
    groups: dict[tuple[Status, str], list[CandidateRecord]] = {}
    for candidate in sorted(candidates, key=lambda run: run.key):
        if candidate.status.is_failure:
            pattern = _DIGITS.sub("…", candidate.reason)
            groups.setdefault((candidate.status, pattern), []).append(candidate)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))  # stable: groups of equal size keep their order
    return tuple(
        FailureGroup(
            status=status,
            reason=(runs[0].reason if len({run.reason for run in runs}) == 1 else pattern) or UNKNOWN,
            keys=tuple(run.key for run in runs),
        )
        for (status, pattern), runs in ordered
    )


def grouped_reasons(reasons: Sequence[ReasonTotals]) -> tuple[ReasonTotals, ...]:
    """Return reasons of which those that differ only in numbers are one, the largest first, as `grouped_failures`."""
    groups: dict[tuple[Status, str], list[ReasonTotals]] = {}
    for one in reasons:
        groups.setdefault((one.status, _DIGITS.sub("…", one.reason)), []).append(one)
    merged = [
        ReasonTotals(
            status=status,
            reason=(some[0].reason if len(some) == 1 else pattern) or UNKNOWN,
            count=sum(one.count for one in some),
            first_id=min(one.first_id for one in some),
        )
        for (status, pattern), some in groups.items()
    ]
    return tuple(sorted(merged, key=lambda one: (-one.count, one.first_id)))


def run_label(key: Key) -> str:
    """Return the name of a run: g03/s17 in the search, "default 2" for the third fresh seed of the defaults.

    In a comparison "seed 2", and "point 1, seed 2" where it is not the first point.
    """
    if key.role is Role.COMPARISON:
        return f"point {key.generation}, seed {key.slot}" if key.generation else f"seed {key.slot}"
    if key.role is Role.SEARCH:
        return f"g{key.generation:02d}/s{key.slot:02d}"
    return f"{key.role.value} {key.slot}"


def named_runs(keys: Sequence[Key]) -> str:
    """Return the names of some runs, the first MAX_NAMED of them, and how many more there are."""
    more = f" and {len(keys) - MAX_NAMED:,} more" if len(keys) > MAX_NAMED else ""
    return ", ".join(map(run_label, keys[:MAX_NAMED])) + more

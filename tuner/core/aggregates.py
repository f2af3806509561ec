"""Totals of many candidates and parts of lists, as frozen values.

A database computes them, so that pages need not read each candidate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from tuner.core.study import CandidateRecord, Outcome, StudyRecord
from tuner.core.trial import Role, Status

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class GenerationTotals:
    """Totals of one generation, or of one point of a comparison. Fitnesses are those of finished candidates."""

    number: int  # from 0
    counts: Mapping[Status, int]  # candidates by status, zeros included
    best: float | None  # least fitness; None if no candidate finished
    best_id: int | None  # id of the candidate that has it; of several the first
    median: float | None
    upper: float | None  # the greater of the two middle fitnesses, whose mean the median is
    evaluations: int  # gradient evaluations done
    seconds: float  # of training, summed over candidates


@dataclass(frozen=True, slots=True)
class ReasonTotals:
    """Candidates that ended with the same status and the same reason."""

    status: Status  # DIVERGED, FAILED or TIMED_OUT
    reason: str  # as it was recorded, with its numbers
    count: int
    first_id: int  # id of the first of them


@dataclass(frozen=True, slots=True)
class Pace:
    """Speed at which results of a study were recorded lately."""

    results: int  # final candidates that were looked at
    evaluations: int  # gradient evaluations of their budgets, without those of the first
    seconds: float  # from the first of them to the last, by the clock


@dataclass(frozen=True, slots=True)
class StudyTotals:
    """A study at one moment, as pages show it: no candidate of the search is read by itself."""

    record: StudyRecord
    changes: int  # number of changes so far; with the record's epoch it identifies what the study's rows say
    generations: tuple[GenerationTotals, ...]  # those that have candidates, in order
    fresh: tuple[Outcome, ...]  # outcomes on fresh seeds, of the defaults and the tuned point
    pace: Pace | None  # None while no speed is known


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate with its id and that of its study, by which addresses name it."""

    id: int
    study_id: int
    record: CandidateRecord


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """Candidates to list; a part that is None excludes none."""

    role: Role | None = None
    status: Status | None = None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A part of a list, and the cursors of its neighbours; None where there is none."""

    rows: tuple[Row, ...]
    next: str | None
    previous: str | None

"""Totals of a study's candidates, computed by the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from tuner.core.aggregates import GenerationTotals, Pace, ReasonTotals
from tuner.core.trial import Role, Status
from tuner.storage.tables import candidates, evaluations

_DUE = tuple(role for role in Role if role.is_due)
_FAILURES = tuple(status for status in Status if status.is_failure)
_MAX_REASONS = 5_000
_PACED_RESULTS = 200  # the newest results from which a pace is computed
_JOINED = candidates.outerjoin(evaluations, evaluations.c.candidate_id == candidates.c.id)


def complete(known: Sequence[GenerationTotals], population: int) -> tuple[GenerationTotals, ...]:
    """Return the first generations up to one that was not complete: they never change again."""
    return tuple(
        takewhile(lambda one: sum(one.counts[status] for status in Status if status.is_final) == population, known)
    )


def by_generation(
    connection: Connection, study_id: int, known: Sequence[GenerationTotals] = ()
) -> tuple[GenerationTotals, ...]:
    """Return the totals of each generation of the search, or point of the comparison, that has candidates, in order.

    Args:
        connection: In a transaction.
        study_id: Id of the study.
        known: Totals of its first generations, if they are complete. Default: none.
    """
    due = (
        candidates.c.study_id == study_id,
        candidates.c.role.in_(_DUE),
        candidates.c.generation >= (known[-1].number + 1 if known else 0),
    )
    counted = (
        select(
            candidates.c.generation,
            candidates.c.status,
            func.count().label("number"),
            func.coalesce(func.sum(evaluations.c.steps_done), 0).label("evaluations"),
            func.coalesce(func.sum(evaluations.c.seconds), 0.0).label("seconds"),
        )
        .select_from(_JOINED)
        .where(*due)
        .group_by(candidates.c.generation, candidates.c.status)
    )
    counts: dict[int, dict[Status, int]] = defaultdict(lambda: dict.fromkeys(Status, 0))
    done: dict[int, list[float]] = defaultdict(lambda: [0, 0.0])
    for row in connection.execute(counted):
        counts[row.generation][Status(row.status)] = row.number
        done[row.generation][0] += int(row.evaluations)
        done[row.generation][1] += float(row.seconds)
    ranked = _ranked(connection, due)
    return (
        *known,
        *(
            GenerationTotals(
                number=number,
                counts=counts[number],
                best=ranked[number][0] if number in ranked else None,
                best_id=ranked[number][1] if number in ranked else None,
                median=ranked[number][2] if number in ranked else None,
                upper=ranked[number][3] if number in ranked else None,
                evaluations=int(done[number][0]),
                seconds=done[number][1],
            )
            for number in sorted(counts)
        ),
    )


def _ranked(connection: Connection, due: Sequence[ColumnElement[Any]]) -> dict[int, tuple[float, int, float, float]]:
    """Return of each generation with finished candidates: best fitness, its candidate, median and upper middle one."""
    generation = candidates.c.generation
    ranks = (
        select(
            candidates.c.id,
            generation,
            evaluations.c.fitness,
            func.row_number()
            .over(partition_by=generation, order_by=(evaluations.c.fitness, candidates.c.id))
            .label("place"),
            func.count().over(partition_by=generation).label("size"),
        )
        .select_from(candidates.join(evaluations, evaluations.c.candidate_id == candidates.c.id))
        .where(*due, candidates.c.status == Status.FINISHED)
        .subquery()
    )
    size, place = ranks.c.size, ranks.c.place
    is_middle = (2 * place >= size) & (2 * place <= size + 2)  # one place of an odd size, two of an even one
    query = select(
        ranks.c.generation,
        func.min(case((place == 1, ranks.c.fitness))).label("best"),
        func.min(case((place == 1, ranks.c.id))).label("best_id"),
        func.avg(case((is_middle, ranks.c.fitness))).label("median"),
        func.max(case((is_middle, ranks.c.fitness))).label("upper"),
    ).group_by(ranks.c.generation)
    return {row.generation: (row.best, row.best_id, row.median, row.upper) for row in connection.execute(query)}


def reasons(connection: Connection, study_id: int) -> tuple[ReasonTotals, ...]:
    """Return the candidates of any role that diverged, failed or timed out, by status and reason; the largest first.

    There are at most 5,000 different reasons.

    Args:
        connection: In a transaction.
        study_id: Id of the study.
    """
    query = (
        select(evaluations.c.status, evaluations.c.reason, func.count().label("count"), func.min(candidates.c.id))
        .select_from(candidates.join(evaluations, evaluations.c.candidate_id == candidates.c.id))
        # With the roles, the index on study, role and status finds the few candidates that are meant.
        .where(candidates.c.study_id == study_id, candidates.c.role.in_(list(Role)))
        .where(candidates.c.status.in_(_FAILURES))
        .group_by(evaluations.c.status, evaluations.c.reason)
        .order_by(func.count().desc(), func.min(candidates.c.id))
        .limit(_MAX_REASONS)
    )
    return tuple(ReasonTotals(Status(row[0]), row[1], row[2], row[3]) for row in connection.execute(query))


def pace(connection: Connection, study_id: int, generations: Sequence[GenerationTotals]) -> Pace | None:
    """Return the pace of the newest results; None while there are not two that were recorded at different times.

    Args:
        connection: In a transaction.
        study_id: Id of the study.
        generations: Its generations, in order; the last that together have enough results are looked at.
    """
    results, numbers = 0, []
    for one in reversed(generations):
        results += sum(number for status, number in one.counts.items() if status.is_final)
        numbers.append(one.number)
        if results >= _PACED_RESULTS:
            break
    query = (
        select(evaluations.c.recorded_at, candidates.c.steps)
        .select_from(candidates.join(evaluations, evaluations.c.candidate_id == candidates.c.id))
        .where(candidates.c.study_id == study_id, candidates.c.role.in_(_DUE), candidates.c.generation.in_(numbers))
    )
    rows = sorted((datetime.fromisoformat(row.recorded_at), int(row.steps)) for row in connection.execute(query))
    rows = rows[-_PACED_RESULTS:]
    if not rows or rows[0][0] == rows[-1][0]:
        return None
    first = rows[0][0]
    later = [steps for moment, steps in rows if moment > first]  # those of the first moment took an unknown time
    return Pace(len(rows), sum(later), (rows[-1][0] - first).total_seconds())

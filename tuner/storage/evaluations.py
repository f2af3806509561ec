"""Rows of evaluations: the result of each candidate, recorded once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from tuner.core.trial import Evaluation, Status
from tuner.storage import attempts, candidates, observations
from tuner.storage.curves import EncodedCurve, encode
from tuner.storage.tables import candidates as candidate_table
from tuner.storage.tables import curves, evaluations, outputs
from tuner.storage.timestamps import now
from tuner.storage.validation import clean_message

MAX_OUTPUT_BYTES = 64_000  # of what a training function printed


@dataclass(frozen=True, slots=True)
class EncodedNumbers:
    """The losses and observations of an evaluation in the form in which they are stored."""

    curve: EncodedCurve
    observations: observations.Columns


def prepare(evaluations: Sequence[Evaluation]) -> list[EncodedNumbers]:
    """Check evaluations and encode their numbers, before the transaction: encoding takes most of the time.

    Raises:
        ValueError: A status is not final, a fitness does not fit its status, or a number is not finite.
        BadName: The name of a split or metric cannot be stored.
    """
    for evaluation in evaluations:
        _check(evaluation)
    return [EncodedNumbers(encode(one.losses), observations.prepare(one.observations)) for one in evaluations]


def record(
    connection: Connection, study_id: int, epoch: int, results: Sequence[Evaluation], encoded: Sequence[EncodedNumbers]
) -> list[bool]:
    """Make candidates final: write status, evaluation, curve and observations, and end their attempts.

    Args:
        connection: In a fenced transaction.
        study_id: Id of the study.
        epoch: Epoch of the driver.
        results: The evaluations.
        encoded: Their numbers, as `prepare` returned them.

    Returns:
        Whether each evaluation was recorded. It is not if the candidate is final already, or if this driver has
        started a later attempt; the latter is counted as a late result. The candidate is then unchanged.

    Raises:
        UnknownCandidate: A candidate was never added; nothing is recorded.
    """
    rows = candidates.locate(connection, study_id, [evaluation.key for evaluation in results])
    newest = attempts.newest_numbers(connection, epoch, [row.id for row in rows.values()])
    accepted: dict[int, tuple[Evaluation, EncodedNumbers]] = {}
    unreported: list[attempts.NewAttempt] = []  # their start was not reported
    recorded, late = [], []
    for evaluation, numbers in zip(results, encoded, strict=True):
        row = rows[evaluation.key]
        is_late = evaluation.attempt < newest.get(row.id, 0)
        is_new = not (is_late or Status(row.status).is_final or row.id in accepted)
        recorded.append(is_new)
        if is_late:
            late.append({"candidate": row.id})
        if is_new:
            accepted[row.id] = (evaluation, numbers)
            if evaluation.attempt > newest.get(row.id, 0):
                unreported.append(attempts.NewAttempt(row, evaluation.attempt, evaluation.node, 0))
    if unreported:
        attempts.start(connection, epoch, unreported)
    if late:
        connection.execute(
            update(candidate_table)
            .where(candidate_table.c.id == bindparam("candidate"))
            .values(late_results=candidate_table.c.late_results + 1),
            late,
        )
    if accepted:
        _write(connection, epoch, accepted)
    return recorded


def _write(connection: Connection, epoch: int, accepted: dict[int, tuple[Evaluation, EncodedNumbers]]) -> None:
    rows: list[dict[str, Any]] = []
    for candidate, (evaluation, _) in accepted.items():
        rows.append(
            {
                "candidate_id": candidate,
                "status": evaluation.status.value,
                "fitness": float(evaluation.fitness) + 0.0,  # SQLite stores -0.0 as 0.0; so do the others
                "steps_done": int(evaluation.steps_done),
                "seconds": float(evaluation.seconds),
                "epoch": epoch,
                "attempt": int(evaluation.attempt),
                "node": clean_message(evaluation.node, 255),
                "device": clean_message(evaluation.device, 255),
                "reason": clean_message(evaluation.reason),
                "error": clean_message(evaluation.error),
                "recorded_at": now(),
            }
        )
    candidates.set_status(
        connection, [(candidate, evaluation.status) for candidate, (evaluation, _) in accepted.items()]
    )
    connection.execute(insert(evaluations), rows)
    connection.execute(
        insert(curves),
        [
            {
                "candidate_id": candidate,
                "dtype": numbers.curve.dtype,
                "length": numbers.curve.length,
                "data": numbers.curve.data,
            }
            for candidate, (_, numbers) in accepted.items()
        ],
    )
    printed = [
        {"candidate_id": candidate, "text": clean_message(evaluation.output, MAX_OUTPUT_BYTES)}
        for candidate, (evaluation, _) in accepted.items()
        if evaluation.output
    ]
    if printed:
        connection.execute(insert(outputs), printed)
    observations.write(connection, {candidate: numbers.observations for candidate, (_, numbers) in accepted.items()})
    attempts.close(
        connection,
        [
            {
                "candidate": row["candidate_id"],
                "new_outcome": row["status"],
                "new_reason": row["reason"],
                "new_error": row["error"],
            }
            for row in rows
        ],
    )


def _check(evaluation: Evaluation) -> None:
    key, fitness = candidates.long_key(evaluation.key), float(evaluation.fitness)
    if not evaluation.status.is_final:
        raise ValueError(f"the evaluation of {key} must have a final status. Received: {evaluation.status}")
    fits = math.isfinite(fitness) if evaluation.status is Status.FINISHED else fitness == math.inf
    if not fits:
        raise ValueError(
            f"the fitness of {key} must be finite if the candidate is finished, and inf otherwise. "
            f"Received: {fitness} of a candidate that is {evaluation.status}"
        )
    if not (math.isfinite(evaluation.seconds) and evaluation.seconds >= 0 and evaluation.steps_done >= 0):
        raise ValueError(
            f"the evaluation of {key} must have at least 0 seconds and steps. "
            f"Received: {evaluation.seconds} s, {evaluation.steps_done} steps"
        )
    if evaluation.attempt < 1:
        raise ValueError(f"attempts are counted from 1. Received: {evaluation.attempt} for {key}")

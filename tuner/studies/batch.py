"""Batches: the candidates that a study trains before its next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tuner.core.errors import LodoTuneError
from tuner.core.study import CandidateRecord
from tuner.core.trial import Candidate, Evaluation, Status

Result = CandidateRecord | Evaluation


@dataclass(frozen=True, slots=True)
class Batch:
    """A generation, the fresh seeds, or a point of a comparison."""

    candidates: Sequence[Candidate]  # of one generation or point, with one budget
    name: str  # for display: "generation 3", "fresh seeds"
    mark: str  # suffix of the names of its tasks: "g03", "fresh"
    remaining: int  # gradient evaluations of the study's later batches, counted once per cohort


class BatchSource(Protocol):
    """The batches of a study; they depend only on its specification and on the results."""

    def next_batch(self) -> Batch | None:
        """Return the next batch; None once the study is complete."""
        ...

    def take(self, results: Sequence[Result]) -> None:
        """Process the results of the last batch, in slot order.

        Raises:
            EveryCandidateFailed: All candidates of the batch raised the same error.
        """
        ...


class EveryCandidateFailed(LodoTuneError):  # noqa: N818 (names an event)
    """All candidates of a batch raised the same error; the study is stopped."""

    exit_code = 3


def stop_if_all_raised_one_error(study: str, batch: str, results: Sequence[Result]) -> None:
    """Raise if all candidates of a batch raised the same error; divergence, timeouts and lost workers do not count.

    Raises:
        EveryCandidateFailed: All candidates raised the same error.
    """
    reasons = {result.reason for result in results if result.status is Status.FAILED and result.error}
    if len(reasons) == 1 and all(result.status is Status.FAILED and result.error for result in results):
        raise EveryCandidateFailed(
            f"all {len(results)} candidates of {study}, {batch}, raised the same error: {reasons.pop()}"
        )

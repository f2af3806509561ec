"""Candidates of studies as a pandas DataFrame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Workload

if TYPE_CHECKING:
    import pandas as pd


def trials_frame(rows: Sequence[tuple[StudyRecord, CandidateRecord]]) -> pd.DataFrame:
    """Return a DataFrame with a row per candidate.

    Args:
        rows: Each candidate with its study, in order.
    """
    import pandas as pd

    names = dict.fromkeys(name for _, candidate in rows for name in candidate.hyperparameters)
    several = [study for study, _ in rows if len(study.spec.workloads) > 1]
    columns = [
        "study",
        *(["task"] if several else []),
        "generation",
        "slot",
        "role",
        "status",
        "fitness",
        *names,
        "seed",
        "budget",
        "steps_done",
    ]
    records = [
        {
            "study": study.spec.name,
            "task": _workload(study, candidate).task_label,
            "generation": candidate.key.generation // len(study.spec.workloads),
            "slot": candidate.key.slot,
            "role": candidate.key.role.value,
            "status": candidate.status.value,
            "fitness": _value(study, candidate),
            **candidate.hyperparameters,
            "seed": candidate.seed,
            "budget": candidate.steps,
            "steps_done": candidate.steps_done,
            "seconds": candidate.seconds,
        }
        for study, candidate in rows
    ]
    return pd.DataFrame(records, columns=[*columns, "seconds"])


def _workload(study: StudyRecord, candidate: CandidateRecord) -> Workload:
    return study.spec.workload_of(candidate.key.generation)


def _value(study: StudyRecord, candidate: CandidateRecord) -> float:
    """Return the objective's value; NaN until the candidate is final, and an infinity without one."""
    objective = _workload(study, candidate).objective
    if candidate.fitness is None:
        return math.nan
    missed = objective.missed(candidate.fitness, candidate.steps)
    return math.inf if missed else objective.value(candidate.fitness)

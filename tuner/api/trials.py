"""Candidates of studies as a pandas DataFrame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.core.study import CandidateRecord, StudyRecord

if TYPE_CHECKING:
    import pandas as pd


def trials_frame(rows: Sequence[tuple[StudyRecord, CandidateRecord]]) -> pd.DataFrame:
    """Return a DataFrame with a row per candidate.

    Args:
        rows: Each candidate with its study, in order.
    """
    import pandas as pd

    names = dict.fromkeys(name for _, candidate in rows for name in candidate.hyperparameters)
    columns = ["study", "generation", "slot", "role", "status", "fitness", *names, "seed", "budget", "steps_done"]
    records = [
        {
            "study": study.spec.name,
            "generation": candidate.key.generation,
            "slot": candidate.key.slot,
            "role": candidate.key.role.value,
            "status": candidate.status.value,
            "fitness": math.nan if candidate.fitness is None else candidate.fitness,
            **candidate.hyperparameters,
            "seed": candidate.seed,
            "budget": candidate.steps,
            "steps_done": candidate.steps_done,
            "seconds": candidate.seconds,
        }
        for study, candidate in rows
    ]
    return pd.DataFrame(records, columns=[*columns, "seconds"])

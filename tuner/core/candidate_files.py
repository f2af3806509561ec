"""Files of a candidate of a training function that survive its worker."""

from __future__ import annotations

from pathlib import Path

from tuner.core.trial import Trial, Workload


def checkpoints_of(root: Path, workload: Workload, trial: Trial) -> Path:
    """Return the folder for the checkpoints of a candidate, the same at each of its attempts.

    Args:
        root: Folder for the checkpoints of its run.
        workload: Its workload.
        trial: Its trial.
    """
    key = trial.key
    return root / f"{workload.optimizer}-{key.role}-{key.generation}-{key.slot}-{trial.seed}-{trial.steps}"


def reports_beside(checkpoints: Path) -> Path:
    """Return the file of the candidate's reports."""
    return checkpoints.with_name(f"{checkpoints.name}.reports")


def output_beside(checkpoints: Path) -> Path:
    """Return the file of what an attempt prints, which is there as long as the attempt runs, or after it was lost."""
    return checkpoints.with_name(f"{checkpoints.name}.output")

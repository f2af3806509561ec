"""The folder that `train` writes, and `evaluate` reads.

It contains `run.json` (the request, every loss, the validation), `losses.png`, and for each seed whose run finished
`seed-N.npz` (the weights) and the task's own pictures, `seed-N-NAME.png`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.api.train_result import TrainResult
from tuner.core.files import write
from tuner.core.outputs import Outputs
from tuner.core.trial import Status, Trial, Workload

if TYPE_CHECKING:
    from tuner.training.loop import Carry

RUN_FILE, LOSSES_FILE, SEED_PREFIX = "run.json", "losses.png", "seed-"


def write_run(
    folder: Path, result: TrainResult, workload: Workload, trials: Sequence[Trial], ends: Sequence[Carry]
) -> None:
    """Write the folder; remove the files of an earlier run.

    A picture that cannot be drawn does not prevent the other files.

    Args:
        folder: The folder; created if it does not exist.
        result: Result of the runs.
        workload: Workload of the runs.
        trials: Trial of each run.
        ends: Final state of each run.

    Raises:
        NotWritten: A file cannot be written.
        OutputsFailed: Only a picture could not be drawn or written.
    """
    from tuner.results.figures.learning import losses_figure
    from tuner.training.pictures import pictures_of
    from tuner.training.weights import save

    _empty(folder)
    pictures = Outputs()
    document = result.to_dict()
    for trial, end, run in zip(trials, ends, document["runs"], strict=True):
        has_weights = run["status"] == Status.FINISHED and _is_single(end)
        run["weights"] = f"{SEED_PREFIX}{trial.seed}.npz" if has_weights else None
        if has_weights:
            save(folder / run["weights"], *end[:2])
            with pictures.attempt(f"the pictures of seed {trial.seed}"):
                for picture, content in pictures_of(workload, trial, end).items():
                    write(folder / f"{SEED_PREFIX}{trial.seed}-{picture}.png", content, overwrite=True)
    full = {**document, "workload": asdict(workload), "runs": document["runs"]}
    with pictures.attempt(LOSSES_FILE):
        write(folder / LOSSES_FILE, losses_figure(full), overwrite=True)
    write(folder / RUN_FILE, json.dumps(full, allow_nan=False) + "\n", overwrite=True)  # last, after the weights
    pictures.check(f"All else is in {folder}")


def _empty(folder: Path) -> None:
    """Create the folder, or remove the files of an earlier run from it."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.is_file() and (file.name in (RUN_FILE, LOSSES_FILE) or file.name.startswith(SEED_PREFIX)):
            file.unlink()


def _is_single(end: Carry) -> bool:
    """Return whether the run was a cohort of its own, as those of networks are; others have no weights to save."""
    return int(end[0].shape[1]) == 1

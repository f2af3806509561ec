"""`lodo-tune train --validate-every N --output DIR`: validation on the way, and a folder with what was trained.

The folder holds `run.json` (what was asked for, every loss, the validation), `losses.png`, and of each seed whose run
came to its end `seed-N.npz` (the weights, for `lodo-tune evaluate`) and the task's own pictures, `seed-N-NAME.png`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.cli.cohorts import cohorts_of, series, train_measured
from tuner.cli.output import emptied
from tuner.core.files import write
from tuner.core.numbers import finite_or_none
from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.results.tables.series import by_seed

if TYPE_CHECKING:
    from tuner.training.loop import Carry

RUN_FILE = "run.json"
SIDE = 640  # pixels, of a small picture's longer side, at most


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A run that was validated on the way, and where its cohort has ended."""

    evaluation: Evaluation  # with the observations "validation"
    end: Carry

    @property
    def points(self) -> tuple[int, ...]:
        """Gradient evaluations taken before each validation."""
        return series(self.evaluation, "validation")[0]

    @property
    def validation(self) -> dict[str, tuple[float, ...]]:
        """Of each metric, by name, its mean over the validation set at each point."""
        return series(self.evaluation, "validation")[1]


def run_observed(
    workload: Workload, trials: Sequence[Trial], validate_every: int | None, progress: Callable[[float], None]
) -> list[Observed]:
    """Train all trials, cohort by cohort.

    Args:
        workload: What the trials share.
        trials: With one budget.
        validate_every: Gradient evaluations between two validations. None: no validation.
        progress: Called with the share of the work that is done, from 0 to 1.

    Raises:
        ValueError: The task has no validation set.
    """
    from tuner.training.measurements.end_state import EndState
    from tuner.training.measurements.validation import Validation

    found: list[Observed] = []
    for some, lanes, report in cohorts_of(workload, trials, progress):
        end = EndState()
        measurements = [end] if validate_every is None else [Validation(validate_every), end]
        runs = train_measured(some, lanes, measurements, report)
        found += [Observed(run, end.carry) for run in runs]
    return found


def as_json(observed: Observed) -> dict[str, Any]:
    """Return what validation adds to a run's entry; nothing where there was none."""
    if not observed.validation:
        return {}
    means = {name: [finite_or_none(mean) for mean in found] for name, found in observed.validation.items()}
    return {"validation": {"evaluations": list(observed.points), **means}}


def as_text(observed: Sequence[Observed], seeds: Sequence[int]) -> str:
    """Return a table a metric, of its mean over the validation set by evaluations taken; '' without validation."""
    points = [one.points for one in observed]
    return "\n\n".join(
        f"Mean {name} over the validation set\n"
        + by_seed(points, [one.validation[name] for one in observed], seeds).text()
        for name in observed[0].validation
    )


def write_run(
    folder: Path,
    document: Mapping[str, Any],
    workload: Workload,
    trials: Sequence[Trial],
    observed: Sequence[Observed],
) -> None:
    """Write the folder; what an earlier run has left there is removed.

    Args:
        folder: Is made if it is not there.
        document: What `train --json --curve` prints.
        workload: What was trained.
        trials: One a run.
        observed: What came of each.

    Raises:
        NotWritten: A file cannot be written.
    """
    from tuner.results.figures.learning import losses_figure
    from tuner.training.weights import save

    emptied(folder)
    runs = []
    for trial, one, run in zip(trials, observed, document["runs"], strict=True):
        kept = one.evaluation.status is Status.FINISHED and _alone(one)
        name = f"seed-{trial.seed}.npz" if kept else None
        if name is not None:
            save(folder / name, *one.end[:2])
            for picture, content in _pictures(workload, trial, one).items():
                write(folder / f"seed-{trial.seed}-{picture}.png", content, overwrite=True)
        runs.append({**run, "weights": name})
    full = {**document, "workload": asdict(workload), "runs": runs}
    write(folder / "losses.png", losses_figure(full), overwrite=True)
    write(folder / RUN_FILE, json.dumps(full, allow_nan=False) + "\n", overwrite=True)  # last: the others are there


def _alone(observed: Observed) -> bool:
    """Whether the run was a cohort of its own, as a network's is; a toy's x is not worth a file."""
    return int(observed.end[0].shape[1]) == 1


def _pictures(workload: Workload, trial: Trial, observed: Observed) -> dict[str, bytes]:
    """Return the task's own pictures as PNG, by name."""
    import tensorflow as tf

    from tasks.task import Pictured
    from tuner.training.loop import loop_of

    task = loop_of(workload, list(trial.hyperparameters)).task
    if not isinstance(task, Pictured):
        return {}
    pictures = task.pictures(*observed.end[:2], trial.seed)
    return {name: _png(tf.convert_to_tensor(picture)) for name, picture in pictures.items()}


def _png(picture: Any) -> bytes:
    """Return a picture [height, width] or [height, width, 3] as PNG; each pixel of a small one a square of several."""
    import tensorflow as tf

    image = picture[..., tf.newaxis] if picture.shape.rank == 2 else picture
    times = max(1, SIDE // max(image.shape[:2]))
    image = tf.repeat(tf.repeat(image, times, axis=0), times, axis=1)
    content: bytes = tf.io.encode_png(image).numpy()
    return content

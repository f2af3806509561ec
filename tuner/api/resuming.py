"""`tuner.resume`: continue a run that was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from tuner.api.data_folder import using_data
from tuner.api.database import Database
from tuner.api.progress import Progress, progress_of
from tuner.api.requests import Optimizers, Task, optimizer_names, task_name
from tuner.api.run import Comparison, Run
from tuner.api.running import continue_run
from tuner.api.stored_database import DEFAULT_DATABASE
from tuner.execution.resources import ResourceOptions, Resources
from tuner.studies.callbacks import Callback


def resume(
    name: str,
    database: str | Path | Database = DEFAULT_DATABASE,
    *,
    task: Task | None = None,
    optimizers: Optimizers | None = None,
    accept_changes: bool = False,
    wait: bool = False,
    callback: Callable[[], Callback] | None = None,
    progress: bool | Callable[[str], None] | Progress | None = True,
    **resources: Unpack[ResourceOptions],
) -> Run | Comparison:
    """Continue a run where it stopped, to the same result as if it had not been interrupted.

    Args:
        name: Of the run, or RUN/OPTIMIZER for one of its studies.
        database: Where it is.
        task: Where the run's task is now, if its file was moved; or its class, if that was defined in a script or a
            notebook that has ended since.
        accept_changes: Whether the task's code or data may have changed; the results then say so.
        optimizers: Classes of the run's optimizers that were defined so, likewise.
        wait: Whether to wait while another driver holds a study.
        callback: Returns a new `Callback` for each study.
        progress: See `tune`.
        **resources: See `tune`; cpus_per_candidate and the data must be those of the run.

    Returns:
        The run or the comparison. One that is complete is returned at once.

    Raises:
        As `tune`; also UnknownStudy, if there is no run or study of this name.

    Example:
        >>> tuner.resume("first").is_complete
        True
    """
    optimizer_names(optimizers)  # registers classes
    return run_resume(
        name,
        Resources.of(resources),
        database,
        task=None if task is None else task_name(task),
        accept_changes=accept_changes,
        callback=callback,
        wait=wait,
        progress=progress,
    )


def run_resume(
    name: str,
    resources: Resources,
    database: str | Path | Database = DEFAULT_DATABASE,
    *,
    task: str | None = None,
    accept_changes: bool = False,
    callback: Callable[[], Callback] | None = None,
    wait: bool = False,
    progress: bool | Callable[[str], None] | Progress | None = True,
) -> Run | Comparison:
    """Continue a run; see `resume`."""
    resources.check()
    db = Database.of(database)
    with using_data(resources.data_dir), db.writing(create=False) as store:
        continue_run(
            name,
            resources,
            store,
            progress_of(progress),
            task=task,
            accept_changes=accept_changes,
            callbacks=callback,
            wait=wait,
        )
    return db.run(name)

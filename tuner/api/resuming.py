"""`tuner.resume`: continue a run that was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from tuner.api.data_folder import using_data
from tuner.api.database import DEFAULT_DATABASE, Database
from tuner.api.progress import Progress, progress_of
from tuner.api.requests import Task, task_name
from tuner.api.run import Comparison, Run
from tuner.api.running import continue_run
from tuner.execution.resources import ResourceOptions, Resources
from tuner.studies.callbacks import Callback


def resume(
    name: str,
    database: str | Path | Database = DEFAULT_DATABASE,
    *,
    task: Task | None = None,
    wait: bool = False,
    callback: Callable[[], Callback] | None = None,
    progress: bool | Callable[[str], None] | Progress | None = True,
    **resources: Unpack[ResourceOptions],
) -> Run | Comparison:
    """Continue a run where it stopped, to the same result as if it had not been interrupted.

    Args:
        name: Name of the run, or RUN/OPTIMIZER for one of its studies.
        database: Database of the run: a file, a URL, or a `Database`.
        task: Class of the run's task, if it was defined in a script or a notebook that has ended.
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
    if task is not None:
        task_name(task)  # registers it
    return run_resume(name, Resources.of(resources), database, callback=callback, wait=wait, progress=progress)


def run_resume(
    name: str,
    resources: Resources,
    database: str | Path | Database = DEFAULT_DATABASE,
    *,
    callback: Callable[[], Callback] | None = None,
    wait: bool = False,
    progress: bool | Callable[[str], None] | Progress | None = True,
) -> Run | Comparison:
    """Continue a run; see `resume`."""
    resources.check()
    db = Database.of(database)
    with using_data(resources.data_dir), db.writing(create=False) as store:
        continue_run(name, resources, store, progress_of(progress), callbacks=callback, wait=wait)
    return db.run(name)

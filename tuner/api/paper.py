"""`tuner.paper`: the paper's protocol, a search followed by a comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from tuner.api.comparing import run_comparison
from tuner.api.data_folder import using_data
from tuner.api.database import Database
from tuner.api.progress import Progress, progress_of
from tuner.api.requests import Optimizers, Task, optimizer_names, task_name
from tuner.api.resuming import run_resume
from tuner.api.run import Comparison, Run
from tuner.api.stored_database import DEFAULT_DATABASE
from tuner.api.tuning import run_search
from tuner.core.study import StudyRecord, StudyStatus
from tuner.execution.resources import ResourceOptions, Resources
from tuner.storage import NoDatabase, UnknownStudy
from tuner.studies.comparison_planner import plan_comparison
from tuner.studies.fingerprints import identified
from tuner.studies.paper_protocol import PaperRequest, check_same, paper_requests
from tuner.studies.planner import Plan, plan_search


def paper(
    task: Task,
    optimizers: Optimizers | None = None,
    *,
    scale: float = 1.0,
    objective: str | None = None,
    seed: int = 0,
    name: str | None = None,
    database: str | Path | Database = DEFAULT_DATABASE,
    precision: str | None = None,
    options: Mapping[str, Any] | None = None,
    wait: bool = False,
    progress: Callable[[], Progress] | bool | None = True,
    **resources: Unpack[ResourceOptions],
) -> tuple[Run, Comparison]:
    """Search and compare with the paper's settings; a run that is complete under the same name is not repeated.

    Args:
        task: See `tune`.
        optimizers: Names or classes. Default: the task's line-up.
        scale: Below 1, a rehearsal: budgets times the scale (at least 20 steps), population times its square root (at
            least 8).
        objective: What search and comparison optimise; see `tune`. Default: the preset's or the task's, or else the
            paper's.
        seed: Seed of the search.
        name: Name of the search. Default: the task's with "-paper", or "-rehearsal".
        database: See `tune`. Runs that it has under these names already are continued.
        precision: See `tune`.
        options: Keyword arguments of the task.
        wait: Whether to wait while another driver holds a study.
        progress: True writes lines to standard error, False nothing; a function returns a `Progress` for each run.
        **resources: See `tune`.

    Returns:
        The search and the comparison.

    Raises:
        As `tune`; also InvalidRequest, if runs of these names have other settings.

    Example:
        >>> run, comparison = tuner.paper("rosenbrock", ["Momentum"], scale=0.1)
        >>> comparison.name
        'rosenbrock-rehearsal-comparison'
    """
    resolved = Resources.of(resources)
    request = PaperRequest(
        task=task_name(task),
        optimizers=optimizer_names(optimizers),
        scale=scale,
        objective=objective,
        seed=seed,
        name=name,
        cpus_per_candidate=resolved.cpus_per_candidate,
        precision=precision,
        options=options or {},
    )
    return run_paper(request, resolved, database, wait=wait, progress=progress)


def run_paper(
    request: PaperRequest,
    resources: Resources,
    database: str | Path | Database = DEFAULT_DATABASE,
    *,
    wait: bool = False,
    progress: Callable[[], Progress] | bool | None = True,
) -> tuple[Run, Comparison]:
    """Run a request for the paper's protocol; see `paper`."""
    resources.check()
    db = Database.of(database)

    def complete(name: str, plan: Callable[[], Plan], begin: Callable[[Progress], object]) -> None:
        receiver = progress_of(progress) if isinstance(progress, bool | None) else progress()
        stored = _stored(db, name)
        if not stored:
            begin(receiver)
            return
        check_same(stored, identified(plan(), None).specs)
        if all(record.status == StudyStatus.COMPLETE for record in stored):
            receiver.say(f"{name} is complete")
        else:
            run_resume(name, resources, db, wait=wait, progress=receiver)

    with using_data(resources.data_dir):
        search, comparison = paper_requests(request)
        search_name, comparison_name = str(search.name), str(comparison.name)
        complete(
            search_name,
            lambda: plan_search(search),
            lambda receiver: run_search(search, resources, db, wait=wait, progress=receiver),
        )
        complete(
            comparison_name,
            lambda: plan_comparison(comparison, db.source),
            lambda receiver: run_comparison(comparison, resources, db, wait=wait, progress=receiver),
        )
    return Run(db, search_name), Comparison(db, comparison_name)


def _stored(database: Database, name: str) -> Sequence[StudyRecord]:
    try:
        with database.reading() as store:
            return store.find(name)
    except (NoDatabase, UnknownStudy):
        return ()

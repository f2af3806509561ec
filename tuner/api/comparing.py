"""`tuner.compare`: train optimizers on the same seeds, and compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Unpack

from tuner.api.data_folder import using_data
from tuner.api.database import Database
from tuner.api.progress import Progress, progress_of
from tuner.api.requests import Optimizers, Task, optimizer_names, paths, task_name
from tuner.api.run import Comparison, Run
from tuner.api.running import begin, check_users_code
from tuner.api.stored_database import DEFAULT_DATABASE
from tuner.core.errors import InvalidRequest
from tuner.execution.resources import ResourceOptions, Resources
from tuner.storage import check_run_name
from tuner.studies.callbacks import Callback
from tuner.studies.comparison_planner import CompareRequest, plan_comparison
from tuner.studies.fingerprints import identified


def compare(
    search: Run | str | None = None,
    *,
    task: Task | None = None,
    optimizers: Optimizers | None = None,
    configs: str | Path | Iterable[str | Path] = (),
    defaults: bool = False,
    halve_learning_rate: bool = False,
    sweep: str | None = None,
    objective: str | None = None,
    seeds: int = 8,
    steps: int | None = None,
    seconds: float | None = None,
    validate_every: int | None = None,
    test_examples: int | None = None,
    accept_changes: bool = False,
    name: str | None = None,
    database: str | Path | Database | None = None,
    precision: str | None = None,
    options: Mapping[str, Any] | None = None,
    wait: bool = False,
    callback: Callable[[], Callback] | None = None,
    progress: bool | Callable[[str], None] | Progress | None = True,
    **resources: Unpack[ResourceOptions],
) -> Comparison:
    """Train tuned optimizers with a long budget on the same seeds, and compare them.

    The validation set is measured during training, the test set at the end.

    Args:
        search: The run whose tuned hyperparameters are compared, or its name. Default: the newest complete search on
            the task in the database.
        task: See `tune`. Default: the search's.
        optimizers: Names or classes. Default: all of the search, or of the files.
        configs: Exported configurations (JSON or YAML) whose hyperparameters are used instead.
        defaults: Whether to use the defaults instead.
        halve_learning_rate: Whether to halve every learning rate, as for long runs.
        sweep: Vary a parameter of LODO alone: "momentum", "depth" or "block-size".
        objective: What makes one number of a run, by which optimizers are ranked; see `tune`. Default: the search's.
        seeds: Number of seeds; each optimizer is trained on the seeds 0 to seeds - 1.
        steps: Budget of a run in gradient evaluations. Default: the paper's.
        seconds: Train each run alone, and for at least this many seconds. Default: by steps only.
        validate_every: Gradient evaluations between two validations. Default: the paper's.
        test_examples: Number of examples of the test set, at random. Default: all.
        accept_changes: Whether the task's code or data may have changed since the search; the results then say so.
        name: Name of the run. Default: the search's or the task's, with "-comparison".
        database: See `tune`. Default: the search's.
        precision: Default: the search's, or the task's own.
        options: Keyword arguments of the task. Default: the search's.
        wait: Whether to wait while another driver holds a study.
        callback: Returns a new `Callback` for each study.
        progress: See `tune`.
        **resources: See `tune`.

    Returns:
        The comparison.

    Raises:
        As `tune`.

    Example:
        >>> comparison = tuner.compare(task="rosenbrock", optimizers=["Adam", "Momentum"], defaults=True, seeds=2)
        >>> comparison.trials().groupby("study").fitness.mean().idxmin()
        'rosenbrock-comparison/Momentum'
    """
    if isinstance(search, Run):
        database = search.database if database is None else database
        tuned_on = search.studies[0].spec.workloads
        if task is None and len(tuned_on) > 1:
            names = ", ".join(workload.task for workload in tuned_on)
            raise InvalidRequest("task", f"is missing: {search.name} was tuned on {names}; compare on one at a time")
        task = tuned_on[0].task if task is None else task
    if task is None:
        raise InvalidRequest("task", "is missing; it is required unless {search} is a run")
    resolved = Resources.of(resources)
    request = CompareRequest(
        task=task_name(task),
        optimizers=optimizer_names(optimizers),
        search=search.name if isinstance(search, Run) else search,
        configs=paths(configs),
        defaults=defaults,
        halve_learning_rate=halve_learning_rate,
        sweep=sweep,
        objective=objective,
        seeds=seeds,
        steps=steps,
        seconds=seconds,
        validate_every=validate_every,
        test_examples=test_examples,
        name=name,
        cpus_per_candidate=resolved.cpus_per_candidate,
        precision=precision,
        options=options or {},
    )
    db = DEFAULT_DATABASE if database is None else database
    return run_comparison(
        request, resolved, db, accept_changes=accept_changes, callback=callback, wait=wait, progress=progress
    )


def run_comparison(
    request: CompareRequest,
    resources: Resources,
    database: str | Path | Database = DEFAULT_DATABASE,
    *,
    accept_changes: bool = False,
    callback: Callable[[], Callback] | None = None,
    wait: bool = False,
    progress: bool | Callable[[str], None] | Progress | None = True,
) -> Comparison:
    """Run a request for a comparison; see `compare`."""
    resources.check()
    if resources.timeout is not None and request.seconds is not None and resources.timeout <= request.seconds:
        raise InvalidRequest(
            "timeout",
            f"is longer than {{seconds}}. Received: {resources.timeout:g} s and {request.seconds:g} s of training",
        )
    if request.name is not None:
        check_run_name(request.name)
    receiver = progress_of(progress)
    with using_data(resources.data_dir):
        db = Database.of(database)
        plan = plan_comparison(request, db.source)
        check_users_code(plan.specs, resources.timeout, receiver)
        plan = identified(plan, resources, accept_changes=accept_changes)
        with db.writing() as store:
            run = begin(plan, request.name, resources, store, receiver, callbacks=callback, wait=wait)
    return Comparison(db, run)

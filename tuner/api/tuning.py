"""`tuner.tune`: search the hyperparameters of optimizers on a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from search_spaces.space import SearchSpace
from tuner.api.data_folder import using_data
from tuner.api.database import Database
from tuner.api.progress import Progress, progress_of
from tuner.api.requests import Optimizers, Task, optimizer_names, paths, sequence, task_name
from tuner.api.run import Run
from tuner.api.running import begin, check_users_code
from tuner.api.stored_database import DEFAULT_DATABASE
from tuner.core.study import SearchSpec
from tuner.execution.executor import Executor
from tuner.execution.resources import ResourceOptions, Resources
from tuner.storage import check_run_name
from tuner.studies.callbacks import Callback
from tuner.studies.estimate import Estimate, long_run
from tuner.studies.fingerprints import identified
from tuner.studies.lookup import task_entry, task_names
from tuner.studies.planner import Plan, SearchRequest, plan_search


def tune(
    task: Task | Sequence[Task],
    optimizers: Optimizers | None = None,
    *,
    preset: str = "paper",
    strategy: str | None = None,
    generations: int | None = None,
    population: int | None = None,
    steps: int | Sequence[int] | None = None,
    sigma: float | Sequence[float] | None = None,
    budget: int | None = None,
    objective: str | None = None,
    seed: int = 0,
    fresh_seeds: int | None = None,
    search_seeds: int = 1,
    name: str | None = None,
    database: str | Path | Database = DEFAULT_DATABASE,
    search_space: str | Path | Iterable[str | Path] = (),
    space: SearchSpace | None = None,
    precision: str | None = None,
    options: Mapping[str, Any] | None = None,
    wait: bool = False,
    callback: Callable[[], Callback] | None = None,
    progress: bool | Callable[[str], None] | Progress | None = True,
    **resources: Unpack[ResourceOptions],
) -> Run:
    """Tune the hyperparameters of optimizers on a task, fairly, on Ray, and record everything in a database.

    Args:
        task: Name of a built-in task, "module:NAME", "path/to/file.py:NAME", or a task's class. A class of a module is
            imported by the workers; one of a script or a notebook is sent to them by value, see `tuner.api.requests`.
            Or a training function, see docs/guides/training-function.md.
            Several, in a list or with commas: each optimizer is tuned for one setting that works on all of them, see
            docs/guides/several-tasks.md.
        optimizers: Names of built-in optimizers, "keras:NAME", their classes, or optimizers of your own: named as a
            task, or as classes; one or several. A mapping gives your own the names to show. Default: the task's.
        preset: Schedule of the search: "paper", "quick", or another preset of the task.
        strategy: Name of a search strategy: "genetic", "cma-es", "random", "nsga2" or "paper". Default: "paper" for the
            preset "paper", "genetic" for every other.
        generations: Default: as many as the longest list given has, or the preset.
        population: Candidates per generation. Default: the preset's.
        steps: Budget of a candidate in gradient evaluations: one value, or one per generation. Default: the preset's.
        sigma: Standard deviation of the draws, likewise.
        budget: Gradient evaluations of all candidates of a search together, instead of `generations`.
        objective: What makes one number of a run, and its direction: "training-loss:last=0.25", "validation.accuracy",
            "validation.loss:best", "evaluations-to:validation.accuracy>=0.9" and others; docs/guides/objectives.md has
            them all. Two or three, with commas, where candidates train one by one. Default: the preset's or the task's,
            or else the mean training loss over the last tenth.
        seed: Decides everything that is drawn.
        fresh_seeds: Number of seeds on which the defaults and the tuned point are trained at the end. Default: the
            preset's, usually 8.
        search_seeds: Number of searches for each optimizer, with the seeds seed, seed + 1, …: how much another search
            would differ. The table then has means and spreads over searches. Default 1.
        name: Name of the run. Default: the task's name, numbered where that is taken.
        database: Where to record: a file, a URL, or a `Database`.
        search_space: YAML files with search spaces of your own, one per optimizer.
        space: The search space of a training function, or of the only optimizer, as `tuner.space` returns it. Default:
            see docs/guides/training-function.md.
        precision: "float32", "float64", or "bfloat16" where a task supports it. Default: the task's own.
        options: Keyword arguments of the task, such as batch_size. Default: the preset's.
        wait: Whether to wait while another driver holds a study.
        callback: Returns a new `Callback` for each study; may be its class.
        progress: True writes a line per generation to standard error, False nothing; a function takes each line.
        **resources: Where to train, as the attributes of `Resources`: workers, cpus_per_candidate, gpus_per_candidate,
            memory_per_candidate, timeout, max_attempts, address, dashboard (default: False), data_dir, checkpoint_dir.

    Returns:
        The run. It stays in the database, from which `open_database(…).run(name)` returns it again.

    Raises:
        InvalidRequest: An argument is unknown or out of range.
        ValueError: A task, an optimizer, a search-space file or a data set cannot be used.
        StorageError, ClusterUnavailable: The database or the machines fail.
        EveryCandidateFailed: All candidates of a generation raised the same error; the other studies are complete.
        KeyboardInterrupt: The run was interrupted. Finished candidates are kept, and `resume` continues it.

    Example:
        >>> run = tuner.tune("rosenbrock", "Adam", generations=2, population=4, steps=[20, 40], progress=False)
        >>> run["Adam"].status
        'complete'
    """
    resolved = Resources.of(resources)
    request = SearchRequest(
        task=task_name(task) if isinstance(task, str) or callable(task) else ",".join(map(task_name, task)),
        optimizers=optimizer_names(optimizers),
        preset=preset,
        generations=generations,
        population=population,
        steps=sequence(steps),
        sigma=sequence(sigma),
        budget=budget,
        strategy=strategy,
        objective=objective,
        seed=seed,
        fresh_seeds=fresh_seeds,
        search_seeds=search_seeds,
        name=name,
        cpus_per_candidate=resolved.cpus_per_candidate,
        search_spaces=paths(search_space),
        precision=precision,
        options=options or {},
        space=space,
    )
    return run_search(request, resolved, database, callback=callback, wait=wait, progress=progress)


def run_search(
    request: SearchRequest,
    resources: Resources,
    database: str | Path | Database = DEFAULT_DATABASE,
    *,
    confirm: Callable[[Estimate], bool] | None = None,
    callback: Callable[[], Callback] | None = None,
    wait: bool = False,
    progress: bool | Callable[[str], None] | Progress | None = True,
) -> Run:
    """Run a request for searches; see `tune`.

    If `confirm` is given, the duration is estimated before anything is created. For a search of more than ten minutes
    `confirm` takes the estimate, and returns whether to start.
    """
    resources.check()
    if request.name is not None:
        check_run_name(request.name)
    receiver = progress_of(progress)
    with using_data(resources.data_dir):
        plan = plan_search(request)  # what is wrong with the request is found before a database is made
        check_users_code(plan.specs, resources.timeout, receiver)
        plan = identified(plan, resources)
        db = Database.of(database)
        with db.writing() as store:
            run = begin(
                plan,
                request.name,
                resources,
                store,
                receiver,
                callbacks=callback,
                confirm=None if confirm is None else partial(confirmed, request, plan, confirm, receiver.say),
                wait=wait,
            )
    return Run(db, run)


def confirmed(
    request: SearchRequest,
    plan: Plan,
    confirm: Callable[[Estimate], bool],
    say: Callable[[str], None],
    executor: Executor,
    slots: int,
) -> bool:
    """Estimate how long a search will take; return whether it is short or confirmed."""

    def others() -> Iterator[tuple[str, Sequence[SearchSpec]]]:
        shorter = replace(request, generations=None, population=None, steps=None, sigma=None, budget=None)
        first, *further = (task_entry(task).presets for task in task_names(request.task))
        for preset in first:
            if preset != request.preset and all(preset in presets for presets in further):
                yield preset, _searches(plan_search(replace(shorter, preset=preset)))

    estimate = long_run(executor, _searches(plan), others, slots, say)
    return estimate is None or confirm(estimate)


def _searches(plan: Plan) -> list[SearchSpec]:
    return [on_task for spec in plan.specs if isinstance(spec, SearchSpec) for on_task in spec.each_task]

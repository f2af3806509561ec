"""`lodo-tune --task …`: a run of searches, and the tuned table at the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tuner.cli.flags import database_of, flag_of, task_options_of
from tuner.cli.server import MACHINE, check_private, refuse_here, service_of

if TYPE_CHECKING:
    from tuner.api.remote.service import Service
    from tuner.cli.progress import TerminalProgress
    from tuner.studies.estimate import Estimate

FIELDS = (
    "task", "optimizers", "preset", "generations", "population", "steps", "sigma", "budget", "strategy", "objective",
    "seed", "fresh_seeds", "search_seeds", "name", "cpus_per_candidate", "precision",
)  # fmt: skip


def search_and_print(options: dict[str, Any]) -> None:
    """Search as the options of the command line request, and print the table.

    Raises:
        LodoTuneError, ValueError: The request is not valid, or the run failed.
        Interrupted: By Ctrl-C or SIGTERM, or the estimate of a long search was declined.
    """
    if (service := service_of(options["server"], options["database"])) is not None:
        _search_on(service, options)
        return
    check_private(options)
    from tuner.api.tuning import run_search
    from tuner.cli.running import resources_of, run_and_print
    from tuner.studies.planner import SearchRequest

    request = SearchRequest(
        **{name: options[name] for name in FIELDS},
        search_spaces=options["search_space"],
        options=task_options_of(options["task_options"]),
    )
    resources, database = resources_of(options), database_of(options["database"])
    asks = asks_before_a_long_search(yes=options["yes"])
    run_and_print(
        options,
        database,
        lambda progress: run_search(
            request,
            resources,
            database,
            confirm=(lambda estimate: confirm(progress, estimate)) if asks else None,
            wait=options["wait"],
            progress=progress,
        ),
    )


def _search_on(service: Service, options: dict[str, Any]) -> None:
    refuse_here(options, *(option for option in MACHINE if option != "memory_per_candidate"))
    from tuner.cli.remote import submit_and_print

    fields = {name: options[name] for name in FIELDS if name not in ("task", "optimizers", "cpus_per_candidate")}
    submit_and_print(
        options,
        service,
        lambda: service.submit(
            options["task"],
            options["optimizers"],
            **fields,
            search_space=options["search_space"],
            options=task_options_of(options["task_options"]),
            timeout=options["timeout"],
            memory_per_candidate=options["memory_per_candidate"],
            max_attempts=options["max_attempts"],
            is_private=options["private"],
        ),
    )


def asks_before_a_long_search(*, yes: bool) -> bool:
    """Return whether to ask before a long search: at a terminal, unless --yes is given."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(progress: TerminalProgress, estimate: Estimate) -> bool:
    """Show how long a search will take, and ask whether to start it."""
    return progress.confirm(estimate.lines(flag_of), "Start the search?")

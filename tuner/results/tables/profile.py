"""The table of performance profiles: a section of text, JSON and CSV."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from tuner.core.text import one_line
from tuner.results.analysis.profile import Profile, Share
from tuner.results.tables.numbers import NOTHING, measured
from tuner.results.tables.section import Section
from tuner.results.tables.text_table import TextTable

RATIOS = (1.0, 1.1, 2.0, 10.0, math.inf)
_COLUMNS = ("run", "task", "optimizer", "seed", "loss", "ratio")


def as_json(profile: Profile) -> dict[str, Any]:
    """Return the profiles in a form for JSON. Keys are never renamed; new ones may be added."""
    return {
        "tasks": [
            {
                "run": task.run,
                "task": task.task,
                "objective": task.objective.text,
                "steps": task.steps,
                "seeds": task.seeds,
            }
            for task in profile.tasks
        ],
        "optimizers": [
            {
                "optimizer": one.optimizer,
                "shares": [asdict(share) for share in profile.shares(one, RATIOS)],
                "runs": [
                    {"run": task.run, "losses": losses, "ratios": ratios}
                    for task, losses, ratios in zip(profile.tasks, one.losses, one.ratios, strict=True)
                ],
            }
            for one in profile.optimizers
        ],
        "remarks": list(profile.remarks),
    }


def csv_rows(profile: Profile) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns, and one row per run; what is infinite is an empty cell."""
    rows = [
        [task.run, task.task, one.optimizer, seed, loss, ratio]
        for one in profile.optimizers
        for task, losses, ratios in zip(profile.tasks, one.losses, one.ratios, strict=True)
        for seed, loss, ratio in zip(task.seeds, losses, ratios, strict=True)
    ]
    return list(_COLUMNS), rows


def section(profile: Profile) -> Section:
    """Return the section: the profiles, and the loss or other value on each task."""
    misses = any(task.objective.is_to_target for task in profile.tasks)
    finished = "reached: the runs that did not miss the target" if misses else "finished: the runs that did not diverge"
    return Section(
        heading=one_line(f"{', '.join(task.run for task in profile.tasks)}: performance profiles"),
        tables=[_shares(profile), _losses(profile)],
        legend=[
            f"within τ ×: share of runs with a {profile.noun} of at most τ times the lowest of any optimizer on the "
            "same task and seed, averaged over tasks, and its bootstrap 95 % interval over seeds. best: τ = 1. "
            f"{finished}.",
            f"Step budgets: {', '.join(f'{task.run} {task.steps:,}' for task in profile.tasks)} gradient evaluations; "
            f"seeds that count: {', '.join(str(len(task.seeds)) for task in profile.tasks)}.",
        ],
        remarks=profile.remarks,
    )


def _shares(profile: Profile) -> TextTable:
    rows = [[one.optimizer, *map(_share, profile.shares(one, RATIOS))] for one in profile.optimizers]
    last = "reached" if any(task.objective.is_to_target for task in profile.tasks) else "finished"
    header = ["optimizer", "best", *(f"within {ratio:g} ×" for ratio in RATIOS[1:-1]), last]
    return TextTable(header, rows, title=f"Share of runs by the ratio of their {profile.noun} to the lowest")


def _share(share: Share) -> str:
    is_wide = share.low is not None and share.high is not None and share.low < share.high
    return f"{_percent(share.share)} %{f' ({_percent(share.low)} to {_percent(share.high)})' if is_wide else ''}"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f}"


def _losses(profile: Profile) -> TextTable:
    means = [[one.mean_loss(task) for task in range(len(profile.tasks))] for one in profile.optimizers]
    least = [min(column) for column in zip(*means, strict=True)]
    rows = [[one.optimizer, *map(_loss, row)] for one, row in zip(profile.optimizers, means, strict=True)]
    return TextTable(
        ["optimizer", *_columns(profile)],
        rows,
        bold=frozenset(
            (at, 1 + task)
            for at, row in enumerate(means)
            for task, mean in enumerate(row)
            if mean == least[task] and math.isfinite(mean)
        ),
        title=_title(profile),
    )


def _title(profile: Profile) -> str:
    objective = profile.objective
    if objective is None:
        values = ", ".join(f"{task.run} {task.objective.text}" for task in profile.tasks)
        return f"Mean of the objective of each comparison (lower is better): {values}"
    if objective.is_default:
        return "Mean loss in the last 10 % of the step budget (lower is better)"
    title = objective.title("the step budget")
    return f"Mean {title[0].lower()}{title[1:]}"


def _columns(profile: Profile) -> list[str]:
    """Return a title per comparison: its task, or its name where several have the same task."""
    labels = [task.task_label for task in profile.tasks]
    return [one_line(task.task_label if labels.count(task.task_label) == 1 else task.run) for task in profile.tasks]


def _loss(mean: float) -> str:
    return measured(mean) if math.isfinite(mean) else "∞"

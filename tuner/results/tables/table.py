"""The tuned table: per optimizer its hyperparameters, fitnesses, verdict and costs, in the formats of `FORMATS`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from tuner.results.analysis.summary import Cost, FreshRuns, Summary
from tuner.results.tables import latex
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.grid import Grid, escaped
from tuner.results.tables.numbers import NOTHING, counted, hyperparameter, mean_and_spread, measured, one_line, seconds
from tuner.results.tables.remarks import legend, remarks
from tuner.results.tables.spreadsheet import as_csv

FORMATS = ("text", "markdown", "csv", "json", "latex")
WIDTH = 96  # of running text, in characters


def render(summaries: Sequence[Summary], format: str = "text") -> str:
    """Return the tuned table.

    Args:
        summaries: One a study, in the order of the table.
        format: "text" (for a terminal of 100 columns, without colours), "markdown", "csv" (one row a hyperparameter),
            "json" (strict, full precision; `as_json` says which keys) or "latex" (with booktabs).

    Returns:
        The table, without a line end after the last line.

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    if format == "json":
        return strict_json({"studies": [as_json(summary) for summary in summaries]})
    if format == "csv":
        return as_csv(summaries)
    blocks = {"markdown": _markdown_block, "latex": _latex_block, "text": _text_block}[format]
    return "\n\n".join(blocks(group) for group in alike(summaries)) or "no studies"


def as_json(summary: Summary) -> dict[str, Any]:
    """Return all that a summary says, as JSON takes it. Keys are never renamed; new ones may come."""
    return {
        "study": summary.study,
        "run": summary.run,
        "task": summary.task,
        "optimizer": summary.optimizer,
        "status": summary.status,
        "strategy": summary.strategy,
        "seed": summary.seed,
        "generations": summary.generations,
        "population": summary.population,
        "steps": summary.steps,
        "hyperparameters": [
            {"name": row.name, "scale": row.scale.value, "default": row.default, "tuned": row.tuned}
            for row in summary.hyperparameters
        ],
        "fitness": {
            "default": _fresh_json(summary.default),
            "searched": summary.searched,
            "tuned": _fresh_json(summary.tuned),
            "gain": {"mean": summary.gain.mean, "spread": summary.gain.spread},
            "verdict": summary.verdict.value,
        },
        "best": None
        if summary.best is None
        else {
            "generation": summary.best.generation,
            "slot": summary.best.slot,
            "steps": summary.best.steps,
            "fitness": summary.best.fitness,
            "hyperparameters": dict(summary.best.hyperparameters),
        },
        "individuals": {
            "finished": summary.counts.finished,
            "diverged": summary.counts.diverged,
            "failed": summary.counts.failed,
            "timed_out": summary.counts.timed_out,
            "total": summary.counts.total,
        },
        "cost": {"search": _cost_json(summary.search_cost), "fresh_seeds": _cost_json(summary.fresh_cost)},
        "notes": list(summary.notes),
    }


def _fresh_json(runs: FreshRuns) -> dict[str, Any]:
    return {
        "mean": runs.mean,
        "spread": runs.spread,
        "finished": runs.finished,
        "diverged": runs.diverged,
        "failed": runs.failed,
        "timed_out": runs.timed_out,
        "seeds": runs.seeds,
    }


def _cost_json(cost: Cost) -> dict[str, Any]:
    return {"evaluations": cost.evaluations, "seconds": cost.seconds}


def alike(summaries: Sequence[Summary]) -> list[list[Summary]]:
    """Return groups of summaries whose fitnesses compare, in order of their first."""
    groups: dict[object, list[Summary]] = {}
    for s in summaries:
        same = (s.run, s.task, s.strategy, s.seed, s.generations, s.population, s.steps, s.tuned.seeds)
        groups.setdefault(same, []).append(s)
    return list(groups.values())


def _heading(group: Sequence[Summary]) -> str:
    first = group[0]
    search = f"{counted(first.generations, 'generation')} × {counted(first.population, 'individual')}"
    return one_line(f"{first.run}: {first.task_label}, {search}, strategy {first.strategy}, seed {first.seed}")


def grids(group: Sequence[Summary]) -> list[tuple[str, Grid]]:
    """Return the three titled grids of summaries that compare: hyperparameters, fitnesses, and what it cost."""
    first = group[0]
    tuned = [
        [s.optimizer, row.name, hyperparameter(row.default, row.scale), "→", hyperparameter(row.tuned, row.scale)]
        for s in group
        for row in s.hyperparameters
    ]
    fitnesses = [
        [
            s.optimizer,
            _fresh_cell(s.default),
            measured(s.searched),
            _fresh_cell(s.tuned),
            mean_and_spread(s.gain.mean, s.gain.spread),
            s.verdict.value,
        ]
        for s in group
    ]
    costs = [
        [
            s.optimizer,
            *(f"{count:,}" for count in (s.counts.finished, s.counts.diverged, s.counts.failed, s.counts.timed_out)),
            f"{s.counts.total:,}",
            f"{s.search_cost.evaluations:,}",
            f"{s.fresh_cost.evaluations:,}",
            seconds(s.search_cost.seconds + s.fresh_cost.seconds),
        ]
        for s in group
    ]
    fresh = f"; ± over {first.tuned.seeds} fresh seeds" if first.tuned.seeds else ""
    return [
        ("Hyperparameters", Grid(["optimizer", "hyperparameter", "default", "", "tuned"], tuned, left=(0, 1))),
        (
            f"Fitness after {first.steps:,} gradient evaluations, the lower the better{fresh}",
            Grid(["optimizer", "default", "searched", "tuned", "gain", "verdict"], fitnesses, left=(0, 5)),
        ),
        (
            "Individuals of the search; gradient evaluations and seconds of training spent",
            Grid(
                ["optimizer", "finished", "diverged", "failed", "timed out", "of", "search", "fresh seeds", "seconds"],
                costs,
            ),
        ),
    ]


def _fresh_cell(runs: FreshRuns) -> str:
    if runs.mean is not None:
        shown = mean_and_spread(runs.mean, runs.spread)
        return shown if runs.finished == runs.seeds else f"{shown} ({runs.finished}/{runs.seeds})"
    return "diverged" if runs.diverged else "failed" if runs.failed else "timed out" if runs.timed_out else NOTHING


def _text_block(group: Sequence[Summary]) -> str:
    parts = [_heading(group)]
    parts += [f"{title}\n{grid.text()}" for title, grid in grids(group)]
    parts.append("\n".join(textwrap.fill(line, WIDTH) for line in legend(group)))
    notes = [
        textwrap.fill(one_line(remark), WIDTH, initial_indent="- ", subsequent_indent="  ") for remark in remarks(group)
    ]
    return "\n\n".join([*parts, "\n".join(notes)] if notes else parts)


def _markdown_block(group: Sequence[Summary]) -> str:
    parts = [f"### {escaped(_heading(group))}"]
    parts += [f"**{title}**\n\n{grid.markdown()}" for title, grid in grids(group)]
    parts.append("\n".join(escaped(line) for line in legend(group)))
    notes = [f"- {escaped(one_line(remark))}" for remark in remarks(group)]
    return "\n\n".join([*parts, "\n".join(notes)] if notes else parts)


def _latex_block(group: Sequence[Summary]) -> str:
    said = [_heading(group), *legend(group), *(one_line(remark) for remark in remarks(group))]
    tables = [latex.latex(f"{title} ({_heading(group)})", grid) for title, grid in grids(group)]
    return "\n\n".join(["\n".join([latex.PREAMBLE, *map(latex.comment, said)]), *tables])

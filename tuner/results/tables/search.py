"""The tuned table of searches, as sections of text, as JSON and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from tuner.core.study import StudyStatus
from tuner.core.text import one_line
from tuner.results.analysis.hyperparameter import Hyperparameter
from tuner.results.analysis.landscape import Tolerance
from tuner.results.analysis.margins import comparable
from tuner.results.analysis.mean_rank import mean_ranks
from tuner.results.analysis.searches import merged
from tuner.results.analysis.summary import Summary
from tuner.results.tables import details, first_lines, front, searches, several_tasks, sizes
from tuner.results.tables.next_lines import as_json as next_steps_json
from tuner.results.tables.next_lines import next_lines
from tuner.results.tables.numbers import counted, hyperparameter, measured, seconds
from tuner.results.tables.points import on_fresh_seeds, seen
from tuner.results.tables.search_legend import legend
from tuner.results.tables.section import Section
from tuner.results.tables.text_table import TextTable

COLUMNS: Mapping[str, Callable[[Summary, Hyperparameter], Any]] = MappingProxyType(
    {
        "study": lambda s, _: s.study,
        "task": lambda s, _: s.task,
        "optimizer": lambda s, _: s.optimizer,
        "hyperparameter": lambda _, row: row.name,
        "scale": lambda _, row: row.scale.value,
        "default": lambda _, row: row.default,
        "tuned": lambda _, row: row.tuned,
        "default_fitness": lambda s, _: s.default.mean,
        "default_spread": lambda s, _: s.default.spread,
        "default_finished": lambda s, _: s.default.finished,
        "default_diverged": lambda s, _: s.default.diverged,
        "searched_fitness": lambda s, _: s.searched,
        "tuned_fitness": lambda s, _: s.tuned.mean,
        "tuned_spread": lambda s, _: s.tuned.spread,
        "tuned_finished": lambda s, _: s.tuned.finished,
        "tuned_diverged": lambda s, _: s.tuned.diverged,
        "gain": lambda s, _: s.gain.mean,
        "gain_spread": lambda s, _: s.gain.spread,
        "fresh_seeds": lambda s, _: s.tuned.seeds,
        "verdict": lambda s, _: s.verdict.value,
        "status": lambda s, _: s.status,
        "strategy": lambda s, _: s.strategy,
        "seed": lambda s, _: s.seed,
        "generations": lambda s, _: s.generations,
        "population": lambda s, _: s.population,
        "steps": lambda s, _: s.steps,
        "finished": lambda s, _: s.counts.finished,
        "diverged": lambda s, _: s.counts.diverged,
        "failed": lambda s, _: s.counts.failed,
        "timed_out": lambda s, _: s.counts.timed_out,
        "individuals": lambda s, _: s.counts.total,
        "search_evaluations": lambda s, _: s.search_cost.evaluations,
        "search_seconds": lambda s, _: s.search_cost.seconds,
        "fresh_evaluations": lambda s, _: s.fresh_cost.evaluations,
        "fresh_seconds": lambda s, _: s.fresh_cost.seconds,
        "objective": lambda s, _: s.objective.text,
        "default_missed": lambda s, _: s.default.missed,
        "tuned_missed": lambda s, _: s.tuned.missed,
        "distance": lambda _, row: row.distance,
        "bound": lambda _, row: row.bound or None,
        "tolerance_low": lambda _, row: row.tolerance.low if row.tolerance else None,
        "tolerance_high": lambda _, row: row.tolerance.high if row.tolerance else None,
        "diverged_evaluations": lambda s, _: s.diverged_cost.evaluations,
        "failed_evaluations": lambda s, _: s.failed_cost.evaluations,
        "timed_out_evaluations": lambda s, _: s.timed_out_cost.evaluations,
        "relative_gain": lambda s, _: s.gain.relative.value,
        "relative_gain_low": lambda s, _: s.gain.relative.low,
        "relative_gain_high": lambda s, _: s.gain.relative.high,
        "margin": lambda s, _: s.gain.margin,
        "belongs_to": lambda s, row: belongs_to(s, row),
        "pruned": lambda s, _: s.counts.pruned,
        "pruned_evaluations": lambda s, _: s.pruned_cost.evaluations,
        "saved_evaluations": lambda s, _: s.saved,
    }
)
"""Columns of the CSV and of the data frame.

Fitnesses are values of the objective, in its own units; spreads are sample standard deviations over fresh seeds.
Tolerances are empty unless details were asked for.
"""

# fmt: off
_SPECIFICATION = (
    "study", "run", "task", "optimizer", "status", "strategy", "seed", "generations", "population", "steps",
)
# fmt: on


def csv_rows(summaries: Sequence[Summary]) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns, and one row per hyperparameter, which repeats the columns of its study.

    The columns are thus the same for every optimizer, whatever the number of its hyperparameters. A search on several
    tasks has these rows for each task, and with one in `summaries` there are further columns, of all tasks together.
    """
    ranks = _mean_ranks(summaries)
    further = several_tasks.COLUMNS if any(s.parts for s in summaries) else {}
    cells = [
        [
            *(column(part, row) for column in COLUMNS.values()),
            *(column(s, rank) if s.parts else None for column in further.values()),
        ]
        for s, rank in zip(summaries, ranks, strict=True)
        for part in s.parts or (s,)
        for row in part.hyperparameters
    ]
    return [*COLUMNS, *further], cells


def all_as_json(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """Return summaries in a form for JSON; those of searches on several tasks have further keys."""
    return [
        {**as_json(s), **(several_tasks.as_json(s, rank, as_json) if s.parts else {})}
        for s, rank in zip(summaries, _mean_ranks(summaries), strict=True)
    ]


def _mean_ranks(summaries: Sequence[Summary]) -> list[float | None]:
    """Return the mean rank of each search on several tasks among those of its group, and None for the others."""
    ranks: dict[int, float | None] = {}
    for group in comparable(summaries):
        ranks |= dict(zip(map(id, group), mean_ranks(group) if group[0].parts else [None] * len(group), strict=True))
    return [ranks[id(s)] for s in summaries]


def as_json(summary: Summary) -> dict[str, Any]:
    """Return a summary in a form for JSON. Keys are never renamed; new ones may be added."""
    best = summary.best
    return {
        **{name: getattr(summary, name) for name in _SPECIFICATION},
        "objective": summary.objective.text,
        "hyperparameters": [
            {
                "name": row.name,
                "scale": row.scale.value,
                "belongs_to": belongs_to(summary, row),
                "default": row.default,
                "tuned": row.tuned,
                "distance": row.distance,
                "bound": row.bound or None,
                "is_bound_given": row.is_bound_given if row.bound else None,
                **({} if row.tolerance is None else {"tolerance": _tolerance(row, row.tolerance)}),
            }
            for row in summary.hyperparameters
        ],
        "fitness": {
            "default": asdict(summary.default),
            "searched": summary.searched,
            "tuned": asdict(summary.tuned),
            "gain": sizes.as_json(summary.gain),
            "verdict": summary.verdict.value,
        },
        "best": None if best is None else {**asdict(best), "hyperparameters": dict(best.hyperparameters)},
        "individuals": asdict(summary.counts),
        "cost": {
            "search": asdict(summary.search_cost),
            "diverged": asdict(summary.diverged_cost),
            "failed": asdict(summary.failed_cost),
            "timed_out": asdict(summary.timed_out_cost),
            "pruned": asdict(summary.pruned_cost),
            "saved_evaluations": summary.saved,
            "fresh_seeds": asdict(summary.fresh_cost),
        },
        **({} if summary.doubling is None else {"doubling": asdict(summary.doubling)}),
        **({} if summary.front is None else {"front": front.as_json(summary.front)}),
        "notes": list(summary.notes),
        "next_steps": next_steps_json(summary),
    }


def _tolerance(row: Hyperparameter, tolerance: Tolerance) -> dict[str, Any]:
    return {
        **asdict(tolerance),
        "note": tolerance.note or None,
        "factor_low": details.factor(row, tolerance.low),
        "factor_high": details.factor(row, tolerance.high),
    }


def sections(summaries: Sequence[Summary]) -> list[Section]:
    """Return one section per group of summaries with comparable fitnesses, in the order of their first members.

    Each section has these tables: hyperparameters, fitnesses, those of `details` if asked for, and costs. A search on
    several tasks has a table with all of them, and one of the fitnesses on each.
    """
    return [_section(merged(group)) for group in comparable(summaries)]


def _section(group: Sequence[Summary]) -> Section:
    first = group[0]
    search = f"{counted(first.generations, 'generation')} × {counted(first.population, 'individual')}"
    seed = searches.seeds_of(first) if first.searches else f"seed {first.seed}"
    fronts = [(summary, summary.front) for summary in group if summary.front is not None]
    tables = [
        _hyperparameters(group),
        *_all_fitnesses(group),
        *(front.table(summary, found) for summary, found in fronts),
        *_further(group),
        _costs(group),
    ]
    further = [front.legend(summary, found) for summary, found in fronts]
    further += [] if first.searches else details.legend(group)
    return Section(
        heading=one_line(f"{first.run}: {first.task_label}, {search}, strategy {first.strategy}, {seed}"),
        tables=tables,
        legend=[*legend(group), *further],
        remarks=[f"{summary.optimizer}: {remark}" for summary in group for remark in _remarks(summary)],
        first=first_lines.of_searches(group),
        following=next_lines(group),
    )


def _further(group: Sequence[Summary]) -> Sequence[TextTable]:
    if not group[0].searches:
        return details.tables(group)
    ranks = searches.ranks_table(group)
    return [] if ranks is None else [ranks]


def _hyperparameters(group: Sequence[Summary]) -> TextTable:
    if group[0].searches:
        return searches.hyperparameters(group)
    has_owners = any(row.is_of_task for s in group for row in s.hyperparameters)
    rows = [
        [
            s.optimizer,
            row.name,
            *([belongs_to(s, row)] if has_owners else []),
            hyperparameter(row.default, row.scale),
            "→",
            hyperparameter(row.tuned, row.scale),
        ]
        for s in group
        for row in s.hyperparameters
    ]
    header = ["optimizer", "hyperparameter", *(["belongs to"] if has_owners else []), "default", "", "tuned"]
    return TextTable(header, rows, left=(0, 1, 2) if has_owners else (0, 1), title="Hyperparameters")


def belongs_to(summary: Summary, row: Hyperparameter) -> str:
    """Return what takes a hyperparameter: the task, or the optimizer with what surrounds it.

    A training function, which is the task, takes all of its own.
    """
    return "task" if row.is_of_task or summary.is_of_function else "optimizer"


def _all_fitnesses(group: Sequence[Summary]) -> list[TextTable]:
    if not group[0].parts:
        return [_fitnesses(group, searched=True)]
    on_tasks = [_fitnesses(parts, searched=False) for parts in zip(*(s.parts for s in group), strict=True)]
    titled = [
        replace(table, title=one_line(f"{part.task_label}: {table.title}"))
        for part, table in zip(group[0].parts, on_tasks, strict=True)
    ]
    return [several_tasks.overall(group), *titled]


def _fitnesses(group: Sequence[Summary], *, searched: bool) -> TextTable:
    several = group[0].has_several_objectives
    rows = [
        [
            s.optimizer,
            on_fresh_seeds(s.default),
            *([measured(s.searched)] if searched else []),
            on_fresh_seeds(s.tuned),
            *([] if several else [sizes.size(s.gain), s.verdict.value]),
        ]
        for s in group
    ]
    seeds, objective = group[0].tuned.seeds, group[0].objective
    is_exact = all(s.tuned.is_exact for s in group) and not group[0].searches
    fresh = "" if not seeds else "; exact, one run of each point" if is_exact else f"; ± over {_over(group[0], seeds)}"
    budget = f"{group[0].steps:,} {group[0].unit}"
    title = f"Fitness after {budget} (lower is better)" if objective.is_default else objective.title(budget)
    header = ["optimizer", "default", *([seen(group[0].strategy)] if searched else []), "tuned"]
    header += [] if several else ["gain", "verdict"]
    return TextTable(header, rows, left=(0,) if several else (0, len(header) - 1), title=f"{title}{fresh}")


def _over(one: Summary, count: int) -> str:
    """Return over what the values of a point are means: fresh seeds, or searches."""
    return f"{count} {'searches' if one.searches else 'fresh seeds'}"


def _costs(group: Sequence[Summary]) -> TextTable:
    ends = ["finished", "diverged", "failed", "timed out"]
    ends += ["pruned"] if any(s.counts.pruned for s in group) else []
    rows = [
        [
            s.optimizer,
            *(f"{getattr(s.counts, end.replace(' ', '_')):,}" for end in ends),
            f"{s.counts.total:,}",
            f"{s.search_cost.evaluations:,}",
            f"{s.fresh_cost.evaluations:,}",
            seconds(s.search_cost.seconds + s.fresh_cost.seconds),
        ]
        for s in group
    ]
    return TextTable(
        ["optimizer", *ends, "total", "search", "fresh seeds", "seconds"],
        rows,
        title=f"Individuals of the search by status; {group[0].unit} and seconds of training",
    )


def _remarks(summary: Summary) -> list[str]:
    """Return remarks on one study: its progress if it is not complete, unfinished fresh runs, the strategy's notes."""
    remarks = []
    if summary.fixed:
        values = ", ".join(f"{name} {hyperparameter(value)}" for name, value in summary.fixed.items())
        remarks.append(f"not tuned: {values}")
    counts, points = summary.counts, {"the defaults": summary.default, "the tuned point": summary.tuned}
    if summary.status != StudyStatus.COMPLETE:
        of_searches = [runs for one in summary.searches for runs in (one.default, one.tuned)]
        fresh_runs = of_searches or points.values()
        planned, left = (sum(getattr(runs, field) for runs in fresh_runs) for field in ("seeds", "left"))
        fresh = f" and {planned - left} of {planned} fresh runs" if planned > left else ""
        resume = "" if summary.status == StudyStatus.RUNNING else f"; continue with lodo-tune resume {summary.study}"
        remarks.append(f"{summary.status}, {counts.done:,} of {counts.total:,} individuals{fresh} done{resume}")
    for point, runs in points.items():
        ends = {"diverged": runs.diverged, "failed": runs.failed, "timed out": runs.timed_out}
        over = "in {} of {} searches" if summary.searches else "on {} of {} fresh seeds"
        over = "in its one run" if runs.is_exact else over
        unfinished = [f"{end} {over.format(count, runs.seeds)}" for end, count in ends.items() if count]
        remarks += [f"{point} {', '.join(unfinished)}"] if unfinished else []
    if summary.counts.pruned:
        whole = summary.search_cost.evaluations + summary.saved
        remarks.append(
            f"{counted(summary.counts.pruned, 'individual')} pruned, ended early since they could no longer matter:"
            f" {summary.saved:,} of {whole:,} {summary.unit} saved ({summary.saved / whole:.0%})"
        )
    return [*remarks, *details.remarks(summary), *summary.notes]

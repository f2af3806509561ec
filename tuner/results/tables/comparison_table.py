"""The table of a comparison: how each optimizer did, how sure that is, and who is not to be told from the best."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from search_spaces.space import Scale
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender, Outcome
from tuner.results.analysis.estimate import Estimate
from tuner.results.analysis.ranking import Standing
from tuner.results.tables import latex
from tuner.results.tables.comparison_sheet import as_csv, comparison_as_json
from tuner.results.tables.comparison_words import legend, notes, provenance
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.grid import Grid, escaped
from tuner.results.tables.numbers import NOTHING, counted, hyperparameter, mean_and_spread, measured, number, one_line
from tuner.results.tables.table import FORMATS, WIDTH


def render_comparisons(comparisons: Sequence[Comparison], format: str = "text") -> str:
    """Return the tables of comparisons.

    Args:
        comparisons: In the order of the tables.
        format: As of `tuner.results.tables.table.render`; of CSV a row a contender.

    Returns:
        The tables, without a line end after the last line.

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    if format == "json":
        return strict_json({"comparisons": [comparison_as_json(one) for one in comparisons]})
    if format == "csv":
        return as_csv(comparisons)
    block = {"markdown": _markdown_block, "latex": _latex_block, "text": _text_block}[format]
    return "\n\n".join(map(block, comparisons))


def _heading(comparison: Comparison) -> str:
    budget = counted(comparison.steps, "gradient evaluation")
    if comparison.seconds is not None:
        budget += f" and {comparison.seconds:g} s"
    what = f"LODO's {comparison.sweep}, " if comparison.sweep else ""
    return one_line(
        f"{comparison.run}: {what}{comparison.task_label}, {budget}, {counted(comparison.seeds, 'seed')} each"
    )


def grids(comparison: Comparison) -> list[tuple[str, Grid]]:
    """Return the comparison's titled grids, the outcome by steps first."""
    name = comparison.sweep or "optimizer"
    floors = any(one.floor is not None for one in comparison.contenders)
    outcomes = [("step budget", [one.by_steps for one in comparison.contenders])]
    if comparison.seconds is not None:
        timed = [one.by_time for one in comparison.contenders if one.by_time is not None]
        outcomes.append(("time budget", timed))
    titled = []
    for budget, found in outcomes:
        rows = [
            _outcome_row(comparison, one, outcome, floors)
            for one, outcome in zip(comparison.contenders, found, strict=True)
        ]
        header = [name, "loss", "95 % interval", *(["floor"] if floors else []), "diverged", "p", "standing"]
        bold = {
            (row, 1) for row, outcome in enumerate(found) if outcome.place.standing in (Standing.BEST, Standing.TIE)
        }
        grid = Grid(header, rows, left=(0, len(header) - 1), bold=frozenset(bold))
        titled.append((f"Mean training loss in the last 10 % of the {budget}, the lower the better", grid))
    measured_on = _measured(comparison, name)
    if measured_on is not None:
        titled.append(measured_on)
    if any(one.pace is not None for one in comparison.contenders):
        rows = [
            [_label(comparison, one), _pace(one.pace), _pace(one.pace_with_validation)] for one in comparison.contenders
        ]
        titled.append(("Gradient evaluations a second", Grid([name, "training alone", "with validation"], rows)))
    values = [[_label(comparison, one), *row] for one in comparison.contenders for row in _settings(one)]
    titled.append(("Hyperparameters", Grid([name, "hyperparameter", "value"], values, left=(0, 1))))
    return titled


def _settings(one: Contender) -> list[list[str]]:
    """Return names and values of a contender's hyperparameters, and of its constructor's settings."""
    point = one.point
    values = [
        [name, hyperparameter(value, one.scales.get(name, Scale.LOG))] for name, value in point.hyperparameters.items()
    ]
    return [*values, *([name, str(value)] for name, value in point.settings.items())]


def _label(comparison: Comparison, one: Contender) -> str:
    return one.name if comparison.sweep is None else f"{one.point.value:.4g}"


def _outcome_row(comparison: Comparison, one: Contender, outcome: Outcome, floors: bool) -> list[str]:
    told = one.counts[Status.FINISHED] + one.counts[Status.DIVERGED]
    return [
        _label(comparison, one),
        _estimate(outcome.loss),
        _interval(outcome.loss),
        *([measured(one.floor)] if floors else []),
        f"{outcome.diverged}/{told}",
        number(outcome.place.p, 2),
        outcome.place.standing.value,
    ]


def _estimate(found: Estimate | None) -> str:
    if found is None:
        return NOTHING
    return mean_and_spread(found.mean, found.spread) if found.runs > 1 else measured(found.mean)


def _interval(found: Estimate | None) -> str:
    if found is None or found.low is None or found.low == found.high:
        return NOTHING
    return f"{measured(found.low)} to {measured(found.high)}"


def _measured(comparison: Comparison, name: str) -> tuple[str, Grid] | None:
    """Return a grid of what validation and test found at the end; None where there was neither."""
    columns = [
        (f"{split} {metric}", split, metric)
        for split in ("validation", "test")
        for metric in comparison.metrics
        if any(metric in getattr(one, split) for one in comparison.contenders)
    ]
    if not columns:
        return None
    rows = [
        [_label(comparison, one), *(_estimate(getattr(one, split).get(metric)) for _, split, metric in columns)]
        for one in comparison.contenders
    ]
    of = "" if comparison.test_examples is None else f" (a random {comparison.test_examples:,} of the test set)"
    title = f"At the end of training{of}; ± over the runs that finished"
    return title, Grid([name, *(title for title, _, _ in columns)], rows)


def _pace(pace: float | None) -> str:
    return NOTHING if pace is None else f"{pace:,.0f}" if pace >= 100 else number(pace, 3)


def _text_block(comparison: Comparison) -> str:
    parts = [_heading(comparison)]
    parts += [f"{title}\n{grid.text()}" for title, grid in grids(comparison)]
    parts.append("\n".join(textwrap.fill(line, WIDTH) for line in legend(comparison)))
    told = [
        textwrap.fill(one_line(note), WIDTH, initial_indent="- ", subsequent_indent="  ") for note in notes(comparison)
    ]
    parts += ["\n".join(told)] if told else []
    return "\n\n".join([*parts, textwrap.fill(provenance(comparison), WIDTH)])


def _markdown_block(comparison: Comparison) -> str:
    parts = [f"### {escaped(_heading(comparison))}"]
    parts += [f"**{title}**\n\n{grid.markdown()}" for title, grid in grids(comparison)]
    parts.append("\n".join(escaped(line) for line in legend(comparison)))
    told = [f"- {escaped(one_line(note))}" for note in notes(comparison)]
    parts += ["\n".join(told)] if told else []
    return "\n\n".join([*parts, escaped(provenance(comparison))])


def _latex_block(comparison: Comparison) -> str:
    said = [_heading(comparison), *legend(comparison), *map(one_line, notes(comparison)), provenance(comparison)]
    tables = [latex.latex(f"{title} ({_heading(comparison)})", grid) for title, grid in grids(comparison)]
    return "\n\n".join(["\n".join([latex.PREAMBLE, *map(latex.comment, said)]), *tables])

"""The table of a comparison: its section for people, its JSON and its CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from search_spaces.space import Scale
from tuner.core.study import Point
from tuner.core.text import one_line
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender, FinalLoss
from tuner.results.analysis.estimate import Estimate
from tuner.results.analysis.ranking import Standing
from tuner.results.analysis.significance import LEVEL
from tuner.results.tables.numbers import NOTHING, counted, hyperparameter, mean_and_spread, measured, number
from tuner.results.tables.section import Section
from tuner.results.tables.text_table import TextTable

_GIVEN_THE_HESSIAN = ("Levenberg-Marquardt",)
_FINAL_LOSS = ("loss", "spread", "low", "high", "diverged", "standing", "p")
_SPLITS = ("validation", "test")


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison without its curves as JSON takes it.

    Keys, which are names of fields, are never renamed; new ones may be added.
    """
    layout = {field.name: getattr(comparison, field.name) for field in fields(comparison) if field.name != "task_label"}
    contenders = [_contender_json(one) for one in comparison.contenders]
    return {**layout, "seeds": list(range(comparison.seeds)), "contenders": contenders}


def _contender_json(one: Contender) -> dict[str, Any]:
    return {
        "study": one.study,
        "name": one.name,
        "optimizer": one.optimizer,
        "value": one.point.value,
        "hyperparameters": dict(one.point.hyperparameters),
        "settings": dict(one.point.settings),
        "source": one.source,
        "status": one.status,
        "runs": {
            **{status.name.lower(): count for status, count in one.counts.items()},
            "left": one.left,
            "total": one.seeds,
        },
        "by_steps": _final_loss_json(one.by_steps),
        "by_time": None if one.by_time is None else _final_loss_json(one.by_time),
        "floor": one.floor,
        "validation": {name: _estimate_json(found) for name, found in one.validation.items()},
        "test": {name: _estimate_json(found) for name, found in one.test.items()},
        "evaluations_per_second": {"training": one.pace, "with_validation": one.pace_with_validation},
    }


def _final_loss_json(final: FinalLoss) -> dict[str, Any]:
    return {
        "loss": _estimate_json(final.loss),
        "diverged": final.diverged,
        "standing": final.rank.standing.value or None,
        "p": final.rank.p,
    }


def _estimate_json(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def csv_rows(comparisons: Sequence[Comparison]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns' names, and one row per contender."""
    metrics = list(dict.fromkeys(name for comparison in comparisons for name in comparison.metrics))
    header = ["run", "task", "contender", "optimizer", "value", "source", "steps", "seconds", "seeds"]
    header += [status.name.lower() for status in Status if status.is_final]
    header += [f"{budget}_{column}" for budget in ("by_steps", "by_time") for column in _FINAL_LOSS] + ["floor"]
    header += [f"{split}_{name}{end}" for split in _SPLITS for name in metrics for end in ("", "_spread")]
    header += ["evaluations_per_second", "evaluations_per_second_with_validation"]
    rows = []
    for comparison in comparisons:
        for one in comparison.contenders:
            row: list[Any] = [comparison.run, comparison.task, one.name, one.optimizer, one.point.value, one.source]
            row += [comparison.steps, comparison.seconds, one.seeds, *one.counts.values()]
            row += [*_final_loss_cells(one.by_steps), *_final_loss_cells(one.by_time), one.floor]
            for found in (one.validation, one.test):
                for name in metrics:
                    value = found.get(name)
                    row += [None, None] if value is None else [value.mean, value.spread]
            rows.append([*row, one.pace, one.pace_with_validation])
    return header, rows


def _final_loss_cells(final: FinalLoss | None) -> list[Any]:
    if final is None:
        return [None] * len(_FINAL_LOSS)
    loss = final.loss
    numbers = [None] * 4 if loss is None else [loss.mean, loss.spread, loss.low, loss.high]
    return [*numbers, final.diverged, final.rank.standing.value or None, final.rank.p]


def section(comparison: Comparison) -> Section:
    """Return the section of a comparison, the table of the losses by steps first."""
    budget = counted(comparison.steps, "gradient evaluation")
    budget += "" if comparison.seconds is None else f" and {comparison.seconds:g} s"
    sweep = f"LODO's {comparison.sweep}, " if comparison.sweep else ""
    return Section(
        heading=one_line(
            f"{comparison.run}: {sweep}{comparison.task_label}, {budget}, {counted(comparison.seeds, 'seed')} each"
        ),
        tables=_tables(comparison),
        legend=_legend(comparison),
        remarks=[f"{one.name}: {remark}" for one in comparison.contenders for remark in _remarks(one)],
        provenance=_provenance(comparison),
    )


def _tables(comparison: Comparison) -> list[TextTable]:
    contenders, name = comparison.contenders, comparison.sweep or "optimizer"
    tables = [_final_losses(comparison, "step budget", [one.by_steps for one in contenders])]
    if comparison.seconds is not None:
        timed = [one.by_time for one in contenders if one.by_time is not None]
        tables.append(_final_losses(comparison, "time budget", timed))
    if any(one.validation or one.test for one in contenders):
        tables.append(_metrics(comparison))
    if any(one.pace is not None for one in contenders):
        paces = [[_label(one), _pace(one.pace), _pace(one.pace_with_validation)] for one in contenders]
        header = [name, "training alone", "with validation"]
        tables.append(TextTable(header, paces, title="Gradient evaluations a second"))
    values = [[_label(one), *row] for one in contenders for row in point_values(one.point, one.scales)]
    tables.append(TextTable([name, "hyperparameter", "value"], values, left=(0, 1), title="Hyperparameters"))
    return tables


def point_values(point: Point, scales: Mapping[str, Scale]) -> list[tuple[str, str]]:
    """Return names and formatted values of a point's hyperparameters, then of its constructor arguments."""
    values = [
        (name, hyperparameter(value, scales.get(name, Scale.LOG))) for name, value in point.hyperparameters.items()
    ]
    return [*values, *((name, str(value)) for name, value in point.settings.items())]


def _label(one: Contender) -> str:
    return one.name if one.point.value is None else f"{one.point.value:.4g}"


def _final_losses(comparison: Comparison, budget: str, losses: Sequence[FinalLoss]) -> TextTable:
    floors = any(one.floor is not None for one in comparison.contenders)
    rows = [
        [
            _label(one),
            _estimate(final.loss),
            _interval(final.loss),
            *([measured(one.floor)] if floors else []),
            f"{final.diverged}/{one.counts[Status.FINISHED] + one.counts[Status.DIVERGED]}",
            number(final.rank.p, 2),
            final.rank.standing.value,
        ]
        for one, final in zip(comparison.contenders, losses, strict=True)
    ]
    header = [comparison.sweep or "optimizer", "loss", "95 % interval", *(["floor"] if floors else [])]
    header += ["diverged", "p", "standing"]
    best = (Standing.BEST, Standing.TIE)
    return TextTable(
        header,
        rows,
        left=(0, len(header) - 1),
        bold=frozenset((row, 1) for row, final in enumerate(losses) if final.rank.standing in best),
        title=f"Mean training loss in the last 10 % of the {budget}, the lower the better",
    )


def _estimate(found: Estimate | None) -> str:
    if found is None:
        return NOTHING
    return mean_and_spread(found.mean, found.spread) if found.runs > 1 else measured(found.mean)


def _interval(found: Estimate | None) -> str:
    if found is None or found.low is None or found.low == found.high:
        return NOTHING
    return f"{measured(found.low)} to {measured(found.high)}"


def _metrics(comparison: Comparison) -> TextTable:
    """Return a table of what validation and test found at the end."""
    columns = [
        (split, metric)
        for split in _SPLITS
        for metric in comparison.metrics
        if any(metric in getattr(one, split) for one in comparison.contenders)
    ]
    rows = [
        [_label(one), *(_estimate(getattr(one, split).get(metric)) for split, metric in columns)]
        for one in comparison.contenders
    ]
    of = "" if comparison.test_examples is None else f" (a random {comparison.test_examples:,} of the test set)"
    header = [comparison.sweep or "optimizer", *(f"{split} {metric}" for split, metric in columns)]
    return TextTable(header, rows, title=f"At the end of training{of}; ± over the runs that finished")


def _pace(pace: float | None) -> str:
    return NOTHING if pace is None else f"{pace:,.0f}" if pace >= 100 else number(pace, 3)


def _legend(comparison: Comparison) -> list[str]:
    """Return lines on what the tables' words mean, and on the tests."""
    lines = [
        "loss: mean ± standard deviation (divisor n) over the runs that did not diverge, and the bootstrap's 95 % "
        "interval of the mean. diverged: of how many runs.",
    ]
    ranks = [one.by_steps.rank for one in comparison.contenders]
    ranks += [one.by_time.rank for one in comparison.contenders if one.by_time is not None]
    if any(rank.standing is Standing.BEST for rank in ranks):
        lines.append("best: the lowest mean among those that diverged least often.")
    if any(rank.p is not None for rank in ranks):
        lines.append(
            "p: that runs as different from the best's come about by chance (Mann and Whitney's exact test, two-sided; "
            f"a run that diverged counts as the highest; Holm's correction). tie: p above {LEVEL:g}, not to be told "
            "from the best."
        )
    if any(rank.standing is Standing.LOWER for rank in ranks):
        lines.append("lower: below the best where it came to an end, but it diverged more often.")
    if any(one.floor is not None for one in comparison.contenders):
        lines.append("floor: the mean loss that no optimizer which sees the same as this one can go below.")
    given = [one.name for one in comparison.contenders if one.optimizer in _GIVEN_THE_HESSIAN]
    if given and len(given) < len(comparison.contenders):
        lines.append(f"{', '.join(given)}: is given the task's true Hessian, which the others have to learn.")
    if comparison.cohort_size > 1:
        lines.append(
            f"Up to {comparison.cohort_size} runs trained in lockstep, so none has seconds of its own; --time trains "
            "them alone."
        )
    return [*lines, *comparison.remarks]


def _remarks(one: Contender) -> list[str]:
    """Return remarks on one contender: runs that are left out, and runs that are missing."""
    remarks = []
    unfinished = [f"{count} {status}" for status in (Status.FAILED, Status.TIMED_OUT) if (count := one.counts[status])]
    if unfinished:
        remarks.append(f"of {one.seeds} runs {' and '.join(unfinished)}; they are in no number here")
    if one.left:
        remarks.append(f"{one.status}, {one.left} of {one.seeds} runs left; lodo-tune resume {one.study}")
    return remarks


def _provenance(comparison: Comparison) -> str:
    """Return in one line what a comparison was made with and on."""
    optimizers: dict[str, list[str]] = {}  # by the source of their hyperparameters
    for one in comparison.contenders:
        optimizers.setdefault(one.source, []).append(one.optimizer)
    sources = "; ".join(
        source if len(optimizers) == 1 else f"of {', '.join(dict.fromkeys(names))} {source}"
        for source, names in optimizers.items()
    )
    data = "none"
    if comparison.data is not None:
        data = str(comparison.data.get("name", "unnamed"))
        data += f", sha256 {comparison.data['sha256'][:12]}…" if "sha256" in comparison.data else ""
    options = "".join(f", {name} {value}" for name, value in comparison.options.items())
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    return one_line(
        f"Provenance: {comparison.task_label}{options}; precision {comparison.precision or 'of the task'}; data {data};"
        f" seeds 0 to {comparison.seeds - 1}; hyperparameters {sources}; {versions}; {comparison.created_at[:10]}"
    )

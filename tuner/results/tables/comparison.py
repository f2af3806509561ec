"""The table of a comparison, as a section of text, as JSON and as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from search_spaces.dimension import Scale
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.study import Point
from tuner.core.text import one_line
from tuner.core.trial import ENDS_OF_RUNS, Status
from tuner.results.analysis.comparison import Comparison, Contender, FinalLoss
from tuner.results.analysis.estimate import MIN_RUNS, Estimate
from tuner.results.analysis.ranking import Standing
from tuner.results.analysis.significance import LEVEL
from tuner.results.tables import behind, first_lines
from tuner.results.tables.numbers import NOTHING, counted, hyperparameter, mean_and_spread, measured, number
from tuner.results.tables.section import Section
from tuner.results.tables.text_table import TextTable

_USING_THE_HESSIAN = ("Levenberg-Marquardt",)
_FINAL_LOSS = ("loss", "spread", "low", "high", "diverged", "standing", "p", "missed")
_SPLITS = ("validation", "test")


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison without its curves, in a form for JSON.

    Keys are names of fields. They are never renamed; new ones may be added.
    """
    layout = {field.name: getattr(comparison, field.name) for field in fields(comparison) if field.name != "task_label"}
    contenders = [_contender_json(contender) for contender in comparison.contenders]
    objective = comparison.objective.text
    return {**layout, "objective": objective, "seeds": list(range(comparison.seeds)), "contenders": contenders}


def _contender_json(contender: Contender) -> dict[str, Any]:
    return {
        "study": contender.study,
        "name": contender.name,
        "optimizer": contender.optimizer,
        "value": contender.point.value,
        "hyperparameters": dict(contender.point.hyperparameters),
        "settings": dict(contender.point.settings),
        "source": contender.source,
        "status": contender.status,
        "runs": {
            **{status.name.lower(): count for status, count in contender.counts.items()},
            "left": contender.left,
            "total": contender.seeds,
        },
        "by_steps": _final_loss_json(contender.by_steps),
        "by_time": None if contender.by_time is None else _final_loss_json(contender.by_time),
        "floor": contender.floor,
        "validation": {name: _estimate_json(mean) for name, mean in contender.validation.items()},
        "test": {name: _estimate_json(mean) for name, mean in contender.test.items()},
        "evaluations_per_second": {"training": contender.pace, "with_validation": contender.pace_with_validation},
        "behind": behind.as_json(contender.behind),
    }


def _final_loss_json(final: FinalLoss) -> dict[str, Any]:
    return {
        "loss": _estimate_json(final.loss),
        "diverged": final.diverged,
        "standing": final.rank.standing.value or None,
        "p": final.rank.p,
        "missed": final.missed,
    }


def _estimate_json(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else asdict(estimate)


def csv_rows(comparisons: Sequence[Comparison]) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns, and one row per contender."""
    metrics = list(dict.fromkeys(name for comparison in comparisons for name in comparison.metrics))
    header = ["run", "task", "contender", "optimizer", "value", "source", "steps", "seconds", "seeds"]
    header += [status.name.lower() for status in ENDS_OF_RUNS]
    header += [f"{budget}_{column}" for budget in ("by_steps", "by_time") for column in _FINAL_LOSS] + ["floor"]
    header += [f"{split}_{name}{end}" for split in _SPLITS for name in metrics for end in ("", "_spread")]
    header += ["evaluations_per_second", "evaluations_per_second_with_validation", "objective", *behind.COLUMNS]
    rows = []
    for comparison in comparisons:
        for contender in comparison.contenders:
            row: list[Any] = [
                comparison.run,
                comparison.task,
                contender.name,
                contender.optimizer,
                contender.point.value,
                contender.source,
            ]
            row += [comparison.steps, comparison.seconds, contender.seeds, *contender.counts.values()]
            row += [*_final_loss_cells(contender.by_steps), *_final_loss_cells(contender.by_time), contender.floor]
            for estimates in (contender.validation, contender.test):
                for name in metrics:
                    estimate = estimates.get(name)
                    row += [None, None] if estimate is None else [estimate.mean, estimate.spread]
            row += [contender.pace, contender.pace_with_validation, comparison.objective.text]
            rows.append([*row, *behind.cells(contender.behind)])
    return header, rows


def _final_loss_cells(final: FinalLoss | None) -> list[Any]:
    if final is None:
        return [None] * len(_FINAL_LOSS)
    loss = final.loss
    numbers = [None] * 4 if loss is None else [loss.mean, loss.spread, loss.low, loss.high]
    return [*numbers, final.diverged, final.rank.standing.value or None, final.rank.p, final.missed]


def section(comparison: Comparison) -> Section:
    """Return the section of a comparison, the table of the losses by steps first."""
    budget = counted(comparison.steps, "gradient evaluation")
    budget += "" if comparison.seconds is None else f" and {comparison.seconds:g} s"
    tables = _tables(comparison)
    sweep = f"LODO's {comparison.sweep}, " if comparison.sweep else ""
    return Section(
        heading=one_line(
            f"{comparison.run}: {sweep}{comparison.task_label}, {budget}, {counted(comparison.seeds, 'seed')} each"
        ),
        tables=tables,
        legend=_legend(comparison, tables),
        remarks=[
            f"{contender.name}: {remark}" for contender in comparison.contenders for remark in _remarks(contender)
        ],
        provenance=_provenance(comparison),
        first=first_lines.of_comparison(comparison),
    )


def _tables(comparison: Comparison) -> list[TextTable]:
    contenders, name = comparison.contenders, comparison.sweep or "optimizer"
    finals = [contender.by_steps for contender in contenders]
    tables = [_final_losses(comparison, comparison.objective, "step budget", finals)]
    tables += behind.tables(contenders, name, _label, comparison.objective)
    if comparison.seconds is not None:
        timed = [contender.by_time for contender in contenders if contender.by_time is not None]
        tables.append(_final_losses(comparison, TRAINING_LOSS, "time budget", timed))
    if any(contender.validation or contender.test for contender in contenders):
        tables.append(_metrics(comparison))
    if any(contender.pace is not None for contender in contenders):
        paces = [
            [_label(contender), _pace(contender.pace), _pace(contender.pace_with_validation)]
            for contender in contenders
        ]
        header = [name, "training alone", "with validation"]
        tables.append(TextTable(header, paces, title="Gradient evaluations per second"))
    values = [
        [_label(contender), *row] for contender in contenders for row in point_values(contender.point, contender.scales)
    ]
    tables.append(TextTable([name, "hyperparameter", "value"], values, left=(0, 1), title="Hyperparameters"))
    return tables


def point_values(point: Point, scales: Mapping[str, Scale]) -> list[tuple[str, str]]:
    """Return names and formatted values of a point's hyperparameters, then of its constructor arguments."""
    values = [
        (name, hyperparameter(value, scales.get(name, Scale.LOG))) for name, value in point.hyperparameters.items()
    ]
    return [*values, *((name, str(value)) for name, value in point.settings.items())]


def _label(contender: Contender) -> str:
    """Return the name of a contender in the tables: its optimizer, or its value in a sweep."""
    return contender.name if contender.point.value is None else f"{contender.point.value:.4g}"


def _final_losses(comparison: Comparison, objective: Objective, budget: str, losses: Sequence[FinalLoss]) -> TextTable:
    is_loss = not (objective.validates or objective.is_to_target)
    floors = is_loss and any(contender.floor is not None for contender in comparison.contenders)
    to_target = objective.is_to_target
    rows = [
        [
            _label(contender),
            _estimate(final.loss),
            _interval(final.loss),
            *([measured(contender.floor)] if floors else []),
            *([f"{contender.counts[Status.FINISHED] - final.missed}/{_ended(contender)}"] if to_target else []),
            f"{final.diverged}/{_ended(contender)}",
            number(final.rank.p, 2),
            behind.standing(contender, objective) if final is contender.by_steps else _standing(final, objective),
        ]
        for contender, final in zip(comparison.contenders, losses, strict=True)
    ]
    header = [comparison.sweep or "optimizer", objective.noun, "95 % interval", *(["floor"] if floors else [])]
    header += [*(["reached"] if to_target else []), "diverged", "p", "standing"]
    best = (Standing.BEST, Standing.TIE)
    return TextTable(
        header,
        rows,
        left=(0, len(header) - 1),
        bold=frozenset(
            (row, 1)
            for row, (contender, final) in enumerate(zip(comparison.contenders, losses, strict=True))
            if final.rank.standing in best or (final is contender.by_steps and behind.is_equivalent(contender))
        ),
        title=f"Mean training loss in the last 10 % of the {budget} (lower is better)"
        if objective.is_default
        else objective.title(f"the {budget}"),
    )


def _ended(contender: Contender) -> int:
    """Return the number of runs that finished or diverged."""
    return contender.counts[Status.FINISHED] + contender.counts[Status.DIVERGED]


def _standing(final: FinalLoss, objective: Objective) -> str:
    standing = final.rank.standing
    return objective.better if standing is Standing.LOWER else standing.value


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return NOTHING
    if estimate.runs > 1 and estimate.spread == 0:
        return f"{measured(estimate.mean)} exact"
    return mean_and_spread(estimate.mean, estimate.spread) if estimate.runs > 1 else measured(estimate.mean)


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.low == estimate.high:
        return NOTHING
    return f"{measured(estimate.low)} to {measured(estimate.high)}"


def _metrics(comparison: Comparison) -> TextTable:
    """Return the table of the validation and test metrics at the end of training."""
    columns = [
        (split, metric)
        for split in _SPLITS
        for metric in comparison.metrics
        if any(metric in getattr(contender, split) for contender in comparison.contenders)
    ]
    rows = [
        [_label(contender), *(_estimate(getattr(contender, split).get(metric)) for split, metric in columns)]
        for contender in comparison.contenders
    ]
    examples = "" if comparison.test_examples is None else f" ({comparison.test_examples:,} random test examples)"
    header = [comparison.sweep or "optimizer", *(f"{split} {metric}" for split, metric in columns)]
    return TextTable(header, rows, title=f"At the end of training{examples}; ± over the runs that finished")


def _pace(pace: float | None) -> str:
    return NOTHING if pace is None else f"{pace:,.0f}" if pace >= 100 else number(pace, 3)


def _legend(comparison: Comparison, tables: Sequence[TextTable]) -> list[str]:
    """Return the explanations of the tables and of the tests."""
    objective = comparison.objective
    counted_runs = "reached the target" if objective.is_to_target else "did not diverge"
    what, best = objective.noun, "highest" if objective.is_max else "lowest"
    worst = "highest loss" if objective.is_default else "worst"
    if objective.is_to_target:
        worst += ", and one that missed the target as worse than all that reached it"
    is_short = any(0 < (one.by_steps.loss.runs if one.by_steps.loss else 0) < MIN_RUNS for one in comparison.contenders)
    few = f", from {MIN_RUNS} runs on" if is_short else ""
    lines = [
        f"{what}: mean ± standard deviation (divisor n) over the runs that {counted_runs}, and the bootstrap 95 % "
        f"interval of the mean{few}. diverged: number of runs that diverged, of those that finished or diverged.",
    ]
    losses = [final.loss for one in comparison.contenders for final in (one.by_steps, one.by_time) if final is not None]
    if any(loss is not None and loss.runs > 1 and loss.spread == 0 for loss in losses):
        lines.append("exact: the same value in every run.")
    ranks = [contender.by_steps.rank for contender in comparison.contenders]
    ranks += [contender.by_time.rank for contender in comparison.contenders if contender.by_time is not None]
    if any(rank.standing is Standing.BEST for rank in ranks):
        missed = " and, of these, missed the target least often" if objective.is_to_target else ""
        lines.append(f"best: the {best} mean among the optimizers that diverged least often{missed}.")
    if any(rank.p is not None for rank in ranks):
        lines.append(
            "p: two-sided p value of the exact Mann-Whitney test against the best, after Holm's correction; a run that "
            f"diverged counts as the {worst}. tie: p above {LEVEL:g}, not significantly different from the best."
        )
    lines += behind.legend(comparison.contenders)
    if any(rank.standing is Standing.LOWER for rank in ranks):
        values = {"loss": "losses"}.get(what, what if objective.is_to_target else f"{what} values")
        often = "diverged or missed the target" if objective.is_to_target else "diverged"
        better = objective.better
        lines.append(f"{better}: {better} {values} than the best where it finished, but it {often} more often.")
    if any("floor" in table.header for table in tables):
        lines.append("floor: the lowest mean loss that an optimizer with the same information can reach.")
    names = [contender.name for contender in comparison.contenders if contender.optimizer in _USING_THE_HESSIAN]
    if names and len(names) < len(comparison.contenders):
        lines.append(f"{', '.join(names)}: uses the task's exact Hessian; the others do not.")
    if comparison.cohort_size > 1:
        lines.append(
            f"Up to {comparison.cohort_size} runs trained in lockstep, so that no run has a time of its own; with a "
            "budget in seconds, each trains alone."
        )
    return [*lines, *comparison.remarks]


def _remarks(contender: Contender) -> list[str]:
    """Return remarks on one contender: runs that failed or timed out, and runs that are not final yet."""
    remarks = []
    unfinished = [
        f"{count} {status}" for status in (Status.FAILED, Status.TIMED_OUT) if (count := contender.counts[status])
    ]
    if unfinished:
        remarks.append(f"{' and '.join(unfinished)} of {contender.seeds} runs; these are not included in any number")
    if contender.left:
        remarks.append(
            f"{contender.status}, {contender.left} of {contender.seeds} runs left; "
            f"continue with lodo-tune resume {contender.study}"
        )
    return remarks


def _provenance(comparison: Comparison) -> str:
    """Return the task, data, seeds, hyperparameters and versions of a comparison in one line."""
    optimizers: dict[str, list[str]] = {}  # by the source of their hyperparameters
    for contender in comparison.contenders:
        optimizers.setdefault(contender.source, []).append(contender.optimizer)
    sources = "; ".join(
        source if len(optimizers) == 1 else f"{', '.join(dict.fromkeys(names))}: {source}"
        for source, names in optimizers.items()
    )
    data = "none"
    if comparison.data is not None:
        data = str(comparison.data.get("name", "unnamed"))
        data += f", sha256 {comparison.data['sha256'][:12]}…" if "sha256" in comparison.data else ""
    options = "".join(f", {name} {value}" for name, value in comparison.options.items())
    if comparison.is_imported:
        return one_line(
            f"Provenance: {comparison.task_label}; runs and hyperparameters {sources}; {comparison.created_at[:10]}"
        )
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    return one_line(
        f"Provenance: {comparison.task_label}{options}; precision {comparison.precision or 'of the task'}; data {data};"
        f" seeds 0 to {comparison.seeds - 1}; hyperparameters {sources}; {versions}; {comparison.created_at[:10]}"
    )

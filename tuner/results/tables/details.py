"""Further tables of searches: places and tolerances of values, lost budget."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.dimension import Scale
from tuner.results.analysis.hyperparameter import Hyperparameter
from tuner.results.analysis.landscape import SHARE
from tuner.results.analysis.summary import Summary
from tuner.results.tables.numbers import NOTHING, hyperparameter, mean_or_exact, measured, number
from tuner.results.tables.sizes import percent, relative_size
from tuner.results.tables.text_table import TextTable

FAR = 2  # σ from the defaults; 5 % of a normal distribution lie beyond
UNKNOWN = "?"  # an end that is not determined


def tables(group: Sequence[Summary]) -> tuple[TextTable, ...]:
    """Return the further tables of some searches; none if no details were asked for."""
    if not any(_has_details(summary) for summary in group):
        return ()
    gains = [] if group[0].parts or group[0].has_several_objectives else [_gains(group)]
    return (*gains, _places(group), _budget(group))


def legend(group: Sequence[Summary]) -> list[str]:
    """Return paragraphs that explain the terms of `tables`."""
    if not any(_has_details(summary) for summary in group):
        return []
    better = "greatest" if group[0].objective.is_max else "least"
    return [
        f"distance: of tuned from default, in units of the search's first σ; beyond {FAR} σ few candidates were "
        f"sampled. tolerance: the values for which a model of the search predicts a result within {100 * SHARE:.0f} % "
        f"of its {better}, the others tuned; {UNKNOWN}: not determined. factor: the same, relative to the tuned value.",
        f"A training that did not finish counts the {group[0].unit} that it had done.",
    ]


def remarks(summary: Summary) -> list[str]:
    """Return why ends of tolerances are not determined, one remark per reason; and what the last doubling brought."""
    reasons: dict[str, list[str]] = {}
    for row in summary.hyperparameters:
        if row.tolerance is not None and row.tolerance.note:
            reasons.setdefault(row.tolerance.note, []).append(row.name)
    found = [f"tolerance of {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    if summary.doubling is not None:
        one = summary.doubling
        found.append(
            f"from {one.half:,} to {one.candidates:,} candidates the best became better by {measured(one.gain, 2)} on "
            f"average; {one.candidates:,} more have a better one with probability 1/2, and on average bring less"
        )
    return found


def factor(row: Hyperparameter, end: float | None) -> float | None:
    """Return an end of a tolerance relative to the tuned value; None of a decay, which has no unit."""
    if end is None or not row.tuned or row.scale is not Scale.LOG:
        return None
    return end / float(row.tuned)


def _has_details(summary: Summary) -> bool:
    return any(row.tolerance is not None for row in summary.hyperparameters)


def _gains(group: Sequence[Summary]) -> TextTable:
    """Return the gains as differences with their standard deviations, by which better and worse are decided."""
    rows = [
        [
            s.optimizer,
            mean_or_exact(s.gain.mean, s.gain.spread),
            relative_size(s.gain.relative),
            NOTHING if s.gain.margin is None else f"± {percent(s.gain.margin)}",
            s.verdict.value,
        ]
        for s in group
    ]
    header = ["optimizer", "gain ± standard deviation", "of the default", "margin", "verdict"]
    return TextTable(header, rows, left=(0, 4), title="Gains on fresh seeds")


def _places(group: Sequence[Summary]) -> TextTable:
    rows = [
        [
            summary.optimizer,
            row.name,
            hyperparameter(row.tuned, row.scale),
            _distance(row),
            _place(row),
            _interval(row),
            _factors(row),
        ]
        for summary in group
        for row in summary.hyperparameters
    ]
    header = ["optimizer", "hyperparameter", "tuned", "distance", "place", "tolerance", "factor"]
    return TextTable(header, rows, left=(0, 1, 4), title="Places and tolerances of the tuned values")


def _distance(row: Hyperparameter) -> str:
    return NOTHING if row.distance is None else f"{row.distance:+.1f} σ"


def _place(row: Hyperparameter) -> str:
    if row.bound:
        return f"{row.bound} bound" if row.is_bound_given else f"{row.bound} limit of the scale"
    return f"beyond {FAR} σ" if row.distance is not None and abs(row.distance) > FAR else "inside"


def _interval(row: Hyperparameter) -> str:
    if row.tolerance is None or (row.tolerance.low is None and row.tolerance.high is None):
        return "not determined"
    ends = (row.tolerance.low, row.tolerance.high)
    return " to ".join(UNKNOWN if end is None else hyperparameter(end, row.scale) for end in ends)


def _factors(row: Hyperparameter) -> str:
    if row.tolerance is None:
        return NOTHING
    ends = [factor(row, end) for end in (row.tolerance.low, row.tolerance.high)]
    if all(end is None for end in ends):
        return NOTHING
    return " to ".join(UNKNOWN if end is None else f"× {number(end, 3)}" for end in ends)


def _budget(group: Sequence[Summary]) -> TextTable:
    rows = []
    has_pruned = any(summary.counts.pruned for summary in group)
    for summary in group:
        total = summary.search_cost.evaluations
        costs = [summary.diverged_cost, summary.failed_cost, summary.timed_out_cost]
        others = [cost.evaluations for cost in [*costs, *([summary.pruned_cost] if has_pruned else [])]]
        counts = [total - sum(others), *others]
        rows.append([summary.optimizer, *(_share(count, total) for count in counts), f"{total:,}"])
    pruned = ["pruned"] if has_pruned else []
    header, unit = ["optimizer", "finished", "diverged", "failed", "timed out", *pruned, "total"], group[0].unit
    return TextTable(header, rows, title=f"{unit[0].upper()}{unit[1:]} of the search by final status")


def _share(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.1%})" if count else "0"

"""What the columns of the tuned table of searches mean, below it."""

from __future__ import annotations

from collections.abc import Sequence

from tuner import strategies
from tuner.results.analysis.summary import Summary
from tuner.results.analysis.verdict import MIN_SEEDS, MIN_SEEDS_BY_SIGN, Verdict
from tuner.results.tables import searches, several_tasks, sizes
from tuner.results.tables.points import seen


def legend(group: Sequence[Summary]) -> list[str]:
    """Return the paragraphs below the tables of searches with one setting."""
    first = group[0]
    if first.parts:
        return [*several_tasks.legend(group), *_legend_of_tasks(group)]
    searched = strategies.kind_of_record(first.strategy).searched
    objective = first.objective
    difference = "tuned minus default" if objective.is_max else "default minus tuned"
    measured_as = "fitness" if objective.is_default else objective.noun
    lines = []
    lines.append(f"{seen(first.strategy)}: the {measured_as} that the search itself measured: {searched}.")
    if first.tuned.seeds:
        if first.has_several_objectives:
            lines.append("tuned: the point of the front that is nearest to the best of each objective.")
        else:
            lines += searches.legend(group, difference) if first.searches else _gain_legend(group, difference)
        points = [runs for s in group for runs in (s.default, s.tuned)]
        if any(0 < runs.finished - runs.missed < runs.seeds for runs in points):
            reached = " and reached the target" if objective.is_to_target else ""
            runs = "searches whose runs all" if first.searches else "runs that"
            lines.append(f"(k/n): the mean of k {runs} finished{reached}, of n.")
        if any(runs.missed for runs in points):
            lines.append(
                "A run that missed the target has no value; the search ranks it after all that reached the target, by "
                "how near it came. default (tuned, both) missed target: on more of the fresh seeds (on equally many)."
            )
    if not first.searches and any(s.verdict is Verdict.TOO_FEW_SEEDS for s in group):
        lines.append(f"too few seeds: both finished on fewer than {MIN_SEEDS} seeds, too few to estimate the spread.")
    return lines


def _gain_legend(group: Sequence[Summary], difference: str) -> list[str]:
    seeds, gains = group[0].tuned.seeds, [s.gain for s in group]
    is_exact = all(s.tuned.is_exact for s in group)
    interval = "" if is_exact or all(gain.relative.low is None for gain in gains) else " with its 95 % interval"
    pairs = "of the one run of both" if is_exact else f"seed by seed on the {seeds} fresh seeds of both"
    text = f"gain: {difference}, {pairs}, in % of the default{interval}"
    if any(gain.relative.value is None and gain.mean is not None for gain in gains):
        text += " (without %: as a difference)"
    if is_exact:
        lines = [f"{text}. better or worse: by more than a rounding error."]
    else:
        by_sign = ", or every seed's is" if seeds >= MIN_SEEDS_BY_SIGN else ""
        text += ". better or worse: the mean gain is above or below zero by more than twice its standard deviation"
        lines = [f"{text}{by_sign}."]
    if any(s.verdict is Verdict.EQUIVALENT for s in group):
        margins = sorted({gain.margin or 0.0 for gain in gains if gain.relative.low is not None})
        spans = " to ".join(sizes.percent(each) for each in dict.fromkeys((margins[0], margins[-1])))
        lines.append(f"equivalent: the interval lies within the margin, ± {spans} of the default.")
    points = [runs for s in group for runs in (s.default, s.tuned)]
    once = [runs.is_exact for runs in points if runs.is_exact or runs.spread == 0]
    if once and all(once):
        lines.append("exact: nothing in the training depends on the seed, so that each point is trained once.")
    elif once:
        of_one = "; of one run, where nothing in the training depends on the seed" if any(once) else ""
        lines.append(f"exact: the same value on every fresh seed{of_one}.")
    return lines


def _legend_of_tasks(group: Sequence[Summary]) -> list[str]:
    """Return the paragraphs on the tables of single tasks; those that are not of all of them begin with the task."""
    by_task = [(parts[0].task_label, legend(parts)) for parts in zip(*(s.parts for s in group), strict=True)]
    lines = dict.fromkeys(
        line for _, own in by_task for line in own if not line.startswith(f"{seen(group[0].strategy)}: ")
    )
    found = []
    for line in lines:
        labels = [label for label, own in by_task if line in own]
        found.append(line if len(labels) == len(by_task) else f"{', '.join(labels)}: {line}")
    return found

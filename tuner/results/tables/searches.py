"""Tables of several searches for each optimizer: ranges of values, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from search_spaces.dimension import Scale
from tuner.results.analysis.hyperparameter import Hyperparameter
from tuner.results.analysis.margins import comparable
from tuner.results.analysis.searches import Ranks, merged, ranks
from tuner.results.analysis.summary import Summary
from tuner.results.analysis.verdict import MIN_SEEDS, MIN_SEEDS_BY_SIGN, Verdict
from tuner.results.tables import front, sizes
from tuner.results.tables.numbers import NOTHING, hyperparameter, number
from tuner.results.tables.text_table import TextTable


def seeds_of(one: Summary) -> str:
    """Return the seeds of the searches of an optimizer in words: "seeds 0 to 4"."""
    seeds = [each.seed for each in one.searches]
    if seeds == list(range(seeds[0], seeds[0] + len(seeds))) and len(seeds) > 1:
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def hyperparameters(group: Sequence[Summary]) -> TextTable:
    """Return the tuned values: of the median search, and the range over searches."""
    rows = [
        [
            one.optimizer,
            row.name,
            hyperparameter(row.default, row.scale),
            "→",
            hyperparameter(row.tuned, row.scale),
            _range(row, [each.hyperparameters[at] for each in one.searches]),
        ]
        for one in group
        for at, row in enumerate(one.hyperparameters)
    ]
    header = ["optimizer", "hyperparameter", "default", "", "median search", "all searches"]
    return TextTable(header, rows, left=(0, 1, 5), title="Hyperparameters")


def ranks_table(group: Sequence[Summary]) -> TextTable | None:
    """Return how often each optimizer has which rank; None of one optimizer."""
    found = ranks(group)
    if len(found) < 2:
        return None
    rows = [[each.optimizer, *map(str, each.counts), number(each.mean, 3)] for each in found]
    header = ["optimizer", *(f"rank {place}" for place in range(1, len(found) + 1)), "mean rank"]
    title = f"Ranks of the tuned points on fresh seeds, over {max(sum(each.counts) for each in found)} searches"
    return TextTable(header, rows, title=title)


def legend(group: Sequence[Summary], difference: str) -> list[str]:
    """Return the paragraphs that explain means, gains and verdicts over searches."""
    first = group[0]
    count, fresh = len(first.searches), first.searches[0].tuned.seeds
    by_sign = ", or every search's is" if count >= MIN_SEEDS_BY_SIGN else ""
    interval = " with its 95 % interval" if any(one.gain.relative.low is not None for one in group) else ""
    once = sum(all(each.tuned.is_exact for each in one.searches) for one in group)
    of_its_own = f" and {fresh} fresh seeds of its own" if once < len(group) else ""
    exact = "" if not once else " Where nothing in the training depends on its seed, each point is trained once."
    variance = "between searches and between training runs" if once < len(group) else "between searches"
    lines = [
        f"±: standard deviation over {count} searches, each of which has its own seed{of_its_own}. It includes the"
        f" variance {variance}.{exact}",
    ]
    if not first.parts:
        lines.append(
            f"gain: {difference}, search by search, in % of the default{interval}. better or worse: the mean gain is"
            f" above or below zero by more than twice its standard deviation over searches{by_sign}."
        )
    if any(one.verdict is Verdict.EQUIVALENT for one in group):
        lines.append("equivalent: the interval lies within the margin, which is the mean of those of the searches.")
    if any(runs.spread == 0 for one in group for runs in (one.default, one.tuned)):
        lines.append("exact: the same value in every search.")
    if count < MIN_SEEDS:
        lines.append(f"Fewer than {MIN_SEEDS} searches are too few for a verdict.")
    lines.append(
        "median search: the one whose tuned point is the median on fresh seeds; all searches: the tuned values of all."
    )
    return lines


def as_json(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """Return the results over searches in a form for JSON, an entry per optimizer of a run with several searches.

    Args:
        summaries: Summaries of any searches, one by one.
    """
    found = []
    for group in comparable(summaries):
        if not group[0].is_repeated:
            continue
        together = merged(group)
        by_optimizer = {each.optimizer: each for each in ranks(together)}
        found += [_entry(one, by_optimizer[one.optimizer]) for one in together]
    return found


def _entry(one: Summary, ranks: Ranks) -> dict[str, Any]:
    return {
        "run": one.run,
        "task": one.task,
        "optimizer": one.optimizer,
        "seeds": [each.seed for each in one.searches],
        "studies": [each.study for each in one.searches],
        "fitness": {
            "default": asdict(one.default),
            "tuned": asdict(one.tuned),
            "gain": sizes.as_json(one.gain),
            "verdict": one.verdict.value,
        },
        "ranks": list(ranks.counts),
        "mean_rank": ranks.mean,
        **({} if one.front is None else {"front": front.as_json(one.front)}),
    }


def _range(row: Hyperparameter, others: Sequence[Hyperparameter]) -> str:
    values = [each.tuned for each in others if each.tuned is not None]
    if not values:
        return NOTHING
    if row.scale is Scale.CHOICE:
        texts = [hyperparameter(value, row.scale) for value in values]
        return ", ".join(f"{text} ({texts.count(text)})" for text in dict.fromkeys(texts))
    low, high = (hyperparameter(value, row.scale) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"

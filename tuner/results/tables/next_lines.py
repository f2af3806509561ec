"""What to do next, in at most three lines below the tables of searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tuner.core.text import one_line
from tuner.results.analysis.hyperparameter import Hyperparameter
from tuner.results.analysis.next_steps import Kind, Step, next_steps
from tuner.results.analysis.summary import Summary
from tuner.results.tables.numbers import hyperparameter
from tuner.results.tables.sizes import percent

MAX_LINES = 3
MAX_NAMED = 3  # optimizers, or hyperparameters of one, in a line; further ones are counted


def next_lines(group: Sequence[Summary]) -> list[str]:
    """Return what to do next after some searches, a line per kind of step, the most urgent first."""
    found: dict[Kind, list[str]] = {}
    for summary in group:
        for step in next_steps(summary):
            found.setdefault(step.kind, []).append(f"{summary.optimizer}: {_FACTS[step.kind](summary, step)}")
        for kind, text in _of_searches(summary).items():
            found.setdefault(kind, []).append(f"{summary.optimizer}: {text}")
    return [one_line(f"{_advice(kind, group[0])}. {_listed(found[kind], '; ')}") for kind in Kind if kind in found][
        :MAX_LINES
    ]


def as_json(summary: Summary) -> list[dict[str, Any]]:
    """Return what to do next after one search in a form for JSON."""
    return [
        {
            "kind": step.kind.value,
            "text": one_line(f"{_advice(step.kind, summary)}. {_FACTS[step.kind](summary, step)}"),
        }
        for step in next_steps(summary)
    ]


_ADVICE: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.FAILURES: "Look for the reason of failures",
        Kind.DIVERGENCE: "Narrow the search space or lower σ",
        Kind.BOUND: "Widen the search space",
        Kind.NOISE: "Take more fresh seeds",  # or searches, see `_advice`
        Kind.BUDGET: "Search for longer",
    }
)


def _of_searches(summary: Summary) -> dict[Kind, str]:
    """Return what several searches for one optimizer say, by kind: in how many of them, and the facts of the first."""
    found: dict[Kind, list[tuple[Summary, Step]]] = {}
    for one in summary.searches:
        for step in next_steps(one):
            found.setdefault(step.kind, []).append((one, step))
    return {
        kind: f"in {len(those)} of {len(summary.searches)} searches; with seed {those[0][0].seed} "
        f"{_FACTS[kind](*those[0])}"
        for kind, those in found.items()
    }


def _advice(kind: Kind, of: Summary) -> str:
    return "Search with more seeds" if kind is Kind.NOISE and of.searches else _ADVICE[kind]


def _lost(summary: Summary, step: Step) -> str:
    ends = " and ".join(f"{share:.0%} {end}" for end, share in step.shares.items())
    if ends:
        where = f"; see lodo-tune show {summary.study}" if step.kind is Kind.FAILURES else ""
        return f"of its gradient evaluations {ends}{where}"
    numbers = step.generations
    which = f"generation {numbers[0]}" if len(numbers) == 1 else f"generations {_listed(list(map(str, numbers)), ', ')}"
    return f"most of {which} diverged"


def _bound(summary: Summary, step: Step) -> str:
    return _listed([_wider(row) for row in step.rows], ", ")


def _wider(row: Hyperparameter) -> str:
    side = "upper" if row.bound == "high" else "lower"
    example = "" if row.wider is None or row.wider == row.tuned else f" (try {hyperparameter(row.wider, row.scale)})"
    return f"{row.name} is at its {side} bound {hyperparameter(row.tuned, row.scale)}{example}"


def _noise(summary: Summary, step: Step) -> str:
    (now, least), (more, smaller) = step.seeds
    return f"{now} seeds detect a gain of {percent(least)}; {more} seeds would detect {percent(smaller)}"


def _budget(summary: Summary, step: Step) -> str:
    if step.progress is None:
        return ""
    share, late, of = step.progress
    part = "the last generation" if late == 1 else f"the last {late} of {of} generations"
    return f"the best still improved by {percent(share)} in {part}"


_FACTS: Mapping[Kind, Callable[[Summary, Step], str]] = MappingProxyType(
    {Kind.FAILURES: _lost, Kind.DIVERGENCE: _lost, Kind.BOUND: _bound, Kind.NOISE: _noise, Kind.BUDGET: _budget}
)


def _listed(texts: Sequence[str], joint: str) -> str:
    rest = len(texts) - MAX_NAMED
    return joint.join(texts) if rest <= 0 else f"{joint.join(texts[:MAX_NAMED])} and {rest} more"

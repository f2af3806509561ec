"""The smallest gain that matters, and points that it calls equivalent.

A tuned point is equivalent to the defaults if the whole 95 % interval of its relative gain lies within the margin, to
both sides of zero. For gains whose interval has its nominal coverage this is wrong with a probability of at most 2.5 %
where the true gain is as large as the margin or larger: it is Schuirmann's two one-sided tests (1987), each at 2.5 %.
The word replaces "better", "worse" and "within the spread", so that these are said in error no more often than before.

Unless a margin is given it is 1 % of the distance from the default's mean to the best value that is known: the best
mean on fresh seeds of comparable searches, that of any optimizer's default or tuned point, or what the task itself says
is known or possible, if that is better. Where the default is itself the best there is no such distance, and only points
that differ by no more than a rounding error are called equivalent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.results.analysis.summary import FreshRuns, Summary
from tuner.results.analysis.verdict import ROUNDING, Gain, Verdict

SHARE = 0.01  # of the distance from the default to the best value that is known

_TEXT = re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*(%?)", re.IGNORECASE)
_BY_SIZE = (Verdict.BETTER, Verdict.WORSE, Verdict.WITHIN_THE_SPREAD)


@dataclass(frozen=True, slots=True)
class Margin:
    """The smallest gain that matters.

    Args:
        value: In units of the objective, or as a share of the default's value.
        is_share: Whether it is a share.
    """

    value: float
    is_share: bool = False

    @classmethod
    def parse(cls, text: str | float) -> Self:
        """Return the margin of a text: "0.05" in units of the objective, "2%" of the default's value.

        Raises:
            InvalidRequest: It is neither.
        """
        match = _TEXT.fullmatch(str(text).strip())
        if match is None or not math.isfinite(value := float(f"{match[1]}{match[2] or ''}")):
            raise InvalidRequest("margin", "is 0.05, in units of the objective, or 2%, of the default's value", text)
        return cls(value / 100, True) if match[3] else cls(value)


class Judged(Protocol):
    """A search whose tuned point was compared with the defaults."""

    @property
    def default(self) -> FreshRuns:
        """Runs of the defaults."""

    @property
    def tuned(self) -> FreshRuns:
        """Runs of the tuned point."""

    @property
    def objective(self) -> Objective:
        """What is optimised."""

    @property
    def best_known(self) -> float | None:
        """Best value of the objective, as the task says it."""

    @property
    def gain(self) -> Gain:
        """Gain of the tuned point."""

    @property
    def verdict(self) -> Verdict:
        """Verdict on it."""


One = TypeVar("One", bound=Judged)


def comparable(summaries: Sequence[Summary]) -> list[list[Summary]]:
    """Return groups of summaries with comparable fitnesses, in the order of their first members.

    The searches of a run with several for each optimizer are one group.
    """
    groups: dict[object, list[Summary]] = {}
    for s in summaries:
        shared = (
            s.run, s.task, s.strategy, None if s.is_repeated else s.seed, s.generations, s.population, s.steps,
            s.tuned.seeds, s.objective,
            tuple((part.steps, part.objective) for part in s.parts),
        )  # fmt: skip
        groups.setdefault(shared, []).append(s)
    return list(groups.values())


def judged(summaries: Sequence[Summary], margin: Margin | None = None) -> tuple[Summary, ...]:
    """Return summaries of any searches with their margins, and with the verdict "equivalent" where it holds.

    Args:
        summaries: Summaries as `summarise` returns them.
        margin: The smallest gain that matters. Default: see above.
    """
    found: dict[int, Summary] = {}
    for group in comparable(summaries):
        rows = with_margins(group, margin)
        if group[0].parts:
            on_tasks = [with_margins(parts, margin) for parts in zip(*(s.parts for s in group), strict=True)]
            rows = [replace(row, parts=parts) for row, parts in zip(rows, zip(*on_tasks, strict=True), strict=True)]
        found |= dict(zip(map(id, group), rows, strict=True))
    return tuple(found[id(s)] for s in summaries)


def with_margins(group: Sequence[One], margin: Margin | None = None) -> list[One]:
    """Return comparable searches, of one task each, with their margins and verdicts; see `judged`."""
    means = [_mean(runs, one.objective) for one in group for runs in (one.default, one.tuned)]
    found = [mean for mean in means if mean is not None]
    return [_with_margin(one, _relative(one, margin, min([*found, *_said(one)], default=None))) for one in group]


def _said(one: Judged) -> list[float]:
    """Return the best fitness that the task says is known or possible; none if it says nothing."""
    return [] if one.best_known is None else [one.objective.fitness(one.best_known)]


def _with_margin(one: One, margin: float | None) -> One:
    gain = replace(one.gain, margin=margin)
    return replace(one, verdict=verdict_within(one.verdict, gain), gain=gain)  # type: ignore[type-var]


def verdict_within(verdict: Verdict, gain: Gain) -> Verdict:
    """Return "equivalent" if the interval of a gain lies within its margin, or else the verdict."""
    ends, margin = (gain.relative.low, gain.relative.high), max(gain.margin or 0.0, ROUNDING)
    is_within = all(end is not None and abs(end) <= margin for end in ends)
    return Verdict.EQUIVALENT if verdict in _BY_SIZE and is_within else verdict


def _relative(one: Judged, margin: Margin | None, best: float | None) -> float | None:
    """Return the margin of a search as a share of its default's value."""
    default = _mean(one.default, one.objective)
    if margin is not None and margin.is_share:
        return margin.value
    if not default or best is None:
        return None
    return (SHARE * (default - best) if margin is None else margin.value) / abs(default)


def _mean(runs: FreshRuns, objective: Objective) -> float | None:
    """Return the mean of a point as a fitness; None unless all of its runs have a value."""
    return None if runs.mean is None or runs.valued < runs.seeds else objective.fitness(runs.mean)

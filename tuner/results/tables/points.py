"""Words and numbers for what a search and its fresh seeds measured."""

from __future__ import annotations

from tuner import strategies
from tuner.results.analysis.summary import FreshRuns
from tuner.results.tables.numbers import NOTHING, mean_and_spread, measured


def seen(strategy: str) -> str:
    """Return the name of the column of what a search itself measured: its best, or a mean of several candidates."""
    return "best seen" if strategies.kind_of_record(strategy).searched.startswith("the best") else "mean seen"


def on_fresh_seeds(runs: FreshRuns) -> str:
    """Return mean and spread of a point, with the number of runs that have a value unless all have one.

    Without any, why there is none.
    """
    return end(runs) if runs.mean is None else mean_of(runs) + share(runs)


def mean_of(runs: FreshRuns) -> str:
    """Return mean and spread of a point; "exact" after a value that is the same on every seed."""
    if runs.spread == 0 or (runs.is_exact and runs.mean is not None):
        return f"{measured(runs.mean)} exact"
    return mean_and_spread(runs.mean, runs.spread)


def share(runs: FreshRuns) -> str:
    """Return " (k/n)" where k runs of n have a value; "" where all have one."""
    return "" if runs.valued == runs.seeds else f" ({runs.valued}/{runs.seeds})"


def end(runs: FreshRuns) -> str:
    """Return how the runs of a point without a value ended; NOTHING while that is not known."""
    ends = {
        "not reached": runs.missed,
        "diverged": runs.diverged,
        "failed": runs.failed,
        "timed out": runs.timed_out,
    }
    return next((text for text, count in ends.items() if count), NOTHING)

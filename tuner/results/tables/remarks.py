"""What stands under a tuned table: what its words mean, and what a reader must know before believing a number."""

from __future__ import annotations

from collections.abc import Sequence

from tuner import strategies
from tuner.core.study import StudyStatus
from tuner.results.analysis.summary import FreshRuns, Summary
from tuner.results.analysis.verdict import FEWEST_SEEDS, Verdict


def legend(group: Sequence[Summary]) -> list[str]:
    """Return a line on the column 'searched', and lines on the fresh seeds where there are any.

    Args:
        group: Summaries of one run: one strategy, one number of fresh seeds.
    """
    first = group[0]
    saw = strategies.kind_of_record(first.strategy).searched
    lines = [f"searched: the fitness that the search itself saw, {saw}."]
    if first.tuned.seeds:
        lines.append(
            f"gain: default less tuned, seed by seed over the {first.tuned.seeds} fresh seeds that both ran on. better,"
            " worse: its mean is above, below zero by more than twice its standard deviation (±)."
        )
        if any(0 < runs.finished < runs.seeds for s in group for runs in (s.default, s.tuned)):
            lines.append("(k/n): the mean of the k runs out of n that finished.")
    if any(s.verdict is Verdict.TOO_FEW_SEEDS for s in group):
        lines.append(f"too few seeds: fewer than {FEWEST_SEEDS} on which both finished tell nothing of the spread.")
    return lines


def remarks(group: Sequence[Summary]) -> list[str]:
    """Return remarks on single studies, named by optimizer: its state, odd runs, the strategy's notes."""
    return [f"{summary.optimizer}: {remark}" for summary in group for remark in _remarks(summary)]


def _remarks(summary: Summary) -> list[str]:
    found = []
    counts = summary.counts
    if summary.status != StudyStatus.COMPLETE:
        wanted, left = summary.default.seeds + summary.tuned.seeds, summary.default.left + summary.tuned.left
        fresh = f" and {wanted - left} of {wanted} fresh runs" if wanted > left else ""
        done = f"{summary.status}, {counts.done:,} of {counts.total:,} individuals{fresh} done"
        goes_on = "" if summary.status == StudyStatus.RUNNING else f"; lodo-tune resume {summary.study}"
        found.append(f"{done}{goes_on}")
    for what, runs in (("the defaults", summary.default), ("the tuned point", summary.tuned)):
        found += _fates(what, runs)
    return [*found, *summary.notes]


def _fates(what: str, runs: FreshRuns) -> list[str]:
    fates = [
        f"{verb} on {count} of {runs.seeds} fresh seeds"
        for count, verb in ((runs.diverged, "diverged"), (runs.failed, "failed"), (runs.timed_out, "timed out"))
        if count
    ]
    return [f"{what} {', '.join(fates)}"] if fates else []

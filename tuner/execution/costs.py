"""What cohorts of a workload take, learned from those that ran: a rate, and what the first one on a lane takes more.

Hyperparameters do not matter to it, budget and history do. It decides nothing but the order in which cohorts start.
"""

from __future__ import annotations

from collections import defaultdict

FIRST_GUESS = 3.0
"""Seconds that a workload's first cohort on a lane is taken to need for compilation while nothing is known."""


class Costs:
    """Seconds that were seen, by workload."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)  # of cohorts whose lane had the workload compiled
        self._evaluations: defaultdict[str, int] = defaultdict(int)  # of the same cohorts
        self._first: dict[str, tuple[int, float]] = {}  # evaluations and seconds of the last cohort that compiled

    def saw(self, workload: str, evaluations: int, seconds: float, *, compiled: bool) -> None:
        """Takes note of a cohort that ran.

        Args:
            workload: whose.
            evaluations: gradient evaluations it made.
            seconds: that it took its lane.
            compiled: whether the lane had trained this workload before.
        """
        if not compiled:
            self._first[workload] = (evaluations, seconds)
        elif evaluations > 0:
            self._seconds[workload] += seconds
            self._evaluations[workload] += evaluations

    def seconds(self, workload: str, evaluations: float) -> float | None:
        """Returns what that many evaluations of a cohort take on a lane that is compiled; None if none was seen yet."""
        seen = self._evaluations.get(workload)
        return self._seconds[workload] / seen * evaluations if seen else None

    def guess(self, workload: str, evaluations: float) -> float:
        """Returns the same, by the mean of other workloads where nothing is known; a second an evaluation at first."""
        known = self.seconds(workload, evaluations)
        if known is not None:
            return known
        rates = [self._seconds[name] / seen for name, seen in self._evaluations.items()]
        return evaluations * (sum(rates) / len(rates) if rates else 1.0)

    def compilation(self, workload: str) -> float:
        """Returns the seconds by which the workload's first cohort on a lane takes longer than the next."""
        if workload not in self._first:
            return FIRST_GUESS
        evaluations, seconds = self._first[workload]
        return max(0.0, seconds - (self.seconds(workload, evaluations) or 0.0))

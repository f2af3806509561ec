"""Estimates of the duration of cohorts, from those that ran.

An estimate consists of a rate and the compilation time, per workload. Hyperparameters are ignored. The estimates only
affect the order in which cohorts start.
"""

from __future__ import annotations

from collections import defaultdict

INITIAL_COMPILATION_SECONDS = 3.0
"""Assumed compilation time of a workload of which no cohort has finished."""


class Costs:
    """Measured seconds by workload."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)  # of cohorts on workers that had compiled
        self._evaluations: defaultdict[str, int] = defaultdict(int)  # of the same cohorts
        self._first: dict[str, tuple[int, float]] = {}  # evaluations and seconds of the last cohort that compiled

    def record(self, workload: str, evaluations: int, seconds: float, *, compiled: bool) -> None:
        """Record a finished cohort.

        Args:
            workload: Identity of its workload.
            evaluations: Gradient evaluations of a lane.
            seconds: Time from start to end.
            compiled: Whether the worker had trained this workload before.
        """
        if not compiled:
            self._first[workload] = (evaluations, seconds)
        elif evaluations > 0:
            self._seconds[workload] += seconds
            self._evaluations[workload] += evaluations

    def seconds(self, workload: str, evaluations: float) -> float | None:
        """Return the expected seconds of `evaluations` without compilation; None without a measurement."""
        measured = self._evaluations.get(workload)
        return self._seconds[workload] / measured * evaluations if measured else None

    def estimate(self, workload: str, evaluations: float) -> float:
        """Return the same; without a measurement, from the mean rate of other workloads or 1 s per evaluation."""
        known = self.seconds(workload, evaluations)
        if known is not None:
            return known
        rates = [self._seconds[name] / measured for name, measured in self._evaluations.items()]
        return evaluations * (sum(rates) / len(rates) if rates else 1.0)

    def compilation(self, workload: str) -> float:
        """Return the seconds by which the first cohort on a worker takes longer than the next."""
        if workload not in self._first:
            return INITIAL_COMPILATION_SECONDS
        evaluations, seconds = self._first[workload]
        return max(0.0, seconds - (self.seconds(workload, evaluations) or 0.0))

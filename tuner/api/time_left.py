"""Estimate of a run's remaining time, from its pace since the first progress.

The time before (workers start, load TensorFlow and compile) is not counted. The time that later studies need to start
is, since it lowers the pace.
"""

from __future__ import annotations


class TimeLeft:
    """Estimates the remaining seconds of a run."""

    def __init__(self, *, work: float) -> None:
        """Create an estimate.

        Args:
            work: Gradient evaluations of the whole run.
        """
        self._left = work
        self._first: float | None = None  # time of the first progress
        self._paced = 0.0  # gradient evaluations done since then

    def saved(self, evaluations: float) -> None:
        """Subtract gradient evaluations that are already recorded."""
        self._left -= evaluations

    def done(self, evaluations: float, now: float) -> None:
        """Count gradient evaluations done, or saved since a candidate diverged; `now` is the time in seconds."""
        self._left -= evaluations
        if self._first is None:
            self._first = now
        else:
            self._paced += evaluations

    def seconds(self, now: float) -> float | None:
        """Return the remaining seconds, or None before there is a pace."""
        if self._left <= 0:
            return 0.0
        if self._first is None or not self._paced or now <= self._first:
            return None
        return self._left * (now - self._first) / self._paced

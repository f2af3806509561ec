"""Estimate of a run's remaining time, from its pace since the first progress.

What comes before that (workers start, load TensorFlow and compile) is not counted; what later studies need to begin
is, since it slows the pace.
"""

from __future__ import annotations


class TimeLeft:
    """Estimates the seconds left of a run."""

    def __init__(self, *, work: float) -> None:
        """Begin an estimate.

        Args:
            work: Gradient evaluations of the whole run.
        """
        self._left = work
        self._first: float | None = None  # when progress was seen for the first time
        self._paced = 0.0  # gradient evaluations done since then

    def saved(self, evaluations: float) -> None:
        """These need not be done: they are on record."""
        self._left -= evaluations

    def done(self, evaluations: float, now: float) -> None:
        """These were done, or were saved by diverging early, at this time in seconds of any clock."""
        self._left -= evaluations
        if self._first is None:
            self._first = now
        else:
            self._paced += evaluations

    def seconds(self, now: float) -> float | None:
        """Return the seconds left, or None while there is nothing to judge by."""
        if self._left <= 0:
            return 0.0
        if self._first is None or not self._paced or now <= self._first:
            return None
        return self._left * (now - self._first) / self._paced

"""How long a run will still take, judged by what it has done: the pace of training, and what a study costs to begin."""

from __future__ import annotations


class TimeLeft:
    """Estimates the seconds left of a run of several studies.

    A study begins slowly: workers start, load TensorFlow and compile. So the pace is taken from the first sign of
    progress on, and what came before counts once for every study that is still to begin.
    """

    def __init__(self, *, work: float, studies: int) -> None:
        """Begin an estimate.

        Args:
            work: Gradient evaluations of the whole run.
            studies: How many studies it has.
        """
        self._left = work
        self._to_begin = studies
        self._began: float | None = None  # when the study under way began
        self._first: float | None = None  # when it showed progress for the first time
        self._starting: list[float] = []  # seconds, a study each
        self._trained = 0.0  # seconds, of the studies before
        self._paced = 0.0  # gradient evaluations done in these and in the study under way since its first progress

    def study_began(self, now: float) -> None:
        """A study begins at this time, in seconds of any clock."""
        self._end_study(now)
        self._began, self._first = now, None
        self._to_begin -= 1

    def saved(self, evaluations: float) -> None:
        """These need not be done: they are on record."""
        self._left -= evaluations

    def done(self, evaluations: float, now: float) -> None:
        """These were done, or were saved by diverging early."""
        self._left -= evaluations
        if self._first is not None:
            self._paced += evaluations
        elif self._began is not None:
            self._first = now
            self._starting.append(now - self._began)

    def seconds(self, now: float) -> float | None:
        """Return the seconds left, or None while there is nothing to judge by."""
        if self._left <= 0 and self._to_begin <= 0:
            return 0.0
        training = self._trained + (now - self._first if self._first is not None else 0.0)
        if not self._paced or not self._starting or training <= 0:
            return None
        start = sum(self._starting) / len(self._starting)
        return max(0.0, self._left) * training / self._paced + self._to_begin * start

    def _end_study(self, now: float) -> None:
        if self._first is not None:
            self._trained += now - self._first

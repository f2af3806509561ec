"""The batches of a comparison: each of its points on each of its seeds.

Seeds are consecutive numbers, not derived ones: the run of seed 3 equals `lodo-tune train --seed 3`. All optimizers of
a comparison share their seeds, and therefore their starting points, minibatches and noise.
"""

from __future__ import annotations

from collections.abc import Sequence

from tuner.core.study import ComparisonSpec
from tuner.core.trial import Candidate, Key, Role, Trial
from tuner.studies.batch import Batch, Result, stop_if_all_raised_one_error


class ComparisonBatches:
    """A `BatchSource` of a study of a comparison."""

    def __init__(self, spec: ComparisonSpec) -> None:
        self._spec = spec
        self._point = 0  # index of the current one

    def next_batch(self) -> Batch | None:
        """See `BatchSource`."""
        spec, number = self._spec, self._point
        if number == len(spec.points):
            return None
        candidates = [
            Candidate(
                (),
                Trial(
                    Key(Role.COMPARISON, number, slot),
                    spec.points[number].hyperparameters,
                    spec.seed + slot,
                    spec.steps,
                ),
            )
            for slot in range(spec.seeds)
        ]
        cohorts = -(-spec.seeds // spec.workload_of(number).cohort_size)
        later = len(spec.points) - number - 1
        return Batch(candidates, self._name(), f"c{number:02d}", cohorts * later * spec.steps)

    def take(self, results: Sequence[Result]) -> None:
        """See `BatchSource`."""
        stop_if_all_raised_one_error(self._spec.name, self._name(), results)
        self._point += 1

    def _name(self) -> str:
        value = self._spec.points[self._point].value
        return "all seeds" if value is None else f"{self._spec.sweep} {value:g}"

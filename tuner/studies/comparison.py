"""The loop of a comparison: each of its points on each of its seeds; resumed, it is the same loop.

Every optimizer of a comparison is a study of its own, so that it has a driver, attempts, and a place to go on from.
Seeds are numbers from the study's on, not derived ones: the run of seed 3 is that of `lodo-tune train --seed 3`, and
all that are compared share their seeds, and so their starts, minibatches and noise.
"""

from __future__ import annotations

from tuner.core.study import ComparisonSpec
from tuner.core.trial import Candidate, Key, Role, Trial
from tuner.studies.batches import Batches, Course, stop_if_all_raised_one_error


def compare(batches: Batches, comparison: ComparisonSpec) -> Course:
    """Train what is not on record yet.

    Args:
        batches: Of the study.
        comparison: The study's.

    Yields:
        See `Course`.

    Raises:
        StorageError: The database fails, or another driver has the study.
        EveryCandidateFailed: One and the same error on all seeds of a point.
    """
    spec = batches.study.spec
    for number, point in enumerate(comparison.points):
        new = [
            Candidate(
                (),
                Trial(Key(Role.COMPARISON, number, slot), point.hyperparameters, spec.seed + slot, spec.steps[number]),
            )
            for slot in range(spec.population)
        ]
        name = f"{comparison.sweep} {point.value:g}" if point.value is not None else "all seeds"
        cohorts = -(-spec.population // spec.workload_of(number).cohort_size)
        results = yield from batches.evaluate(new, name, f"c{number:02d}", cohorts * sum(spec.steps[number + 1 :]))
        stop_if_all_raised_one_error(spec.name, name, results)

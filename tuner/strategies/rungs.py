"""The schedule of strategy `genetic` for a given cost: short trainings first."""

from __future__ import annotations

from tuner.core.errors import InvalidRequest
from tuner.strategies.schedule import MAX_GENERATIONS, Defaults, Schedule, ScheduleRequest, sigma_schedule

POPULATION = 8  # candidates per generation of a schedule that is made for a cost
FIRST, SECOND = 64, 16  # candidates of the rungs at a 16th and at a quarter of the full budget
SHORTEST = 10  # gradient evaluations; a loss after fewer says nothing
SHARE = 1 / 3  # of the cost that rungs may have


def rung_schedule(defaults: Defaults, request: ScheduleRequest) -> Schedule:
    """Return the schedule of `sigma_schedule`, or one with rungs where `budget` says what the search may cost.

    With T gradient evaluations for a full training, the last of the preset or the one in `steps`, the first generations
    train 64 candidates for T/16, the next 16 for T/4, all others for T: as many as the budget pays for. The rungs cost
    at most a third of it; where they would cost more they are smaller, or left out. A budget pays for two generations
    of full trainings at least, of 8 candidates unless the request says otherwise; the first of its `sigmas` is the
    spread of the start.

    Args:
        defaults: The task's preset.
        request: What differs from it.

    Raises:
        InvalidRequest: A number is out of range.
    """
    budget, sigmas, steps = request.budget, request.sigmas, request.steps
    if budget is None:
        return sigma_schedule(defaults, request)
    request.check()
    width = request.population or min(POPULATION, defaults.population)
    full = steps[0] if steps else defaults.steps[-1]
    if budget < 2 * width * full:
        raise InvalidRequest(
            "budget",
            f"is at least {2 * width * full}, the cost of two generations of {width} candidates with {full} gradient"
            " evaluations each",
            budget,
        )
    rungs = _rungs(budget // width, full, width)
    count = min((budget // width - sum(rungs)) // full, MAX_GENERATIONS - len(rungs))
    all_steps = (*rungs, *[full] * count)
    sigma = (sigmas or defaults.sigmas)[0]
    return Schedule(len(all_steps), width, all_steps, {"sigmas": [sigma] * len(all_steps)})


def _rungs(evaluations: int, full: int, population: int) -> tuple[int, ...]:
    """Return the budgets of the generations of rungs, for a search of so many evaluations per slot."""
    first, second = -(-FIRST // population), -(-SECOND // population)
    while first:
        rungs = [*[full // 16] * first, *[full // 4] * second]
        rungs = [steps for steps in rungs if steps >= SHORTEST]
        if sum(rungs) <= SHARE * evaluations and evaluations - sum(rungs) >= full:
            return tuple(rungs)
        first, second = first // 2, max(1, second // 2)
    return ()

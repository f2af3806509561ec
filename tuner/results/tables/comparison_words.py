"""What stands under the tables of a comparison: what the words mean, what is missing, and where all of it is from."""

from __future__ import annotations

from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.ranking import Standing
from tuner.results.analysis.significance import LEVEL
from tuner.results.tables.numbers import one_line

_TOLD_THE_HESSIAN = ("Levenberg-Marquardt",)


def legend(comparison: Comparison) -> list[str]:
    """Return lines on what the tables' words mean, and on the tests."""
    lines = [
        "loss: mean ± standard deviation (divisor n) over the runs that did not diverge, and the bootstrap's 95 % "
        "interval of the mean. diverged: of how many runs.",
    ]
    places = [one.by_steps.place for one in comparison.contenders]
    places += [one.by_time.place for one in comparison.contenders if one.by_time is not None]
    if any(place.standing is Standing.BEST for place in places):
        lines.append("best: the lowest mean among those that diverged least often.")
    if any(place.p is not None for place in places):
        lines.append(
            "p: that runs as different from the best's come about by chance (Mann and Whitney's exact test, two-sided; "
            f"a run that diverged counts as the highest; Holm's correction). tie: p above {LEVEL:g}, not to be told "
            "from the best."
        )
    if any(place.standing is Standing.LOWER for place in places):
        lines.append("lower: below the best where it came to an end, but it diverged more often.")
    if any(one.floor is not None for one in comparison.contenders):
        lines.append("floor: the mean loss that no optimizer which sees the same as this one can go below.")
    told = [one.name for one in comparison.contenders if one.optimizer in _TOLD_THE_HESSIAN]
    if told and len(told) < len(comparison.contenders):
        lines.append(f"{', '.join(told)}: is given the task's true Hessian, which the others have to learn.")
    if comparison.cohort_size > 1:
        lines.append(
            f"Up to {comparison.cohort_size} runs trained in lockstep, so none has seconds of its own; --time trains "
            "them alone."
        )
    return [*lines, *comparison.remarks]


def notes(comparison: Comparison) -> list[str]:
    """Return remarks on single contenders: runs that say nothing, and runs that are left."""
    found = []
    for one in comparison.contenders:
        fates = [f"{one.counts[status]} {status}" for status in (Status.FAILED, Status.TIMED_OUT) if one.counts[status]]
        if fates:
            found.append(f"{one.name}: of {one.seeds} runs {' and '.join(fates)}; they are in no number here")
        if one.left:
            found.append(f"{one.name}: {one.status}, {one.left} of {one.seeds} runs left; lodo-tune resume {one.study}")
    return found


def provenance(comparison: Comparison) -> str:
    """Return in one line what a comparison was made with and on."""
    sources: dict[str, list[str]] = {}
    for one in comparison.contenders:
        names = sources.setdefault(one.source, [])
        if one.optimizer not in names:
            names.append(one.optimizer)
    told = "; ".join(
        source if len(sources) == 1 else f"of {', '.join(names)} {source}" for source, names in sources.items()
    )
    data = "none" if comparison.data is None else f"{comparison.data['name']}, sha256 {comparison.data['sha256'][:12]}…"
    options = "".join(f", {name} {value}" for name, value in comparison.options.items())
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    return one_line(
        f"Provenance: {comparison.task_label}{options}; precision {comparison.precision or 'of the task'}; data {data};"
        f" seeds 0 to {comparison.seeds - 1}; hyperparameters {told}; {versions}; {comparison.created_at[:10]}"
    )

"""The setting of a run: its request, data, versions and hardware, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tuner.core.fingerprint import described_code
from tuner.core.study import ComparisonSpec, SearchSpec, StudySpec
from tuner.core.trial import Status, Workload
from tuner.results.report.runs import Run, differing
from tuner.results.tables.listing import done, moment, named_values, total, trained
from tuner.results.tables.numbers import NOTHING, counted


def setting(run: Run) -> dict[str, str]:
    """Return the setting of a run: that of its first study, and the optimizers for which it differs."""
    spec = run.records[0].spec
    workload = spec.workload
    sizes = _of_each(spec, lambda each: str(each.cohort_size))
    facts = {
        "task": "; ".join(
            each.task + (f" ({_listed(each.options)})" if each.options else "") for each in spec.workloads
        ),
        "optimizers": ", ".join(record.spec.label for record in run.records),
        "status": status(run),
        "created": moment(min(record.created_at for record in run.records)) + " UTC" + _ended(run),
        **(_search(spec) if isinstance(spec, SearchSpec) else _comparison(spec)),
        "objective": _of_each(spec, lambda each: f"{each.objective.text}: {each.objective.description}"),
        "training": f"cohorts of {sizes}, {counted(workload.threads, 'thread')} each, precision "
        f"{workload.precision or 'of the task'}",
        "data": _of_each(spec, _data),
        **({"code": _of_each(spec, _code)} if any(each.code for each in spec.workloads) else {}),
        "versions": _listed(spec.versions) or NOTHING,
        "hardware": _listed(spec.hardware) or NOTHING,
    }
    for what, optimizers in differing(run).items():
        facts[what] = facts.get(what, NOTHING) + f"; different for {', '.join(optimizers)} (see lodo-tune show)"
    return facts


def _of_each(spec: StudySpec, describe: Callable[[Workload], str]) -> str:
    """Return what describes the workload of a study; of several tasks each with its name, unless they are equal."""
    texts = list(map(describe, spec.workloads))
    if len(set(texts)) == 1:
        return texts[0]
    return "; ".join(f"{each.task_label}: {text}" for each, text in zip(spec.workloads, texts, strict=True))


def _code(workload: Workload) -> str:
    return NOTHING if workload.code is None else described_code(workload.code)


def _data(workload: Workload) -> str:
    if workload.data is not None:
        return _listed(workload.data)
    return "none: the task generates its own" if workload.code is None else "none beside the task's code"


def status(run: Run) -> str:
    """Return the status of a run: that of its studies, and how much of it is complete."""
    states = list(dict.fromkeys(record.status for record in run.records))
    what = trained(run.records[0])
    counts = f"{sum(map(done, run.records)):,} of {sum(map(total, run.records)):,} {what} done"
    unfinished = [
        f"{count:,} {end}"
        for end in (Status.DIVERGED, Status.FAILED, Status.TIMED_OUT, Status.PRUNED)
        if (count := sum(record.counts.get(end, 0) for record in run.records))
    ]
    return f"{', '.join(states)}: {counts}" + (f", of which {', '.join(unfinished)}" if unfinished else "")


def _ended(run: Run) -> str:
    ends = [record.finished_at for record in run.records if record.finished_at]
    return f", ended {moment(max(ends))}" if len(ends) == len(run.records) else ""


def _search(spec: SearchSpec) -> dict[str, str]:
    return {
        "search": f"{counted(spec.generations, 'generation')} of {counted(spec.population, 'individual')} per "
        f"optimizer, strategy {spec.strategy}",
        "budgets": "; ".join(
            f"{_series(part.steps)} gradient evaluations" + (f" on {part.workload.task_label}" if spec.further else "")
            for part in spec.parts
        ),
        **({"σ": _series(spec.sigmas)} if spec.sigmas else {}),
        "seeds": f"{spec.seed} for the search; {spec.fresh_seeds} fresh seeds for the defaults and the tuned point"
        + (", of which one is trained where nothing depends on the seed" if spec.is_exact else ""),
    }


def _comparison(spec: ComparisonSpec) -> dict[str, str]:
    measurement = spec.measurement
    budget = counted(spec.steps, "gradient evaluation")
    if measurement.seconds is not None:
        budget += f", and {measurement.seconds:g} s of training, each run alone"
    validation = "none" if measurement.validate_every is None else f"every {measurement.validate_every:,}"
    seeds = f"{spec.seeds} of the imported file" if spec.is_imported else f"0 to {spec.seeds - 1}"
    return {"budget": budget, "validation": validation, "seeds": f"{seeds}, the same for all"}


def _series(numbers: tuple[float, ...]) -> str:
    texts = [f"{number:,g}" if isinstance(number, float) else f"{number:,}" for number in numbers]
    return texts[0] if len(set(texts)) == 1 else f"by generation {', '.join(texts)}"


def _listed(values: Mapping[str, object]) -> str:
    return named_values({name.replace("_", " "): value for name, value in values.items()})

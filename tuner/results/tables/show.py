"""The record of one study without candidates and curves, as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuner.core.fingerprint import described_code
from tuner.core.study import CandidateRecord, SeedRun, StudyRecord
from tuner.core.text import one_line
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender, compare_runs
from tuner.results.analysis.failures import FailureGroup, grouped_failures, named_runs
from tuner.results.analysis.generations import Generation, by_generation
from tuner.results.analysis.margins import judged
from tuner.results.analysis.several_tasks import on_each_task, whole
from tuner.results.analysis.summary import FreshRuns, Summary, summarise
from tuner.results.tables import comparison, search, several_tasks, sizes
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.listing import FORMATS, done, holder, moment, named_values, total, trained
from tuner.results.tables.numbers import NOTHING, counted, hyperparameter, measured, number, seconds
from tuner.results.tables.points import mean_of, seen
from tuner.results.tables.section import WIDTH, item
from tuner.results.tables.text_table import TextTable

_FINAL = tuple(status for status in Status if status.is_final)


def render_search(study: StudyRecord, candidates: Sequence[CandidateRecord], format: str = "text") -> str:
    """Return the settings of a search, its hardware and versions, and its results by generation.

    Args:
        study: Record of the search.
        candidates: All of its candidates, in any order.
        format: "text" (for a terminal of 100 columns, without colours) or "json" (strict, full precision).

    Returns:
        The text, without a line end after the last line.

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    (summary,) = judged([summarise(study, candidates)])
    of_candidates, runs = whole(study, candidates)
    generations = by_generation(of_candidates.spec, runs)
    failures = [group for _, own in on_each_task(study, candidates) for group in grouped_failures(own)]
    if format == "json":
        return strict_json(_search_json(study, summary, generations, failures))
    return _text(study, _search_facts(study, summary), [_schedule(generations)], failures)


def render_comparison(study: StudyRecord, runs: Sequence[SeedRun], format: str = "text") -> str:
    """Return the settings of a study of a comparison, and its results by seed.

    Args:
        study: Record of the study.
        runs: All runs of the study.
        format: "text" or "json", as of `render_search`. Default "text".

    Returns:
        The text, without a line end after the last line.

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    results = compare_runs([(study, runs)])
    if format == "json":
        return strict_json(
            {
                "study": study.spec.name,
                "kind": str(study.spec.kind),
                "status": study.status,
                "finished_at": study.finished_at,
                "owner": study.owner,
                "lease_left": study.lease_left,
                **comparison.as_json(results),
                "seed_runs": [_run_json(run, results) for run in runs],
            }
        )
    measurement = study.comparison.measurement
    facts = {
        "budget": counted(results.steps, "gradient evaluation")
        + (f", and {measurement.seconds:g} s of training" if measurement.seconds else "")
        + (f"; validation every {measurement.validate_every:,}" if measurement.validate_every else ""),
        "training": _training(study),
        "objective": results.objective.description,
        "provenance": comparison.section(results).provenance.removeprefix("Provenance: "),
        "hardware": ", ".join(f"{name} {value}" for name, value in study.spec.hardware.items()) or NOTHING,
    }
    points = [_point(contender, results) for contender in results.contenders]
    failures = grouped_failures([run.candidate for run in runs])
    return _text(study, {**_status(study), **facts}, points, failures)


def _text(study: StudyRecord, facts: Mapping[str, str], parts: Sequence[str], failures: Sequence[FailureGroup]) -> str:
    """Return the text of a study of either kind: name, facts, results, failures, notes."""
    width = max(map(len, facts)) + 2
    lines = [
        textwrap.fill(one_line(value), WIDTH, initial_indent=f"  {name:{width}}", subsequent_indent=" " * (width + 2))
        for name, value in facts.items()
    ]
    parts = [one_line(study.spec.name), "\n".join(lines), *parts]
    ends = [f"{len(group.keys)} {group.status}: {group.reason} ({named_runs(group.keys)})" for group in failures]
    for title, items in (("Runs that did not finish", ends), ("Notes", study.notes)):
        parts += ["\n".join([title, *map(item, items)])] if items else []
    return "\n\n".join(parts)


def _status(study: StudyRecord) -> dict[str, str]:
    driver = holder(study)
    held = f"; held by {driver}" if driver else ""
    ended = f", ended {moment(study.finished_at)}" if study.finished_at else ""
    return {
        "status": f"{study.status}, {done(study):,} of {total(study):,} {trained(study)} done{held}",
        "created": f"{moment(study.created_at)} UTC{ended}",
    }


def _training(study: StudyRecord) -> str:
    sizes = ", ".join(map(str, dict.fromkeys(each.cohort_size for each in study.spec.workloads)))
    return f"cohort size {sizes}, threads {study.spec.workload.threads}"


def _search_facts(study: StudyRecord, summary: Summary) -> dict[str, str]:
    spec, workloads = study.search, study.spec.workloads
    tuned = ", ".join(f"{row.name} {hyperparameter(row.tuned, row.scale)}" for row in summary.hyperparameters)
    return {
        "task": "; ".join(
            each.task + (f" ({named_values(each.options)})" if each.options else "") for each in workloads
        ),
        **_status(study),
        "search": f"{counted(spec.generations, 'generation')} × {counted(spec.population, 'individual')}, "
        f"strategy {spec.strategy}",
        "seeds": f"{spec.seed} for the study, {spec.fresh_seeds} fresh seeds"
        + (", of which one is trained: nothing depends on it" if spec.is_exact else ""),
        "training": f"{_training(study)}, precision {workloads[0].precision or 'of the task'}",
        "data": "; ".join(named_values(each.data) for each in workloads if each.data is not None) or "none",
        **(
            {"code": "; ".join(described_code(each.code) for each in workloads if each.code is not None)}
            if any(each.code is not None for each in workloads)
            else {}
        ),
        "versions": named_values(spec.versions) or NOTHING,
        "hardware": named_values(spec.hardware) or NOTHING,
        "default": ", ".join(f"{row.name} {hyperparameter(row.default, row.scale)}" for row in summary.hyperparameters),
        "tuned": NOTHING if study.tuned is None else tuned,
        "objective": "; ".join(dict.fromkeys(each.objective.description for each in workloads)),
        **({"not tuned": named_values(summary.fixed)} if summary.fixed else {}),
        **{f"on {part.task_label}": _result(part, searched=False) for part in summary.parts},
        "score" if summary.parts else "fitness": _result(summary),
    }


def _result(summary: Summary, *, searched: bool = True) -> str:
    """Return default, what the search saw (if it is to be shown) and tuned fitness, gain and verdict."""
    middle = f"{seen(summary.strategy)} {measured(summary.searched)}, " if searched else ""
    gain = f"gain {sizes.size(summary.gain)}"
    gain = f"improvement {several_tasks.improvement(summary)}" if summary.parts else gain
    verdict = "" if summary.has_several_objectives else f", {gain}: {summary.verdict}"
    return f"default {_fresh(summary.default)}, {middle}tuned {_fresh(summary.tuned)}{verdict}"


def _fresh(runs: FreshRuns) -> str:
    ended = runs.seeds - runs.left
    if runs.is_exact and runs.mean is not None:
        return f"{mean_of(runs)} (one run)"
    missed = f", {runs.missed} missed the target" if runs.missed else ""
    return f"{mean_of(runs)} ({runs.finished} of {ended} finished{missed})" if ended else NOTHING


def _schedule(generations: Sequence[Generation[CandidateRecord]]) -> str:
    # Most searches end no individual early.
    has_pruned = any(one.counts[Status.PRUNED] for one in generations)
    ends = [status for status in _FINAL if status is not Status.PRUNED or has_pruned]
    header = ["generation", "budget", "σ", *(status.value for status in ends), "left", "best", "median"]
    rows = [
        [
            str(generation.number),
            f"{generation.steps:,}",
            number(generation.sigma),
            *(str(generation.counts[status]) for status in ends),
            str(generation.left),
            measured(generation.best),
            measured(generation.median),
        ]
        for generation in generations
    ]
    return TextTable(header, rows, left=()).text()


def _search_json(
    study: StudyRecord,
    summary: Summary,
    generations: Sequence[Generation[CandidateRecord]],
    failures: Sequence[FailureGroup],
) -> dict[str, Any]:
    spec, workload = study.spec, study.spec.workload
    layout = search.all_as_json([summary])[0]
    for task, each in zip(layout.get("tasks", ()), spec.workloads, strict=False):
        task |= {name: getattr(each, name) for name in ("options", "cohort_size", "data", "code")}
    return {
        **layout,
        "kind": str(spec.kind),
        "created_at": study.created_at,
        "finished_at": study.finished_at,
        "owner": study.owner,
        "lease_left": study.lease_left,
        "tuned_genome": study.tuned_genome,
        "options": workload.options,
        "cohort_size": workload.cohort_size,
        "threads": workload.threads,
        "precision": workload.precision,
        "data": workload.data,
        "code": workload.code,
        "search_space": spec.space,
        "versions": spec.versions,
        "hardware": spec.hardware,
        "schedule": [
            {
                "generation": generation.number,
                "steps": generation.steps,
                "sigma": generation.sigma,
                **{status.name.lower(): generation.counts[status] for status in _FINAL},
                "left": generation.left,
                "best": generation.best,
                "median": generation.median,
            }
            for generation in generations
        ],
        "failures": [
            {"status": group.status.value, "reason": group.reason, "runs": [asdict(key) for key in group.keys]}
            for group in failures
        ],
    }


def _point(contender: Contender, results: Comparison) -> str:
    values = ", ".join(f"{name} {value}" for name, value in comparison.point_values(contender.point, contender.scales))
    metrics = [(split, name) for split in ("validation", "test") for name in getattr(contender, split)]
    objective = results.objective
    what = objective.noun if objective.noun not in ("evaluations", "seconds") else f"{objective.noun} to target"
    header = ["seed", "status", "evaluations", what, *(f"{split} {name}" for split, name in metrics), "seconds"]
    rows = [
        [
            str(run.candidate.seed),
            run.candidate.status.value,
            f"{run.candidate.steps_done:,}",
            _value(run, results),
            *(number(float(run.series[split].metrics[name][-1]) if split in run.series else None)
              for split, name in metrics),
            seconds(run.candidate.seconds) if run.candidate.status.is_final else NOTHING,
        ]
        for run in contender.runs
    ]  # fmt: skip
    return f"{one_line(contender.name)}: {values}\n{TextTable(header, rows, left=(1,)).text()}"


def _value(run: SeedRun, results: Comparison) -> str:
    """Return the objective's value of a run; of one that is not finite, what it is."""
    fitness = run.candidate.fitness
    if fitness is not None and results.objective.missed(fitness, results.steps):
        return "not reached"
    return measured(None if fitness is None else results.objective.value(fitness))


def _run_json(run: SeedRun, results: Comparison) -> dict[str, Any]:
    candidate = run.candidate
    return {
        "point": candidate.key.generation,
        "seed": candidate.seed,
        "status": candidate.status.value,
        "fitness": results.objective.shown(candidate.fitness, results.steps),
        "steps_done": candidate.steps_done,
        "seconds": candidate.seconds,
        "reason": candidate.reason,
        "observations": {
            split: {
                "evaluations": series.evaluations.tolist(),
                "seconds": series.seconds.tolist(),
                "elapsed": series.elapsed.tolist(),
                **{name: numbers.tolist() for name, numbers in series.metrics.items()},
            }
            for split, series in run.series.items()
        },
    }

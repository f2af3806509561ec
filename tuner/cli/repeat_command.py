"""The command that repeats a run, from its specifications."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import lodo.registry
import tasks.registry
from tasks.preset import Preset
from tuner import strategies
from tuner.core.study import ComparisonSpec, SearchSpec, StudySpec
from tuner.strategies.schedule import ScheduleRequest
from tuner.studies import tuned_points
from tuner.studies.optimizers import Chosen
from tuner.studies.several_tasks import schedules_of


def repeat_command(specs: Sequence[StudySpec]) -> str:
    """Return the command line that runs the studies of a run again.

    A file is written as FILE, since only its content is recorded. No module of the user is imported: presets of a task
    of the user's own are taken to be the usual ones.

    Args:
        specs: Specifications of the studies of one run, in order.
    """
    first, workload = specs[0], specs[0].workload
    words = ["lodo-tune", *([] if isinstance(first, SearchSpec) else ["compare"]), "--task", first.task]
    presets = _presets(workload.task)
    seeds = list(dict.fromkeys(spec.seed for spec in specs))
    specs = [spec for spec in specs if spec.seed == seeds[0]]  # the others differ in their seeds alone
    names = [str(Chosen(spec.workload.optimizer, spec.workload.optimizer_place)) for spec in specs]
    if isinstance(first, SearchSpec):
        words += _search([spec for spec in specs if isinstance(spec, SearchSpec)], names, presets)
        words += ["--search-seeds", str(len(seeds))] if len(seeds) > 1 else []
    else:
        words += _comparison([spec for spec in specs if isinstance(spec, ComparisonSpec)], names)
    if not workload.objective.is_default and len({each.objective for each in first.workloads}) == 1:
        words += ["--objective", workload.objective.text]
    if workload.precision is not None:
        words += ["--precision", workload.precision]
    if workload.threads != 1:
        words += ["--cpus-per-candidate", str(workload.threads)]
    return " ".join(word if word == "FILE" else shlex.quote(word) for word in [*words, "--name", first.run])


def _search(specs: Sequence[SearchSpec], names: Sequence[str], presets: Mapping[str, Preset]) -> list[str]:
    spec = specs[0]
    name, preset = _nearest(spec, presets)
    words = [] if name == "paper" else ["--preset", name]
    if list(names) != [optimizer for optimizer in preset.optimizers if optimizer in lodo.registry.OPTIMIZERS]:
        words += ["--optimizers", ",".join(names)]
    budget = _budget_of(spec, name) if spec.further else None
    for option, value, default in (
        ("--budget", budget, None),
        ("--generations", spec.generations, preset.generations if budget is None else spec.generations),
        ("--population", spec.population, preset.population),
        *([] if spec.further else [("--steps", spec.steps, preset.steps)]),
        ("--sigma", spec.sigmas, preset.sigmas),
        ("--fresh-seeds", spec.fresh_seeds, preset.fresh_seeds),
    ):
        if value != default:
            words += [option, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    words += [] if spec.strategy == strategies.default_of(name) else ["--strategy", spec.strategy]
    words += _of_several(spec, name) if spec.further else _options(spec.workload.options, preset.options)
    for each in specs:
        words += [] if _has_default_space(each) else ["--search-space", "FILE"]
    return [*words, "--seed", str(spec.seed)]


def _of_several(spec: SearchSpec, preset: str) -> list[str]:
    """Return the options for the steps and the tasks' own options of a search on several tasks.

    Steps that are not the same for all tasks come from their presets, of which the options of the command have others.
    """
    presets = [_presets(workload.task)[preset] for workload in spec.workloads]
    words = []
    if {part.steps for part in spec.parts} == {spec.steps} and any(each.steps != spec.steps for each in presets):
        words += ["--steps", ",".join(map(str, spec.steps))]
    for workload, each in zip(spec.workloads, presets, strict=True):
        words += _options(workload.options, each.options, f"{workload.task_label}.")
    return words


def _budget_of(spec: SearchSpec, preset: str) -> int | None:
    """Return the budget that gives a search on several tasks its steps; None if options or presets give them."""
    presets = [_presets(workload.task)[preset] for workload in spec.workloads]
    steps = [part.steps for part in spec.parts]
    asked = ScheduleRequest(population=spec.population, sigmas=spec.sigmas)

    def gives(request: ScheduleRequest) -> bool:
        made = schedules_of(strategies.kind(spec.strategy).schedule, presets, request)
        return [each.steps for each in made] == steps

    if len(set(steps)) == 1 or gives(replace(asked, generations=spec.generations)):
        return None
    shortest, total = min(steps, key=lambda each: each[-1]), sum(each[-1] for each in steps)
    least = -(-spec.population * sum(shortest) * total // shortest[-1])
    unspent = spec.population * total - 1  # the most that pays for no further generation; rungs may depend on it
    return next((budget for budget in (least, least + unspent) if gives(replace(asked, budget=budget))), None)


def _full(task: str, preset: str) -> int | None:
    """Return the budget of a full training of a task in a preset; None if the task has no such preset."""
    presets = _presets(task)
    return presets[preset].steps[-1] if preset in presets else None


def _presets(task: str) -> Mapping[str, Preset]:
    entry = tasks.registry.TASKS.get(task)
    return tasks.registry.GENERAL_PRESETS if entry is None else entry.presets


def _comparison(specs: Sequence[ComparisonSpec], names: Sequence[str]) -> list[str]:
    spec = specs[0]
    words = ["--sweep", spec.sweep] if spec.sweep else ["--optimizers", ",".join(names)]
    sources = [each.source for each in specs]
    for source in dict.fromkeys(source.removesuffix(tuned_points.HALVED) for source in sources):
        if source.startswith(tuned_points.TUNED_BY):
            words += ["--from", source.removeprefix(tuned_points.TUNED_BY).split(" ")[0].removesuffix(",")]
        else:
            words += ["--defaults"] if source == tuned_points.DEFAULTS else ["--config", "FILE"]
    words += ["--halve-learning-rate"] if sources[0].endswith(tuned_points.HALVED) else []
    words += _options(spec.workload.options, {})
    words += ["--steps", str(spec.steps), "--seeds", str(spec.seeds)]
    measurement = spec.measurement
    for option, value in (
        ("--validate-every", measurement.validate_every),
        ("--time", measurement.seconds),
        ("--test-examples", measurement.test_examples),
    ):
        words += [] if value is None else [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def _nearest(spec: SearchSpec, presets: Mapping[str, Preset]) -> tuple[str, Preset]:
    """Return the preset with the most settings of a search; those with its number of fresh seeds come first."""

    def similarity(entry: tuple[str, Preset]) -> tuple[bool, int]:
        name, preset = entry
        same = (
            preset.generations == spec.generations,
            preset.population == spec.population,
            preset.steps == spec.steps,
            preset.sigmas == spec.sigmas,
            dict(preset.options) == dict(spec.workload.options),
            *(_full(part.workload.task, name) == part.steps[-1] for part in spec.further),
        )
        return preset.fresh_seeds == spec.fresh_seeds, sum(same)

    return max(presets.items(), key=similarity)  # ties go to the first, which is the paper's


def _options(values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str = "") -> list[str]:
    changed = {name: value for name, value in values.items() if name not in defaults or defaults[name] != value}
    return [
        word
        for name, value in changed.items()
        for word in ("--option", f"{prefix}{name}={value if isinstance(value, str) else json.dumps(value)}")
    ]


def _has_default_space(spec: StudySpec) -> bool:
    """Return whether a study's search space is the built-in one; assumed of Keras' own optimizers."""
    if spec.workload.optimizer not in lodo.registry.OPTIMIZERS:
        return True
    from search_spaces import loader

    return loader.builtin(spec.workload.optimizer).to_dict() == spec.space

"""Lines that train a candidate again or start a search: command and Python.

Of a candidate of a training function they show what it printed and reported, since it cannot be trained alone.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from tuner.api.comparison_submission import KIND
from tuner.core.candidate_names import name_of
from tuner.core.study import CandidateRecord, ComparisonSpec, StudySpec


def train_command(spec: StudySpec, candidate: CandidateRecord) -> str:
    """Return the command line that trains a candidate again, with the exact values of its hyperparameters."""
    workload, settings = spec.workload_of(candidate.key.generation), _settings(spec, candidate)
    if workload.is_function:
        return shlex.join(["lodo-tune", "logs", spec.name, name_of(candidate.key)])
    words = ["lodo-tune", "train", "--task", workload.task, "--optimizer", workload.optimizer]
    for name, value in {**candidate.hyperparameters, **settings}.items():
        words += ["--set", f"{name}={value!r}"]
    for name, option in workload.options.items():
        words += ["--option", f"{name}={option if isinstance(option, str) else json.dumps(option)}"]
    words += ["--steps", str(candidate.steps), "--seed", str(candidate.seed)]
    words += [] if workload.precision is None else ["--precision", workload.precision]
    return shlex.join(words)


def train_call(spec: StudySpec, candidate: CandidateRecord) -> str:
    """Return the call in Python that trains a candidate again."""
    workload, settings = spec.workload_of(candidate.key.generation), _settings(spec, candidate)
    if workload.is_function:
        return f"database.run({spec.run!r})[{spec.label!r}].reports({name_of(candidate.key)!r})"
    arguments = [
        f"{workload.task!r}",
        f"{workload.optimizer!r}",
        f"steps={candidate.steps}",
        f"seeds=[{candidate.seed}]",
        f"hyperparameters={ ({**candidate.hyperparameters, **settings})!r}",
        *([f"options={dict(workload.options)!r}"] if workload.options else []),
        *([] if workload.precision is None else [f"precision={workload.precision!r}"]),
    ]
    return f"tuner.train({', '.join(arguments)})"


_FLAGS = (
    ("preset", "--preset"), ("strategy", "--strategy"), ("generations", "--generations"),
    ("population", "--population"), ("steps", "--steps"), ("sigma", "--sigma"), ("budget", "--budget"),
    ("objective", "--objective"), ("seed", "--seed"), ("fresh_seeds", "--fresh-seeds"),
    ("search_seeds", "--search-seeds"), ("precision", "--precision"), ("timeout", "--timeout"),
    ("memory_per_candidate", "--memory-per-candidate"), ("max_attempts", "--max-attempts"),
)  # fmt: skip


_COMPARISON_FLAGS = (
    ("search", "--from"), ("sweep", "--sweep"), ("objective", "--objective"), ("seeds", "--seeds"),
    ("steps", "--steps"), ("seconds", "--time"), ("validate_every", "--validate-every"),
    ("test_examples", "--test-examples"), ("precision", "--precision"), ("timeout", "--timeout"),
    ("max_attempts", "--max-attempts"),
)  # fmt: skip
_SWITCHES = (
    ("defaults", "--defaults"), ("halve_learning_rate", "--halve-learning-rate"),
    ("accept_changes", "--accept-changes"),
)  # fmt: skip


def tune_command(name: str, fields: Mapping[str, Any]) -> str:
    """Return the command line that starts the same search or comparison without a service.

    Args:
        name: Name of the run.
        fields: The specification of a request. Its search spaces are files search-space-1.yaml and so on, its
            configurations config-1.yaml and so on.
    """
    is_comparison = fields.get("kind") == KIND
    words = ["lodo-tune", *(["compare"] if is_comparison else []), "--task", ",".join(fields["task"])]
    if fields["optimizers"] is not None:
        words += ["--optimizers", ",".join(fields["optimizers"])]
    words += [flag for field, flag in _SWITCHES if fields.get(field)]
    for field, flag in _COMPARISON_FLAGS if is_comparison else _FLAGS:
        value = fields.get(field)
        if value is not None and value != _DEFAULTS.get(field):
            words += [flag, ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    for option, value in fields["options"].items():
        words += ["--option", f"{option}={value if isinstance(value, str) else json.dumps(value)}"]
    for file in _files(fields):
        words += ["--search-space", file]
    for file in _files(fields, "configs"):
        words += ["--config", file]
    return shlex.join([*words, "--name", name])


def tune_call(name: str, fields: Mapping[str, Any]) -> str:
    """Return the call in Python that starts the same run without a service; see `tune_command`."""
    is_comparison = fields.get("kind") == KIND
    task = fields["task"][0] if len(fields["task"]) == 1 else fields["task"]
    arguments = [f"task={task!r}"] if is_comparison else [repr(task)]
    if fields["optimizers"] is not None:
        arguments.append(f"optimizers={fields['optimizers']!r}" if is_comparison else repr(fields["optimizers"]))
    flags = (*_SWITCHES, *_COMPARISON_FLAGS) if is_comparison else _FLAGS
    for field in (*(field for field, _ in flags), "options"):
        if fields.get(field) and fields[field] != _DEFAULTS.get(field):
            arguments.append(f"{field}={fields[field]!r}")
    if files := _files(fields):
        arguments.append(f"search_space={files!r}")
    if files := _files(fields, "configs"):
        arguments.append(f"configs={files!r}")
    function = "compare" if is_comparison else "tune"
    return f"tuner.{function}({', '.join([*arguments, f'name={name!r}'])})"


_DEFAULTS: Mapping[str, Any] = {"preset": "paper", "seed": 0, "search_seeds": 1, "max_attempts": 3, "seeds": 8}


def _files(fields: Mapping[str, Any], field: str = "search_spaces") -> list[str]:
    base = {"search_spaces": "search-space", "configs": "config"}[field]
    return [f"{base}-{number + 1}.yaml" for number in range(len(fields.get(field, ())))]


def _settings(spec: StudySpec, candidate: CandidateRecord) -> Mapping[str, int]:
    return spec.points[candidate.key.generation].settings if isinstance(spec, ComparisonSpec) else {}

"""The lines that train a candidate again, as a command and as a Python call.

Of a candidate of a training function they show what it printed and reported, since it cannot be trained alone.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from tuner.core.candidate_names import name_of
from tuner.core.study import CandidateRecord, ComparisonSpec, StudySpec


def train_command(spec: StudySpec, candidate: CandidateRecord) -> str:
    """Return the command line that trains a candidate again, with every digit of its hyperparameters."""
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
        return f"database.run({spec.run!r})[{workload.optimizer!r}].reports({name_of(candidate.key)!r})"
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


def _settings(spec: StudySpec, candidate: CandidateRecord) -> Mapping[str, int]:
    return spec.points[candidate.key.generation].settings if isinstance(spec, ComparisonSpec) else {}

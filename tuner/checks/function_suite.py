"""The suite of checks of a training function, which runs with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tasks.registry
from tuner.checks.check import Check, PromiseError
from tuner.core.events import Reported
from tuner.core.source_code import MAIN
from tuner.core.text import describe_error
from tuner.core.trial import FUNCTION, Evaluation, Key, Role, Status, Trial, Workload
from tuner.training.own_function import train

Reports = tuple[tuple[int, Mapping[str, float]], ...]
"""Step and numbers of each report of a run."""


MAX_NAMED = 5  # data files in a line


@dataclass(frozen=True, slots=True, eq=False)
class FunctionProbe:
    """A training function, which is run in this process when a check asks for it.

    Attributes:
        workload: The workload of its studies.
        hyperparameters: Its defaults.
        budget: Steps of a run.
    """

    workload: Workload
    hyperparameters: Mapping[str, Any]
    budget: int
    _runs: dict[tuple[int, int], Run] = field(default_factory=dict)

    def run(self, seed: int, number: int = 0) -> Run:
        """Return a run with a seed; runs of different numbers are repeated."""
        if (seed, number) not in self._runs:
            self._runs[seed, number] = self._trained(seed)
        return self._runs[seed, number]

    def _trained(self, seed: int) -> Run:
        trial = Trial(Key(Role.SEARCH, 0, 0), self.hyperparameters, seed, self.budget)
        reports: list[tuple[int, Mapping[str, float]]] = []
        output = ""
        try:
            for message in train(self.workload, (trial,)):
                if isinstance(message, Reported):
                    reports += [(one.evaluations, dict(one.of_lane(0).metrics)) for one in message.observations]
                    output = message.output or output
                elif isinstance(message, Evaluation):
                    return Run(message, tuple(reports), output)
        except Exception as error:
            raise PromiseError(f"it raises {describe_error(error)[0]}") from error
        raise PromiseError("it ends without a result")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a training function."""

    evaluation: Evaluation
    reports: Reports
    output: str


def finishes(probe: FunctionProbe) -> str:
    """Check that the defaults are trained to the end of the budget."""
    run = probe.run(0)
    evaluation = run.evaluation
    if evaluation.status is not Status.FINISHED:
        raise PromiseError(f"with its defaults it {evaluation.status}: {evaluation.reason}")
    names = ", ".join(run.reports[-1][1])
    return f"{len(run.reports)} reports of {names} in {evaluation.seconds:.2g} s"


def files(probe: FunctionProbe) -> str:
    """Say which files are compared in workers and before a study goes on."""
    known = (probe.workload.code or {}).get(FUNCTION, {})
    code = [name for name in known.get("files", {}) if name != MAIN]
    data = list(known.get("data", {}))
    modules = f"its code and that of {', '.join(code)}" if code else "its code"
    name = probe.workload.task.rpartition(":")[2]
    if not data:
        return f'{modules}; data that it reads are not, unless {name}.files = ["data.npy"] names them'
    more = f" and {len(data) - MAX_NAMED:,} more files" if len(data) > MAX_NAMED else ""
    return f"{modules}; its files {', '.join(data[:MAX_NAMED])}{more}"


def same_seed(probe: FunctionProbe) -> None:
    """Check that a run can be repeated."""
    first, again = probe.run(0), probe.run(0, 1)
    if len(first.reports) != len(again.reports):
        raise PromiseError(f"it reports {len(first.reports)} times, and again {len(again.reports)} times")
    for (step, numbers), (other, others) in zip(first.reports, again.reports, strict=True):
        if step != other or repr(numbers) != repr(others):  # NaN is itself here
            raise PromiseError(
                f"at step {step} it reports {_shown(numbers)}, and again {_shown(others)} at step {other}: make all of"
                " its random numbers from `seed`"
            )


def another_seed(probe: FunctionProbe) -> str | None:
    """Say whether a run depends on its seed; a function need not."""
    is_random = tasks.registry.entry(probe.workload.task).is_random
    if repr(probe.run(0).reports) == repr(probe.run(1).reports):  # NaN is itself here
        advice = "; with is_random = False as an attribute, points are trained on one fresh seed" if is_random else ""
        return f"another seed gives the same reports: fresh seeds then show no spread{advice}"
    if not is_random:
        raise PromiseError("is_random is False: no run depends on its seed. Received: other reports with another seed")
    return None


def _shown(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in numbers.items())


CHECKS: tuple[Check, ...] = (
    Check("finishes", "With its defaults it uses its budget, and reports the objective.", finishes, is_basic=True),
    Check("files", "A change of these is noticed when a study goes on.", files),
    Check("same-seed", "The same seed gives the same reports, bit for bit.", same_seed),
    Check("another-seed", "Another seed gives other reports, where it is random.", another_seed),
)

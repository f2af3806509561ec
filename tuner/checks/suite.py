"""The suite of checks: each requirement of the Task protocol, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tuner.checks import derivatives, evaluation, examination, form, reproducibility, runs
from tuner.checks.check import Check, Finding

CHECKS: tuple[Check, ...] = (
    Check("name", "The name is one word in lower case, with hyphens.", form.name),
    Check("attributes", "dtype, jit_compile and cohort_size are what they can be.", form.attributes, is_basic=True),
    Check(
        "shapes-and-dtypes",
        "x and the gradient are [n, P], the loss is [P], in the task's dtype.",
        form.shapes_and_dtypes,
        is_basic=True,
    ),
    Check("state", "The state keeps its structure, shapes and dtypes from step to step.", form.state, is_basic=True),
    Check("layers", "The layers cover x in order, without gap or overlap.", form.layers),
    Check("finite-start", "x, loss and gradient are finite at the first step.", form.finite_start, is_basic=True),
    Check("gradient", "The gradient equals central differences of the loss.", derivatives.gradient),
    Check("hessian", "The Hessian equals central differences of the gradient.", derivatives.hessian),
    Check("no-variables", "A step changes no variable outside of the state.", reproducibility.no_variables),
    Check(
        "nothing-from-outside",
        "A step reads no file and no clock, and draws from the seed.",
        reproducibility.nothing_from_outside,
    ),
    Check("same-start", "The seed decides the start.", reproducibility.same_start),
    Check("same-seed", "The same seed gives the same run, bit for bit.", runs.same_seed),
    Check("another-seed", "Another seed gives another run where the task is random.", runs.another_seed),
    Check("each-step", "Each step draws anew where the task is random.", runs.each_step),
    Check("same-loss-twice", "The same x and state give the same loss and gradient.", runs.same_loss_twice),
    Check("cohort", "A cohort of P equals P runs of one, to rounding.", runs.cohort),
    Check("lane-of-nan", "A lane of NaN has a loss of NaN and does not affect the others.", runs.lane_of_nan),
    Check("same-everywhere", "Another process creates it with the same data.", reproducibility.same_everywhere),
    Check("one-trace", "The compiled loop trains it, traced once for all seeds and steps.", runs.one_trace),
    Check("examples", "Each split has examples, and the first metric is the loss.", evaluation.examples),
    Check("metrics", "Metrics are finite, and the same each time, example by example.", evaluation.metrics),
    Check(
        "evaluation-changes-nothing",
        "A run that is evaluated meanwhile is the same, bit for bit.",
        evaluation.evaluation_changes_nothing,
    ),
    Check(
        "test-set-stays-unread",
        "Training and validation never read the test set.",
        evaluation.test_set_stays_unread,
    ),
)


def named(name: str) -> Check:
    """Return a check by name."""
    return next(check for check in CHECKS if check.name == name)


def examine(probes: Sequence[Any], checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """Yield the result of each check, in order; the default suite is that of tasks. See `examination.examine`."""
    return examination.examine(probes, checks)

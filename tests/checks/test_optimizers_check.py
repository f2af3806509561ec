"""The checks of optimizers: ours pass them, and each law finds an optimizer that breaks it."""

import json

import pytest

import lodo.registry
from lodo import keras_adapter
from tests.conformance import broken_optimizers
from tests.conformance.broken_optimizers import BROKEN
from tests.support.command_line import call
from tuner.api.optimizers import check_optimizer, optimizer_probes
from tuner.checks.check import Verdict
from tuner.checks.optimizer_suite import CHECKS
from tuner.checks.suite import examine
from tuner.checks.users_optimizer import QUICK as REPEATED

HERE = broken_optimizers.__name__
QUICK = ("Adam", "Momentum", "Levenberg-Marquardt")


def failed(findings):
    """Return the names of the checks that failed."""
    return [finding.check.name for finding in findings if finding.verdict is Verdict.FAILED]


def findings_of(name, checks):
    """Return the results of the basic checks and of some others."""
    _, _, probes = optimizer_probes(f"{HERE}:{name}")
    return list(examine(probes, [check for check in CHECKS if check.is_basic or check.name in checks]))


@pytest.mark.parametrize(
    "name",
    [
        *(name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in lodo.registry.OPTIMIZERS),
        # Muon cannot run on matrices of float64.
        *(pytest.param(name, marks=pytest.mark.slow) for name in keras_adapter.names() if name != "keras:Muon"),
        f"{HERE}:Sound",
        f"{HERE}:SoundKeras",
    ],
)
def test_our_optimizers_and_sound_ones_pass_every_check(name):
    findings = check_optimizer(name)
    assert [finding.check for finding in findings] == list(CHECKS)
    assert {finding.verdict: finding.note for finding in findings}.keys() == {Verdict.PASSED}


def test_an_optimizer_whose_own_rule_makes_its_steps_small_gets_more_of_them():
    # It starts up to 1.7 from the centre, and moves by at most 0.5 in 500 steps.
    findings = findings_of("SmallSteps", {"bowl"})
    assert failed(findings) == []
    assert "of the first loss within 2,000 steps at" in findings[-1].note


def test_every_check_has_an_optimizer_that_fails_it():
    assert list(BROKEN) == [check.name for check in CHECKS]


@pytest.mark.parametrize(
    ("check", "broken"), [(name, broken) for name, optimizers in BROKEN.items() for broken in optimizers]
)
def test_a_broken_optimizer_fails_the_check_of_its_law(check, broken):
    findings = findings_of(broken.__name__, {check})
    assert check in failed(findings)
    (note,) = [finding.note for finding in findings if finding.check.name == check]
    assert "\n" not in note


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            "Growing",
            r"in float32: a step returns tensor 0 of the state in the form .* float32 \[1, 8, 2\]; a state does",
        ),
        ("NotANumber", r"x is finite after the first step .* Received: nan, 16 of 16 numbers are not finite"),
        ("OtherDtype", r"step returns x as it is given, float32 \[8, 2\]. Received: float16 \[8, 2\]"),
    ],
)
def test_a_finding_says_what_is_accepted_and_what_was_received(broken, message):
    import re

    findings = findings_of(broken, set())
    notes = [finding.note for finding in findings if finding.verdict is Verdict.FAILED]
    assert re.search(message, notes[0])


def test_the_checks_before_a_search_are_the_basic_ones_and_those_of_silent_errors():
    assert [check.run for check in CHECKS if check.is_basic or check.name in ("randomness", "lanes")] == list(REPEATED)


def test_the_command_prints_a_line_per_check_and_fails_with_the_names_of_those_that_fail(monkeypatch):
    from tuner.checks import optimizer_suite

    few = tuple(check for check in CHECKS if check.is_basic or check.name == "hyperparameters")
    monkeypatch.setattr(optimizer_suite, "CHECKS", few)
    outcome = call("optimizers", "check", f"Mine={HERE}:FirstLanesRate")
    assert outcome.code == 1
    heading, *lines = outcome.out.splitlines()
    assert heading == "Mine in float32 and float64, at the defaults: learning_rate 0.01, momentum 0.5"
    assert [line.split()[:2] for line in lines if not line.startswith(" ")] == [
        *(["ok", check.name] for check in few[:-1]),
        ["WRONG", "hyperparameters"],
    ]
    assert outcome.err.strip().endswith("1 of 5 checks failed: hyperparameters")
    as_json = json.loads(call("optimizers", "check", f"{HERE}:Sound", "--json").out)
    assert as_json["passed"]
    assert as_json["place"] == f"{HERE}:Sound"
    assert [check["verdict"] for check in as_json["checks"]] == ["passed"] * 5


def test_the_list_names_built_in_optimizers_those_of_packages_and_those_of_keras(monkeypatch):
    from importlib.metadata import EntryPoint

    offered = EntryPoint("sound", f"{HERE}:Sound", "lodo_tune.optimizers")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [offered])
    names = [line.split()[0] for line in call("optimizers").out.splitlines()]
    assert names == [*lodo.registry.OPTIMIZERS, "sound", *keras_adapter.names()]

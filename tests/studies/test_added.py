"""Additions in search-space files, in values that are set, and in configurations: what is accepted and what refused."""

import json
import math

import pytest

from search_spaces.space import SearchSpace
from tests.conformance import broken_optimizers
from tuner.core.errors import InvalidRequest
from tuner.studies.comparison_planner import CompareRequest, plan_comparison
from tuner.studies.planner import SearchRequest, plan_search

SOUND = f"{broken_optimizers.__name__}:Sound"
BELOW_ONE = math.nextafter(1.0, 0.0)


def space_of(folder, hyperparameters, fixed="{}", optimizer="Adam", given=None):
    """The search space of the study that a file makes."""
    file = folder / "mine.yaml"
    file.write_text(f"optimizer: {optimizer}\nhyperparameters: {hyperparameters}\nfixed: {fixed}\n")
    request = SearchRequest(task="rosenbrock", optimizers=(given or optimizer,), search_spaces=(file,))
    return plan_search(request).specs[0].space


def test_additions_are_tuned_within_what_they_accept_or_fixed(tmp_path):
    space = space_of(
        tmp_path,
        "{cosine_final: {scale: log, default: 0.1}, clipvalue: {scale: log, default: 1}, beta_1: {scale: decay,"
        " default: 0.5}, ema_momentum: {scale: decay, default: 0.9}}",
        "{warmup_ratio: 0.05, weight_decay: 0, beta_2: 0.75}",
    )
    assert space["hyperparameters"] == {
        "cosine_final": {"scale": "log", "default": 0.1, "high": 1.0},
        "clipvalue": {"scale": "log", "default": 1.0},
        "beta_1": {"scale": "decay", "default": 0.5},
        "ema_momentum": {"scale": "decay", "default": 0.9},
    }
    assert space["fixed"] == {"learning_rate": 0.001, "beta_2": 0.75, "warmup_ratio": 0.05, "weight_decay": 0.0}


def test_on_the_scale_log_a_momentum_of_the_average_stays_below_one(tmp_path):
    space = space_of(tmp_path, "{ema_momentum: {scale: log, default: 0.9}}")
    assert space["hyperparameters"]["ema_momentum"]["high"] == BELOW_ONE


def test_the_learning_rate_that_a_schedule_needs_is_fixed_at_the_default_of_keras(tmp_path):
    space = space_of(tmp_path, "{linear_final: {scale: log, default: 0.1}}", optimizer="keras:Adam")
    assert space["fixed"] == {"learning_rate": 0.001}


def test_an_optimizer_of_the_users_own_has_additions(tmp_path):
    hyperparameters = "{learning_rate: {scale: log, default: 0.1}, step_final: {scale: log, default: 0.1}}"
    space = space_of(tmp_path, hyperparameters, "{momentum: 0.25, clipnorm: 2}", "Sound", SOUND)
    assert space["fixed"] == {"momentum": 0.25, "clipnorm": 2.0}
    assert space["hyperparameters"]["step_final"]["high"] == 1.0


def test_a_study_without_additions_has_the_space_that_it_always_had():
    (spec,) = plan_search(SearchRequest(task="rosenbrock", optimizers=("Momentum",))).specs
    assert spec.space == {
        "optimizer": "Momentum",
        "hyperparameters": {
            "learning_rate": {"scale": "log", "default": 0.01},
            "momentum": {"scale": "decay", "default": 0.0},
        },
    }
    assert json.loads(spec.workload.identity()).keys() == {
        "task", "optimizer", "cohort_size", "threads", "precision", "options", "data", "code", "settings",
        "optimizer_place",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hyperparameters", "fixed", "message"),
    [
        (
            "{exponential_final: {scale: log, default: 0.1}}",
            "{}",
            r"exponential_final: Adam has no such hyperparameter.*Accepted: learning_rate, .*cosine_final, linear_f",
        ),
        (
            "{beta_1: {scale: decay, default: 0.9}}",
            "{schedule: 1}",
            r"fixed\.schedule: Adam has no such .*warmup_ratio",
        ),
        (
            "{cosine_final: {scale: log, default: 0.1, high: 2}}",
            "{}",
            r"mine\.yaml: cosine_final is a number from 0 to 1\. Received: .* to 2 on the scale 'log'",
        ),
        (
            "{warmup_ratio: {scale: log, default: 2}}",
            "{}",
            r"mine\.yaml: warmup_ratio is a number from 0 to 1\. Received: 2\.0",
        ),
        (
            "{clipnorm: {scale: decay, default: 0.5}}",
            "{}",
            r"mine\.yaml: clipnorm is a number above 0\. Received: 0 to 1 on the scale 'decay'",
        ),
        ("{beta_1: {scale: decay, default: 0.9}}", "{clipvalue: 0}", r"clipvalue is a number above 0\. Received: 0\.0"),
        (
            "{beta_1: {scale: decay, default: 0.9}}",
            "{clipvalue: 1, clipnorm: 1}",
            r"Adam takes one clipping of clipnorm, global_clipnorm, clipvalue\. Received: clipnorm and clipvalue",
        ),
        (
            "{cosine_final: {scale: log, default: 0.1}}",
            "{linear_final: 1}",
            r"Adam takes one schedule of .*\. Received: cosine_final and linear_final",
        ),
        ("{beta_1: {scale: decay, default: 0.9}}", "{beta_1: 0.5}", r"fixed\.beta_1: a hyperparameter is either tuned"),
        ("{beta_1: {scale: decay, default: 0.9}}", "{beta_2: 1}", r"mine\.yaml: .*beta_2 must be a number at least 0"),
        (
            "{beta_1: {scale: decay, default: 0.9}}",
            "{beta_2: x}",
            r"mine\.yaml: Adam takes beta_2 as a number; other values are for arguments of a task and for a training",
        ),
        (
            "{beta_1: {scale: choice, values: [low, high]}}",
            "{}",
            r"mine\.yaml: Adam takes beta_1 as a number; other values are for .* a training function. Received: 'low'",
        ),
        (
            "{learning_rate: {scale: integer, default: 1, low: 1, high: 2}, beta_1: {scale: decay, default: 0.9,"
            " only when: {learning_rate: 1}}}",
            "{}",
            r"mine\.yaml: Adam needs a value of beta_1 in every training",
        ),
        ("{beta_1: {scale: decay, default: 0.9}}", "3", r"fixed: must be a mapping from names of hyperparameters to"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_the_file(tmp_path, hyperparameters, fixed, message):
    with pytest.raises(ValueError, match=message) as raised:
        space_of(tmp_path, hyperparameters, fixed)
    assert "\n" not in str(raised.value)
    assert "mine.yaml" in str(raised.value)


def test_an_optimizer_takes_whole_numbers_and_choices_among_numbers(tmp_path):
    of_file = space_of(
        tmp_path,
        "{learning_rate: {scale: choice, values: [0.1, 0.01, 1], ordered: true}, beta_1: {scale: linear,"
        " default: 0.9, low: 0, high: 0.99}}",
        "{beta_2: 0}",
    )
    space = SearchSpace.from_dict(of_file)
    assert space.decode([10.0, 12.0]) == {"learning_rate": 1, "beta_1": 0.99, "beta_2": 0.0}


@pytest.mark.parametrize("name", ["cosine_final", "warmup_ratio", "weight_decay"])
def test_an_optimizer_without_a_learning_rate_is_refused_one(tmp_path, name):
    with pytest.raises(
        ValueError, match=rf"{name} is for an optimizer with a learning rate .*Levenberg-Marquardt with"
    ):
        space_of(tmp_path, "{damping: {scale: log, default: 1}}", f"{{{name}: 0.5}}", "Levenberg-Marquardt")


def config(folder, **hyperparameters):
    """A file for a comparison, and the point that is compared."""
    file = folder / "adam.json"
    file.write_text(json.dumps({"optimizer": "Adam", "hyperparameters": hyperparameters}))
    request = CompareRequest(task="rosenbrock", configs=(file,))
    return plan_comparison(request, f"sqlite:///{folder}/none.db").specs[0].points[0].hyperparameters


ADAM = {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.75}


def test_a_configuration_has_additions(tmp_path):
    values = ADAM | {"cosine_final": 0.0, "global_clipnorm": 1.0, "weight_decay": 0.01}
    assert config(tmp_path, **values) == values


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ({"cosine_final": 2.0}, r"adam\.json: cosine_final is a number from 0 to 1\. Received: 2\.0$"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, r"adam\.json: Adam takes one clipping of .*"),
        (
            {"square_final": 1.0},
            r"adam\.json: Adam has no hyperparameter of this name.*'square_final'\. Also accepted: .*cosine_final",
        ),
    ],
)
def test_a_configuration_with_additions_that_cannot_be_is_refused(tmp_path, added, message):
    with pytest.raises(InvalidRequest, match=message):
        config(tmp_path, **ADAM, **added)

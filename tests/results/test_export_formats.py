"""What the exports for other libraries hold, for every optimizer that there is; `test_interop` runs them."""

import importlib
import inspect
import json
from dataclasses import replace
from importlib.util import find_spec

import keras
import pytest
import yaml

import search_spaces.loader
from lodo import adam, keras_adapter, registry, rmsprop, yogi
from tests.support.builders import spec, study
from tests.support.command_line import call
from tuner.results.exports import FORMATS, NotExported, export, formats_of
from tuner.results.exports.rules import RULES

OURS = tuple(registry.OPTIMIZERS)
EVERY = (*OURS, *keras_adapter.names())


def tuned(optimizer, **values):
    """A study that is over, and what it tuned: the defaults of the search space, but for what is said."""
    if registry.is_of_keras(optimizer):
        defaults = {"learning_rate": 0.125}
    else:
        defaults = search_spaces.loader.builtin(optimizer).defaults()
    values = {**defaults, **values}
    space = {"optimizer": optimizer, "hyperparameters": {name: {"scale": "log", "default": 0.1} for name in values}}
    return replace(study(spec(space)), tuned=values)


def read(optimizer, format, **values):
    """What is exported, as Python has it."""
    text = export(tuned(optimizer, **values), format)
    return yaml.safe_load(text) if format in ("yaml", "hydra") else json.loads(text)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("optimizer", EVERY)
def test_every_optimizer_is_exported_or_refused_in_one_line_that_names_the_formats_it_has(optimizer, format):
    has = formats_of(optimizer)
    assert {"json", "yaml", "algoperf"} <= set(has)
    if format in has:
        assert read(optimizer, format)
        return
    with pytest.raises(
        NotExported, match=rf"^the format '{format}' has no {optimizer}.* {', '.join(has)}\. R"
    ) as raised:
        export(tuned(optimizer), format)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(("format", "what"), [("torch", "torch.optim.LBFGS scales"), ("optax", "optax.lbfgs scales")])
def test_where_a_library_has_a_namesake_that_steps_otherwise_the_refusal_says_how(format, what):
    with pytest.raises(
        NotExported, match=rf"has no L-BFGS \({what}.*\)\. Accepted for L-BFGS: json, yaml, algoperf\. "
    ):
        export(tuned("L-BFGS"), format)


def test_pytorch_gets_a_class_with_its_own_names_and_what_it_does_otherwise():
    document = read("Adam", "torch", learning_rate=0.01, beta_1=0.75, beta_2=0.99)
    assert document["class"] == "torch.optim.Adam"
    assert document["arguments"] == {"lr": 0.01, "betas": [0.75, 0.99], "eps": 1e-7}
    assert "eps" in document["warnings"][0]
    assert "1e-06 at the first step" in document["warnings"][0]  # 1e-7 / √(1 - 0.99)
    assert document["provenance"]["study"] == "first/Adam"


def test_optax_gets_the_schedule_of_lars_as_a_call_of_its_own():
    arguments = read("LARS", "optax", learning_rate=0.5)["arguments"]
    rate = arguments["learning_rate"]
    # The study's last budget is 200: η (1 - t/T)² is η (199/200)² at the first step, and 0 at the 200th, 199 later.
    assert rate["function"] == "optax.polynomial_schedule"
    assert rate["arguments"]["init_value"] == pytest.approx(0.5 * 0.995**2, rel=1e-15)
    assert rate["arguments"]["transition_steps"] == 199
    assert arguments["trust_coefficient"] == 1.0  # Optax's default is a thousandth of it


@pytest.mark.parametrize("format", ["torch", "optax"])
def test_without_momentum_nothing_is_to_be_said_of_its_convention(format):
    assert read("Momentum", format, momentum=0.0)["warnings"] == []
    assert "schedule" in read("Momentum", format, momentum=0.5)["warnings"][0]


@pytest.mark.parametrize("format", ["torch", "optax"])
def test_what_a_counterpart_does_not_take_is_refused_by_its_name(format):
    with pytest.raises(NotExported, match=r"keras:Adam with rho.* json, yaml, keras.*'rho'") as raised:
        read("keras:Adam", format, rho=0.5)
    assert raised.value.exit_code == 2
    assert set(read("keras:Adam", "hydra", rho=0.5)) == {"keras", "warnings", "provenance"}


@pytest.mark.parametrize("optimizer", [name for name in RULES if registry.is_of_keras(name)])
def test_the_constants_of_keras_own_are_the_defaults_of_its_constructors(optimizer):
    parameters = inspect.signature(getattr(keras.optimizers, optimizer.removeprefix("keras:"))).parameters
    defaults = {name: parameters[name].default or 0.0 for name in RULES[optimizer].constants}
    assert dict(RULES[optimizer].constants) == defaults


def test_the_constants_of_ours_are_those_of_their_modules():
    epsilons = {"Adam": adam.EPSILON, "RMSprop": rmsprop.EPSILON, "Yogi": yogi.EPSILON}
    assert {name: RULES[name].constants["epsilon"] for name in epsilons} == epsilons


@pytest.mark.parametrize("optimizer", [name for name in RULES if not registry.is_of_keras(name)])
def test_a_rule_of_ours_takes_what_its_search_space_tunes(optimizer):
    assert RULES[optimizer].tuned == search_spaces.loader.builtin(optimizer).names


ALGOPERF = {
    "Adam": ({"learning_rate": 0.01, "beta_1": 0.75, "beta_2": 0.99},
             {"learning_rate": 0.01, "one_minus_beta1": 0.25, "beta2": 0.99, "epsilon": 1e-7}),
    "Momentum": ({"learning_rate": 0.5, "momentum": 0.875}, {"learning_rate": 0.5, "one_minus_beta1": 0.125}),
    "LODO": ({"initial_learning_rate": 0.5, "meta_learning_rate": 0.01, "momentum": 0.75},
             {"learning_rate": 0.5, "meta_learning_rate": 0.01, "one_minus_beta1": 0.25}),
    "keras:AdamW": ({"learning_rate": 0.5, "weight_decay": 0.25},
                    {"learning_rate": 0.5, "weight_decay": 0.25, "one_minus_beta1": pytest.approx(0.1, rel=1e-15),
                     "beta2": 0.999, "epsilon": 1e-7}),
}  # fmt: skip


@pytest.mark.parametrize("optimizer", ALGOPERF)
def test_algoperf_gets_a_list_of_one_point_under_its_own_names(optimizer):
    values, point = ALGOPERF[optimizer]
    assert read(optimizer, "algoperf", **values) == [point]


@pytest.mark.parametrize("optimizer", OURS)
def test_the_values_come_back_out_of_a_point_of_algoperf(optimizer):
    values = dict(tuned(optimizer).tuned)
    (point,) = read(optimizer, "algoperf")
    decay = "beta_1" if "beta_1" in values else "momentum"
    back = {"initial_learning_rate": "learning_rate", "beta_2": "beta2"}
    found = {name: 1 - point["one_minus_beta1"] if name == decay else point[back.get(name, name)] for name in values}
    assert found == pytest.approx(values, abs=2**-53, rel=0)  # 1 - (1 - β) is β but for a rounding near 1


def instantiated(node):
    """What Hydra makes of a node; by hand where it is not installed."""
    if find_spec("hydra") is not None:
        return importlib.import_module("hydra.utils").instantiate(node)
    place, _, attribute = node["_target_"].rpartition(".")
    return getattr(importlib.import_module(place), attribute)(**{k: v for k, v in node.items() if k != "_target_"})


@pytest.mark.parametrize("optimizer", [name for name in EVERY if "keras" in formats_of(name)])
def test_hydra_makes_of_its_node_what_keras_makes_of_its_own(optimizer):
    made = instantiated(read(optimizer, "hydra")["keras"])
    # keras.optimizers.deserialize has left Lamb out of its list, and returns the name.
    deserialize = keras.optimizers.deserialize if "Lamb" not in optimizer else keras.saving.deserialize_keras_object
    of_keras = deserialize(read(optimizer, "keras"))
    assert type(made) is type(of_keras)
    assert made.get_config() | {"name": None} == of_keras.get_config() | {"name": None}  # names are numbered


def test_hydra_gets_a_node_a_library_and_the_warnings_of_each():
    nodes = read("LARS", "hydra")
    assert set(nodes) == {"optax", "warnings", "provenance"}
    assert nodes["optax"]["_target_"] == "optax.lars"
    assert nodes["optax"]["learning_rate"]["_target_"] == "optax.polynomial_schedule"
    assert nodes["warnings"] == {"optax": read("LARS", "optax")["warnings"]}
    adam_nodes = read("Adam", "hydra")
    assert adam_nodes["torch"] == {
        "_target_": "torch.optim.Adam",
        "_partial_": True,
        **read("Adam", "torch")["arguments"],
    }


@pytest.mark.parametrize("format", ["json", "yaml"])
def test_what_was_exported_can_be_trained_again(format):
    document = read("Adam", format, learning_rate=0.0123456789, beta_1=0.75)
    settings = [f"--set={name}={value!r}" for name, value in document["hyperparameters"].items()]
    outcome = call(
        "train", "--task", "rosenbrock", "--optimizer", document["optimizer"], *settings, "--steps", 3, "--json"
    )
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["hyperparameters"] == document["hyperparameters"]

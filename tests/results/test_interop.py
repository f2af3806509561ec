"""The exports for PyTorch and Optax against PyTorch and Optax themselves: they follow ours, step by step.

Both are in the extra `interop`. What is exported without a measured difference takes the same steps but for rounding;
what has one stays as near as its warning says, and is not much nearer.
"""

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from tests.support.builders import spec, study
from tests.support.driving import drive
from tests.support.interop import LAYERS, PROBLEMS, STARTS, STEPS, is_here
from tuner.results.exports import NotExported, export, formats_of
from tuner.training import own_optimizers

# Learning rates of Keras' own are exact in float32, to which it rounds them.
SETTINGS = {
    "Adam": {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.99},
    "LARS": {"learning_rate": 0.1, "momentum": 0.7, "weight_decay": 0.001},
    "Momentum": {"learning_rate": 0.02, "momentum": 0.8},
    "RMSprop": {"learning_rate": 0.02, "rho": 0.9, "momentum": 0.6},
    "Yogi": {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.99},
    "keras:Adadelta": {"learning_rate": 16.0, "rho": 0.9},
    "keras:Adagrad": {"learning_rate": 0.125},
    "keras:Adam": {"learning_rate": 0.0625, "beta_1": 0.8, "beta_2": 0.99},
    "keras:AdamW": {"learning_rate": 0.0625, "beta_1": 0.8, "beta_2": 0.99, "weight_decay": 0.5},
    "keras:Lamb": {"learning_rate": 0.0625, "beta_1": 0.8, "beta_2": 0.99},
    "keras:Lion": {"learning_rate": 0.015625, "beta_1": 0.75, "beta_2": 0.875, "weight_decay": 0.25},
    "keras:Nadam": {"learning_rate": 0.0625, "beta_1": 0.75, "beta_2": 0.99},
    "keras:RMSprop": {"learning_rate": 0.015625, "rho": 0.9, "momentum": 0.5},
    "keras:SGD": {"learning_rate": 0.03125, "momentum": 0.75},
}
ADDED = [
    ("Adam", {"cosine_final": 0.125, "warmup_ratio": 0.2}),
    ("Adam", {"linear_final": 0.0, "warmup_ratio": 0.1, "weight_decay": 0.5}),
    ("Adam", {"step_final": 0.01, "clipvalue": 1.0, "ema_momentum": 0.5}),
    ("Momentum", {"cosine_final": 0.0}),
    ("Momentum", {"warmup_ratio": 0.3}),
    ("Momentum", {"linear_final": 0.25}),
    ("Momentum", {"step_final": 0.01, "warmup_ratio": 0.3, "global_clipnorm": 0.25}),
    ("keras:Adam", {"weight_decay": 0.5}),
    ("Momentum", {"weight_decay": 0.5}),  # in Optax alone
]
PAIRS = [(name, format) for name in SETTINGS for format in ("torch", "optax") if format in formats_of(name)]
ROUNDING = 1e-13
# Keras takes constants such as 0.1, and the product of Nadam's momenta, by way of float32: 2**-24, and a little more.
ROUNDING_OF_KERAS = 1e-7
ROUNDING_OF_SCHEDULES = 1e-6  # which Optax computes in float32


def exported(name, format, values):
    """The document that is exported of these hyperparameters."""
    space = {"optimizer": name, "hyperparameters": {key: {"scale": "log", "default": 0.1} for key in values}}
    return json.loads(export(replace(study(spec(space, steps=(10, STEPS))), tuned=values), format))


def warnings(name, format):
    """All that the document warns of."""
    return " ".join(exported(name, format, SETTINGS[name])["warnings"])


def foreign_paths(format, asked):
    """The path [STEPS, n] of a library's optimizer for each (name, values, problem); all of them by one process."""
    if not is_here(format):
        pytest.skip(f"{format}, of the extra `interop`, is not installed")
    documents = [(format, exported(name, format, values), problem) for name, values, problem in asked]
    command = [sys.executable, "-m", "tests.support.interop"]
    done = subprocess.run(command, input=json.dumps(documents), capture_output=True, text=True, check=True, timeout=300)
    return [np.array(path) for path in json.loads(done.stdout)]


@lru_cache
def theirs(format):
    """The paths of a library's optimizers by name and problem."""
    asked = [(name, problem) for name, of in PAIRS if of == format for problem in PROBLEMS]
    paths = foreign_paths(format, [(name, SETTINGS[name], problem) for name, problem in asked])
    return dict(zip(asked, paths, strict=True))


def path_of_ours(name, values, problem):
    """Our path [STEPS, n]."""
    known = {"layers": LAYERS[problem], "variable_shapes": tuple((stop - start,) for start, stop in LAYERS[problem])}
    kind = own_optimizers.load(name, None, list(values))
    optimizer = kind(**{need: known[need] for need in (*kind.needs, *kind.wants) if need in known})
    path, _ = drive(optimizer, STARTS[problem], [values], [lambda t: PROBLEMS[problem]], STEPS)
    return path[:, :, 0]


@lru_cache
def ours(name, problem):
    """Our path [STEPS, n] with the settings of this file."""
    return path_of_ours(name, SETTINGS[name], problem)


def apart(path, other, problem):
    """The greatest distance between two paths, as a share of the farthest that the first comes from its start."""
    return np.linalg.norm(other - path, axis=1).max() / np.linalg.norm(path - STARTS[problem], axis=1).max()


@pytest.mark.parametrize(("name", "format"), PAIRS)
def test_an_exported_optimizer_follows_ours_as_nearly_as_its_warnings_say(name, format):
    found = max(apart(ours(name, problem), theirs(format)[name, problem], problem) for problem in PROBLEMS)
    stated = re.findall(r"differs by at most (\S+) of its distance", warnings(name, format))
    share = float(stated[0]) if stated else 0.0
    assert found <= max(share, ROUNDING_OF_KERAS if name.startswith("keras:") else ROUNDING)
    assert found >= share / 5


@pytest.mark.parametrize("format", ["torch", "optax"])
def test_every_optimizer_goes_its_own_way_here_and_far_enough_to_be_followed(format):
    theirs(format)
    for problem in PROBLEMS:
        ends = [ours(name, problem)[-1] for name, of in PAIRS if of == format]
        assert min(np.linalg.norm(end - STARTS[problem]) for end in ends) > 0.2
        assert min(np.linalg.norm(one - other) for place, one in enumerate(ends) for other in ends[:place]) > 1e-3


def test_but_for_the_weight_decay_in_its_norms_lars_of_optax_is_ours_to_the_end_of_the_schedule():
    values = SETTINGS["LARS"] | {"weight_decay": 1e-200}
    (path,) = foreign_paths("optax", [("LARS", values, "quadratic")])
    assert apart(path_of_ours("LARS", values, "quadratic"), path, "quadratic") < ROUNDING_OF_SCHEDULES


def test_the_first_step_of_yogi_in_optax_is_longer_by_the_factor_that_the_warning_states():
    factor = float(re.search(r"first step is (\S+) times as long", warnings("Yogi", "optax"))[1])
    (first, *_), (start, mine) = theirs("optax")["Yogi", "quadratic"], (STARTS["quadratic"], ours("Yogi", "quadratic"))
    far_above = slice(3, None)  # where the gradient is above 0.2, and Yogi's eps 0.001
    np.testing.assert_allclose(((first - start) / (mine[0] - start))[far_above], factor, rtol=0.05)


@pytest.mark.parametrize("format", ["torch", "optax"])
def test_an_exported_optimizer_with_additions_follows_ours(format):
    asked = []
    for name, added in ADDED:
        values = {**(SETTINGS[name] | ({"momentum": 0.0} if name == "Momentum" else {})), **added}
        if format == "torch" and name == "Momentum" and "weight_decay" in added:
            with pytest.raises(NotExported, match="PyTorch has no decoupled weight decay of"):
                exported(name, format, values)
        else:
            asked += [(name, values, problem) for problem in PROBLEMS]
    for (name, values, problem), path in zip(asked, foreign_paths(format, asked), strict=True):
        # Optax computes schedules in float32, and PyTorch adds 1e-6 to a norm; Adam's epsilon differs by 3e-6.
        assert apart(path_of_ours(name, values, problem), path, problem) < 5e-6, (name, values)


def test_additions_that_a_library_does_not_have_are_refused_in_one_line():
    values = SETTINGS["Momentum"] | {"clipnorm": 1.0}
    for format, library in (("torch", "PyTorch"), ("optax", "Optax")):
        with pytest.raises(NotExported, match=rf"^{library} has no clipping of the norm of each variable .*json, yaml"):
            exported("Momentum", format, values)

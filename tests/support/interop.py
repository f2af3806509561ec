"""Run exported optimizers of PyTorch and Optax, in a process of its own without TensorFlow.

`python -m tests.support.interop` reads a list of [format, document, problem] as JSON from standard input, and prints
the paths.
"""

import importlib
import json
import sys
from importlib.util import find_spec

import numpy as np

from tests.references.tasks import ROSENBROCK_START, rosenbrock

STEPS = 50
CURVATURE = np.geomspace(0.05, 2.0, 6)
LAYERS = {"quadratic": ((0, 4), (4, 6)), "rosenbrock": ((0, 1), (1, 2))}  # of x, [start, stop)
STARTS = {"quadratic": np.linspace(-1.0, 2.0, 6), "rosenbrock": np.array(ROSENBROCK_START)}
PACKAGES = {"torch": "torch", "optax": "optax"}  # of each format


def quadratic(x):
    """Return ½ Σ c (x - 0.3)² and its gradient."""
    return 0.5 * float((CURVATURE * (x - 0.3) ** 2).sum()), CURVATURE * (x - 0.3)


PROBLEMS = {"quadratic": quadratic, "rosenbrock": rosenbrock}


def is_here(format):
    """Return whether the package of a format is installed."""
    return find_spec(PACKAGES[format]) is not None


def parts(vector, problem):
    """Return a vector [n] split into the layers of the problem."""
    return np.split(vector, [stop for _, stop in LAYERS[problem]][:-1])


def named(target):
    """Return a class or function by its qualified name."""
    module, _, attribute = target.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def built(node, *first):
    """Return the result of a call that a document describes, with nested calls, and these arguments before them."""
    if isinstance(node, list):
        return [built(each, *first) for each in node]
    if not isinstance(node, dict):
        return node
    arguments = {name: built(value, *first) for name, value in node["arguments"].items()}
    target = node["class"] if "class" in node else node["function"]
    return named(target)(*first, *built(node.get("positional", []), *first), **arguments)


def path_of_torch(document, problem):
    """Return the path [STEPS, n] of PyTorch's optimizer."""
    import torch

    layers = [torch.nn.Parameter(torch.tensor(part)) for part in parts(STARTS[problem], problem)]
    optimizer = named(document["class"])(layers, **document["arguments"])
    scheduler = built(document["scheduler"], optimizer) if "scheduler" in document else None
    clipping = document.get("clipping")
    path = []
    for _ in range(STEPS):
        x = np.concatenate([layer.detach().numpy() for layer in layers])
        for layer, part in zip(layers, parts(PROBLEMS[problem](x)[1], problem), strict=True):
            layer.grad = torch.tensor(part)
        if clipping is not None:
            named(clipping["class"])(layers, **clipping["arguments"])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        path.append(np.concatenate([layer.detach().numpy() for layer in layers]))
    return np.stack(path)


def path_of_optax(document, problem):
    """Return the path [STEPS, n] of Optax's optimizer."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    optimizer = built(document)
    layers = [jax.numpy.asarray(part) for part in parts(STARTS[problem], problem)]
    update = jax.jit(optimizer.update)
    state, path = optimizer.init(layers), []
    for _ in range(STEPS):
        gradient = PROBLEMS[problem](np.concatenate(layers))[1]
        updates, state = update([jax.numpy.asarray(part) for part in parts(gradient, problem)], state, layers)
        layers = optax.apply_updates(layers, updates)
        path.append(np.concatenate(layers))
    return np.stack(path)


if __name__ == "__main__":
    runners = {"torch": path_of_torch, "optax": path_of_optax}
    json.dump(
        [runners[each](document, problem).tolist() for each, document, problem in json.load(sys.stdin)], sys.stdout
    )

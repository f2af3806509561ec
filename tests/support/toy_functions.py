"""Training functions that take no time."""

from __future__ import annotations

import math

import numpy as np


def quadratic(hyperparameters, *, seed, budget, report):
    """Report a loss with noise, which is least at a rate of 0.01 with a `deep` net of 3 layers."""
    random = np.random.default_rng(seed)
    far = math.log(hyperparameters["rate"] / 0.01) ** 2
    far += 4.0 if hyperparameters["net"] != "deep" else (hyperparameters["layers"] - 3) ** 2
    for step in range(1, budget + 1):
        report(step, loss=0.1 * far + 1 / step + 0.01 * random.normal(), accuracy=1 / (1 + far))
    print(f"far {far:.3f}")


def takes_none(hyperparameters, *, budget, report):
    """Report once."""
    report(budget, loss=1.0)


def wrong(hyperparameters, *, report, learning_rate):
    """Ask for what no search gives."""


def drifting(hyperparameters, *, budget, report):
    """Report what no seed decides."""
    _CALLS.append(0)
    report(budget, loss=float(len(_CALLS)))


_CALLS: list[int] = []


def cheap_and_good(hyperparameters, *, seed, budget, report):
    """Report a loss that falls with the width, with a little noise of the seed, and the width."""
    width, rate = hyperparameters["width"], hyperparameters["rate"]
    if hyperparameters["net"] == "broken":
        report(budget, loss=float("nan"), width=width)
    noise = hyperparameters["noise"] * np.random.default_rng(seed).normal()
    for step in range(1, budget + 1):
        report(step, loss=1 / width + math.log10(rate / 1e-2) ** 2 + noise, width=width, half=width / 2)


def falling(hyperparameters, *, seed, budget, report):
    """Report a loss that falls for the whole budget, to a value that is least at rates of 0.01."""
    random = np.random.default_rng(seed)
    final = 1 + sum(math.log(rate / 0.01) ** 2 for rate in hyperparameters.values())
    for step in range(1, budget + 1):
        report(step, loss=final * (1 + 0.2 * math.exp(-4 * step / budget)) * (1 + 0.01 * random.normal()))

"""Validation loss of a network on digits whose width, dropout, batch size and learning rate `genetic` and TPE choose.

    pip install optuna scikit-learn
    python benchmarks/digits_network.py --output digits.jsonl         # 20 searches of 80 trainings, about 20 minutes
    python benchmarks/digits_network.py --output digits.jsonl --report
    lodo-tune --task benchmarks/digits_network.py:train --steps 10    # the same network, tuned as a user tunes it

The network is a training function in plain NumPy: a hidden layer with dropout, trained by Adam on 600 of the 1,797
digits of scikit-learn, judged by the cross-entropy of the others. Every search trains the same number of networks for
the same number of epochs and begins with the defaults; TPE has a seed per training, or one for the whole search. What a
search recommends is trained on fresh seeds, the same for all. A line has the mean over searches of these losses, with a
95 % interval of Student's t, and the mean difference from each TPE, paired by search. Finished searches are in the file
of results, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import multiprocessing
import os
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import tuner

TRAINED_ON = 600  # of the 1,797 digits
CLASSES = 10
BUDGET = 10  # epochs
FRESH_SEEDS = 32
FIRST_DECAY, SECOND_DECAY, SMALL = 0.9, 0.999, 1e-8  # Adam's


@functools.cache
def digits() -> tuple[Any, Any]:
    """Return the images [n, 64], from 0 to 1, and their classes, in an order that is always the same."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    return (images[order] / 16).astype(np.float32), classes[order]


def train(hyperparameters: dict[str, Any], *, seed: int, budget: int, report: Callable[..., None]) -> None:
    """Train the network; report cross-entropy and accuracy of the other digits after each epoch."""
    random = np.random.default_rng(seed)
    images, classes = digits()
    x, y, other_x, other_y = images[:TRAINED_ON], classes[:TRAINED_ON], images[TRAINED_ON:], classes[TRAINED_ON:]
    width, kept = hyperparameters["width"], 1 - hyperparameters["dropout"]
    inputs = x.shape[1]
    shapes = ((inputs, width), (width,), (width, CLASSES), (CLASSES,))
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    weights, gradient, first, second = np.zeros((4, ends[-1]), np.float32)  # in one vector, as Adam takes them
    into, into_bias, out, out_bias = _parts(weights, ends, shapes)
    into_slope, into_bias_slope, out_slope, out_bias_slope = _parts(gradient, ends, shapes)
    into[:] = random.normal(0, math.sqrt(2 / inputs), into.shape)
    out[:] = random.normal(0, math.sqrt(1 / width), out.shape)
    step = 0
    with np.errstate(all="ignore"):  # of a learning rate that is too large
        for epoch in range(1, budget + 1):
            order = random.permutation(TRAINED_ON)
            for start in range(0, TRAINED_ON, hyperparameters["batch"]):
                rows = order[start : start + hyperparameters["batch"]]
                inner = x[rows] @ into + into_bias
                passes = (inner > 0) * (random.random(inner.shape, np.float32) < kept) / np.float32(kept)
                hidden = inner * passes
                error = _softmax(hidden @ out + out_bias)
                error[np.arange(len(rows)), y[rows]] -= 1
                error /= len(rows)
                out_slope[:], out_bias_slope[:] = hidden.T @ error, error.sum(0)
                back = (error @ out.T) * passes
                into_slope[:], into_bias_slope[:] = x[rows].T @ back, back.sum(0)
                step += 1
                first += (1 - FIRST_DECAY) * (gradient - first)
                second += (1 - SECOND_DECAY) * (gradient**2 - second)
                scale = hyperparameters["rate"] * math.sqrt(1 - SECOND_DECAY**step) / (1 - FIRST_DECAY**step)
                weights -= np.float32(scale) * first / (np.sqrt(second) + np.float32(SMALL))
            scores = _softmax(np.maximum(other_x @ into + into_bias, 0) @ out + out_bias)
            loss = -np.log(np.maximum(scores[np.arange(len(other_y)), other_y], 1e-30)).mean()
            report(epoch, loss=loss, accuracy=(scores.argmax(1) == other_y).mean())


def _parts(vector: Any, ends: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """Return the parts of a vector as arrays that share its memory."""
    return [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes, strict=True)]


def _softmax(scores: Any) -> Any:
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


train.search_space = tuner.space(  # type: ignore[attr-defined]
    width=tuner.integer(64, low=8, high=256, log=True),
    dropout=tuner.linear(0.1, low=0.0, high=0.8),
    batch=tuner.integer(32, low=8, high=256, log=True),
    rate=tuner.log(1e-3, low=1e-6, high=1.0),
)


def loss_of(hyperparameters: dict[str, Any], seed: int) -> float:
    """Return the loss at the end of the budget; inf where it diverges."""
    from tuner.core.objective import Objective
    from tuner.training.reporting import Reporter

    reporter = Reporter(BUDGET, Objective(metric="validation.loss", reduction="end", window=None))
    with contextlib.suppress(tuner.StopTraining):
        train(hyperparameters, seed=seed, budget=BUDGET, report=reporter)
    status, fitness, reason = reporter.judge()
    assert status in ("finished", "diverged"), reason
    return fitness


def of_ours(strategy: str, seed: int, generations: int, population: int) -> dict[str, Any]:
    """Return what a search by one of our strategies recommends, with its own seeds."""
    from tuner.core.trial import Role
    from tuner.integrations.search_loop import SearchLoop, planned, trial_seed_of

    options = {"strategy": strategy, "generations": generations, "population": population}
    loop = SearchLoop(planned(train.search_space, steps=BUDGET, seed=seed, **options))  # type: ignore[attr-defined]
    trained = 0
    while loop.tuned is None:
        candidate = loop.ask()
        assert candidate is not None
        if candidate.key.role is Role.SEARCH:
            trained += 1
            loop.tell(candidate.key, loss_of(dict(candidate.trial.hyperparameters), trial_seed_of(candidate)))
    assert trained == generations * population
    return dict(loop.tuned)


def of_tpe(is_common: bool, seed: int, generations: int, population: int) -> dict[str, Any]:
    """Return the best hyperparameters that Optuna's TPE sees, one training after the other."""
    import optuna
    from mixed_spaces import suggested

    from tuner.core.seeds import derive

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = train.search_space  # type: ignore[attr-defined]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(space.defaults())
    numbers = count()

    def value(trial: Any) -> float:
        number = 0 if is_common else next(numbers)
        loss = loss_of(suggested(space, trial), derive(seed, "optuna", number) % 2**31)
        if not math.isfinite(loss):
            raise optuna.TrialPruned
        return loss

    study.optimize(value, n_trials=generations * population)
    return dict(study.best_params)


ARMS: dict[str, Callable[..., dict[str, Any]]] = {
    "genetic": functools.partial(of_ours, "genetic"),
    "random": functools.partial(of_ours, "random"),
    "TPE": functools.partial(of_tpe, False),
    "TPE-common": functools.partial(of_tpe, True),
}


def searched(arm: str, seed: int, generations: int, population: int) -> dict[str, Any]:
    """Run a search; return what it recommends, and the mean loss of that on fresh seeds."""
    from tuner.core.seeds import derive

    point = ARMS[arm](seed, generations, population)
    losses = [loss_of(point, derive(2**40, "score", number) % 2**31) for number in range(FRESH_SEEDS)]
    loss = sum(losses) / len(losses)
    return {"arm": arm, "seed": seed, "trainings": generations * population, "point": point, "loss": loss}


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line per arm: its mean loss, and the differences from each TPE."""
    from mixed_spaces import interval

    found: dict[str, dict[int, float]] = {}
    for row in rows:
        found.setdefault(row["arm"], {})[row["seed"]] = row["loss"]
    shown = []
    for arm, losses in found.items():
        line = f"{arm:<11} {_mean(interval, list(losses.values()))}  {len(losses)} searches"
        for other in ("TPE", "TPE-common"):
            pairs = sorted(losses.keys() & found.get(other, {}).keys())
            if other != arm and not arm.startswith("TPE") and len(pairs) > 1:
                line += f"   minus {other} {_mean(interval, [losses[at] - found[other][at] for at in pairs])}"
        shown.append(line)
    return shown


def _mean(interval: Callable[[float, float, float], str], values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:7.4f}"
    return interval(statistics.mean(values), statistics.variance(values) / len(values), len(values) - 1)


def main() -> None:
    """Run the searches that are not in the file, and print a line per arm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--population", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True, help="JSON lines, one for each finished search.")
    parser.add_argument("--report", action="store_true", help="Only print the results in the file.")
    arguments = parser.parse_args()
    size = arguments.generations, arguments.population
    text = arguments.output.read_text(encoding="utf-8") if arguments.output.exists() else ""
    rows = [row for row in map(json.loads, text.splitlines()) if row["trainings"] == math.prod(size)]
    done = {(row["arm"], row["seed"]) for row in rows}
    asked = [(arm, seed) for seed in range(arguments.searches) for arm in arguments.arms.split(",")]
    missing = [] if arguments.report else [each for each in asked if each not in done]
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # read by the processes' NumPy
    with (
        ProcessPoolExecutor(arguments.processes, multiprocessing.get_context("spawn")) as pool,
        arguments.output.open("a", encoding="utf-8") as file,
    ):
        for each in as_completed([pool.submit(searched, *which, *size) for which in missing]):
            rows.append(each.result())
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
    print("\n".join(lines(rows)))


if __name__ == "__main__":
    main()

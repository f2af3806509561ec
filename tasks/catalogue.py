"""The built-in tasks: their classes, line-ups and presets.

Loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tasks.preset import ComparisonPreset, Preset


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEntry:
    """Metadata of a task that is available without loading its module."""

    where: str  # "module:NAME"
    summary: str  # one line
    line_up: tuple[str, ...]  # the paper's optimizers for the task, in order
    presets: Mapping[str, Preset]  # by name; "paper" is the default
    comparison: ComparisonPreset  # the paper's
    cohort_size: int  # candidates trained in lockstep; equals the attribute of the class
    precisions: tuple[str, ...] | None = ("float32", "float64")  # None if the class alone decides
    weights: Callable[[Mapping[str, Any]], int] | None = None  # of the task with these options; None: the class decides
    dtype: str | None = None  # of the weights, unless another precision is requested; None: the class decides
    dataset: str | None = None  # a name of `tasks.datasets.DATASETS`; None if the task needs no data
    objective: str | None = None  # of its searches, as text, unless a preset has another; None: the paper's
    is_function: bool = False  # whether it is a user's training function
    is_random: bool = True  # whether a run may depend on its seed
    best_known: Callable[[Mapping[str, Any], int], float] | None = None  # see `tasks.registry.best_known`


_FALLING_SIGMAS = (3.0, 3.0, 3.0, 3.0, 2.0, 1.7, 1.4, 1.2, 0.9, 0.6)
_ABLATIONS = ("LODO-Diagonal", "LODO-Global", "LODO-Residuals", "LODO-No-Momentum", "LODO-SGD")
_ROSENBROCK = ("Momentum", "RMSprop", "Adam", "Yogi", "LODO")
_BOWL = ("Momentum", "RMSprop", "Adam", "Yogi", "L-BFGS", "O-LBFGS", "BFGS", "Levenberg-Marquardt", "LODO")
_PIXELCNN = ("Momentum", "RMSprop", "Adam", "LARS", "Yogi", "LODO", *_ABLATIONS)
_RESNET = ("Momentum", "RMSprop", "Adam", "LARS", "Yogi", "LODO")
GENERAL_LINE_UP = ("Momentum", "RMSprop", "Adam", "Yogi", "LODO")
_QUICK = ("LODO", "Adam", "Momentum", "RMSprop")


def _bowl_floor(n: int) -> float:
    """Return ½ tr(H) of the bowl, whose eigenvalues are log-spaced from 0.001 to 1."""
    return sum(10 ** (-3 + 3 * i / (n - 1)) for i in range(n)) / 2


def _pixelcnn_weights(options: Mapping[str, Any]) -> int:
    """Return the number of weights: those outside of the residual blocks, and of a block times blocks per pool."""
    pools = {7: 3, 14: 4}.get(options.get("side", 28), 5)
    return int(5_496 + 4_460 * pools * options.get("blocks", 4))


TASKS: Mapping[str, TaskEntry] = MappingProxyType(
    {
        "noisy-quadratic-bowl": TaskEntry(
            where="tasks.noisy_quadratic_bowl:NoisyQuadraticBowl",
            summary="100-dimensional quadratic, condition number 1,000, whose centre walks at random",
            line_up=_BOWL,
            presets={
                "paper": Preset(
                    generations=10,
                    population=32,
                    sigmas=_FALLING_SIGMAS,
                    steps=(100, 300, 1_000, *[10_000] * 7),
                    fresh_seeds=8,
                    optimizers=_BOWL,
                ),
                "quick": Preset(
                    generations=10,
                    population=16,
                    sigmas=(3.0,) * 10,
                    steps=(*[60] * 4, 250, *[1_000] * 5),
                    fresh_seeds=8,
                    optimizers=_QUICK,
                ),
            },
            comparison=ComparisonPreset(steps=100_000),
            weights=lambda options: options.get("n", 100),
            best_known=lambda options, per_step: _bowl_floor(options.get("n", 100)) / per_step,
            dtype="float64",
            cohort_size=16,
        ),
        "pixelcnn": TaskEntry(
            where="tasks.pixelcnn:PixelCNN",
            summary="image generation: predict a pixel of an MNIST digit from the pixels before it, 94,696 parameters",
            line_up=_PIXELCNN,
            presets={
                "paper": Preset(
                    generations=10,
                    population=32,
                    sigmas=_FALLING_SIGMAS,
                    steps=(*[1_000] * 4, 1_500, 1_500, 2_000, 3_000, 5_000, 8_000),
                    fresh_seeds=4,
                    optimizers=_PIXELCNN,
                ),
                "quick": Preset(
                    generations=8,
                    population=8,
                    sigmas=(2.0,) * 8,
                    steps=(25, 25, *[100] * 6),
                    fresh_seeds=6,
                    optimizers=_QUICK,
                    # Digits of 14 × 14 pixels and a fifth of the residual blocks: what 28 × 28 and all of them learn in
                    # minutes is what greys are frequent, with the defaults as well as with any other values.
                    options={"batch_size": 32, "side": 14, "blocks": 1},
                    objective="training-loss:last=0.5",
                ),
            },
            comparison=ComparisonPreset(steps=300_000, validate_every=1_000, halve_learning_rate=True),
            weights=_pixelcnn_weights,
            dtype="float32",
            cohort_size=1,
            dataset="mnist",
        ),
        "resnet18-cifar10": TaskEntry(
            where="tasks.resnet18:ResNet18",
            summary="image classification: ResNet-18 on CIFAR-10, 11,173,962 parameters",
            line_up=_RESNET,
            presets={
                "paper": Preset(
                    generations=10,
                    population=16,
                    sigmas=_FALLING_SIGMAS,
                    steps=(*[50] * 5, 60, 100, 200, 300, 500),
                    fresh_seeds=4,
                    optimizers=_RESNET,
                ),
                # Without LODO: its preconditioner and Adam's averages of it take 17 GB for this many weights.
                "quick": Preset(
                    generations=3,
                    population=8,
                    sigmas=(2.0, 1.0, 0.5),
                    steps=(8, 12, 16),
                    fresh_seeds=3,
                    optimizers=("Adam", "Momentum", "RMSprop"),
                    options={"batch_size": 16},
                ),
            },
            comparison=ComparisonPreset(steps=3_000, validate_every=20),
            weights=lambda _: 11_173_962,
            dtype="float32",
            cohort_size=1,
            precisions=("float32", "float64", "bfloat16"),
            dataset="cifar10",
        ),
        "rosenbrock": TaskEntry(
            where="tasks.rosenbrock:Rosenbrock",
            summary="Rosenbrock's curved valley in two dimensions, without noise",
            line_up=_ROSENBROCK,
            presets={
                "paper": Preset(
                    generations=10,
                    population=32,
                    sigmas=(3.0, 3.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.75, 0.5, 0.3),
                    steps=(200,) * 10,
                    fresh_seeds=8,
                    optimizers=_ROSENBROCK,
                ),
                "quick": Preset(
                    generations=5,
                    population=16,
                    sigmas=(3.0, 2.5, 1.5, 0.75, 0.3),
                    steps=(200,) * 5,
                    fresh_seeds=8,
                    optimizers=_ROSENBROCK,
                ),
            },
            comparison=ComparisonPreset(steps=200),
            weights=lambda _: 2,
            dtype="float64",
            is_random=False,
            best_known=lambda options, per_step: 0.0,
            cohort_size=16,
        ),
    }
)

# For users' own tasks whose class has no attribute `presets`: the paper's schedule, with budgets that suit many tasks.
GENERAL_PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset(
            generations=10,
            population=32,
            sigmas=_FALLING_SIGMAS,
            steps=(1_000,) * 10,
            fresh_seeds=8,
            optimizers=GENERAL_LINE_UP,
        ),
        "quick": Preset(
            generations=3,
            population=8,
            sigmas=(2.0, 1.0, 0.5),
            steps=(100,) * 3,
            fresh_seeds=3,
            optimizers=_QUICK,
        ),
    }
)
GENERAL_COMPARISON = ComparisonPreset(steps=10_000, validate_every=1_000)

# For training functions without an attribute `presets`, in whatever unit their budgets are.
FUNCTION_PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset(
            generations=10,
            population=16,
            sigmas=(3.0,) * 10,
            steps=(100,) * 10,
            fresh_seeds=4,
            optimizers=("function",),
        ),
        "quick": Preset(
            generations=3,
            population=8,
            sigmas=(3.0,) * 3,
            steps=(10,) * 3,
            fresh_seeds=3,
            optimizers=("function",),
        ),
    }
)

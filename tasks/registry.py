"""The tasks there are, their line-ups and presets, and how a task's class is found. Loads no TensorFlow itself."""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tasks.preset import ComparisonPreset, Preset
from tasks.user_module import PLACES, TaskError, task_class


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEntry:
    """What is known of a task before its module is loaded."""

    where: str  # "module:NAME"
    summary: str  # one line, for people
    line_up: tuple[str, ...]  # the paper's optimizers for it, in order, whether or not they exist here yet
    presets: Mapping[str, Preset]  # by name; "paper" is the default
    comparison: ComparisonPreset  # the paper's
    cohort_size: int  # candidates in lockstep; as the class says
    precisions: tuple[str, ...] | None = ("float32", "float64")  # None where only the class knows
    dataset: str | None = None  # a name that `tasks.datasets` knows, or None where the task needs no data


_FALLING_SIGMAS = (3.0, 3.0, 3.0, 3.0, 2.0, 1.7, 1.4, 1.2, 0.9, 0.6)
_ABLATIONS = ("LODO-Diagonal", "LODO-Global", "LODO-Residuals", "LODO-No-Momentum", "LODO-SGD")
_ROSENBROCK = ("Momentum", "RMSprop", "Adam", "Yogi", "LODO")
_BOWL = ("Momentum", "RMSprop", "Adam", "Yogi", "L-BFGS", "O-LBFGS", "BFGS", "Levenberg-Marquardt", "LODO")
_PIXELCNN = ("Momentum", "RMSprop", "Adam", "LARS", "Yogi", "LODO", *_ABLATIONS)
_RESNET = ("Momentum", "RMSprop", "Adam", "LARS", "Yogi", "LODO")
_GENERAL = ("Momentum", "RMSprop", "Adam", "Yogi", "LODO")
_QUICK = ("LODO", "Adam", "Momentum", "RMSprop")

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
                    generations=5,
                    population=16,
                    sigmas=(2.0, 2.0, 1.5, 1.0, 0.6),
                    steps=(100, 300, 1_000, 2_000, 2_000),
                    fresh_seeds=8,
                    optimizers=_QUICK,
                ),
            },
            comparison=ComparisonPreset(steps=100_000),
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
                    generations=3,
                    population=8,
                    sigmas=(2.0, 1.0, 0.5),
                    steps=(20, 30, 40),
                    fresh_seeds=3,
                    optimizers=_QUICK,
                    options={"batch_size": 32},
                ),
            },
            comparison=ComparisonPreset(steps=300_000, validate_every=1_000, halve_learning_rate=True),
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
                # Without LODO: its preconditioner and Adam's averages alone are 17 GB for so many weights.
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
            cohort_size=16,
        ),
    }
)

# A user's own task may say `presets` itself; without, it is searched as the paper does it, at budgets that suit many.
GENERAL_PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset(
            generations=10,
            population=32,
            sigmas=_FALLING_SIGMAS,
            steps=(1_000,) * 10,
            fresh_seeds=8,
            optimizers=_GENERAL,
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
_GENERAL_COMPARISON = ComparisonPreset(steps=10_000, validate_every=1_000)

PLUGINS = "lodo_tune.tasks"  # the group of entry points by which an installed package offers its tasks


def plugins() -> dict[str, str]:
    """Return the tasks that installed packages offer, name -> 'package.module:NAME'; nothing of theirs is imported.

    A name of `TASKS` is not theirs to give: what is offered under one is left out.
    """
    found = importlib.metadata.entry_points(group=PLUGINS)
    return {point.name: point.value for point in sorted(found, key=lambda point: point.name) if point.name not in TASKS}


def is_own(name: str) -> bool:
    """Return whether a name is of a user's own task, or an installed package's: code that is not ours."""
    return name not in TASKS and (":" in name or name in plugins())


def entry(name: str) -> TaskEntry:
    """Return what is known of a task.

    Args:
        name: A name of `TASKS`, or another task as `load` takes it. That one's module is imported; its class may
            say `cohort_size` (default 1), `line_up`, `presets`, `comparison` and `dataset` itself.

    Raises:
        ValueError: There is no such task (the message suggests the nearest name), or a user's own cannot be loaded.
    """
    if name in TASKS:
        return TASKS[name]
    where = name if ":" in name else _offered(name)
    found = task_class(where)
    summary = (found.__doc__ or "").strip().partition("\n")[0]
    return TaskEntry(
        where=where,
        summary=summary,
        line_up=tuple(getattr(found, "line_up", _GENERAL)),
        presets=getattr(found, "presets", GENERAL_PRESETS),
        comparison=getattr(found, "comparison", _GENERAL_COMPARISON),
        cohort_size=getattr(found, "cohort_size", 1),
        precisions=None,
        dataset=getattr(found, "dataset", None),
    )


def load(name: str) -> type:
    """Return a task's class; imports its module, and TensorFlow with it.

    Args:
        name: A name of `TASKS`, 'package.module:NAME', 'path/to/file.py:NAME', or the name of a task that an
            installed package offers (entry points of the group `lodo_tune.tasks`).

    Raises:
        ValueError: There is no such task, or its module or class cannot be used: not there, raises on import, not a
            Task. One line that names the file and the fault; the original exception is its cause.
    """
    return task_class(entry(name).where)


def _offered(name: str) -> str:
    """Return where the task is that an installed package offers under this name."""
    offers = {point.value: point for point in importlib.metadata.entry_points(group=PLUGINS, name=name)}
    if len(offers) > 1:
        packages = ", ".join(sorted(point.dist.name if point.dist else "?" for point in offers.values()))
        raise TaskError(f"Two installed packages offer a task {name!r}: {packages}. Give one of {', '.join(offers)}")
    if offers:
        return next(iter(offers))
    known = [*TASKS, *plugins()]
    near = difflib.get_close_matches(name.lower(), known, n=1)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"Unknown task.{suggestion} Tasks: {', '.join(known)}; or your own as {PLACES}. Received: {name!r}"
    )

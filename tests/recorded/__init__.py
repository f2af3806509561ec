"""What small runs of the command line gave once, which they must give again bit for bit.

    python -m tests.recorded [RUN …]       # runs all, or some, and writes RUN.json here
    python -m tests.recorded interrupted   # interrupts a search and a comparison, and writes them to interrupted/

The data are a contract. They are recorded anew only when results are meant to change, or when another machine type or
another version of a library is to be the reference; never to make a failing test pass.

RUN.json holds the machine that made it and what the run left: for a search or a comparison the rows of its studies,
one candidate per line, and for `train` and `evaluate` the printed JSON. Times, places and attempts are left out. Long
lists of losses are stored as their hash, their length and a few of them. The databases in interrupted/ are of a search
whose driver was killed in the middle of a generation and of a comparison that was interrupted half way; resumed, they
end at the rows of `points` and `points-comparison`.

Only the command line and the database's tables are used, so that the data outlive changes of the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
INTERRUPTED = FOLDER / "interrupted"
DRIVER = ("--no-dashboard", "--workers", "2")


@dataclass(frozen=True, slots=True)
class Run:
    """Commands that are recorded together.

    Attributes:
        name: Of the data file, and of the run in the database.
        commands: Arguments of each command, in order.
        after: A run whose studies the commands need.
        prints: Whether what is recorded is the JSON that the commands print, and not rows of the database.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    after: str | None = None
    prints: bool = False


def _search(name: str, task: str, *arguments: str) -> Run:
    return Run(name, (("--task", task, *arguments, "--name", name, *DRIVER),))


def _comparison(name: str, task: str, after: str, *arguments: str) -> Run:
    return Run(name, (("compare", "--task", task, "--from", after, *arguments, "--name", name, *DRIVER),), after)


def _printed(name: str, *commands: str) -> Run:
    return Run(name, tuple(tuple(command.split()) for command in commands), prints=True)


_BOWL, _POINTS = "noisy-quadratic-bowl", "points.py:Points"
RUNS = {
    run.name: run
    for run in (
        _search(
            "bowl", _BOWL, "--optimizers", "LODO,Adam,L-BFGS", "--generations", "3", "--population", "5",
            "--steps", "20,30,40",
        ),
        _search("rosenbrock", "rosenbrock", "--generations", "3", "--population", "6", "--steps", "20,30,40"),
        _search(
            "random", "rosenbrock", "--strategy", "random", "--optimizers", "LODO,Adam", "--generations", "3",
            "--population", "4", "--steps", "20,30,40", "--seed", "1",
        ),
        _search(
            "digits", "pixelcnn", "--preset", "quick", "--strategy", "paper", "--optimizers", "LODO,Adam",
            "--generations", "2", "--population", "4", "--steps", "3,5", "--sigma", "2.0,0.5",
            "--option", "batch_size=16", "--option", "side=28", "--option", "blocks=4", "--objective", "training-loss",
            "--data-dir", ".",
        ),
        _search("points", _POINTS),
        _comparison("bowl-comparison", _BOWL, "bowl", "--seeds", "3", "--steps", "50"),
        _comparison("bowl-momentum", _BOWL, "bowl", "--sweep", "momentum", "--seeds", "2", "--steps", "30"),
        _comparison(
            "points-comparison", _POINTS, "points", "--seeds", "5", "--steps", "40", "--validate-every", "15",
        ),
        _printed("train-rosenbrock", "train --task rosenbrock --optimizer Adam --steps 60 --seeds 2 --curve --json"),
        _printed(
            "train-bowl",
            f"train --task {_BOWL} --optimizer LODO --steps 40 --track hessian-error --curve --json",
        ),
        _printed(
            "train-points",
            f"train --task {_POINTS} --optimizer Adam --steps 40 --seeds 2 --validate-every 15 --output trained --curve"
            " --json",
            "evaluate trained --json",
        ),
    )
}  # fmt: skip
EXPECTED = {"search": "points", "comparison": "points-comparison"}
"""Each interrupted database, and the run at whose rows it ends once it is resumed."""

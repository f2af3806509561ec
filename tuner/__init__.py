"""Hyperparameter tuning of optimizers with a genetic algorithm on Ray.

The public names are imported when they are used: `import tuner` loads neither NumPy, pandas, TensorFlow nor Ray.

Example:
    >>> import tuner
    >>> run = tuner.tune("rosenbrock", ["Momentum", "Adam"], generations=2, population=8, steps=100)
    >>> sorted(run["Adam"].tuned)
    ['beta_1', 'beta_2', 'learning_rate']
    >>> print(run.table())  # doctest: +ELLIPSIS
    rosenbrock: rosenbrock, 2 generations × 8 individuals, strategy paper, seed 0
    ...
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search_spaces.build import choice, decay, integer, linear, log, space
    from tuner.api.comparing import compare
    from tuner.api.database import Database, open_database
    from tuner.api.evaluation import EvaluateRequest, EvaluateResult, evaluate
    from tuner.api.optimizers import check_optimizer
    from tuner.api.paper import paper
    from tuner.api.progress import Progress
    from tuner.api.remote.following import SubmittedRun
    from tuner.api.remote.service import Service, connect
    from tuner.api.resuming import resume
    from tuner.api.run import Comparison, Run
    from tuner.api.study import Study
    from tuner.api.train_result import TrainedRun, TrainResult
    from tuner.api.training import TrainRequest, train
    from tuner.api.tuning import tune
    from tuner.core.errors import InvalidRequest, LodoTuneError, StopTraining
    from tuner.execution.resources import Resources
    from tuner.results.analysis.target_profile import Profile
    from tuner.results.tables.table import Table
    from tuner.studies.callbacks import Callback
    from tuner.studies.comparison_planner import CompareRequest
    from tuner.studies.paper_protocol import PaperRequest
    from tuner.studies.planner import SearchRequest

_MODULES = {
    "Callback": "tuner.studies.callbacks",
    "CompareRequest": "tuner.studies.comparison_planner",
    "Comparison": "tuner.api.run",
    "Database": "tuner.api.database",
    "EvaluateRequest": "tuner.api.evaluation",
    "EvaluateResult": "tuner.api.evaluation",
    "InvalidRequest": "tuner.core.errors",
    "LodoTuneError": "tuner.core.errors",
    "PaperRequest": "tuner.studies.paper_protocol",
    "Profile": "tuner.results.analysis.target_profile",
    "Progress": "tuner.api.progress",
    "Resources": "tuner.execution.resources",
    "Run": "tuner.api.run",
    "SearchRequest": "tuner.studies.planner",
    "Service": "tuner.api.remote.service",
    "StopTraining": "tuner.core.errors",
    "Study": "tuner.api.study",
    "SubmittedRun": "tuner.api.remote.following",
    "Table": "tuner.results.tables.table",
    "TrainRequest": "tuner.api.training",
    "TrainResult": "tuner.api.train_result",
    "TrainedRun": "tuner.api.train_result",
    "check_optimizer": "tuner.api.optimizers",
    "choice": "search_spaces.build",
    "compare": "tuner.api.comparing",
    "connect": "tuner.api.remote.service",
    "decay": "search_spaces.build",
    "evaluate": "tuner.api.evaluation",
    "integer": "search_spaces.build",
    "linear": "search_spaces.build",
    "log": "search_spaces.build",
    "open_database": "tuner.api.database",
    "paper": "tuner.api.paper",
    "resume": "tuner.api.resuming",
    "space": "search_spaces.build",
    "train": "tuner.api.training",
    "tune": "tuner.api.tuning",
}

__all__ = [
    "Callback",
    "CompareRequest",
    "Comparison",
    "Database",
    "EvaluateRequest",
    "EvaluateResult",
    "InvalidRequest",
    "LodoTuneError",
    "PaperRequest",
    "Profile",
    "Progress",
    "Resources",
    "Run",
    "SearchRequest",
    "Service",
    "StopTraining",
    "Study",
    "SubmittedRun",
    "Table",
    "TrainRequest",
    "TrainResult",
    "TrainedRun",
    "check_optimizer",
    "choice",
    "compare",
    "connect",
    "decay",
    "evaluate",
    "integer",
    "linear",
    "log",
    "open_database",
    "paper",
    "resume",
    "space",
    "train",
    "tune",
]


def _check_packages() -> None:
    """Check that the packages beside this one are found, and not files or folders of the same names.

    Raises:
        ImportError: One of them is hidden.
    """
    import importlib.util
    import sys
    from pathlib import Path

    folder = Path(__file__).resolve().parents[1]
    for name in ("lodo", "search_spaces", "tasks"):
        loaded = sys.modules.get(name)
        spec = importlib.util.find_spec(name) if loaded is None else loaded.__spec__
        origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if origin is not None and origin != folder / name / "__init__.py":
            raise ImportError(f"{origin} hides the package {name!r} of lodo-tune: give it another name")


_check_packages()


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'tuner' has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*globals(), *__all__})

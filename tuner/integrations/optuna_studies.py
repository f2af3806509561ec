"""Studies of Optuna as searches that can be imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuner.api.importing_searches import OutsideSearch, OutsideTrial
from tuner.core import objective_text
from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.trial import Status

OBJECTIVE = "validation.value"
"""What the values of a study are called unless the user says otherwise."""


def read_studies(url: str, names: Sequence[str] = (), *, objective: str | None = None) -> list[OutsideSearch]:
    """Return the studies of a storage of Optuna.

    Args:
        url: A file of SQLite or a URL as Optuna takes it.
        names: Names of the studies. Default: all.
        objective: What the value of a trial is, such as "validation.accuracy". Default: "validation.value", in the
            direction of the study.

    Raises:
        InvalidRequest: Optuna is not installed, the storage cannot be read, there is no such study, or one cannot be
            imported.
    """
    try:
        import optuna
    except ImportError:
        raise InvalidRequest("optuna", ": Optuna is not installed: pip install 'lodo-tune[optuna]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    place = url if "://" in url else f"sqlite:///{url}"
    shown = place.rpartition("@")[2].removeprefix("sqlite:///")  # without a password
    if place.startswith("sqlite:///") and not Path(shown).is_file():  # which Optuna would create
        raise InvalidRequest("optuna", f": there is no file {shown}")
    try:
        storage = optuna.storages.RDBStorage(place, skip_table_creation=True)
        known = optuna.get_all_study_names(storage)
        missing = [name for name in names if name not in known]
        if known and not missing:
            studies = [optuna.load_study(study_name=name, storage=storage) for name in names or known]
            return [_search(study, shown, objective) for study in studies]
    except InvalidRequest:
        raise
    except Exception as error:  # errors of SQLAlchemy and Optuna, of many kinds
        raise InvalidRequest("optuna", f": {shown} cannot be read: {type(error).__name__}") from None
    raise InvalidRequest("study", f": {shown} has {', '.join(known) or 'no study'}", ", ".join(missing) or "all")


def _search(study: Any, shown: str, objective: str | None) -> OutsideSearch:
    if len(study.directions) != 1:
        accepted = f": {study.study_name} has {len(study.directions)} objectives, and studies of one are imported"
        raise InvalidRequest("optuna", accepted)
    return OutsideSearch(
        name=study.study_name,
        label="Optuna",
        strategy=_strategy(study),
        source=f"Optuna study {study.study_name} in {shown}",
        objective=_objective(study, objective),
        layouts=_layouts(study),
        trials=[_trial(trial) for trial in study.trials if trial.state.is_finished()],
    )


def _objective(study: Any, text: str | None) -> Objective:
    direction = "max" if study.direction.name == "MAXIMIZE" else "min"
    wanted = objective_text.parse(text if text is not None else f"{OBJECTIVE}:{direction}")
    if not wanted.validates or wanted.reduction != "end":
        raise InvalidRequest("objective", "of a study of Optuna is validation.NAME", text)
    if wanted.direction != direction:
        accepted = f"of {study.study_name} is {wanted.metric}:{direction}, since the study is to {study.direction.name}"
        raise InvalidRequest("objective", accepted, text)
    return wanted


def _strategy(study: Any) -> str:
    """Return what chose the trials, as far as Optuna stores it."""
    ours = study._storage.get_study_system_attrs(study._study_id).get("lodo_tune:search")
    return f"{ours['strategy']} in optuna" if ours else "optuna"


def _layouts(study: Any) -> dict[str, dict[str, Any]]:
    """Return the distributions by name; of one that differs between trials, all of its values."""
    layouts: dict[str, dict[str, Any]] = {}
    for trial in study.trials:
        for name, distribution in trial.distributions.items():
            layout = _layout(distribution)
            known = layouts.setdefault(name, layout)
            if "low" in layout and "low" in known:
                known["low"], known["high"] = min(known["low"], layout["low"]), max(known["high"], layout["high"])
    return {
        name: layout for name, layout in layouts.items() if layout.get("low") != layout.get("high") or _many(layout)
    }


def _many(layout: dict[str, Any]) -> bool:
    return len(layout.get("values", ())) > 1


def _layout(distribution: Any) -> dict[str, Any]:
    kind = type(distribution).__name__
    if kind == "CategoricalDistribution":
        plain = [value if isinstance(value, str | int | float | bool) else str(value) for value in distribution.choices]
        return {"scale": "choice", "values": plain}
    low, high = distribution.low, distribution.high
    if kind == "IntDistribution":
        return {"scale": "integer", "low": low, "high": high, "log": bool(distribution.log)}
    return {"scale": "log" if distribution.log else "linear", "low": low, "high": high}


def _trial(trial: Any) -> OutsideTrial:
    is_complete, is_pruned = trial.state.name == "COMPLETE", trial.state.name == "PRUNED"
    steps = trial.last_step if trial.last_step is not None else 0
    pruned = f"pruned after step {steps}" if trial.intermediate_values else "pruned"
    return OutsideTrial(
        status=Status.FINISHED if is_complete else Status.PRUNED if is_pruned else Status.FAILED,
        value=trial.value if is_complete else None,
        values=trial.params,
        steps=max(1, steps),
        seconds=trial.duration.total_seconds() if trial.duration else 0.0,
        reason="" if is_complete else pruned if is_pruned else "failed according to Optuna",
        curve={step: value for step, value in trial.intermediate_values.items() if step >= 0},
    )

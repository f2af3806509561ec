"""Sources of a comparison's hyperparameters: a search, files or defaults."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search_spaces import strict_yaml
from search_spaces.values import value_of
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord, StudyStatus
from tuner.core.task_arguments import is_of_task
from tuner.core.trial import Status
from tuner.storage import NoDatabase, Store
from tuner.studies.added import check_values
from tuner.studies.optimizers import Chosen, choose
from tuner.studies.own_spaces import Shapes
from tuner.studies.spaces import default_space, own_arguments

TUNED_BY, DEFAULTS, HALVED = "tuned by ", "the defaults", ", learning rates halved"  # parts of a source's text


@dataclass(frozen=True, slots=True)
class Tuned:
    """An optimizer's hyperparameters and their source."""

    optimizer: str
    hyperparameters: Mapping[str, float]
    space: Mapping[str, Any]  # as SearchSpace.to_dict returns it
    source: str  # for display
    place: str | None = None  # where the class of a user's own optimizer is

    def halved(self) -> Tuned:
        """Return the same with every learning rate halved, including LODO's two; they are recognised by name."""
        values = {
            name: value / 2 if name.endswith("learning_rate") else value for name, value in self.hyperparameters.items()
        }
        return replace(self, hyperparameters=values, source=f"{self.source}{HALVED}")


def searched(
    database: str, task: str, run: str | None, optimizers: Sequence[Chosen] | None
) -> list[tuple[StudyRecord, Tuned]]:
    """Return a search's tuned hyperparameters of each requested optimizer.

    Args:
        database: The database, which is only read.
        task: Name of the task, as `absolute` returns it.
        run: Name of the search; None: the newest complete one.
        optimizers: None: all that were tuned.

    Raises:
        InvalidRequest: There is no such search, it is of another task, or a requested study is missing or incomplete.
        StorageError: The database cannot be read.
    """
    names = None if optimizers is None else [one.name for one in optimizers]
    try:
        with Store.open(database, read_only=True) as store:
            everything = [study for study in store.studies() if study.is_search]
            if run is None:
                studies = _newest(everything, task, names, store.url)
            else:
                studies = [study for study in store.find(run) if study.is_search]
                _check_run(run, studies, task)
    except NoDatabase as error:
        raise InvalidRequest(
            "search", f": nothing is tuned yet: {error}; or give {{defaults}} or {{configs}}"
        ) from None
    by_name = {study.spec.workload.optimizer: study for study in reversed(studies)}  # of several searches the first
    for one in optimizers or ():
        if one.name not in by_name:
            raise InvalidRequest("optimizers", f": {studies[0].spec.run} has tuned {', '.join(by_name)}", one.name)
        place = by_name[one.name].spec.workload.optimizer_place
        if one.place != place:
            raise InvalidRequest(
                "optimizers", f": {studies[0].spec.run} has tuned {Chosen(one.name, place)}; name it so", str(one)
            )
    chosen = [by_name[name] for name in names or dict.fromkeys(each.spec.workload.optimizer for each in studies)]
    _check_complete(chosen)
    return [
        (study, Tuned(work.optimizer, study.tuned or {}, study.spec.space, _source(study, task), work.optimizer_place))
        for study in chosen
        for work in [study.spec.workload]
    ]


def own_of_searches(database: str) -> dict[str, Chosen]:
    """Return the users' own optimizers that searches in a database have tuned, by name; of equal names the last.

    Raises:
        StorageError: The database cannot be read.
    """
    try:
        with Store.open(database, read_only=True) as store:
            works = [study.spec.workload for study in store.studies() if study.is_search]
    except NoDatabase:
        return {}
    return {work.optimizer: Chosen(work.optimizer, work.optimizer_place) for work in works if work.optimizer_place}


def _source(study: StudyRecord, task: str) -> str:
    """Return the source of a search's hyperparameters as text, with the budget, since the best values depend on it."""
    spec = study.search
    searched = f"{spec.run} with seed {spec.seed}" if spec.is_repeated else spec.run
    if not study.counts[Status.FINISHED]:
        return f"{TUNED_BY}{searched}, in which nothing finished: the defaults"
    others = [workload.task_label for workload in study.spec.workloads if workload.task != task]
    together = f", together with {', '.join(others)}" if others else ""
    return f"{TUNED_BY}{searched} at {study.search.part_on(task).steps[-1]:,} evaluations{together}"[:900]


def defaults(chosen: Chosen, shapes: Shapes) -> Tuned:
    """Return the defaults of an optimizer.

    Raises:
        ValueError: They cannot be derived.
    """
    space, _ = default_space(chosen, shapes)
    return Tuned(chosen.name, space.defaults(), space.to_dict(), DEFAULTS, chosen.place)


@dataclass(frozen=True, slots=True)
class Config:
    """A JSON or YAML file written by `lodo-tune export`."""

    file: Path
    sha256: str
    optimizer: str
    hyperparameters: Mapping[str, float]
    study: str  # the source according to the file; "" if it has none
    task: str  # likewise
    place: str | None = None  # where the class of a user's own optimizer is

    def chosen(self) -> Chosen:
        """Return the optimizer.

        Raises:
            InvalidRequest: There is no such optimizer.
        """
        return choose("configs", str(Chosen(self.optimizer, self.place)), file=self.file)

    def tuned(self, chosen: Chosen, shapes: Shapes) -> Tuned:
        """Return the hyperparameters, checked.

        Args:
            chosen: The optimizer, as `chosen` returned it, or another place of it.
            shapes: Shapes of the trained variables.

        Raises:
            InvalidRequest: They are not hyperparameters of the optimizer, or are out of range.
        """
        space, _ = default_space(chosen, shapes)
        own = own_arguments(chosen, shapes)
        values = dict(space.fixed) | dict(self.hyperparameters)
        try:
            check_values(chosen, space, values, own)
        except ValueError as error:
            raise InvalidRequest("configs", f"{self.file}: {error}") from None
        origin = f", exported of {self.study}" if self.study else ""
        origin += f", tuned on {self.task}" if self.task else ""
        source = f"{self.file.name} (sha256 {self.sha256[:12]}…{origin})"
        return Tuned(self.optimizer, values, space.to_dict(), source[:900], chosen.place)


def read_config(file: Path) -> Config:
    """Read an exported configuration; no content is executed.

    Raises:
        InvalidRequest: It cannot be read, or is not an export as JSON or YAML.
    """
    if not file.is_file():
        raise InvalidRequest("configs", f": there is no file {file}")
    try:
        with file.open("rb") as opened:
            data = opened.read(strict_yaml.MAX_BYTES + 1)
        content = strict_yaml.read(data).content  # accepts JSON as well
    except OSError as error:
        raise InvalidRequest("configs", f"{file}: {error.strerror}") from None
    except ValueError as error:
        line = getattr(error, "line", None)
        raise InvalidRequest("configs", f"{file}{f', line {line}' if line else ''}: {error}") from None
    if not isinstance(content, dict) or not {"optimizer", "hyperparameters"} <= content.keys():
        keys = ", ".join(content) if isinstance(content, dict) else "no mapping"
        raise InvalidRequest(
            "configs",
            f"{file}: takes an export as JSON or YAML, with the keys optimizer and hyperparameters. Received: {keys}",
        )
    values = content["hyperparameters"]
    if not isinstance(values, dict):
        raise InvalidRequest("configs", f"{file}: hyperparameters map names to numbers. Received: {values!r:.80}")
    provenance = content.get("provenance")
    origin = provenance if isinstance(provenance, dict) else {}
    return Config(
        file=file,
        sha256=hashlib.sha256(data).hexdigest(),
        optimizer=str(content["optimizer"]),
        hyperparameters={name: _value(file, name, value) for name, value in values.items()},
        study=str(origin.get("study", "")),
        task=str(origin.get("task", "")),
        place=str(content["place"]) if content.get("place") else None,
    )


def _value(file: Path, name: str, text: object) -> Any:
    """Return a hyperparameter of a file: a number, or of an argument of the task what its text reads as."""
    if is_of_task(name) and isinstance(text, str):
        return value_of(text)
    return _number(file, name, text)


def _number(file: Path, name: str, text: object) -> float:
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidRequest("configs", f"{file}: {name} is a finite number. Received: {text!r:.80}")
    return value


def _newest(
    records: Sequence[StudyRecord], task: str, optimizers: Sequence[str] | None, source: str
) -> list[StudyRecord]:
    """Return the studies of the newest search of a task in which all requested studies are complete."""
    runs: dict[str, list[StudyRecord]] = {}
    for study in records:
        if study.spec.task == task:  # not on several
            runs.setdefault(study.spec.run, []).append(study)
    if not runs:
        raise InvalidRequest(
            "search", f": nothing is tuned on {task} in {source}: tune first, or give {{defaults}} or {{configs}}"
        )
    requested = set(optimizers or ())
    for studies in reversed(runs.values()):
        names = {study.spec.workload.optimizer for study in studies}
        selected = [study for study in studies if not requested or study.spec.workload.optimizer in requested]
        if requested <= names and all(study.status == StudyStatus.COMPLETE for study in selected):
            return studies
    last = list(runs.values())[-1]
    if requested <= {study.spec.workload.optimizer for study in last}:
        _check_complete([study for study in last if not requested or study.spec.workload.optimizer in requested])
    raise InvalidRequest(
        "optimizers",
        f": no search on {task} in {source} has tuned {', '.join(sorted(requested))}; tune first, or give {{defaults}}"
        " or {configs}",
    )


def _check_run(run: str, studies: Sequence[StudyRecord], task: str) -> None:
    if not studies:
        raise InvalidRequest("search", f"takes a search; {run} is a comparison itself")
    of = studies[0].spec
    if task not in [workload.task for workload in of.workloads]:
        raise InvalidRequest("search", f": {run} was tuned on {of.task}, and {{task}} is {task}")


def _check_complete(studies: Sequence[StudyRecord]) -> None:
    incomplete = [f"{study.spec.name} ({study.status})" for study in studies if study.status != StudyStatus.COMPLETE]
    if incomplete:
        raise InvalidRequest(
            "search",
            f": not complete: {', '.join(incomplete)}; resume {studies[0].spec.run}, or leave them out of"
            " {optimizers}",
        )

"""TensorBoard export: scalars by generation, and sessions of candidates.

Each candidate is a session of the HParams tab.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tuner.core.files import NotWritten, not_written
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Key, Role, Status
from tuner.results.analysis.generations import by_generation
from tuner.results.exports.event_file import EventFile
from tuner.results.figures.learning import WINDOWS, window_means

SEARCH = "search"  # name of the run with the scalars by generation


def write_study(
    study: StudyRecord, candidates: Sequence[CandidateRecord], curve: Callable[[Key], NDArray[Any]], folder: Path
) -> int:
    """Write a study to a log folder of TensorBoard, completely or not at all; replace an earlier version of it.

    The run RUN/OPTIMIZER/search has `fitness/best` and `fitness/median` by generation, and the number of individuals by
    final status. Each final candidate is a run, such as RUN/OPTIMIZER/g03-s07, default-0 or tuned-0: a session of the
    HParams tab with its hyperparameters, `generation` and `budget`, and, if it finished, the scalar `fitness` at its
    budget: the value of the objective, unless it missed a target. The best candidate of each generation and the runs on
    fresh seeds also have their loss curve, in at most `WINDOWS` means, so that the size of the files does not grow with
    the budget.

    Args:
        study: Record of the study, which may be running.
        candidates: All of its candidates, in any order.
        curve: Reads the losses of a final candidate, one per gradient evaluation.
        folder: The log folder of TensorBoard; created if missing.

    Returns:
        Number of candidates written.

    Raises:
        NotWritten: The study's folder contains other files, or cannot be written to.
    """
    target = folder / study.spec.run / study.spec.label.replace(":", "-")
    temporary = target.parent / f".lodo-tune-{secrets.token_hex(8)}.tmp"
    _check_replaceable(target)
    final = [candidate for candidate in candidates if candidate.status.is_final]
    try:
        try:
            _write_search(study, candidates, temporary / SEARCH)
            with_curves = _with_curves(study, candidates)
            for candidate in final:
                _write_candidate(study, candidate, curve if candidate.key in with_curves else None, temporary)
            _replace(target, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise not_written(target, error) from error
    return len(final)


def _check_replaceable(target: Path) -> None:
    """Raise an error for a folder with files that lodo-tune did not write."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise NotWritten(f"cannot write {str(target)!r:.300}: it is not a folder")
    for path in target.rglob("*"):
        if not path.is_dir() and not (path.name.startswith("events.out.tfevents.") and path.suffix == ".lodo-tune"):
            raise NotWritten(
                f"cannot write {str(target)!r:.300}: it contains {path.name!r:.80}, which lodo-tune did not write"
            )


def _replace(target: Path, temporary: Path) -> None:
    """Move the temporary folder to the target, and delete the previous one."""
    old = temporary.with_suffix(".old")
    if target.exists():
        target.rename(old)
    temporary.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _started(study: StudyRecord) -> float:
    return datetime.fromisoformat(study.created_at).timestamp()


def _write_search(study: StudyRecord, candidates: Sequence[CandidateRecord], folder: Path) -> None:
    with EventFile(folder, _started(study)) as file:
        for generation in by_generation(study.spec, candidates):
            if generation.left == generation.population:  # not started
                continue
            if generation.best is not None and generation.median is not None:
                file.scalar("fitness/best", generation.number, generation.best)
                file.scalar("fitness/median", generation.number, generation.median)
            for status in Status:
                if status.is_final:
                    name = f"individuals/{status.value.replace(' ', '_')}"
                    file.scalar(name, generation.number, generation.counts[status])


def _with_curves(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> frozenset[Key]:
    """Return the candidates whose curves are written: the best of each generation, and those on fresh seeds."""
    generations = by_generation(study.spec, candidates)
    best = [generation.finished[0].key for generation in generations if generation.finished]
    return frozenset((*best, *(one.key for one in candidates if one.key.role is not Role.SEARCH)))


def _write_candidate(
    study: StudyRecord, candidate: CandidateRecord, curve: Callable[[Key], NDArray[Any]] | None, folder: Path
) -> None:
    key = candidate.key
    search = key.role is Role.SEARCH
    name = f"g{key.generation:02d}-s{key.slot:02d}" if search else f"{key.role.value}-{key.slot}"
    columns: dict[str, float | str | bool] = {
        "optimizer": study.spec.workload.optimizer,
        "role": key.role.value,
        "status": candidate.status.value,
        "budget": candidate.steps,
        "objective": study.spec.workload.objective.text,
        **({"generation": key.generation} if search else {}),
        **{name: value for name, value in candidate.hyperparameters.items() if value is not None},
    }
    with EventFile(folder / name, _started(study)) as file:
        finished = candidate.status is Status.FINISHED
        file.session(columns, finished=finished, seconds=candidate.seconds)
        value = study.spec.workload.objective.shown(candidate.fitness, candidate.steps)
        if finished and value is not None:
            file.scalar("fitness", candidate.steps, value, after=candidate.seconds)
        if curve is not None:
            losses = curve(key)
            middles, means = window_means(losses, max(1, -(-len(losses) // WINDOWS)))
            for step, mean in zip(middles.tolist(), means.tolist(), strict=True):
                file.scalar("loss", int(step), mean, after=candidate.seconds * step / max(1, len(losses)))

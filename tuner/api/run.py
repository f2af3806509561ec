"""Runs and studies as a caller sees them: frozen names whose values are read from the database when asked for."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.api.database import Database
from tuner.api.table import Table
from tuner.api.trials import trials_frame
from tuner.core.errors import InvalidRequest
from tuner.core.study import CandidateRecord, Outcome, SeedRun, StudyRecord, StudySpec, StudyStatus
from tuner.core.text import nearest
from tuner.core.trial import Key, Role, Status
from tuner.results.analysis.comparison import Comparison as Compared
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.summary import Summary, summarise_outcomes
from tuner.storage import Store

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Study:
    """One study: the search of one optimizer, or its part of a comparison.

    Attributes:
        database: Where it is.
        record: What the database held of it when it was read.
    """

    database: Database
    record: StudyRecord

    @property
    def name(self) -> str:
        """RUN/OPTIMIZER."""
        return self.record.spec.name

    @property
    def run(self) -> str:
        """Name of its run."""
        return self.record.spec.run

    @property
    def optimizer(self) -> str:
        """Name of its optimizer."""
        return self.record.spec.workload.optimizer

    @property
    def spec(self) -> StudySpec:
        """Everything that decides its outcome."""
        return self.record.spec

    @property
    def status(self) -> str:
        """Where it stands: "running", "interrupted", "stopped" or "complete"."""
        return self.record.status

    @property
    def tuned(self) -> dict[str, float] | None:
        """The tuned hyperparameters; None until the search is over, and if nothing of it finished."""
        tuned = self.record.tuned
        return None if tuned is None or not self.record.counts[Status.FINISHED] else dict(tuned)

    def trials(self) -> pd.DataFrame:
        """Return a DataFrame with a row per candidate; see `Run.trials`."""
        return trials_frame(self._candidates())

    def curve(self, generation: int, slot: int, role: str | None = None) -> npt.NDArray[Any]:
        """Return the losses of a candidate, one per gradient evaluation.

        Args:
            generation: Its generation, or the number of its point in a comparison.
            slot: Its place there.
            role: "search", "default", "tuned" or "comparison". Default: "search", or "comparison".

        Raises:
            UnknownCandidate: There is none.
        """
        key = Key(self.record.spec.kind if role is None else Role(role), generation, slot)
        with self.database.reading() as store:
            return store.curve(self.record.id, key)

    def export(self, format: str = "json") -> str:
        """Return the tuned configuration as the text of a file.

        Args:
            format: "json", "yaml", "keras", "torch", "optax", "algoperf" or "hydra".

        Raises:
            NotExported: There is no such format, it cannot express the optimizer, or nothing is tuned yet.
            InvalidRequest: The study is part of a comparison.
        """
        from tuner.results import exports

        if not self.record.is_search:
            source = self.record.comparison.source
            raise InvalidRequest("study", f": {self.name} is a comparison, with hyperparameters {source}")
        with self.database.reading() as store:
            return exports.export(self.record, format, summary_of(store, self.record))

    def _candidates(self) -> list[tuple[StudyRecord, CandidateRecord]]:
        with self.database.reading() as store:
            return [(self.record, candidate) for candidate in store.candidates(self.record.id)]


@dataclass(frozen=True, slots=True)
class _StoredRun:
    """What a run of searches and a comparison have in common: a mapping of optimizers to studies.

    Attributes:
        database: Where it is.
        name: RUN, or RUN/OPTIMIZER for a part of it that is one study.
    """

    database: Database
    name: str

    @property
    def studies(self) -> tuple[Study, ...]:
        """Its studies, in order, as they are now."""
        with self.database.reading() as store:
            return tuple(Study(self.database, record) for record in store.find(self.name))

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Names of its optimizers, in order."""
        return tuple(study.optimizer for study in self.studies)

    @property
    def is_complete(self) -> bool:
        """Whether all of its studies are complete."""
        return all(study.status == StudyStatus.COMPLETE for study in self.studies)

    def __getitem__(self, optimizer: str) -> Study:
        """Return the study of an optimizer.

        Raises:
            KeyError: There is none.
        """
        studies = {study.optimizer: study for study in self.studies}
        if optimizer not in studies:
            near = nearest(optimizer, tuple(studies))
            raise KeyError(f"{self.name} has {', '.join(studies)}{near}. Received: {optimizer!r}")
        return studies[optimizer]

    def __iter__(self) -> Iterator[Study]:
        return iter(self.studies)

    def __len__(self) -> int:
        return len(self.studies)

    def trials(self) -> pd.DataFrame:
        """Return a DataFrame with a row per candidate.

        The columns are study, generation, slot, role, status, fitness (inf for one that diverged or failed), one per
        hyperparameter (named after it, empty for optimizers without it), seed, budget and steps_done (gradient
        evaluations) and seconds (of training). In a comparison, generation is the number of the point, and slot that
        of the seed.
        """
        return trials_frame([row for study in self.studies for row in study._candidates()])

    def report(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write an HTML page on the run: tables, figures, failures and costs, in one file.

        Args:
            path: The file.
            overwrite: Whether it may replace one that is there.

        Returns:
            The path.

        Raises:
            NotWritten: The file cannot be written.
        """
        from tuner.api.report import write_report

        write_report(self.database, (self.name,), Path(path), overwrite=overwrite)
        return Path(path)

    def _figure(self, name: str, kinds: Sequence[Any], of: Any) -> Figure | None:
        """Draw the figure of a name."""
        named = {kind.name: kind for kind in kinds}
        if name not in named:
            accepted = tuple(named)
            raise InvalidRequest("figure", f"is one of {', '.join(accepted)}{nearest(name, accepted)}", name)
        figure: Figure | None = named[name].draw(of)
        return figure

    def _html(self, table: Table) -> str:
        return f"<h4>{html.escape(self.name)}</h4>{table._repr_html_()}"


@dataclass(frozen=True, slots=True)
class Run(_StoredRun):
    """A run of searches: one study per optimizer.

    Example:
        >>> run = tuner.open_database("lodo-tune.db").run("bowl")  # doctest: +SKIP
        >>> run["Adam"].tuned  # doctest: +SKIP
        {'learning_rate': 0.3017, 'beta_1': 0.8126, 'beta_2': 0.9973}
    """

    def table(self) -> Table:
        """Return the tuned table: defaults, tuned values, fitnesses, verdicts and costs."""
        with self.database.reading() as store:
            return Table(summaries=summaries(store, store.find(self.name)))

    def figure(self, name: str = "search") -> Figure | None:
        """Draw a figure; None if there is nothing to draw yet.

        Args:
            name: "search", "search-population", "search-sharpness" or "search-parallel".

        Raises:
            InvalidRequest: There is no such figure.
        """
        from tuner.results.figures import FIGURES_OF_SEARCH

        with self.database.reading() as store:
            searches = [(record, store.candidates(record.id)) for record in store.find(self.name)]
        return self._figure(name, FIGURES_OF_SEARCH, searches)

    def export(self, optimizer: str, format: str = "json") -> str:
        """Return the tuned configuration of an optimizer; see `Study.export`."""
        return self[optimizer].export(format)

    def _repr_html_(self) -> str:
        return self._html(self.table())


@dataclass(frozen=True, slots=True)
class Comparison(_StoredRun):
    """A comparison: one study per optimizer, each trained with given hyperparameters on the same seeds."""

    def table(self) -> Table:
        """Return the table of losses, intervals, tests, validation and pace."""
        with self.database.reading() as store:
            return Table(comparisons=comparisons(store, store.find(self.name)))

    def figure(self, name: str = "learning-by-steps") -> Figure | None:
        """Draw a figure; None if there is nothing to draw.

        Args:
            name: "learning-by-steps", "learning-by-time", "validation", "final-losses", "sweep", "hessian-error" or
                "trajectories".

        Raises:
            InvalidRequest: There is no such figure.
        """
        from tuner.results.figures import FIGURES_OF_COMPARISON

        with self.database.reading() as store:
            (compared,) = comparisons(store, store.find(self.name), curves=True)
        return self._figure(name, FIGURES_OF_COMPARISON, compared)

    def runs(self, optimizer: str, *, curves: bool = False) -> list[SeedRun]:
        """Return what was measured of an optimizer's runs, in the order of their seeds.

        Args:
            optimizer: Its name.
            curves: Whether to read every loss as well.
        """
        study = self[optimizer]
        with self.database.reading() as store:
            return store.seed_runs(study.record.id, curves=curves)

    def _repr_html_(self) -> str:
        return self._html(self.table())


def summaries(store: Store, records: Sequence[StudyRecord]) -> list[Summary]:
    """Return a summary of each study."""
    return [summary_of(store, record) for record in records]


def summary_of(store: Store, record: StudyRecord) -> Summary:
    """Return the summary of a study."""

    def hyperparameters(run: Outcome) -> Mapping[str, float]:
        key = run.key
        found = store.candidates(record.id, role=key.role, generation=key.generation, slot=key.slot)
        return found[0].hyperparameters

    return summarise_outcomes(record, store.outcomes(record.id), hyperparameters)


def comparisons(store: Store, records: Sequence[StudyRecord], *, curves: bool = False) -> list[Compared]:
    """Return what came of each comparison that these studies belong to.

    Args:
        store: Holds them.
        records: Of comparisons.
        curves: Whether to read every loss as well, which figures need.
    """
    runs: dict[str, list[StudyRecord]] = {}
    for record in records:
        runs.setdefault(record.spec.run, []).append(record)
    seed_runs = partial(store.seed_runs, curves=curves)
    return [compare_runs([(record, seed_runs(record.id)) for record in of_run]) for of_run in runs.values()]

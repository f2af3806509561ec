"""Runs and comparisons, which the API returns: mappings of optimizers to studies.

They are frozen values that refer to a database; results are read from it on access.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.api.database import Database
from tuner.api.reading import (
    chosen_table,
    comparisons_of,
    drawable,
)
from tuner.api.study import Study
from tuner.api.trials import trials_frame
from tuner.core.errors import InvalidRequest
from tuner.core.study import SeedRun, StudyStatus
from tuner.core.text import nearest
from tuner.results.analysis.margins import Margin
from tuner.results.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from tuner.results.analysis.target_profile import Profile


@dataclass(frozen=True, slots=True)
class _StoredRun:
    """Common part of a run of searches and a comparison: a mapping of optimizers to studies.

    Attributes:
        database: Database of the run.
        name: RUN, or RUN/OPTIMIZER for a part of it that is one study.
    """

    database: Database
    name: str

    @property
    def studies(self) -> tuple[Study, ...]:
        """Its studies in order, read now."""
        with self.database.reading() as store:
            return tuple(Study(self.database, record) for record in store.find(self.name))

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Names of its optimizers, in order."""
        return tuple(dict.fromkeys(study.optimizer for study in self.studies))

    @property
    def is_complete(self) -> bool:
        """Whether all of its studies are complete."""
        return all(study.status == StudyStatus.COMPLETE for study in self.studies)

    def __getitem__(self, optimizer: str) -> Study:
        """Return the study of an optimizer; "OPTIMIZER@SEED" where the run has several searches for it.

        Raises:
            KeyError: The run has no study of this name.
        """
        studies = {study.record.spec.label: study for study in self.studies}
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

        The columns are study, task (if a search is on several; a row is then a candidate on one of them), generation,
        slot, role, status, fitness (the value of the objective, in its own units; inf for one that diverged, failed or
        missed a target, -inf if the greatest value is best), one per
        hyperparameter (named after it, empty for optimizers without it), seed, budget and steps_done (gradient
        evaluations) and seconds (of training). In a comparison, generation is the number of the point, and slot that
        of the seed.
        """
        return trials_frame([row for study in self.studies for row in study._candidates()])

    def table(self, *, details: bool = False, by_budget: bool = False, margin: str | float | None = None) -> Table:
        """Return its table, which prints as text and converts to a DataFrame, Markdown, LaTeX, CSV and JSON.

        Args:
            details: Whether a search has further tables: where each tuned value lies, how exact it must be, and what
                became of the budget. Default False.
            by_budget: Whether to return instead the quality of a run of searches by their budget: what the best of
                fewer candidates would be. Default False.
            margin: The smallest gain that matters; see `Database.table`.

        Raises:
            InvalidRequest: A comparison has no quality by budget, both are asked for, or the margin is not one.
        """
        smallest = None if margin is None else Margin.parse(margin)
        with self.database.reading() as store:
            return chosen_table(
                store,
                store.find(self.name),
                details=details,
                by_budget=by_budget,
                profile=False,
                margin=smallest,
            )

    def details(self, format: str = "text") -> str:
        """Return the records of its studies, without candidates and curves.

        Args:
            format: "text" or "json": of one study its object, of several a list.

        Raises:
            ValueError: There is no such format.
        """
        parts = [study.details(format) for study in self.studies]
        return f"[{', '.join(parts)}]" if format == "json" and len(parts) > 1 else "\n\n".join(parts)

    def figure(
        self,
        name: str | None = None,
        *,
        width: float | None = None,
        log_y: bool = False,
        smooth: int | None = None,
        style: str | Path | None = None,
    ) -> Figure | None:
        """Return a figure as Matplotlib's `Figure`; None if there is nothing to draw yet.

        Args:
            name: For a search, "search" (the default), "search-progress", "search-population", "search-sharpness",
                "search-surrogate", "search-parallel" or "search-by-budget". For a comparison, "learning-by-steps" (the
                default), "learning-by-time", "validation", "final-losses", "sweep", "hessian-error" or "trajectories".
            width: Width in inches. Default: the figure's own.
            log_y: Whether losses are drawn on a logarithmic axis whatever their range. Default False.
            smooth: Gradient evaluations per point of a learning curve. Default: a 200th of the budget.
            style: A file with settings of Matplotlib, in the form of `matplotlibrc`. Default: none.

        Raises:
            InvalidRequest: There is no such figure, or the look is out of range.
        """
        from tuner.results.figures import Look, kinds_of

        look = Look.of(width, log_y, smooth, style)

        with self.database.reading() as store:
            results = drawable(store, store.find(self.name))
        kinds = {kind.name: kind for kind in kinds_of(results)}
        chosen = next(iter(kinds)) if name is None else name
        if chosen not in kinds:
            raise InvalidRequest("figure", f"is one of {', '.join(kinds)}{nearest(chosen, tuple(kinds))}", chosen)
        figure: Figure | None = kinds[chosen].draw(results, look)
        return figure

    def save(self, folder: str | Path) -> Path:
        """Write its tables and figures, and the configurations of a search, to a folder; replace older files.

        A file that cannot be made does not prevent the others.

        Args:
            folder: The folder; created if it does not exist.

        Returns:
            The folder.

        Raises:
            OutputsFailed: A file could not be made or written.
        """
        from tuner.api.results_folder import write_results

        with self.database.reading() as store:
            write_results(store, store.find(self.name), Path(folder))
        return Path(folder)

    def report(self, path: str | Path, *, overwrite: bool = False, margin: str | float | None = None) -> Path:
        """Write an HTML page on the run: tables, figures, failures and costs, in one file.

        Args:
            path: The file.
            overwrite: Whether to replace an existing file. Default False.
            margin: The smallest gain that matters; see `Database.table`.

        Returns:
            The path.

        Raises:
            InvalidRequest: The file exists and may not be replaced, or the margin is not one.
            NotWritten: The file cannot be written.
        """
        from tuner.api.report import write_report

        write_report(self.database, (self.name,), Path(path), overwrite=overwrite, margin=margin)
        return Path(path)

    def _repr_html_(self) -> str:
        return f"<h4>{html.escape(self.name)}</h4>{self.table()._repr_html_()}"


@dataclass(frozen=True, slots=True)
class Run(_StoredRun):
    """A run of searches: one study per optimizer.

    Example:
        >>> run = tuner.open_database("lodo-tune.db").run("first")
        >>> run.optimizers
        ('Adam', 'LODO')
        >>> run.trials().query("status == 'diverged'")[["study", "generation", "slot"]].values.tolist()
        [['first/Adam', 0, 1], ['first/LODO', 0, 1]]
    """

    def export(self, optimizer: str, format: str = "json") -> str:
        """Return the tuned configuration of an optimizer; see `Study.export`."""
        return self[optimizer].export(format)


@dataclass(frozen=True, slots=True)
class Comparison(_StoredRun):
    """A comparison: one study per optimizer, each trained with given hyperparameters on the same seeds."""

    def profile(self, targets: str) -> Profile:
        """Return the gradient evaluations until its runs reach some targets, with the scores of its optimizers.

        Args:
            targets: "METRIC<=A,B,C" or "METRIC>=A,B,C", where METRIC is "training-loss", as a mean over a thousandth of
                the budget, or "validation.METRIC".

        Raises:
            InvalidRequest: The text is not of this form, or the comparison has not measured the metric.
        """
        from tuner.results.analysis.target_profile import profile_of

        with self.database.reading() as store:
            (comparison,) = comparisons_of(store, store.find(self.name))
        return profile_of(comparison, targets)

    def runs(self, optimizer: str, *, curves: bool = False) -> list[SeedRun]:
        """Return the results of an optimizer's runs, in the order of their seeds.

        The fitness of a run is what is minimised: the objective's value, or its negative if the greatest value is best.

        Args:
            optimizer: Name of the optimizer.
            curves: Whether to read every loss as well. Default False.
        """
        study = self[optimizer]
        with self.database.reading() as store:
            return store.seed_runs(study.record.id, curves=curves)

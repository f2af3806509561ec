"""A database of studies: its runs, tables, figures, reports and exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.api.finding import find
from tuner.api.stored_database import DEFAULT_DATABASE, StoredDatabase
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.storage import Damaged

if TYPE_CHECKING:
    import pandas as pd

    from tuner.api.importing_searches import OutsideSearch
    from tuner.api.run import Comparison, Run
    from tuner.api.study import Study
    from tuner.results.analysis.best import Best
    from tuner.results.tables.table import Table


class Database(StoredDatabase):
    """A database of studies.

    Each method opens the database and closes it again, read-only unless it writes. A database in memory stays open as
    long as this object exists.

    Args:
        url: A file name, "sqlite:///FILE", "sqlite://" for one in memory, or
            "postgresql://USER@HOST:PORT/DATABASE".

    Raises:
        BadUrl: The URL is none of these.
    """

    @classmethod
    def of(cls, database: str | Path | Database) -> Database:
        """Return a database as it is, or that of a file or URL."""
        return database if isinstance(database, Database) else cls(database)

    def runs(self) -> list[Run | Comparison]:
        """Return all runs, in the order in which they were created."""
        return [self.run(name) for name in dict.fromkeys(study.run for study in self.studies())]

    def run(self, name: str) -> Run | Comparison:
        """Return a run by its name; of RUN/OPTIMIZER, a run with this study alone.

        Raises:
            UnknownStudy: There is no such run or study; the message suggests the nearest names.
        """
        from tuner.api.run import Comparison, Run

        with self.reading() as store:
            (first, *_) = store.find(name)
        return Run(self, name) if first.is_search else Comparison(self, name)

    def studies(self, damaged: list[Damaged] | None = None) -> list[Study]:
        """Return all studies in the order in which they were created.

        Args:
            damaged: List to which an error is appended for each study that cannot be read; such studies are left out.

        Raises:
            Damaged: A study cannot be read, and no list is given.
        """
        from tuner.api.study import Study

        with self.reading() as store:
            return [Study(self, record) for record in store.studies(damaged)]

    def table(
        self,
        *names: str,
        details: bool = False,
        by_budget: bool = False,
        profile: bool = False,
        margin: str | float | None = None,
        damaged: list[Damaged] | None = None,
    ) -> Table:
        """Return the table of the named runs and studies, by default of all.

        Args:
            names: Names of runs and studies.
            details: Whether searches have further tables: where each tuned value lies, how exact it must be, and what
                became of the budget. Default False.
            by_budget: Whether to return instead the quality of the searches among them by their budget, those on one
                task together. Default False.
            profile: Whether to return instead the performance profiles of the comparisons among them, which are on
                several tasks. Default False.
            margin: The smallest gain that matters: a tuned point whose gain lies within it is called equivalent. A
                number in units of the objective, or "2%" of the default's value. Default: 1 % of the default's distance
                to the best value on fresh seeds of any optimizer of the run.
            damaged: See `studies`.

        Raises:
            InvalidRequest: The database has no study, none of the kind that is asked for, or the comparisons do not
                have two optimizers in common; two of `details`, `by_budget` and `profile` are given; or `margin` is
                not one, or goes with one of the latter two.
            UnknownStudy: A name is not that of a run or study.
        """
        from tuner.api.reading import chosen_table
        from tuner.results.analysis.margins import Margin

        smallest = None if margin is None else Margin.parse(margin)
        with self.reading() as store:
            records = find(store, names, damaged)
            return chosen_table(store, records, details=details, by_budget=by_budget, profile=profile, margin=smallest)

    def paper_table(
        self,
        *names: str,
        layout: str = "one",
        columns: Sequence[str] | None = None,
        precision: int = 2,
        label: str | None = None,
        caption: str | None = None,
        rename: Mapping[str, str] | None = None,
        siunitx: bool = False,
        format: str = "latex",
    ) -> str:
        """Return one table of several runs, for a paper.

        Args:
            names: Names of runs and studies, in the order of the columns. Default: all.
            layout: "one" has a row per optimizer and the value of each run; "hyperparameters" the tuned values of
                searches, a row each; "paper" the same for the four tasks of the paper, in its order, as its Table 6.
            columns: Of each run in layout "one": of searches some of "tuned" (the default), "default", "gain",
                "relative gain", "best seen", "verdict", "diverged" and "evaluations"; of comparisons of "value" (the
                default), "interval", "diverged", "p" and "standing".
            precision: Significant digits of an uncertainty, to whose last one the value is rounded. Default 2.
            label: Label in LaTeX. Default: none.
            caption: Caption, in LaTeX as it is. Default: what the values are.
            rename: New names of optimizers, hyperparameters, runs and columns. Default: none.
            siunitx: Whether numbers in LaTeX are written as of the package siunitx. Default False.
            format: "text", "markdown", "latex" or "csv". Default "latex".

        Raises:
            InvalidRequest: The runs do not fit into one table, or a value is not accepted.
            UnknownStudy: A name is not that of a run or study.
            ValueError: There is no such format.
        """
        from tuner.api.paper_tables import paper_table
        from tuner.results.tables.wide_table import Printing

        chosen = None if columns is None else tuple(columns)
        printing = Printing(layout, chosen, precision, label, caption, rename or {}, siunitx)
        return paper_table([(self, name) for name in names or (None,)], printing, format)

    def trials(self, *names: str) -> pd.DataFrame:
        """Return a DataFrame with a row per candidate of the named runs and studies, by default of all.

        See `Run.trials`, which has the same columns.

        Raises:
            InvalidRequest: The database has no study.
            UnknownStudy: A name is not that of a run or study.
        """
        from tuner.api.trials import trials_frame

        return trials_frame(self._rows(names))

    def trials_file(self, *names: str, format: str = "csv") -> bytes:
        """Return the rows and columns of `trials` as the content of a file.

        Args:
            names: Names of runs and studies.
            format: "csv", "json" or "parquet". CSV and JSON have full precision, and an empty cell or null for a number
                that does not exist or is infinite. Default: "csv".

        Raises:
            InvalidRequest: As `trials`, or Parquet is asked for, and pyarrow is not installed.
            ValueError: There is no such format.
        """
        from tuner.api.trials import FORMATS, trials_file
        from tuner.results.tables.formats import check_format

        check_format(format, FORMATS)
        return trials_file(self._rows(names), format)

    def _rows(self, names: Sequence[str]) -> list[tuple[StudyRecord, CandidateRecord]]:
        from tuner.api.reading import candidates_of

        with self.reading() as store:
            return [(record, one) for record in find(store, names) for one in candidates_of(store, record)]

    def listing(self, format: str = "text", *names: str, damaged: list[Damaged] | None = None) -> str:
        """Return a list of the studies of the named runs, by default of all, one line each.

        Args:
            format: "text" or "json".
            names: Names of runs and studies.
            damaged: See `studies`.

        Raises:
            ValueError: There is no such format.
        """
        from tuner.api.best import best_of
        from tuner.results.tables import listing

        faults: list[Damaged] = []
        best: dict[str, Best] = {}
        with self.reading() as store:
            records = find(store, names) if names else store.studies(faults)
            for record in records:
                try:
                    individual = best_of(store, record) if record.is_search else None
                except Damaged as error:
                    faults.append(error)
                    continue
                if individual is not None:
                    best[record.spec.name] = individual
        if faults and damaged is None:
            raise faults[0]
        (damaged if damaged is not None else []).extend(faults)
        return listing.render_studies(records, format, best)

    def figures(
        self,
        *names: str,
        formats: Sequence[str] = ("png",),
        targets: str | None = None,
        by_budget: bool = False,
        profile: bool = False,
        only: Sequence[str] | None = None,
        width: float | None = None,
        log_y: bool = False,
        smooth: int | None = None,
        style: str | Path | None = None,
    ) -> dict[str, bytes]:
        """Draw the figures of the named runs and studies, by default of all; return files by name, "RUN-FIGURE.png".

        Args:
            names: Names of runs and studies.
            formats: "png", "pdf" or "svg". Default: "png".
            targets: Targets of comparisons, "METRIC<=A,B,C": their profile is drawn as "RUN-targets.png", and the
                times are in "RUN-targets.csv"; see `Comparison.profile`. Default: none.
            by_budget: Whether to draw instead one figure, "by-budget.png", of the quality of all these searches by
                their budget. Default False.
            profile: Whether to draw instead one figure, "profile.png", of the performance profiles of all these
                comparisons. Default False.
            only: Names of the figures to draw, such as "search". Default: all.
            width: Width of each figure in inches, such as 3.3 for a column of a paper. Default: the figure's own.
            log_y: Whether losses are drawn on a logarithmic axis whatever their range. Default False.
            smooth: Gradient evaluations per point of learning curves. Default: a 200th of the budget.
            style: A file with settings of Matplotlib, in the form of `matplotlibrc`. Default: none.

        Raises:
            InvalidRequest: As `table`, a comparison has not measured the metric of the targets, there is no such
                figure, or the look is out of range.
            ValueError: There is no such format.
        """
        from tuner.api.figures import FigureRequest, draw_figures, figure_names
        from tuner.results.figures import Look

        look = Look.of(width, log_y, smooth, style)
        chosen = None if only is None else tuple(only)
        request = FigureRequest(names, tuple(formats), targets, by_budget, profile, chosen, look)
        with self.reading() as store:
            figure_names(store, request)  # refuses an unknown format before anything is drawn
            drawn = ((name, draw()) for name, draw in draw_figures(store, request))
            return {name: content for name, content in drawn if content is not None}

    def report(self, path: str | Path, *names: str, overwrite: bool = False, margin: str | float | None = None) -> Path:
        """Write an HTML page on the named runs and studies, by default on all; see `Run.report`."""
        from tuner.api.report import write_report

        write_report(self, names, Path(path), overwrite=overwrite, margin=margin)
        return Path(path)

    def to_tensorboard(self, folder: str | Path, *names: str) -> Iterator[tuple[str, int]]:
        """Write the named runs and studies, by default all, for TensorBoard.

        Args:
            folder: Log folder, for `tensorboard --logdir`.
            names: Names of runs and studies.

        Yields:
            Name of each study, and the number of its runs in TensorBoard.

        Raises:
            InvalidRequest: The database has no study.
            NotWritten: A study cannot be written to the folder; studies that were written before are kept.
        """
        from tuner.api.interchange import write_tensorboard

        with self.reading() as store:
            yield from write_tensorboard(store, find(store, names), Path(folder))

    def import_runs(
        self,
        file: str | Path,
        *,
        task: str,
        name: str | None = None,
        steps: int | None = None,
        objective: str | None = None,
    ) -> list[str]:
        """Write runs that were trained elsewhere into the database as a comparison; return the names of its studies.

        Tables, figures, reports and pages mark it as imported.

        Args:
            file: A CSV with a line per run and the columns optimizer (or study, as RUN/OPTIMIZER), seed, fitness (the
                value of the objective) and one per hyperparameter; and, as they apply, status ("finished", "diverged",
                "failed" or "timed out"), budget, steps_done, seconds, and validation.METRIC and test.METRIC (at the
                end). All optimizers have the same seeds and budget.
            task: Name of the task.
            name: Name of the comparison. Default: that of the file.
            steps: Budget of a run in gradient evaluations, where the file has no column `budget`.
            objective: What `fitness` is, as `tune` takes it. Default: the training loss.

        Raises:
            InvalidRequest: The file cannot be read, or a line of it is not accepted.
            StudyExists: The database has a run of this name.
        """
        from tuner.api.importing import read_runs, write_runs

        runs = read_runs(Path(file), task=task, name=name, steps=steps, objective=objective)
        with self.writing() as store:
            return write_runs(store, runs)

    def import_search(self, search: OutsideSearch, *, name: str | None = None, task: str | None = None) -> str:
        """Write a search that was made elsewhere into the database; return the name of its study.

        Tables, figures, reports and pages mark it as imported.

        Args:
            search: What `tuner.integrations.optuna_studies.read_studies` or
                `tuner.integrations.ray_tune_results.read_experiment` returned.
            name: Name of the run. Default: that of the search.
            task: Name of the task. Default: likewise.

        Raises:
            InvalidRequest: No trial has finished, or a hyperparameter cannot be stored.
            StudyExists: The database has a run of this name.
        """
        from tuner.api.importing_searches import write_search

        with self.writing() as store:
            return write_search(store, search, name=name, task=task)

    def to_optuna(self, url: str, *names: str) -> Iterator[tuple[str, int]]:
        """Write the named runs and studies, by default all, into a storage of Optuna.

        Args:
            url: A file or a URL, but not a database of lodo-tune.
            names: Names of runs and studies.

        Yields:
            Name of each study, and the number of its trials in Optuna.

        Raises:
            InvalidRequest: The database has no study, or the storage is a database of lodo-tune.
            NoOptuna: Optuna is not installed, cannot use the storage, or has a study of this name already.
        """
        from tuner.api.interchange import write_optuna

        with self.reading() as store:
            yield from write_optuna(store, find(store, names), url)

    def to_mlflow(self, uri: str, *names: str) -> Iterator[tuple[str, int]]:
        """Write the named runs and studies, by default all, into MLflow; what is there already is left as it is.

        Args:
            uri: Address of a tracking server, or its database: a SQLite file or a URL, but not a database of lodo-tune.
            names: Names of runs and studies.

        Yields:
            Name of each study, and the number of its candidates that were written.

        Raises:
            InvalidRequest: The database has no study, or the storage is a database of lodo-tune.
            NoMlflow: MLflow is not installed, cannot use the storage, or has another experiment of this name.
        """
        from tuner.api.interchange import write_mlflow

        with self.reading() as store:
            yield from write_mlflow(store, find(store, names), uri)


def open_database(url: str | Path = DEFAULT_DATABASE) -> Database:
    """Return a database of studies. It is neither read nor created yet.

    Args:
        url: A file name, "sqlite:///FILE", or "postgresql://USER@HOST:PORT/DATABASE".

    Raises:
        BadUrl: The URL is none of these.

    Example:
        >>> database = tuner.open_database("lodo-tune.db")
        >>> database
        Database('sqlite:///lodo-tune.db')
        >>> [run.name for run in database.runs()]
        ['first', 'second']
    """
    return Database(url)

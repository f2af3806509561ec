"""A study, which the API returns: a frozen value; results are read on access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.api.database import Database
from tuner.api.reading import (
    candidates_of,
    detailed_summary_of,
    summary_of,
)
from tuner.api.trials import trials_frame
from tuner.core.candidate_names import key_of
from tuner.core.errors import InvalidRequest
from tuner.core.study import CandidateRecord, StudyRecord, StudySpec
from tuner.core.trial import Key, Role, Status
from tuner.results.analysis.margins import judged

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from tuner.results.analysis.summary import Summary


@dataclass(frozen=True, slots=True)
class Study:
    """One study: the search of one optimizer, or its part of a comparison.

    Attributes:
        database: Database of the study.
        record: Record of the study at the time when it was read.
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
    def seed(self) -> int:
        """Seed of its search; of a part of a comparison, that of its first run."""
        return self.record.spec.seed

    @property
    def spec(self) -> StudySpec:
        """Specification of the study, which determines its outcome."""
        return self.record.spec

    @property
    def status(self) -> str:
        """Status of the study: "running", "interrupted", "stopped" or "complete"."""
        return self.record.status

    @property
    def tuned(self) -> dict[str, Any] | None:
        """The tuned hyperparameters; None until the search is complete, and if no individual finished."""
        tuned = self.record.tuned
        return None if tuned is None or not self.record.counts[Status.FINISHED] else dict(tuned)

    def trials(self) -> pd.DataFrame:
        """Return a DataFrame with a row per candidate; see `Run.trials`."""
        return trials_frame(self._candidates())

    def curve(
        self, generation: int, slot: int, role: str | None = None, *, task: str | None = None
    ) -> npt.NDArray[Any]:
        """Return the losses of a candidate, one per gradient evaluation.

        Args:
            generation: Its generation, or the number of its point in a comparison.
            slot: Its place in the generation.
            role: "search", "default", "tuned" or "comparison". Default: "search", or "comparison".
            task: The task, of a search on several. Default: the first.

        Raises:
            InvalidRequest: The study is not on such a task.
            UnknownCandidate: There is no such candidate.
        """
        names = [workload.task_label for workload in self.record.spec.workloads]
        if task is not None and task not in names:
            raise InvalidRequest("task", f"is one of {', '.join(names)}", task)
        stored = generation * len(names) + (0 if task is None else names.index(task))
        key = Key(self.record.spec.kind if role is None else Role(role), stored, slot)
        with self.database.reading() as store:
            return store.curve(self.record.id, key)

    def output(self, candidate: str) -> str:
        """Return what the training function of a candidate printed in its last attempt.

        It is at most 64 kB: of more, the beginning and the end. "" if it printed nothing or is not final.

        Args:
            candidate: "g03/s07", or "default/0" or "tuned/0" of those on fresh seeds.

        Raises:
            InvalidRequest: It has another form.
            UnknownCandidate: There is no such candidate.
        """
        with self.database.reading() as store:
            return store.output(self.record.id, key_of(candidate))

    def reports(self, candidate: str) -> pd.DataFrame:
        """Return what the training function of a candidate reported: a DataFrame with a row per report.

        Its columns are step, seconds since the start, and the reported numbers.

        Args:
            candidate: See `output`.

        Raises:
            InvalidRequest: It has another form.
            UnknownCandidate: There is no such candidate.
        """
        import pandas as pd

        with self.database.reading() as store:
            found = store.series(self.record.id, key_of(candidate)).get("validation")
        if found is None:
            return pd.DataFrame({"step": [], "seconds": []})
        return pd.DataFrame({"step": found.evaluations.astype(int), "seconds": found.seconds, **found.metrics})

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

    def summary(self) -> Summary:
        """Return the summary of the search: fitnesses, verdict and costs, and of each hyperparameter where it ended.

        `hyperparameters` has an entry per hyperparameter: `distance` of tuned from default in units of the search's
        first σ, `bound` ("low", "high" or ""), and `tolerance` (`low`, `high`, `note`), the values for which a model of
        the search predicts a result within 5 % of the best. `search_cost`, `diverged_cost`, `failed_cost` and
        `timed_out_cost` have the gradient evaluations and seconds of the search, and of what did not finish.

        Raises:
            InvalidRequest: The study is part of a comparison.
        """
        if not self.record.is_search:
            raise InvalidRequest("study", f": {self.name} is a comparison, which has no tuned point")
        with self.database.reading() as store:
            others = [record for record in store.find(self.run) if record.is_search and record.id != self.record.id]
            own, *_ = judged([detailed_summary_of(store, self.record), *(summary_of(store, one) for one in others)])
            return own

    def details(self, format: str = "text") -> str:
        """Return the record of the study, without candidates and curves.

        Args:
            format: "text" or "json".

        Raises:
            ValueError: There is no such format.
        """
        from tuner.results.tables import show

        with self.database.reading() as store:
            if self.record.is_search:
                return show.render_search(self.record, candidates_of(store, self.record), format)
            return show.render_comparison(self.record, store.seed_runs(self.record.id), format)

    def _candidates(self) -> list[tuple[StudyRecord, CandidateRecord]]:
        with self.database.reading() as store:
            return [(self.record, candidate) for candidate in candidates_of(store, self.record)]

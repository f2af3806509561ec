"""Several searches for one optimizer in figures that show one: the median one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Role
from tuner.results.analysis.generations import Searches
from tuner.results.analysis.summary import fresh_runs

TITLE = ", median search of each optimizer"
"""Behind the name of the run in the title of such a figure."""

ONE_OF_MANY: Mapping[str, Any] = MappingProxyType({"color": "0.6", "lw": 0.6, "zorder": 1})
"""Look of the tuned value of another search."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The searches that a figure shows.

    Attributes:
        studies: One search per optimizer: the only one, or the one whose tuned point is the median on fresh seeds.
        tuned: By optimizer, the tuned hyperparameters of its other searches.
    """

    studies: Searches
    tuned: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=lambda: MappingProxyType({}))

    def others(self, study: StudyRecord) -> tuple[Mapping[str, Any], ...]:
        """Return the tuned hyperparameters of the other searches of a study's optimizer."""
        return self.tuned.get(study.spec.workload.optimizer, ())


def by_optimizer(studies: Searches) -> list[Searches]:
    """Return the searches of a run by optimizer; those of several runs, and those without others, one by one."""
    if len({study.spec.run for study, _ in studies}) > 1 or not all(study.search.is_repeated for study, _ in studies):
        return [[one] for one in studies]
    found: dict[str, list[tuple[StudyRecord, Any]]] = {}
    for one in studies:
        found.setdefault(one[0].spec.workload.optimizer, []).append(one)
    return list(found.values())


def medians(studies: Searches) -> Shown:
    """Return the median search of each optimizer, of an even number the better one."""
    groups = by_optimizer(studies)
    if all(len(group) == 1 for group in groups):
        return Shown(studies)
    shown, tuned = [], {}
    for group in groups:
        ended = sorted((one for one in group if _rank(*one) is not None), key=lambda one: _rank(*one) or ())
        study, candidates = ended[(len(ended) - 1) // 2] if ended else group[0]
        title = replace(study.spec, run=f"{study.spec.run}{TITLE}")  # figures have the name of the run in their titles
        shown.append((replace(study, spec=title), candidates))
        tuned[study.spec.workload.optimizer] = tuple(
            other.tuned for other, _ in group if other is not study and other.tuned is not None
        )
    return Shown(shown, MappingProxyType(tuned))


def _rank(study: StudyRecord, candidates: Any) -> tuple[float, ...] | None:
    runs: list[CandidateRecord] = [one for one in candidates if one.key.role is Role.TUNED]
    found = fresh_runs(runs, study.search)
    return None if found.mean is None else found.rank(study.spec.workload.objective)

"""What a figure is: a name for its file, a title and a caption for people, and the function that draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from tuner.core.study import CandidateRecord, StudyRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Of = TypeVar("Of")
Searches = Sequence[tuple[StudyRecord, Sequence[CandidateRecord]]]  # of one run, each with all of its candidates


@dataclass(frozen=True, slots=True)
class Kind(Generic[Of]):
    """One kind of figure. What it draws is frozen values: nothing is read from a database on the way."""

    name: str  # of its file, without the ending
    title: str
    caption: str  # what is seen, in a sentence or two
    draw: Callable[[Of], Figure | None]  # None where there is nothing to draw

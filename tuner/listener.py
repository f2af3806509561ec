"""What a study tells while it runs, to whoever shows it to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tuner.candidate import Event, Key, Status
from tuner.records import StudyRecord


class Listener(Protocol):
    """Hears of a study's course; must not raise, and decides nothing."""

    def study_began(self, study: StudyRecord) -> None:
        """A study begins, or goes on."""
        ...

    def batch_began(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Candidates are about to be trained; recorded ones among them are told by `known` next.

        Args:
            name: "generation 3" or "fresh seeds".
            budget: Gradient evaluations a candidate.
            keys: All candidates of it, in slot order.
        """
        ...

    def known(self, key: Key, status: Status, fitness: float) -> None:
        """This candidate's result is on record already."""
        ...

    def happened(self, event: Event) -> None:
        """Something happened to candidates that run; an `Evaluation` was recorded before it is told."""
        ...

    def remarked(self, text: str) -> None:
        """The strategy has something to say."""
        ...

    def study_ended(self, study: StudyRecord) -> None:
        """A study is complete."""
        ...


class Silence:
    """A listener that says nothing."""

    def study_began(self, study: StudyRecord) -> None:
        """Say nothing."""

    def batch_began(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Say nothing."""

    def known(self, key: Key, status: Status, fitness: float) -> None:
        """Say nothing."""

    def happened(self, event: Event) -> None:
        """Say nothing."""

    def remarked(self, text: str) -> None:
        """Say nothing."""

    def study_ended(self, study: StudyRecord) -> None:
        """Say nothing."""

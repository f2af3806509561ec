"""What a study tells while it runs, to whoever shows it to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tuner.core.study import StudyRecord
from tuner.core.trial import Event, Key, Status


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


class All:
    """A listener that passes everything on to several, in the order in which they were given."""

    def __init__(self, *listeners: Listener) -> None:
        """Make it of the listeners."""
        self._listeners = listeners

    def study_began(self, study: StudyRecord) -> None:
        """Pass it on."""
        for listener in self._listeners:
            listener.study_began(study)

    def batch_began(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Pass it on."""
        for listener in self._listeners:
            listener.batch_began(name, budget, keys)

    def known(self, key: Key, status: Status, fitness: float) -> None:
        """Pass it on."""
        for listener in self._listeners:
            listener.known(key, status, fitness)

    def happened(self, event: Event) -> None:
        """Pass it on."""
        for listener in self._listeners:
            listener.happened(event)

    def remarked(self, text: str) -> None:
        """Pass it on."""
        for listener in self._listeners:
            listener.remarked(text)

    def study_ended(self, study: StudyRecord) -> None:
        """Pass it on."""
        for listener in self._listeners:
            listener.study_ended(study)

"""Callbacks: receivers of the events of a running study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tuner.core.events import Event
from tuner.core.study import StudyRecord
from tuner.core.trial import Key, Status


class Callback(Protocol):
    """Receives the events of a study; each method does nothing by default.

    A callback must not raise, and does not influence the study.
    """

    def study_began(self, study: StudyRecord) -> None:
        """Handle the start of a study, or its resumption."""

    def batch_began(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Handle the start of a batch; `known` is called next for each of its candidates that is already recorded.

        Args:
            name: Text for display: "generation 3" or "fresh seeds".
            budget: Gradient evaluations per candidate.
            keys: All candidates of the batch, in slot order.
        """

    def known(self, key: Key, status: Status, fitness: float) -> None:
        """Handle a result that was recorded before."""

    def happened(self, event: Event) -> None:
        """Handle an event of a candidate that is being trained; an `Evaluation` has been recorded before."""

    def remarked(self, text: str) -> None:
        """Handle a remark of the strategy."""

    def study_ended(self, study: StudyRecord) -> None:
        """Handle the completion of a study."""


class NoCallback(Callback):
    """Ignores every event."""


class CallbackList(Callback):
    """Passes every event on to several callbacks, in the order in which they were given."""

    def __init__(self, *callbacks: Callback) -> None:
        self._callbacks = callbacks

    def study_began(self, study: StudyRecord) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.study_began(study)

    def batch_began(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.batch_began(name, budget, keys)

    def known(self, key: Key, status: Status, fitness: float) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.known(key, status, fitness)

    def happened(self, event: Event) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.happened(event)

    def remarked(self, text: str) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.remarked(text)

    def study_ended(self, study: StudyRecord) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.study_ended(study)

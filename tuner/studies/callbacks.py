"""Callbacks: receivers of the events of a running study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tuner.core.events import Event
from tuner.core.study import StudyRecord
from tuner.core.trial import Key, Status


class Callback(Protocol):
    """Receives the events of a study; each method does nothing by default.

    A callback must not raise an error, and cannot influence the study.
    """

    def on_study_begin(self, study: StudyRecord) -> None:
        """Handle the start of a study, or its resumption."""

    def on_batch_begin(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """Handle the start of a batch; `on_recorded_result` follows for each candidate that is already recorded.

        Args:
            name: Text for display: "generation 3" or "fresh seeds".
            budget: Gradient evaluations per candidate.
            keys: All candidates of the batch, in slot order.
        """

    def on_recorded_result(self, key: Key, status: Status, fitness: float) -> None:
        """Handle a result that was recorded before the study was resumed."""

    def on_event(self, event: Event) -> None:
        """Handle an event of a candidate that is being trained; an `Evaluation` is in the database already."""

    def on_remark(self, text: str) -> None:
        """Handle a remark of the strategy, or on what is measured before a batch."""

    def on_study_end(self, study: StudyRecord) -> None:
        """Handle the completion of a study."""


class NoCallback(Callback):
    """Ignores every event."""


class CallbackList(Callback):
    """Passes every event to several callbacks, in the order given."""

    def __init__(self, *callbacks: Callback) -> None:
        self._callbacks = callbacks

    def on_study_begin(self, study: StudyRecord) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.on_study_begin(study)

    def on_batch_begin(self, name: str, budget: int, keys: Sequence[Key]) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.on_batch_begin(name, budget, keys)

    def on_recorded_result(self, key: Key, status: Status, fitness: float) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.on_recorded_result(key, status, fitness)

    def on_event(self, event: Event) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.on_event(event)

    def on_remark(self, text: str) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.on_remark(text)

    def on_study_end(self, study: StudyRecord) -> None:
        """See `Callback`."""
        for callback in self._callbacks:
            callback.on_study_end(study)

"""The value that is exported: a tuned configuration with its provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class NotExported(ValueError):  # noqa: N818 (states what happened)
    """A study's configuration cannot be exported, or not in this format. The text is one line.

    Attributes:
        exit_code: 2 where another format is possible, 1 where the study has nothing to export.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Configuration:
    """The tuned configuration of a study, which every format takes."""

    optimizer: str
    hyperparameters: Mapping[str, Any]
    steps: int  # budget of the last generation, in gradient evaluations
    provenance: Mapping[str, Any]  # enough to run the study again; JSON-able
    place: str | None = None  # where the class of a user's own optimizer is
    registered: str | None = None  # the name under which Keras finds this class

"""What is exported, a configuration with its provenance; and how another library says it, a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class NotExported(ValueError):  # noqa: N818 (what is the case)
    """A study's configuration cannot be had, or not in this format. The text is one line.

    Attributes:
        exit_code: 2 where another format would do, 1 where the study has nothing to export.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Configuration:
    """The tuned configuration of a study, as every format gets it."""

    optimizer: str
    hyperparameters: Mapping[str, float]
    steps: int  # budget of the last generation, in gradient evaluations
    provenance: Mapping[str, Any]  # enough to run the study again; JSON-able


@dataclass(frozen=True, slots=True)
class Call:
    """A class or function of a library with keyword arguments, and in what it differs from what was tuned."""

    target: str  # "torch.optim.Adam"
    arguments: Mapping[str, Any]  # numbers, truth values, lists of numbers, or calls
    warnings: tuple[str, ...] = ()  # nothing: it takes the same steps, but for rounding


def spelled(call: Call, spell: Callable[[str, dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return a call as a mapping, and those among its arguments likewise.

    Args:
        call: What to write down.
        spell: Takes a target and its arguments, and returns the mapping.
    """
    arguments = {
        name: spelled(value, spell) if isinstance(value, Call) else value for name, value in call.arguments.items()
    }
    return spell(call.target, arguments)

"""Models of request bodies, which are validated before any other code reads them.

A request is data. It names no file, module, address, environment variable, database or folder.
"""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

from tuner.api.comparison_submission import KIND
from tuner.api.submission import MAX_FRESH_SEEDS, MAX_SEARCHES, MIN_GIGABYTES
from tuner.core.requests import FREE_FIELDS

MAX_SPACE = 64 * 1024  # characters of a search space, or of an exported configuration
MAX_SPACES = 32

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_WORD = r"^[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=_NAME)]
OptimizerName = Annotated[str, StringConstraints(pattern=r"^(keras:)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Word = Annotated[str, StringConstraints(pattern=_WORD)]
Steps = Annotated[int, Field(ge=1, le=10**9)]
Sigma = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]


def _list(value: Any) -> Any:
    """Return one value as a list; a list and None stay as they are."""
    return value if value is None or isinstance(value, list) else [value]


def _space(value: Any) -> str:
    """Return the text of a search space or configuration, also of one given as JSON, which YAML includes."""
    text = json.dumps(value) if isinstance(value, dict) else value
    if not isinstance(text, str) or not 0 < len(text) <= MAX_SPACE or "\x00" in text:
        raise ValueError(f"is YAML text or a JSON object of 1 to {MAX_SPACE:,} characters")
    return text


def _option(value: Any) -> Any:
    """Return the value of a task's option."""
    is_number = isinstance(value, int | float) and math.isfinite(value)
    if not is_number and not (isinstance(value, str) and re.fullmatch(_WORD, value)):
        raise ValueError("is a number, true, false, or a word of letters, digits, '.', '_', '+' and '-'")
    return value


Space = Annotated[str, BeforeValidator(_space)]
OptimizerNames = Annotated[list[OptimizerName], Field(min_length=1, max_length=64)]
_SCHEDULE = Field(min_length=1, max_length=10_000)
Option = Annotated[bool | int | float | str, BeforeValidator(_option)]


class _RunForm(BaseModel):
    """What every run takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    precision: Word | None = None
    options: Annotated[dict[Word, Option], Field(max_length=64)] = Field(
        {}, description="keyword arguments of the task: numbers, true, false, or words"
    )
    timeout: Annotated[float | None, Field(gt=0, le=1e8, allow_inf_nan=False)] = None
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    is_private: bool = Field(False, description="whether the run is hidden from other users")
    weight: Annotated[float, Field(ge=0.01, le=100)] = Field(
        1.0, description="share of the workers among the runs of the same user"
    )

    @field_validator("sigma", "seconds", "timeout", "memory_per_candidate", "weight", mode="before", check_fields=False)
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        """Take whole numbers where numbers are accepted."""

        def number(one: Any) -> Any:
            return float(one) if isinstance(one, int) and not isinstance(one, bool) else one

        return [number(one) for one in value] if isinstance(value, list) else number(value)


class RunForm(_RunForm):
    """A run of searches, as `tuner.tune` takes it."""

    task: Annotated[list[Name], BeforeValidator(_list), Field(min_length=1, max_length=16)] = Field(
        description="name of a task of the catalogue, or several"
    )
    optimizers: Annotated[OptimizerNames | None, BeforeValidator(_list)] = Field(
        None, description="names of optimizers of the catalogue; null: those of the task"
    )
    preset: Word = "paper"
    strategy: Word | None = None
    generations: Annotated[int | None, Field(ge=1, le=10_000)] = None
    population: Annotated[int | None, Field(ge=1, le=10_000)] = None
    steps: Annotated[Annotated[list[Steps], _SCHEDULE] | None, BeforeValidator(_list)] = Field(
        None, description="gradient evaluations of a candidate: one number, or one per generation"
    )
    sigma: Annotated[Annotated[list[Sigma], _SCHEDULE] | None, BeforeValidator(_list)] = None
    budget: Annotated[int | None, Field(ge=1, le=10**15)] = None
    objective: Annotated[str | None, StringConstraints(max_length=200)] = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    fresh_seeds: Annotated[int | None, Field(ge=1, le=MAX_FRESH_SEEDS)] = Field(
        None, description="seeds on which the defaults and the tuned point are trained at the end; null: the preset's"
    )
    search_seeds: Annotated[int, Field(ge=1, le=MAX_SEARCHES)] = Field(
        1, description="searches of each optimizer, with the seeds seed, seed + 1, …"
    )
    search_spaces: Annotated[list[Space], Field(max_length=MAX_SPACES)] = Field(
        [], description="search spaces as YAML text or as JSON, one per optimizer"
    )
    memory_per_candidate: Annotated[float | None, Field(ge=MIN_GIGABYTES, le=1e6, allow_inf_nan=False)] = Field(
        None, description="gigabytes that a candidate of a training function may take; null: no limit"
    )

    def fields(self) -> dict[str, Any]:
        """Return the specification of the run, as it is stored and compared."""
        # Without a limit it is as it was stored before there was one.
        unused = {"memory_per_candidate"} if self.memory_per_candidate is None else set()
        return self.model_dump(exclude={*FREE_FIELDS, *unused})


class ComparisonForm(_RunForm):
    """A comparison of tuned optimizers, as `tuner.compare` takes it."""

    task: Annotated[list[Name], BeforeValidator(_list), Field(min_length=1, max_length=1)] = Field(
        description="name of a task of the catalogue"
    )
    search: Name | None = Field(None, description="run whose tuned hyperparameters are compared; null with `defaults`")
    optimizers: Annotated[OptimizerNames | None, BeforeValidator(_list)] = Field(
        None, description="names of optimizers of the catalogue; null: those of the search, or of the task"
    )
    defaults: bool = Field(False, description="whether the default hyperparameters are compared instead")
    configs: Annotated[list[Space], Field(max_length=MAX_SPACES)] = Field(
        [],
        description="exported configurations as YAML text or as JSON, one per optimizer, whose hyperparameters are "
        "compared instead",
    )
    halve_learning_rate: bool = False
    sweep: Word | None = None
    objective: Annotated[str | None, StringConstraints(max_length=200)] = None
    seeds: Annotated[int, Field(ge=1, le=10_000)] = 8
    steps: Annotated[int | None, Field(ge=1, le=10**9)] = None
    seconds: Annotated[float | None, Field(gt=0, le=1e8, allow_inf_nan=False)] = None
    validate_every: Annotated[int | None, Field(ge=1, le=10**9)] = None
    test_examples: Annotated[int | None, Field(ge=1, le=10**9)] = None
    accept_changes: bool = Field(False, description="whether the task's code or data may differ from the search's")

    def fields(self) -> dict[str, Any]:
        """Return the specification of the run, as it is stored and compared."""
        # Without configurations it is as it was stored before there were any.
        unused = set() if self.configs else {"configs"}
        return {"kind": KIND, **self.model_dump(exclude={*FREE_FIELDS, *unused})}


class TokenForm(BaseModel):
    """A new token."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user: UserName = Field(description="whose token it is")
    scope: Annotated[str, StringConstraints(pattern="^(read|submit|operate|admin)$")] = Field(
        "submit", description="what it permits; each scope includes those before it: read, submit, operate, admin"
    )
    days: Annotated[float | None, Field(gt=0, le=3650, allow_inf_nan=False)] = Field(
        None, description="days until it expires; null: no expiry"
    )
    weight: Annotated[float, Field(ge=0.01, le=100)] = Field(
        1.0, description="share of the user in the division of the workers"
    )
    note: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""

    @field_validator("days", "weight", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        """Take whole numbers."""
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def differences(stored: dict[str, Any], received: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields in which two specifications differ, with both values."""
    return {
        name: {"stored": stored.get(name), "received": received.get(name)}
        for name in sorted({*stored, *received})
        if stored.get(name) != received.get(name)
    }

"""The values that forms of runs and comparisons show, and what they send."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.api.comparison_submission import SWEEPS
from tuner.api.submission import Catalogue, optimizer_facts, task_facts
from tuner.core.errors import InvalidRequest
from tuner.service.forms import ComparisonForm, RunForm
from tuner.service.pages import commands, words
from tuner.service.reading import Reading
from tuner.service.submitting import Validated
from tuner.storage import UnknownStudy

Sent = Mapping[str, Sequence[str]]

MAX_SEARCHES_SHOWN = 100
"""Searches that the form of a comparison suggests, the newest; others are named."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form with one value each, and what their text is; the others are `task` and lists.

    Attributes:
        texts: Fields of words.
        whole: Fields of whole numbers.
        numbers: Fields of numbers.
        lists: Fields of one number or several with commas, and the type of each.
        switches: Fields that are ticked.
    """

    texts: tuple[str, ...]
    whole: tuple[str, ...]
    numbers: tuple[str, ...]
    lists: Mapping[str, type[int] | type[float]]
    switches: tuple[str, ...]


OF_RUN = Fields(
    ("preset", "strategy", "objective", "precision"),
    ("generations", "population", "budget", "seed", "fresh_seeds", "search_seeds", "max_attempts"),
    ("timeout", "memory_per_candidate", "weight"),
    {"steps": int, "sigma": float},
    ("is_private",),
)
OF_COMPARISON = Fields(
    ("search", "sweep", "objective", "precision"),
    ("seeds", "steps", "validate_every", "test_examples", "max_attempts"),
    ("seconds", "timeout", "weight"),
    {},
    ("defaults", "halve_learning_rate", "accept_changes", "is_private"),
)


def body_of(form: Sent, fields: Fields = OF_RUN) -> dict[str, Any]:
    """Return the JSON of a request that a page's form has sent; what is left empty is left to its default.

    Text that is no number where one is expected stays text, so that the validation names the field.

    Args:
        form: The fields of the form, as they were sent.
        fields: What the texts are. Default: those of a new run.
    """
    body: dict[str, Any] = {}
    for field in (*fields.texts, *fields.whole, *fields.numbers, *fields.lists):
        text = form.get(field, [""])[0].strip()
        if not text:
            continue
        if field in fields.lists:
            body[field] = [_number(part.strip(), fields.lists[field]) for part in text.split(",")]
        elif field in fields.texts:
            body[field] = text
        else:
            body[field] = _number(text, int if field in fields.whole else float)
    body["task"] = [name for name in form.get("task", ()) if name]
    if optimizers := list(form.get("optimizers", ())):
        body["optimizers"] = optimizers
    if options := form.get("options", [""])[0].strip():
        body["options"] = dict(map(_option, options.splitlines()))
    for field in ("search_spaces", "configs"):
        if given := [text for text in form.get(field, ()) if text.strip()]:
            body[field] = given
    return body | {field: True for field in fields.switches if form.get(field)}


def comparison_body(reader: Reading, form: Sent) -> dict[str, Any]:
    """Return the JSON of a request for a comparison: on the task of the search where none is chosen.

    Raises:
        InvalidRequest: No task is chosen, and there is no such search, or it is on several.
    """
    body = body_of(form, OF_COMPARISON)
    if not body["task"]:
        if "search" not in body:
            raise InvalidRequest("task", ": choose one, or a search")
        try:
            task = reader.run(body["search"])[0].spec.task
        except UnknownStudy as error:
            raise InvalidRequest("search", f": {error}") from None
        if "," in task:
            raise InvalidRequest("task", f": choose one; the search is on several ({task.replace(',', ', ')})")
        body["task"] = [task]
    return body


def _number(text: str, kind: type[int] | type[float]) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text


def _option(line: str) -> tuple[str, Any]:
    name, _, text = line.partition("=")
    text = text.strip()
    if text in ("true", "false"):
        return name.strip(), text == "true"
    is_number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text)
    value = _number(text, int if text.lstrip("+-").isdigit() else float) if is_number else text
    return name.strip(), value


def new_run(catalogue: Catalogue, form: Sent, found: Validated | None, name: str) -> dict[str, Any]:
    """Return the form of a new run, with what was entered, what is wrong with it, or what it costs."""
    values = _form(catalogue, form, found, name, RunForm)
    presets = list(dict.fromkeys(preset for one in values["tasks"] for preset in one["presets"]))
    return {**values, "strategies": catalogue.strategies, "presets": presets}


def new_comparison(
    reader: Reading, catalogue: Catalogue, form: Sent, found: Validated | None, name: str
) -> dict[str, Any]:
    """Return the form of a new comparison, likewise, with the newest searches that have tuned hyperparameters."""
    page, _ = reader.runs(limit=MAX_SEARCHES_SHOWN)
    searches = [records[0].spec.run for records in page.rows if any(one.is_search and one.tuned for one in records)]
    return {**_form(catalogue, form, found, name, ComparisonForm), "searches": searches, "sweeps": list(SWEEPS)}


def _form(
    catalogue: Catalogue, form: Sent, found: Validated | None, name: str, kind: type[RunForm | ComparisonForm]
) -> dict[str, Any]:
    """Return what both forms show."""
    errors: dict[str, str] = {}
    for error in () if found is None else found.errors:
        errors.setdefault(error["field"], error["message"])
    shown = {"name", *kind.model_fields}  # fields beside which an error is shown
    tasks = task_facts(catalogue)
    return {
        "tasks": tasks,
        "optimizers": optimizer_facts(catalogue),
        "precisions": list(dict.fromkeys(each for one in tasks for each in one["precisions"])),
        "entered": {field: values[0] for field, values in form.items() if values},
        "chosen_tasks": list(form.get("task", ())),
        "chosen_optimizers": list(form.get("optimizers", ())),
        "errors": errors,
        "elsewhere": {field: text for field, text in errors.items() if field not in shown},
        "plan": None if found is None or found.preview is None else _plan(found, name),
    }


def _plan(found: Validated, name: str) -> dict[str, Any]:
    assert found.preview is not None  # noqa: S101 - the caller has looked
    assert found.form is not None  # noqa: S101 - a preview has a form
    fields = found.form.fields()
    return {
        "is_comparison": isinstance(found.form, ComparisonForm),
        "seconds": fields.get("seconds"),
        "cost": found.preview.cost,
        "resolved": found.preview.resolved,
        "remarks": found.preview.remarks,
        "training": words.lasting(found.training_seconds),
        "wait": "at once" if found.expected_in == 0 else words.lasting(found.expected_in),
        "command": commands.tune_command(name or found.preview.base, fields),
        "call": commands.tune_call(name or found.preview.base, fields),
    }

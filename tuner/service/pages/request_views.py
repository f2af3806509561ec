"""The values that the pages of requests show.

They are the form of a new run, the queue, and the verbs of a run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tuner.api.submission import Catalogue, optimizer_facts, task_facts
from tuner.core.requests import Desired, RequestRecord, State
from tuner.results.tables.listing import moment
from tuner.service.pages import commands, words
from tuner.service.reading import Reading
from tuner.service.submitting import POSSIBLE, Validated

VERB_WORDS = {
    "pause": "Pause",
    "resume": "Resume",
    "stop": "Stop after running candidates",
    "cancel": "Cancel now",
    "retry-failed": "Try again now",
}
WHOLE = ("generations", "population", "budget", "seed", "fresh_seeds", "search_seeds", "max_attempts")
NUMBERS = ("timeout", "weight")
LISTS = {"steps": int, "sigma": float}


def steering(reader: Reading, request: RequestRecord) -> dict[str, Any]:
    """Return what the page of a run shows of its request."""
    possible = POSSIBLE.get(request.state, ()) if reader.may_steer(request) else ()
    verbs = [(verb, VERB_WORDS[verb]) for verb in possible if _has_effect(verb, request)]
    return {
        "asked": request,
        "waiting": request_line(request)["waiting"],
        "verbs": verbs,
        "command": commands.tune_command(request.run, request.fields),
        "call": commands.tune_call(request.run, request.fields),
    }


def _has_effect(verb: str, request: RequestRecord) -> bool:
    """Return whether a verb that is possible would change something."""
    if verb == "retry-failed":
        return request.state is State.FAILED or request.failures > 0
    wanted = Desired.RUN if verb == "resume" else Desired(verb)
    return request.desired is not wanted or request.state in (State.PAUSED, State.FAILED)


def request_line(request: RequestRecord) -> dict[str, Any]:
    """Return a request in a list."""
    return {
        "request": request,
        "task": ", ".join(request.fields["task"]),
        "submitted": moment(request.created_at),
        "waiting": _waiting(request),
        "wanted": "" if request.desired is Desired.RUN or request.state.is_ended else request.desired.value,
    }


def _waiting(request: RequestRecord) -> str:
    """Return when a request that waits is expected to start; "" of one that does not wait."""
    if request.state is not State.QUEUED:
        return ""
    if request.waits:
        return f"tried again in about {words.lasting(request.waits)}"
    if request.expected_in is None:
        return "when it starts is not known yet: nothing was measured on a task that is trained before it"
    passed = (datetime.now(UTC) - datetime.fromisoformat(request.changed_at)).total_seconds()
    return f"expected to start in about {words.lasting(max(0.0, request.expected_in - passed))}"


def queue(reader: Reading, workers: int) -> dict[str, Any]:
    """Return the queue: what trains, what waits and why, and what needs attention."""
    requests = reader.queue()
    groups: dict[str, list[dict[str, Any]]] = {"Training": [], "Waiting": [], "Paused": [], "Failed": []}
    places = {State.QUEUED: "Waiting", State.PAUSED: "Paused", State.FAILED: "Failed"}
    for one in requests:
        groups[places.get(one.state, "Training")].append(request_line(one))
    used: dict[str, int] = {}
    for one in requests:
        used[one.submitted_by] = used.get(one.submitted_by, 0) + one.using
    return {
        "groups": {title: lines for title, lines in groups.items() if lines},
        "workers": workers,
        "used": sum(used.values()),
        "by_user": sorted(used.items()),
    }


def body_of(form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the JSON of a request that a page's form has sent; what is left empty is left to its default.

    Text that is no number where one is expected stays text, so that the validation names the field.
    """
    body: dict[str, Any] = {}
    single = ("preset", "strategy", "objective", "precision")
    for field in (*single, *WHOLE, *NUMBERS, *LISTS):
        text = form.get(field, [""])[0].strip()
        if not text:
            continue
        if field in LISTS:
            body[field] = [_number(part.strip(), LISTS[field]) for part in text.split(",")]
        elif field in WHOLE or field in NUMBERS:
            body[field] = _number(text, int if field in WHOLE else float)
        else:
            body[field] = text
    body["task"] = [name for name in form.get("task", ()) if name]
    if optimizers := list(form.get("optimizers", ())):
        body["optimizers"] = optimizers
    if options := form.get("options", [""])[0].strip():
        body["options"] = dict(map(_option, options.splitlines()))
    if spaces := [text for text in form.get("search_spaces", ()) if text.strip()]:
        body["search_spaces"] = spaces
    if form.get("is_private"):
        body["is_private"] = True
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


def new_run(
    catalogue: Catalogue, form: Mapping[str, Sequence[str]], found: Validated | None, name: str
) -> dict[str, Any]:
    """Return the form of a new run, with what was entered, what is wrong with it, or what it costs."""
    errors: dict[str, str] = {}
    for error in () if found is None else found.errors:
        errors.setdefault(error["field"], error["message"])
    chosen = list(form.get("task", ()))
    facts = task_facts(catalogue)
    return {
        "tasks": facts,
        "optimizers": optimizer_facts(catalogue),
        "strategies": catalogue.strategies,
        "presets": list(dict.fromkeys(preset for one in facts for preset in one["presets"])),
        "precisions": list(dict.fromkeys(each for one in facts for each in one["precisions"])),
        "entered": {field: values[0] for field, values in form.items() if values},
        "chosen_tasks": chosen,
        "chosen_optimizers": list(form.get("optimizers", ())),
        "errors": errors,
        "elsewhere": {field: text for field, text in errors.items() if field not in SHOWN},
        "plan": None if found is None or found.preview is None else _plan(found, name),
    }


SHOWN = (
    "name", "task", "optimizers", "preset", "strategy", "generations", "population", "steps", "budget", "objective",
    "seed", "fresh_seeds", "search_seeds", "precision", "options", "search_spaces", "weight", "timeout", "sigma",
    "max_attempts",
)  # fmt: skip
"""Fields of the form beside which an error is shown."""


def _plan(found: Validated, name: str) -> dict[str, Any]:
    assert found.preview is not None  # noqa: S101 - the caller has looked
    assert found.form is not None  # noqa: S101 - a preview has a form
    fields = found.form.fields()
    return {
        "cost": found.preview.cost,
        "resolved": found.preview.resolved,
        "remarks": found.preview.remarks,
        "training": words.lasting(found.training_seconds),
        "wait": "at once" if found.expected_in == 0 else words.lasting(found.expected_in),
        "command": commands.tune_command(name or found.preview.base, fields),
        "call": commands.tune_call(name or found.preview.base, fields),
    }

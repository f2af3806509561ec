"""The objective as text: what `objective` of a request accepts.

training-loss[:last=SHARE]
validation.METRIC[:end | :best | :last=SHARE][:min | :max][:every=N]
evaluations-to:METRIC<=TARGET[:over=SHARE][:every=N], with >= for what rises; likewise seconds-to
parameters and seconds-per-step, after another
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

from tuner.core.errors import InvalidRequest
from tuner.core.objective import COSTS, DIRECTIONS, RUNNING_SHARE, TRAINING, Objective, default_direction
from tuner.core.text import nearest

ACCEPTED = f"{TRAINING}, validation.METRIC, evaluations-to:METRIC<=TARGET or seconds-to:METRIC<=TARGET"

_TO = ("evaluations-to", "seconds-to")
_CONDITION = re.compile(r"(?P<metric>[^<>=]+)(?P<goal><=|>=)(?P<target>[^<>=]+)")


def parse_several(text: str) -> Objective:
    """Return the objectives that a text names, separated by commas: the first, which has the others.

    Raises:
        InvalidRequest: One is not an objective, or is named twice.
    """
    words = ("".join(one.split()) for one in str(text).split(","))
    first, *others = (cost(one) if one in COSTS else parse(one) for one in words)
    if first.is_cost:
        _refuse_cost(first.metric, text)
    metrics = [each.metric for each in (first, *others)]
    if len(set(metrics)) < len(metrics):
        raise InvalidRequest("objective", "names different metrics", text)
    return replace(first, further=tuple(others))


def cost(name: str) -> Objective:
    """Return the objective of a cost, one of COSTS."""
    return Objective(name, reduction="end", window=None)


def parse(text: str) -> Objective:
    """Return the objective that a text names; spaces are ignored.

    Raises:
        InvalidRequest: It is not one; the text says which word, and what is accepted.
    """
    head, *words = "".join(str(text).split()).split(":")
    if head in _TO:
        return _to_target(head, words, text)
    if head in COSTS:
        _refuse_cost(head, text)
    if not (head == TRAINING or head.startswith(("validation.", "test"))):
        near = nearest(head, (TRAINING, "validation.loss", "validation.accuracy", *_TO, *COSTS))
        raise InvalidRequest("objective", f"is {ACCEPTED}{near}", text)
    parts: dict[str, Any] = {"metric": head, "direction": default_direction(head)}
    if head != TRAINING:
        parts |= {"reduction": "end", "window": None}
    for word in words:
        name, _, value = word.partition("=")
        if word in DIRECTIONS:
            parts["direction"] = word
        elif word in ("end", "best"):
            parts |= {"reduction": word, "window": None}
        elif name == "last":
            parts |= {"reduction": "mean", "window": _share(name, value, text)}
        elif name == "every":
            parts["every"] = _count(value, text)
        else:
            _refuse(word, "last=SHARE" if head == TRAINING else "end, best, last=SHARE, min, max, every=N", text)
    return Objective(**parts)


def _to_target(reduction: str, words: list[str], text: str) -> Objective:
    found = _CONDITION.fullmatch(words[0]) if words else None
    if found is None:
        raise InvalidRequest("objective", f"takes {reduction}:METRIC<=TARGET, or >= for what rises", text)
    metric = found["metric"]
    parts: dict[str, Any] = {"metric": metric, "goal": found["goal"], "target": _number(found["target"], text)}
    parts["window"] = RUNNING_SHARE if metric == TRAINING else None
    for word in words[1:]:
        name, _, value = word.partition("=")
        if name == "over" and metric == TRAINING:
            parts["window"] = _share(name, value, text)
        elif name == "every":
            parts["every"] = _count(value, text)
        else:
            _refuse(word, "over=SHARE" if metric == TRAINING else "every=N", text)
    return Objective(reduction=reduction, **parts)


def _refuse_cost(name: str, text: str) -> NoReturn:
    accepted = f"names {name} after what is trained for, and without further words, as in {TRAINING},{name}"
    raise InvalidRequest("objective", accepted, text)


def _refuse(word: str, accepted: str, text: str) -> NoReturn:
    raise InvalidRequest("objective", f"has an unknown word {word!r:.40}; accepted are {accepted}", text)


def _read(kind: Callable[[str], Any], value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        return math.nan


def _number(value: str, text: str) -> float:
    number = float(_read(float, value))
    if not math.isfinite(number):
        raise InvalidRequest("objective", "has a finite number as its target", text)
    return number


def _share(name: str, value: str, text: str) -> float:
    share = float(_read(float, value))
    if not 0 < share <= 1:
        raise InvalidRequest("objective", f"takes {name}=SHARE with a share of the budget, above 0 and at most 1", text)
    return share


def _count(value: str, text: str) -> int:
    count = _read(int, value)
    if not count >= 1:
        raise InvalidRequest("objective", "takes every=N with a whole number of gradient evaluations", text)
    return int(count)

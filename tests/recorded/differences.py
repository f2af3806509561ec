"""How what was found differs from what was recorded: exactly on the machine type of the record, loosely elsewhere.

Bits are promised on one machine type alone. Another processor or library rounds otherwise, and what that leads to
depends on the run: nothing where training contracts, a factor of ten per step where it diverges. So elsewhere
- what is not computed from losses must be equal: studies, keys, seeds, budgets, notes, names and lengths of columns;
- genomes and hyperparameters of the first generation and of the defaults must agree to `ROUNDING`: they are drawn, and
  go through a logarithm;
- later genomes depend on ranks, which two nearly equal candidates may exchange. Where they agree all the same, the
  candidate must come to the same end as a recorded one;
- the same end is: the same status, and a fitness within `RELATIVE`. Only of a candidate whose recorded training was
  calm, which is that it finished, with a fitness not above twice its first loss. The others must have ended, however.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

ROUNDING = 1e-12
RELATIVE = {"float64": 1e-6, "float32": 1e-2}
"""By the dtype of the losses, after the few steps recorded here; tests/recorded/__main__.py says how it was found."""

_FINAL = ("finished", "diverged", "failed", "timed_out")
_LABELS = ("study", "candidate")
_MISSING = "(nothing)"


def exact(recorded: Any, found: Any, at: str = "") -> Iterator[str]:
    """Yield each place where two JSON values differ, in order."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in [*recorded, *(key for key in found if key not in recorded)]:
            yield from exact(recorded.get(key, _MISSING), found.get(key, _MISSING), f"{at}{key}: ")
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for number, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from exact(one, other, _entered(at, one, number))
    elif type(recorded) is not type(found) or recorded != found:
        yield f"{at}recorded {_short(recorded)}, found {_short(found)}"


def loose(recorded: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Yield each place where what a run left is not what it may be on another machine, in order."""
    if "printed" in recorded:
        for number, (one, other) in enumerate(zip(recorded["printed"], found["printed"], strict=True)):
            yield from _near(one, other, f"printed {number}: ")
        return
    yield from exact([_fixed(one) for one in recorded["studies"]], [_fixed(one) for one in found["studies"]])
    for one, other in zip(recorded["studies"], found["studies"], strict=False):
        for candidate, candidate_found in zip(one["candidates"], other["candidates"], strict=False):
            yield from _candidate(candidate, candidate_found, f"{one['study']}: {candidate['candidate']}: ")


def _candidate(recorded: dict[str, Any], found: dict[str, Any], at: str) -> Iterator[str]:
    drawn = ("genome", "hyperparameters")
    others = [
        difference for name in drawn for difference in _near(recorded[name], found[name], f"{at}{name}: ", ROUNDING)
    ]
    if others:
        if recorded["candidate"].startswith(("default ", "search 0/")):
            yield from others
    elif _is_calm(recorded):
        if found["status"] != "finished":
            yield f"{at}status: recorded finished, found {found['status']}"
        else:
            relative = RELATIVE[recorded["losses"]["dtype"]]
            fitnesses = (one["evaluation"]["fitness"] for one in (recorded, found))
            yield from _near(*fitnesses, f"{at}evaluation: fitness: ", relative)
            yield from _near(recorded.get("observations"), found.get("observations"), f"{at}observations: ", relative)
    if found["status"] not in _FINAL:
        yield f"{at}status: recorded {recorded['status']}, found {found['status']}"


def _is_calm(candidate: dict[str, Any]) -> bool:
    return (
        candidate["status"] == "finished" and candidate["evaluation"]["fitness"] <= 2 * candidate["losses"]["first"][0]
    )


def _fixed(study: dict[str, Any]) -> dict[str, Any]:
    """Return what of a study is not computed from losses."""
    kept = ("candidate", "seed", "steps")
    candidates = [{name: candidate[name] for name in kept} for candidate in study["candidates"]]
    return {name: study[name] for name in ("study", "seed", "status")} | {"candidates": candidates}


def _near(recorded: Any, found: Any, at: str, relative: float | None = None) -> Iterator[str]:
    """Yield the differences of two JSON values whose numbers with a fraction need only be near; hashes may differ."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        within = relative or RELATIVE.get(recorded.get("dtype", ""))
        for key in [*recorded, *(key for key in found if key not in recorded)]:
            if key != "sha256":
                yield from _near(recorded.get(key, _MISSING), found.get(key, _MISSING), f"{at}{key}: ", within)
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for number, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from _near(one, other, _entered(at, one, number), relative)
    elif isinstance(recorded, float) and isinstance(found, float):
        within = RELATIVE["float32"] if relative is None else relative
        if not math.isclose(recorded, found, rel_tol=within, abs_tol=within * ROUNDING):
            yield f"{at}recorded {recorded!r}, found {found!r}, which is not within {within:g} of it"
    else:
        yield from exact(recorded, found, at)


def _entered(at: str, entry: Any, number: int) -> str:
    """Return where an entry of a list is: by its name, where it has one."""
    names = [entry[label] for label in _LABELS if isinstance(entry, dict) and label in entry]
    return f"{at}{names[0]}: " if names else f"{at.removesuffix(': ')}[{number}]: "


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}…"

"""How what was found differs from what was recorded: exactly on the machine type of the record, loosely elsewhere.

Bits are promised on one machine type alone. Another processor or library rounds otherwise, and what that leads to
depends on the run. Elsewhere, therefore:
- What is not computed from losses must be equal: studies, their ends, keys, seeds and budgets.
- Genomes and hyperparameters of the first generation and of the defaults must agree to `ROUNDING`: they are drawn from
  seeds alone, but go through logarithms and exponentials.
- Later genomes depend on ranks, which two nearly equal candidates may exchange. Only a candidate whose genome is the
  recorded one must come to the same end.
- The same end is the same status, and a fitness and observations within `RELATIVE`. It is required of candidates that
  were calm, which is that they finished with a fitness of at most `CALM` times their first loss. Where training
  explodes, rounding grows with it, and whether it overflows within the budget may depend on it: such candidates must
  have ended, however.

The tolerances were measured: with instruction sets switched off (XLA's, NumPy's, the C library's) and oneDNN off, the
largest relative difference of a calm candidate's fitness was 3e-14 in float64, 3e-5 with L-BFGS, and 3e-6 in float32;
of one that ended at 2e45 times its first loss it was 0.2. All genomes stayed the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

ROUNDING = 1e-12
RELATIVE = {"float64": 1e-9, "float32": 1e-3}
RELATIVE_OF = {"L-BFGS": 1e-3}  # it divides by differences of nearly equal gradients
CALM = 100
EXAMPLES = 0.05  # of an accuracy: an example near the boundary counts as one or as none

_FINAL = ("finished", "diverged", "failed", "timed_out")
_LABELS = ("study", "candidate")
_MISSING = "(nothing)"


@dataclass(frozen=True, slots=True)
class _Within:
    relative: float
    absolute: float = 0.0


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
        yield from _near(recorded["printed"], found["printed"], "printed: ", _Within(RELATIVE["float32"]))
        return
    structures = [[_structure(study) for study in each["studies"]] for each in (recorded, found)]
    yield from exact(*structures, "studies: ")
    for study, other in zip(recorded["studies"], found["studies"], strict=False):
        optimizer = study["study"].partition("/")[2]
        for candidate, candidate_found in zip(study["candidates"], other["candidates"], strict=False):
            at = f"{study['study']}: {candidate['candidate']}: "
            yield from _candidate(candidate, candidate_found, at, RELATIVE_OF.get(optimizer))


def _structure(study: dict[str, Any]) -> dict[str, Any]:
    """Return what of a study is not computed from losses."""
    kept = ("candidate", "seed", "steps")
    candidates = [{name: candidate[name] for name in kept} for candidate in study["candidates"]]
    return {name: study[name] for name in ("study", "seed", "status")} | {"candidates": candidates}


def _candidate(recorded: dict[str, Any], found: dict[str, Any], at: str, relative: float | None) -> Iterator[str]:
    where = [{name: each[name] for name in ("genome", "hyperparameters")} for each in (recorded, found)]
    elsewhere = [*_near(*where, at, _Within(ROUNDING))]
    if elsewhere:
        if recorded["candidate"].startswith(("default ", "search 0/")):
            yield from elsewhere
    elif _is_calm(recorded):
        within = _Within(relative or RELATIVE[recorded["losses"]["dtype"]])
        ends = [
            {"status": each["status"], "fitness": each["evaluation"]["fitness"], "observed": each.get("observations")}
            for each in (recorded, found)
        ]
        yield from _near(*ends, at, within)
    if found["status"] not in _FINAL:
        yield f"{at}status: recorded {recorded['status']}, found {found['status']}"


def _is_calm(candidate: dict[str, Any]) -> bool:
    if candidate["status"] != "finished":
        return False
    return bool(candidate["evaluation"]["fitness"] <= CALM * candidate["losses"]["first"][0])


def _near(recorded: Any, found: Any, at: str, within: _Within) -> Iterator[str]:
    """Yield the differences of two JSON values whose numbers with a fraction need only be near; hashes may differ."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        if "dtype" in recorded:
            within = _Within(RELATIVE[recorded["dtype"]])
        for key in [*recorded, *(key for key in found if key not in recorded)]:
            if key != "sha256":
                here = replace(within, absolute=EXAMPLES) if key == "accuracy" else within
                yield from _near(recorded.get(key, _MISSING), found.get(key, _MISSING), f"{at}{key}: ", here)
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for number, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from _near(one, other, _entered(at, one, number), within)
    elif isinstance(recorded, float) and isinstance(found, float):
        if not math.isclose(recorded, found, rel_tol=within.relative, abs_tol=within.absolute):
            yield f"{at}recorded {recorded!r}, found {found!r}, which is not near enough"
    else:
        yield from exact(recorded, found, at)


def _entered(at: str, entry: Any, number: int) -> str:
    """Return where an entry of a list is: by its name, where it has one."""
    names = [entry[label] for label in _LABELS if isinstance(entry, dict) and label in entry]
    return f"{at}{names[0]}: " if names else f"{at.removesuffix(': ')}[{number}]: "


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}…"

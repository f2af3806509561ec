"""Several searches for each optimizer in one run, with a seed each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tuner.core.errors import InvalidRequest
from tuner.core.seeds import MAX_SEED
from tuner.core.study import SearchSpec
from tuner.storage.validation import MAX_LABEL

MAX_SEARCHES = 1000


def check_search_seeds(count: int, seed: int) -> None:
    """Check a number of searches.

    Raises:
        InvalidRequest: It is out of range, or there are not so many seeds.
    """
    if not 1 <= count <= MAX_SEARCHES:
        raise InvalidRequest("search_seeds", f"is a whole number from 1 to {MAX_SEARCHES:,}", count)
    if seed + count - 1 > MAX_SEED:
        raise InvalidRequest("search_seeds", f": the last seed, {{seed}} + {count} - 1, is at most {MAX_SEED}", count)


def repeated(specs: Sequence[SearchSpec], count: int) -> tuple[SearchSpec, ...]:
    """Return the specifications of a run that searches several times, with one seed after the other.

    All optimizers of one seed come before the next seed, so that whole searches are complete early.

    Args:
        specs: Specifications of one search per optimizer, with the first seed.
        count: Number of searches.

    Raises:
        InvalidRequest: The name of an optimizer leaves no room for a seed.
    """
    if count == 1:
        return tuple(specs)
    found = tuple(replace(spec, seed=spec.seed + number, is_repeated=True) for number in range(count) for spec in specs)
    for spec in found:
        if len(spec.label) > MAX_LABEL:
            raise InvalidRequest(
                "search_seeds", f": OPTIMIZER@SEED has at most {MAX_LABEL} characters; give a shorter name", spec.label
            )
    return found

"""What may be tuned: one YAML file an optimizer, and the transformed space in which the search runs."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent  # where the YAML files live


def builtin_names() -> tuple[str, ...]:
    """Names of the search spaces that ship: the optimizers' names in lower case, sorted.

    Read from the directory alone, so that asking costs no YAML and no validation.
    """
    return tuple(sorted(path.stem for path in DIRECTORY.glob("*.yaml")))


def variant_names() -> tuple[str, ...]:
    """Names of the spaces that ship beside an optimizer's own, such as "as_published/rmsprop"; sorted."""
    return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in DIRECTORY.glob("*/*.yaml")))

"""Search spaces: one YAML file per optimizer, and the transformed space."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent  # of the YAML files


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in search spaces: the optimizers' names in lower case, sorted.

    Lists the directory only; no file is read.
    """
    return tuple(sorted(path.stem for path in DIRECTORY.glob("*.yaml")))


def variant_names() -> tuple[str, ...]:
    """Return the names of alternatives to the built-in search spaces, such as "as_published/rmsprop", sorted."""
    return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in DIRECTORY.glob("*/*.yaml")))

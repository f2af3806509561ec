"""The operator's file of names that requests may use in addition to what ships.

tasks: [my-task]                  # that installed packages offer (entry points `lodo_tune.tasks`)
optimizers: [MyOptimizer, keras:Nadam]
strategies: []
"""

from __future__ import annotations

from pathlib import Path

from search_spaces import strict_yaml
from tuner.api.submission import Catalogue
from tuner.core.errors import InvalidRequest

KEYS = ("tasks", "optimizers", "strategies")


def read_catalogue(file: Path) -> Catalogue:
    """Return the catalogue of a file.

    Raises:
        InvalidRequest: The file cannot be read, or names what no installed package offers.
    """
    try:
        content = strict_yaml.read(file.read_bytes()).content
    except OSError as error:
        raise InvalidRequest("catalogue", f": {file}: {error.strerror}") from None
    except strict_yaml.RefusedYamlError as error:
        raise InvalidRequest("catalogue", f": {file}, line {error.line or 1}: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest("catalogue", f": {file} is a mapping from {', '.join(KEYS)} to lists of names")
    named: dict[str, list[str]] = {}
    for key, names in content.items():
        if key not in KEYS:
            raise InvalidRequest("catalogue", f": the keys of {file} are {', '.join(KEYS)}", key)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InvalidRequest("catalogue", f": {key} of {file} is a list of names")
        named[key] = [str(name) for name in names]
    return Catalogue.of(named.get("tasks", ()), named.get("optimizers", ()), named.get("strategies", ()))

"""HTML rendered from the templates beside this module, with every value escaped."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tuner.core.text import printable


def render(template: str, **values: Any) -> str:
    """Return a template as HTML.

    Args:
        template: Name of a file in `templates/`.
        values: Its variables. Texts and their control characters are escaped; only `Markup` is inserted unchanged.
    """
    return environment(__package__).get_template(template).render(**values)


@functools.cache
def environment(*packages: str) -> Environment:
    """Return Jinja's environment for the templates in the folders `templates` of some packages.

    Args:
        packages: Names of packages; of two templates with the same name, that of the first package is taken.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalize(value: object) -> object:
    """Return a value in its printable form, before Jinja escapes it."""
    return value if isinstance(value, Markup) else printable(value)

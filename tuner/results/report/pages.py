"""HTML rendered from the templates beside this module, with every value escaped."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tuner.core.text import printable


def render(template: str, **values: Any) -> str:
    """Return a template as HTML.

    Args:
        template: Name of a file in `templates/`.
        values: Its variables. Texts and their control characters are escaped; only `Markup` is inserted unchanged.
    """
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalize(value: object) -> object:
    """Return a value in its printable form, before Jinja escapes it."""
    return value if isinstance(value, Markup) else printable(value)

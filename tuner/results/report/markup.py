"""HTML that cannot be broken by what is put into it: elements are made of texts, which are escaped, and of elements."""

from __future__ import annotations

import html

from tuner.results.tables.numbers import one_line

VOID = frozenset({"meta", "img", "br"})  # elements without content


class Html(str):
    """Markup that stands as it is. Only `element` and `joined` make it, and `trusted` of files of our own."""

    __slots__ = ()


def element(tag: str, *content: str, **attributes: str) -> Html:
    """Return an element.

    Args:
        tag: Its name.
        content: Elements, and texts, which are escaped; one beside the other.
        attributes: Their values are escaped. `class_` is class, and `aria_label` is aria-label.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_sound(one_line(value)))}"'
        for name, value in attributes.items()
    )
    if tag in VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{joined(*content)}</{tag}>")


def joined(*content: str) -> Html:
    """Return elements and texts, which are escaped, one after the other."""
    return Html("".join(part if isinstance(part, Html) else _escaped(part) for part in content))


def trusted(markup: str) -> Html:
    """Return a text as markup: for the style and the script that come with this package, and for nothing else."""
    return Html(markup)


def _escaped(text: str) -> str:
    """Return a text that a browser shows as it is, line by line; what would turn text around is spelt out."""
    return html.escape(_sound("\n".join(_line(line) for line in text.split("\n"))))


def _line(line: str) -> str:
    """Spell control characters, and keep the blanks at both ends, by which tracebacks are indented."""
    start = len(line) - len(line.lstrip(" "))
    return " " * start + one_line(line) + (" " if line.endswith(" ") and line.strip() else "")


def _sound(text: str) -> str:
    """Return a text that is UTF-8 without fail: a lone surrogate, which JSON may hold, is spelt."""
    return text.encode("utf-8", "backslashreplace").decode()

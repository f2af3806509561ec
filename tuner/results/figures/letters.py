"""Fallback fonts and replacements for characters that the fonts of a figure lack."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Fonts with many scripts, of Linux, macOS and Windows; the first that has a letter draws it.
FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Nirmala UI",
)


def make_readable(figure: Figure) -> None:
    r"""Draw every text of a figure with fonts that have its letters, and replace letters that no font has.

    A letter is replaced by its number, as "\u4f60", and not drawn as a box, which could be any letter.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if not isinstance(text, Text) or text.get_text().isascii():
            continue
        families = list(text.get_fontfamily() or [])
        missing = {letter for letter in text.get_text() if not _has(letter, families)}
        for fallback in FALLBACKS if missing else ():
            if is_installed(fallback) and any(_has(letter, [fallback]) for letter in missing):
                families.append(fallback)
                missing = {letter for letter in missing if not _has(letter, [fallback])}
                text.set_fontfamily(families)
        if missing:
            text.set_text("".join(_number(letter) if letter in missing else letter for letter in text.get_text()))


def _number(letter: str) -> str:
    return letter.encode("ascii", "backslashreplace").decode()


def _has(letter: str, families: list[str]) -> bool:
    return letter.isspace() or any(ord(letter) in _letters(family) for family in families)


def is_installed(family: str) -> bool:
    """Return whether this machine has a font."""
    return family in _installed()


@cache
def _installed() -> frozenset[str]:
    from matplotlib.font_manager import fontManager

    return frozenset(entry.name for entry in fontManager.ttflist)


@cache
def _letters(family: str) -> frozenset[int]:
    """Return the letters of a font, by number."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=[family]))).get_charmap())

"""The style of each optimizer in figures: colour, dash and marker.

Dashes and markers distinguish optimizers in greyscale.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from tuner.results.analysis.comparison import Comparison
from tuner.results.figures.colours import COLOURS, colour

Dash = tuple[int, tuple[float, ...]]

SOLID: Dash = (0, ())
DASHED: Dash = (0, (5, 1.8))
DOTTED: Dash = (0, (1.2, 1.2))
MIXED: Dash = (0, (5, 1.4, 1.2, 1.4))

LINES: dict[str, tuple[Dash, str]] = {
    "LODO": (SOLID, "o"),
    "Adam": (DASHED, "s"),
    "Momentum": (MIXED, "^"),
    "RMSprop": (DOTTED, "v"),
    "Yogi": (SOLID, "D"),
    "LARS": (DASHED, "P"),
    "L-BFGS": (DASHED, "<"),
    "O-LBFGS": (MIXED, ">"),
    "BFGS": (SOLID, "X"),
    "Levenberg-Marquardt": (DOTTED, "*"),
    "LODO-Diagonal": (DASHED, "d"),
    "LODO-Global": (MIXED, "p"),
    "LODO-Residuals": (DOTTED, "h"),
    "LODO-No-Momentum": (DASHED, "."),
    "LODO-SGD": (MIXED, "x"),
}
_DASHES = (SOLID, DASHED, MIXED, DOTTED)
_MARKERS = ("1", "2", "3", "4", "+", "H", "8", "|")  # for the user's own optimizers: different from those above


@dataclass(frozen=True, slots=True)
class Style:
    """Style of one contender, in all panels of a figure."""

    colour: str  # "#RRGGBB"
    dash: Dash
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """Keyword arguments for a line."""
        return {"color": self.colour, "linestyle": self.dash}


def style(optimizer: str) -> Style:
    """Return an optimizer's style in a figure of its own."""
    return styles_of([optimizer])[optimizer]


def styles_of(optimizers: Iterable[str]) -> dict[str, Style]:
    """Return the styles of the optimizers of one figure by name; no two have the same colour, or dash and marker.

    The style of an optimizer of ours is fixed. That of another one depends on its name, and on those before it.
    """
    names = list(dict.fromkeys(optimizers))
    styles = {name: Style(COLOURS[name], *LINES[name]) for name in names if name in LINES}
    for name in names:
        if name not in styles:
            others = styles.values()
            hue = colour(name, [one.colour for one in others])
            styles[name] = Style(hue, *_line(name, {one.marker for one in others}))
    return {name: styles[name] for name in names}


def _line(optimizer: str, taken: Collection[str]) -> tuple[Dash, str]:
    """Return a dash, and a marker that is not taken as long as one is free."""
    number = zlib.crc32(optimizer.encode())
    first = number // 4 % len(_MARKERS)
    ordered = (*_MARKERS[first:], *_MARKERS[:first])
    marker = next((one for one in ordered if one not in taken), f"${optimizer[:1]}$")
    return _DASHES[number % 4], marker


def styles(comparison: Comparison) -> tuple[Style, ...]:
    """Return the styles of the contenders, in their order.

    The points of a sweep are of one optimizer; their styles range from dark to light.
    """
    if comparison.sweep is None:
        looks = styles_of(one.optimizer for one in comparison.contenders)
        return tuple(looks[one.optimizer] for one in comparison.contenders)
    return ramp(len(comparison.contenders))


def ramp(count: int) -> tuple[Style, ...]:
    """Return styles from dark to light, also in greyscale: colours of `viridis` without its palest end."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shades: Any = colormaps["viridis"]([0.85 * index / max(1, count - 1) for index in range(count)])
    markers = [marker for _, marker in LINES.values()]
    return tuple(
        Style(to_hex(shade), _DASHES[index % 4], markers[index % len(markers)]) for index, shade in enumerate(shades)
    )

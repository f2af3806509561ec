"""Line charts as values that a template writes as SVG.

They have no styles of their own: these are in the style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.results.figures.colours import colour
from tuner.results.tables.numbers import number

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 78, 12, 12, 38


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    label: str
    points: Sequence[tuple[float, float | None]]  # (x, y); a gap where y is None or not finite
    kind: str = ""  # class of the line in the style sheet
    colour: str = ""  # of its stroke; "" leaves it to the style sheet
    breaks: frozenset[int] = frozenset()  # places in `points` before which the line is broken


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A series as it is drawn."""

    label: str
    kind: str
    colour: str
    paths: tuple[str, ...]  # values of the attribute `points` of polylines
    dots: tuple[tuple[float, float], ...]  # of points without neighbours


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it is drawn, in a coordinate system of WIDTH × HEIGHT."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def line_chart(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> Chart | None:
    """Return a chart of some series; None if there is no point to draw.

    The vertical axis is logarithmic if all values are positive and the greatest is more than 30 times the least.
    """
    values = [y for one in series for _, y in one.points if y is not None and math.isfinite(y)]
    places = [x for one in series for x, y in one.points if y is not None and math.isfinite(y)]
    if not values:
        return None
    is_log = min(values) > 0 and max(values) > 30 * min(values)
    low, high = (math.log10(min(values)), math.log10(max(values))) if is_log else (min(values), max(values))
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - (abs(low) * 0.05 or 1), high + (abs(high) * 0.05 or 1)
    first, last = min(places), max(places)
    if first == last:
        first, last = first - 1, last + 1

    def across(x: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (x - first) / (last - first), 1)

    def down(y: float) -> float:
        scaled = math.log10(y) if is_log else y
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (scaled - low) / (high - low), 1)

    y_ticks = [10**exponent for exponent in _decades(low, high)] if is_log else _round_numbers(low, high)
    if is_log and len(y_ticks) < 2:
        y_ticks = [10**low, 10**high]
    return Chart(
        title=title,
        x_label=x_label,
        y_label=y_label,
        lines=tuple(Line(one.label, one.kind, one.colour, *_drawn(one, across, down)) for one in series if one.points),
        x_ticks=tuple(Tick(across(x), number(x)) for x in _round_numbers(first, last) if x == int(x)),
        y_ticks=tuple(Tick(down(y), number(y, 3)) for y in y_ticks),
    )


def optimizer_colours(optimizers: Sequence[str]) -> dict[str, str]:
    """Return the colour of each optimizer, as in the figures."""
    found: dict[str, str] = {}
    for name in optimizers:
        found[name] = colour(name, list(found.values()))
    return found


def _drawn(
    one: Series, across: Callable[[float], float], down: Callable[[float], float]
) -> tuple[tuple[str, ...], tuple[tuple[float, float], ...]]:
    segments: list[list[tuple[float, float]]] = [[]]
    for place, (x, y) in enumerate(one.points):
        if y is None or not math.isfinite(y):
            segments.append([])
            continue
        if place in one.breaks:
            segments.append([])
        segments[-1].append((across(x), down(y)))
    paths = tuple(" ".join(f"{x},{y}" for x, y in some) for some in segments if len(some) > 1)
    return paths, tuple(some[0] for some in segments if len(some) == 1)


def _decades(low: float, high: float) -> list[int]:
    exponents = list(range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
    return exponents[:: max(1, math.ceil(len(exponents) / 6))]


def _round_numbers(low: float, high: float) -> list[float]:
    """Return about five round numbers between two numbers."""
    rough = (high - low) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    start = math.ceil(low / step - 1e-9)
    return [place * step for place in range(start, math.floor(high / step + 1e-9) + 1)]

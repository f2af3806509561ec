"""Figures as PNG, PDF and SVG files.

The same figure gives the same bytes, and a file is written completely or not at all.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tuner.core.files import write
from tuner.results.figures.canvas import matplotlib_defaults
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.tables.formats import check_format

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg")

# No dates and no versions, so that equal records give equal bytes.
_METADATA = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


MAX_MARKS = 3_000
"""Marks of a figure that a vector format stores one by one. Clouds of more are pictures in it, or it has megabytes."""


def rendered(figure: Figure, format: str = "png", look: Look = DEFAULT_LOOK) -> bytes:
    """Return a figure as the bytes of a file.

    Args:
        figure: A figure of `Kind.draw`.
        format: "png", "pdf" or "svg". Default "png".
        look: With which it was drawn. Default: nothing.

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    out = io.BytesIO()
    _flatten(figure)
    with matplotlib_defaults(look):
        if format == "svg":  # the same as savefig, which draws the whole figure twice
            from matplotlib.backends.backend_svg import FigureCanvasSVG

            FigureCanvasSVG(figure).print_svg(out, metadata=_METADATA[format])  # type: ignore[no-untyped-call]
        else:
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            FigureCanvasAgg(figure)  # draws without a display; no global backend is set
            figure.savefig(out, format=format, metadata=_METADATA[format])
    return out.getvalue()


def _flatten(figure: Figure) -> None:
    """Make clouds of many marks pictures within a vector format; axes, lines and texts stay as they are."""
    from matplotlib.collections import PathCollection

    clouds = [one for axes in figure.axes for one in axes.collections if isinstance(one, PathCollection)]
    if sum(np.shape(one.get_offsets())[0] for one in clouds) > MAX_MARKS:
        for one in clouds:
            one.set_rasterized(True)


def save(figure: Figure, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Write a figure into a file, in the format that its ending names.

    Args:
        figure: A figure of `Kind.draw`.
        path: The file, in an existing folder; ends in .png, .pdf or .svg.
        overwrite: Whether to replace an existing file. Default True.

    Raises:
        ValueError: There is no such format.
        NotWritten: The file cannot be written.
    """
    write(path, rendered(figure, Path(path).suffix.removeprefix(".").lower()), overwrite=overwrite)

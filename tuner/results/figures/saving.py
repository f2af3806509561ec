"""Figures as PNG, PDF and SVG: the same bytes for the same figure, and files written whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.core.files import write
from tuner.results.tables.formats import check_format

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg")

# No dates and no versions: equal records, equal bytes.
_NOTHING_OF_THE_DAY = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


def rendered(figure: Figure, format: str = "png") -> bytes:
    """Return a figure as the bytes of a file.

    Args:
        figure: What a `Kind` has drawn.
        format: "png", "pdf" or "svg". Default "png".

    Raises:
        ValueError: There is no such format.
    """
    check_format(format, FORMATS)
    from matplotlib import rc_context

    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "lodo-tune", "pdf.fonttype": 42}):  # 42: text that can be selected and searched
        if format == "svg":  # the same as savefig, which would go through the whole figure twice
            from matplotlib.backends.backend_svg import FigureCanvasSVG

            FigureCanvasSVG(figure).print_svg(out, metadata=_NOTHING_OF_THE_DAY[format])  # type: ignore[no-untyped-call]
        else:
            figure.savefig(out, format=format, metadata=_NOTHING_OF_THE_DAY[format])
    return out.getvalue()


def save(figure: Figure, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Write a figure into a file, in the format that its ending names.

    Args:
        figure: What a `Kind` has drawn.
        path: Ends in .png, .pdf or .svg; its folder exists.
        overwrite: Whether a file that is there may be replaced. Default True.

    Raises:
        ValueError: There is no such format.
        NotWritten: What `tuner.core.files.write` raises.
    """
    write(path, rendered(figure, Path(path).suffix.removeprefix(".").lower()), overwrite=overwrite)

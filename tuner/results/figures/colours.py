"""One colour per optimizer, the same in every figure.

The common optimizers have the palette of Okabe and Ito, which colour-blind people can distinguish. Figures must not
depend on colour alone, since they may be printed in greyscale.
"""

from __future__ import annotations

import colorsys
import itertools
import zlib
from collections.abc import Collection, Mapping
from types import MappingProxyType

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "LODO": "#D55E00",
        "Adam": "#0072B2",
        "Momentum": "#009E73",
        "RMSprop": "#CC79A7",
        "Yogi": "#B07C00",
        "LARS": "#56B4E9",
        "L-BFGS": "#332288",
        "O-LBFGS": "#6A6FCC",
        "BFGS": "#117733",
        "Levenberg-Marquardt": "#882255",
        "LODO-Diagonal": "#AA4499",
        "LODO-Global": "#8A8A2E",
        "LODO-Residuals": "#661100",
        "LODO-No-Momentum": "#4477AA",
        "LODO-SGD": "#777777",
    }
)

# For optimizers that are not in COLOURS. The first four are where the search for a free colour begins.
_OTHERS = (
    "#000000", "#44AA99", "#A05195", "#5B7F00", "#C8102E", "#00A0C8", "#7A4B2A", "#8C6BFF", "#FF5CA8", "#2F4B7C",
    "#E0A030", "#9AC400",
)  # fmt: skip
_FIRST = 4


def colour(optimizer: str, taken: Collection[str] = ()) -> str:
    """Return an optimizer's colour as #RRGGBB.

    Args:
        optimizer: Its name. One that is not in COLOURS has a colour that depends on its name, and on those taken.
        taken: Colours of others in the same figure. Default: none.
    """
    if optimizer in COLOURS:
        return COLOURS[optimizer]
    first = zlib.crc32(optimizer.encode()) % _FIRST
    ordered = (*_OTHERS[first:], *_OTHERS[:first])
    return next((one for one in ordered if one not in taken), None) or _free_hue(taken)


def _free_hue(taken: Collection[str]) -> str:
    """Return a colour that is not taken; hues go round the circle by the golden angle, so that they stay apart."""
    for turn in itertools.count(1):
        parts = colorsys.hsv_to_rgb(turn * 0.618034 % 1, 0.75, 0.7)
        colour = "#" + "".join(f"{round(255 * part):02X}" for part in parts)
        if colour not in taken:
            return colour
    raise AssertionError("unreachable: there are more hues than optimizers")

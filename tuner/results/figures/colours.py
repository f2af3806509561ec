"""One colour per optimizer, the same in every figure.

The common optimizers have the palette of Okabe and Ito, which colour-blind people can distinguish. Figures must not
depend on colour alone, since they may be printed in greyscale.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
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

_OTHERS = ("#000000", "#44AA99", "#A05195", "#5B7F00")  # for the user's own optimizers


def colour(optimizer: str) -> str:
    """Return an optimizer's colour as #RRGGBB; for one that is not in COLOURS, a colour that depends on its name."""
    return COLOURS.get(optimizer) or _OTHERS[zlib.crc32(optimizer.encode()) % len(_OTHERS)]

"""Options for the appearance of figures: width, scale, smoothing and style."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuner.core.errors import InvalidRequest, check_at_least_one
from tuner.core.matplotlib_import import import_matplotlib

MIN_WIDTH, MAX_WIDTH = 2.0, 30.0  # inches
NARROW = 5.0  # inches; below it, a legend stands under the panels, and letters are smaller
MAX_STRETCH = 1.6  # of a panel's height, where one panel gets the width of several


@dataclass(frozen=True, slots=True)
class Look:
    """What a user asks of the look of figures; by default, nothing.

    Raises:
        InvalidRequest: A value is out of range.
    """

    width: float | None = None  # of the whole figure, in inches; None: the figure's own
    log_y: bool = False  # a logarithmic axis of losses, whatever their range
    smooth: int | None = None  # gradient evaluations per point of a learning curve; None: a 200th of the budget
    style: Mapping[str, Any] = field(default_factory=dict)  # rcParams of Matplotlib

    def __post_init__(self) -> None:
        if self.width is not None and not MIN_WIDTH <= self.width <= MAX_WIDTH:
            raise InvalidRequest("width", f"is a number of inches from {MIN_WIDTH:g} to {MAX_WIDTH:g}", self.width)
        check_at_least_one("smooth", self.smooth)

    @classmethod
    def of(
        cls,
        width: float | None = None,
        log_y: bool = False,
        smooth: int | None = None,
        style: str | Path | None = None,
    ) -> Look:
        """Return a look with the style of a file, in the form of `matplotlibrc`.

        Raises:
            InvalidRequest: A value is out of range, or the file cannot be read or has what Matplotlib does not know.
        """
        return cls(width, log_y, smooth, {} if style is None else _read_style(Path(style)))

    @property
    def is_narrow(self) -> bool:
        """Whether the figure is as wide as the column of a paper."""
        return self.width is not None and self.width < NARROW

    def size(self, width: float, height: float) -> tuple[float, float]:
        """Return the size of a figure in inches, whose own size is given.

        The height shrinks less than the width, since labels do not shrink with it.
        """
        if self.width is None:
            return width, height
        share = self.width / width
        return self.width, height * (share**0.6 if share < 1 else min(share, MAX_STRETCH))


DEFAULT_LOOK = Look()


def _read_style(file: Path) -> dict[str, Any]:
    """Return the settings of a style file, except those of windows and of saving that are ours."""
    import_matplotlib()
    from matplotlib import rc_params_from_file
    from matplotlib.style.core import STYLE_BLACKLIST

    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it would print the lines at fault, which the error names
    try:
        found = rc_params_from_file(file, fail_on_error=True, use_default_template=False)
        unknown = _unknown(file, set(found))
    except OSError as error:
        raise InvalidRequest("style", f": cannot read {file}: {error.strerror or error}") from None
    except Exception as error:  # of many kinds, by the setting
        raise InvalidRequest(
            "style", f": {file} is not a Matplotlib style file: {' '.join(str(error).split())}"
        ) from None
    finally:
        log.setLevel(level)
    if unknown:
        raise InvalidRequest("style", f": {file}: Matplotlib has no setting {unknown}")
    return {name: value for name, value in found.items() if name not in STYLE_BLACKLIST}


def _unknown(file: Path, known: set[str]) -> str | None:
    """Return the first setting of a file that Matplotlib has left out; None if it has all."""
    for line in file.read_text(encoding="utf-8").splitlines():
        name, colon, _ = line.partition("#")[0].partition(":")
        if name.strip() and (not colon or name.strip() not in known):
            return name.strip()
    return None

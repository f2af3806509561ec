"""The figure of `lodo-tune train`: training loss and validation metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.text import one_line
from tuner.results.figures.canvas import DOTS_PER_INCH, hide_spines, matplotlib_defaults
from tuner.results.figures.colours import colour
from tuner.results.figures.saving import rendered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOWS = 200  # per curve; each point is the mean of one, so that the trend is visible in the noise


def losses_figure(document: Mapping[str, Any]) -> bytes:
    """Return a figure of trained runs.

    Args:
        document: Content of `run.json`: the losses of each run, and its validation if there is one.

    Returns:
        A PNG, the same bytes for the same document.
    """
    with matplotlib_defaults():
        return rendered(_figure(document))


def _figure(document: Mapping[str, Any]) -> Figure:
    from matplotlib.figure import Figure

    runs: Sequence[Mapping[str, Any]] = document["runs"]
    others = [name for name in _metrics(runs) if name != "loss"]
    figure = Figure(figsize=(6.4, 3.6 + 2.4 * len(others)), dpi=DOTS_PER_INCH, layout="constrained")
    panels = figure.subplots(1 + len(others), 1, sharex=True, squeeze=False)[:, 0]
    hue = colour(document["optimizer"])
    window = max(1, document["steps"] // WINDOWS)
    for number, run in enumerate(runs):
        curve = [np.nan if loss is None else loss for loss in run["losses"]]
        label = {"label": "training loss" + (f", mean of {window:,}" if window > 1 else "")} if number == 0 else {}
        panels[0].plot(
            *window_means(np.asarray(curve), window), color=hue, lw=1.0, alpha=max(0.35, 1 / len(runs)), **label
        )
        for panel, name in zip(panels, ("loss", *others), strict=True):
            validation = run.get("validation", {})
            if name in validation:
                label = {"label": f"validation {name}"} if number == 0 else {}
                means = [np.nan if mean is None else mean for mean in validation[name]]
                panel.plot(validation["evaluations"], means, "--o", color="black", lw=0.9, ms=3.5, **label)
    losses = [loss for run in runs for loss in run["losses"] if loss is not None]
    if losses and min(losses) > 0 and max(losses) / min(losses) >= 100:
        panels[0].set_yscale("log")
    for panel, name in zip(panels, ("loss", *others), strict=True):
        panel.set_ylabel(name)
        panel.legend(frameon=False, fontsize=8)
        hide_spines(panel)
    panels[-1].set_xlabel("gradient evaluations")
    seeds = f"seed {runs[0]['seed']}" if len(runs) == 1 else f"{len(runs)} seeds"
    title = f"{document['optimizer']} on {document['task'].rpartition('/')[2]}, {seeds}"
    figure.suptitle(one_line(title), parse_math=False)
    return figure


def _metrics(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the validation metrics, in order."""
    return list(dict.fromkeys(name for run in runs for name in run.get("validation", {}) if name != "evaluations"))


def window_means(losses: NDArray[np.floating], window: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the middles of windows in gradient evaluations, and the mean loss in each; a shorter last one is omitted.

    Args:
        losses: Loss of each gradient evaluation.
        window: Losses per mean, at least 1.
    """
    count = len(losses) // window
    means = losses[: count * window].reshape(count, window).mean(axis=1)
    return (np.arange(count) + 0.5) * window, means

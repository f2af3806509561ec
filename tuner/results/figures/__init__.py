"""Figures of searches and comparisons, from frozen values.

Matplotlib is imported when a figure is drawn.
"""

from tuner.results.analysis.generations import Searches
from tuner.results.figures.drawing import (
    Picture,
    PictureDrawer,
    budget_figure,
    figure_files,
    picture_drawer,
    profile_figure,
)
from tuner.results.figures.kinds import FIGURES_OF_COMPARISON, FIGURES_OF_SEARCH, Kind, kinds_for, kinds_of
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.saving import FORMATS, rendered, save
from tuner.results.figures.target_profile import draw_profile, profile_files, profile_names

__all__ = [
    "DEFAULT_LOOK",
    "FIGURES_OF_COMPARISON",
    "FIGURES_OF_SEARCH",
    "FORMATS",
    "Kind",
    "Look",
    "Picture",
    "PictureDrawer",
    "Searches",
    "budget_figure",
    "draw_profile",
    "figure_files",
    "kinds_for",
    "kinds_of",
    "picture_drawer",
    "profile_figure",
    "profile_files",
    "profile_names",
    "rendered",
    "save",
]

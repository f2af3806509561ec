"""Import of Matplotlib, whatever settings other programs have left for it.

Keras imports it, and TensorFlow imports Keras: a setting that Matplotlib rejects would prevent all training.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys

from tuner.core.environment import environment


def import_matplotlib() -> None:
    """Import Matplotlib; if it rejects MPLBACKEND or a matplotlibrc, without them.

    Both are read on import alone. A notebook sets MPLBACKEND for all commands that are started in it.
    """
    if "matplotlib" in sys.modules:
        return
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)  # no warnings on the user's files and folders
    try:
        importlib.import_module("matplotlib")
    except (ValueError, OSError):  # an unknown backend; a file that is not UTF-8, or cannot be read
        for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
            del sys.modules[name]  # half imported
        # The file in the working directory comes before MATPLOTLIBRC.
        with environment({"MPLBACKEND": None, "MATPLOTLIBRC": os.devnull}), contextlib.chdir("/"):
            importlib.import_module("matplotlib")

"""The data sets by name, and the fingerprint that a study keeps of the one that it trains on.

Nothing but NumPy is loaded until it is needed.
"""

from __future__ import annotations

import os
from typing import Any

from tasks.cifar10 import cifar10_facts
from tasks.mnist import Mnist, mnist, mnist_fingerprint
from tasks.npz import DatasetError

__all__ = ["DATASETS", "DatasetError", "Mnist", "facts", "fingerprint", "mnist", "mnist_fingerprint"]


def _mnist_facts(data_dir: str | os.PathLike[str] | None) -> tuple[dict[str, Any], str]:
    data = mnist(data_dir)
    return mnist_fingerprint(data), data.note


DATASETS = {"mnist": _mnist_facts, "cifar10": cifar10_facts}


def facts(dataset: str, data_dir: str | os.PathLike[str] | None = None) -> tuple[dict[str, Any], str]:
    """Return the fingerprint of a data set by the name that a task's registry entry gives, and a remark for people.

    Returns:
        What identifies the data, as JSON takes it: name, sizes of the parts, and sha256 of the arrays' contents; and
        a line on what is not as people may expect, or "".

    Raises:
        ValueError: There is no such data set.
        DatasetError: Its files are missing or broken.
    """
    if dataset not in DATASETS:
        raise ValueError(f"Unknown data set; there is: {', '.join(DATASETS)}. Received: {dataset!r}")
    return DATASETS[dataset](data_dir)


def fingerprint(dataset: str, data_dir: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Return the first of the `facts`."""
    return facts(dataset, data_dir)[0]

"""The data sets by name, and the fingerprints that studies store of them.

Loads only NumPy until more is needed.
"""

from __future__ import annotations

import os
from typing import Any

from tasks.cifar10 import cifar10_facts
from tasks.errors import DatasetError
from tasks.mnist import Mnist, mnist, mnist_fingerprint

__all__ = ["DATASETS", "DatasetError", "Mnist", "facts", "fingerprint", "mnist", "mnist_fingerprint"]


def _mnist_facts(data_dir: str | os.PathLike[str] | None) -> tuple[dict[str, Any], str]:
    data = mnist(data_dir)
    return mnist_fingerprint(data), data.note


DATASETS = {"mnist": _mnist_facts, "cifar10": cifar10_facts}


def facts(dataset: str, data_dir: str | os.PathLike[str] | None = None) -> tuple[dict[str, Any], str]:
    """Return the fingerprint of a data set, and a note for users.

    Args:
        dataset: A name of `DATASETS`, as in a task's registry entry.
        data_dir: Folder with the data set's file. Default: that of `tasks.data_folder.data_folder`.

    Returns:
        What identifies the data, as JSON accepts it: name, sizes of the parts, and sha256 of their contents; and one
        line for users where the data is not the whole data set, or "".

    Raises:
        ValueError: There is no such data set.
        DatasetError: Its files are missing or broken.
    """
    if dataset not in DATASETS:
        raise ValueError(f"Unknown data set; there is: {', '.join(DATASETS)}. Received: {dataset!r}")
    return DATASETS[dataset](data_dir)


def fingerprint(dataset: str, data_dir: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Return the fingerprint of a data set, as `facts` does, without the note."""
    return facts(dataset, data_dir)[0]

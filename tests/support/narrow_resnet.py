"""A ResNet-18 with few channels, and images for it, for fast tests of the task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tasks.resnet18 import ResNet18
from tasks.resnet18_network import ResNet


class NarrowResNet(ResNet18):
    """The task with a narrow network: as many layers, strides and projections, few channels."""

    network = ResNet(widths=(4, 8, 12, 16))


def noise(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 [count, 32, 32, 3] of noise and their labels uint8 [count, 1]; the labels 0 to 9 in turn."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return images, (np.arange(count) % 10).astype(np.uint8)[:, np.newaxis]


def write_noise(folder: Path, *, train: int = 60, test: int = 20) -> Path:
    """Write cifar10.npz with noise, and return the folder."""
    write(folder, *noise(train, 1), *noise(test, 2))
    return folder


def write(folder: Path, x_train: Any, y_train: Any, x_test: Any, y_test: Any) -> None:
    """Write cifar10.npz."""
    np.savez(folder / "cifar10.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)

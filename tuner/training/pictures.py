"""Pictures that a task draws of trained weights, as PNG."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tasks.task import Pictured
from tuner.core.trial import Trial, Workload
from tuner.training.loop import Carry, loop_for

MAX_SIZE = 640  # pixels of the longer side to which a small picture is enlarged


def pictures_of(workload: Workload, trial: Trial, end: Carry) -> dict[str, bytes]:
    """Return the task's pictures as PNG, by name; none if the task draws none.

    Args:
        workload: What was trained.
        trial: The run, whose seed the pictures use.
        end: State at the end of the run, a cohort of one.
    """
    task = loop_for(workload, trial).task
    if not isinstance(task, Pictured):
        return {}
    pictures = task.pictures(*end[:2], trial.seed)
    return {name: _png(tf.convert_to_tensor(picture)) for name, picture in pictures.items()}


def _png(picture: Any) -> bytes:
    """Return a picture [height, width] or [height, width, 3] as PNG; each pixel of a small one a square of several."""
    image = picture[..., tf.newaxis] if picture.shape.rank == 2 else picture
    times = max(1, MAX_SIZE // max(image.shape[:2]))
    image = tf.repeat(tf.repeat(image, times, axis=0), times, axis=1)
    content: bytes = tf.io.encode_png(image).numpy()
    return content

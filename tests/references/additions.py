"""Additions to gradient descent in plain NumPy: schedules, weight decay, clipping and an average of the weights."""

import math

import numpy as np


def share(step, steps, warmup_ratio=None, **final):
    """Return what the learning rate is multiplied by at a step, counted from 0."""
    rise = 0 if warmup_ratio is None else int(np.rint(warmup_ratio * steps))
    if step < rise:
        return (step + 1) / (rise + 1)
    progress = (step - rise) / (steps - rise)
    if "cosine_final" in final:
        low = final["cosine_final"]
        return low + (1 - low) * (1 + math.cos(math.pi * progress)) / 2
    if "linear_final" in final:
        return 1 - (1 - final["linear_final"]) * progress
    if "step_final" in final:
        return 1 if progress < 1 / 2 else final["step_final"] ** (0.5 if progress < 3 / 4 else 1)
    return 1


def clipped(gradient, shapes, clipnorm=None, global_clipnorm=None, clipvalue=None):
    """Return a gradient [n] that is clipped by at most one rule."""
    if clipvalue is not None:
        return np.clip(gradient, -clipvalue, clipvalue)
    limit, sizes = (clipnorm, shapes) if clipnorm is not None else (global_clipnorm, [len(gradient)])
    if limit is None:
        return gradient
    parts = np.split(gradient, np.cumsum(sizes)[:-1])
    return np.concatenate([part * min(1, limit / np.linalg.norm(part)) for part in parts])


def descend(gradient_of, start, steps, sizes, learning_rate, weight_decay=0.0, ema_momentum=0.0, **rest):
    """Return the path of x and of its average, each [steps, n], of gradient descent with additions."""
    clipping = {name: rest[name] for name in ("clipnorm", "global_clipnorm", "clipvalue") if name in rest}
    schedule = {name: value for name, value in rest.items() if name not in clipping}
    x, average, path, averages = np.asarray(start, float), None, [], []
    for step in range(steps):
        rate = learning_rate * share(step, steps, **schedule)
        gradient = clipped(gradient_of(x), sizes, **clipping)
        x = x - rate * gradient - rate * weight_decay * x
        average = x if average is None else ema_momentum * average + (1 - ema_momentum) * x
        path.append(x)
        averages.append(average)
    return np.stack(path), np.stack(averages)

"""Flags of XLA that belong to other programs.

The environment variables XLA_FLAGS and TF_XLA_FLAGS of this process are written, because XLA has no other
configuration.
"""

from __future__ import annotations

import os

_KEPT = ("--xla_gpu_cuda_data_dir", "--xla_dump_")  # where CUDA is, and output for experts: neither changes a result
_OWN = "--xla_backend_extra_options="  # set by `tuner.training.tensorflow.configure`, and inherited by workers

_unused: list[str] = []


def settle_xla() -> None:
    """Remove flags that change the last bits of results, or that this version of XLA does not know.

    XLA ends the process for a flag that it does not know, such as one for JAX.
    """
    flags = os.environ.pop("XLA_FLAGS", "").split()
    kept = [flag for flag in flags if flag.startswith(_KEPT)]
    if kept:
        os.environ["XLA_FLAGS"] = " ".join(kept)
    _unused.extend(flag for flag in flags if not flag.startswith((*_KEPT, _OWN)))
    _unused.extend(os.environ.pop("TF_XLA_FLAGS", "").split())


def unused_flags() -> str | None:
    """Return a remark on the flags that were removed in this process; None without any."""
    if not _unused:
        return None
    return f"flags of XLA_FLAGS and TF_XLA_FLAGS are not used, since they may change results: {' '.join(_unused)}"

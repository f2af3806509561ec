"""Environment variables with values for which TensorFlow ends the process.

The variables of this process are removed, because TensorFlow reads them in C++, where no exception can be caught.
"""

from __future__ import annotations

import os
import re

_FLAG, _NUMBER = r"0|1|true|false", r"[+-]?\d+"
_ACCEPTED = {
    **dict.fromkeys(("TF_DETERMINISTIC_OPS", "TF_DETERMINISTIC_ORDER", "TF_ONEDNN_USE_SYSTEM_ALLOCATOR"), _FLAG),
    "TF_ENABLE_ASYNC_WAIT_FOR_REMOTE_FUNCTION": _FLAG,
    "TF_PFLR_PARALLEL_INSTANTIATE_THRESHOLD": _NUMBER,
    "TF_MKL_ALLOC_MAX_BYTES": _NUMBER,
    "TF_ENABLED_DEVICE_TYPES": r"(CPU|GPU|TPU)(,(CPU|GPU|TPU))*",
}

_unused: list[str] = []


def settle_variables() -> None:
    """Remove variables of TensorFlow with values that it does not accept."""
    for name, accepted in _ACCEPTED.items():
        value = os.environ.get(name)
        if value is not None and not re.fullmatch(accepted, value, re.IGNORECASE):
            del os.environ[name]
            if value:  # an empty one is a way to say nothing
                _unused.append(f"{name}={value}")


def unused_variables() -> str | None:
    """Return a remark on the variables that were removed in this process; None without any."""
    if not _unused:
        return None
    return f"TensorFlow does not accept these values, which are not used: {' '.join(_unused)}"

"""What decides the last bits of a result: the processor, the C library, and the libraries that compute."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("deap", "keras", "numpy", "tensorflow")
_INSTRUCTIONS = ("sse", "ssse", "avx", "fma", "f16c", "bmi", "abm", "amx", "asimd", "sve", "popcnt")


def machine() -> dict[str, str]:
    """Return what two machines must share to be promised the same bits.

    Of the processor's flags those are named that say which instructions compilers and libraries may choose; the others
    come and go with the kernel.
    """
    fields = _processor()
    flags = fields.get("flags", fields.get("Features", "")).split()
    identity = ("vendor_id", "cpu family", "model", "stepping", "model name")
    known = {name: fields[name] for name in identity if name in fields}
    return {
        "architecture": platform.machine(),
        **(known or {"model name": platform.processor()}),
        "instructions": " ".join(sorted(flag for flag in flags if flag.startswith(_INSTRUCTIONS))),
        "C library": " ".join(platform.libc_ver()),
        **{library: version(library) for library in LIBRARIES},
    }


def _processor() -> dict[str, str]:
    """Return what Linux says of the first processor; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}

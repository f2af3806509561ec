"""Environment variables of Ray that are meant for other programs.

A local Ray starts without them. Ray reads some 1,000: they may end its processes (a number that is none), keep them
from starting (TLS, the size of the object store), or have them work otherwise (client mode).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_RAYS = re.compile(r"_?RAY_\w+")
# With warnings as errors, without docstrings or where no compiled files are found, Ray's own processes would not start.
_PYTHONS = ("PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONOPTIMIZE", "PYTHONPYCACHEPREFIX", "PYTHONINSPECT")

KEPT = {
    "RAY_worker_niceness": re.compile(r"-?1?\d|-20"),
    "RAY_metrics_report_interval_ms": re.compile(r"[1-9]\d{0,8}"),
    "RAY_gcs_rpc_server_reconnect_timeout_s": re.compile(r"[1-9]\d{0,5}"),
}
"""What a local Ray may be given, and accepted values."""

# What is set for a cluster, or by Ray itself in the process that imports it, and by us; without effect on a local Ray.
_SILENT = re.compile(r"RAY_(ADDRESS|AUTH_\w+|USAGE_STATS_ENABLED|JOB_CONFIG_JSON_ENV_VAR)")
_OF_IMPORT = {"RAY_CLIENT_MODE": "0"}

# A driver that joins a cluster is no client of Ray's, works in no process of its own, and monitors no memory.
_NEVER = re.compile(r"RAY_(CLIENT_MODE|LOCAL_MODE|memory_\w+)")


def unset_for_a_local_ray(variables: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Return what is unset while a local Ray starts, as `tuner.core.environment.environment` takes it.

    Args:
        variables: All environment variables. Default: those of this process.
    """
    given = os.environ if variables is None else variables
    foreign = [name for name, value in given.items() if _RAYS.fullmatch(name) and not _is_kept(name, value)]
    return dict.fromkeys((*foreign, *_PYTHONS, "RAY_CLIENT_MODE"))


def unset_for_a_cluster(variables: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Return what is unset while a cluster is joined; see `unset_for_a_local_ray`."""
    given = os.environ if variables is None else variables
    return dict.fromkeys((*filter(_NEVER.fullmatch, given), *_PYTHONS, "RAY_CLIENT_MODE"))


def unused_by_a_local_ray(variables: Mapping[str, str] | None = None) -> str | None:
    """Return a remark on variables that a local Ray starts without, by name; None if there are none."""
    given = os.environ if variables is None else variables
    names = sorted(
        name
        for name in unset_for_a_local_ray(given)
        if name in given and name.startswith(("RAY_", "_RAY_"))
        if not _SILENT.fullmatch(name) and _OF_IMPORT.get(name) != given[name]
    )
    if not names:
        return None
    return f"not used by the Ray of this machine: {', '.join(names)}; of Ray's variables, it uses {', '.join(KEPT)}"


def _is_kept(name: str, value: str) -> bool:
    return name in KEPT and KEPT[name].fullmatch(value) is not None

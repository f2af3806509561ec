"""Resources of a run: workers, cores, GPUs, time limits and the data folder."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tuner.core.errors import InvalidRequest, check_at_least_one, check_timeout
from tuner.execution.quota import cpu_quota

MIN_GIGABYTES = 0.01
"""Least memory that a candidate may be limited to; the steps in which an interpreter takes memory are smaller."""


class ResourceOptions(TypedDict, total=False):
    """Keyword arguments of the Python API that say where to train; see `Resources`."""

    workers: int | None
    cpus_per_candidate: int
    gpus_per_candidate: float
    memory_per_candidate: float | None
    timeout: float | None
    max_attempts: int
    address: str | None
    dashboard: bool
    data_dir: str | Path | None
    checkpoint_dir: str | Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Resources for the training of candidates.

    Attributes:
        workers: Maximum number of workers, each of which trains one cohort at a time. Default: as many as fit.
        cpus_per_candidate: Cores of a worker, equal to the threads of every workload.
        gpus_per_candidate: GPUs of a worker, or a share of one. With 0, GPUs are hidden from the workers.
        memory_per_candidate: Gigabytes that a candidate of a training function may take, with the processes that it
            starts and beyond what its worker holds before it. Default: no limit.
        timeout: Maximum seconds of an attempt, from the first message of its worker. Default: no limit.
        max_attempts: How often a candidate may be lost with its worker before it fails.
        address: "HOST:PORT" of a Ray cluster, or "auto" for the one that RAY_ADDRESS names. Default: a local Ray.
        dashboard: Whether a local Ray serves its dashboard.
        data_dir: Folder of mnist.npz and cifar10.npz, on every node. Default: where LODO_DATA_DIR or Keras has them.
        checkpoint_dir: Folder for the checkpoints of training functions, which all nodes share. Default: one for
            temporary files, on each node.
    """

    workers: int | None = None
    cpus_per_candidate: int = 1
    gpus_per_candidate: float = 0.0
    memory_per_candidate: float | None = None
    timeout: float | None = None
    max_attempts: int = 3
    address: str | None = None
    dashboard: bool = True
    data_dir: Path | None = None
    checkpoint_dir: Path | None = None

    @classmethod
    def of(cls, options: ResourceOptions) -> Resources:
        """Return the resources of keyword arguments; a local Ray serves no dashboard unless they ask for it.

        Raises:
            TypeError: A keyword is none of them.
        """
        for unknown in sorted(options.keys() - ResourceOptions.__annotations__.keys()):
            accepted = ", ".join(ResourceOptions.__annotations__)
            raise TypeError(f"unexpected keyword argument {unknown!r}. Accepted beside the named ones: {accepted}")
        given = {name: options.get(name) for name in ("data_dir", "checkpoint_dir")}
        folders = {name: None if folder is None else Path(str(folder)) for name, folder in given.items()}
        return cls(**{"dashboard": False, **options, **folders})  # type: ignore[arg-type]

    def check(self) -> None:
        """Check that all values are in range.

        Raises:
            InvalidRequest: A value is out of range.
        """
        check_at_least_one("workers", self.workers)
        check_at_least_one("cpus_per_candidate", self.cpus_per_candidate)
        check_at_least_one("max_attempts", self.max_attempts)
        check_timeout(self.timeout)
        gpus = self.gpus_per_candidate
        if not 0 <= gpus < math.inf:
            raise InvalidRequest("gpus_per_candidate", "is at least 0", gpus)
        if gpus > 1 and gpus != int(gpus):
            raise InvalidRequest("gpus_per_candidate", "is a share such as 0.25, or a whole number", gpus)

        self._check_memory()

    def check_for(self, *, is_function: bool) -> None:
        """Check that there is no limit that built-in training does not observe.

        Raises:
            InvalidRequest: There is one.
        """
        if self.memory_per_candidate is not None and not is_function:
            raise InvalidRequest("memory_per_candidate", ": only candidates of a training function have a limit")

    def _check_memory(self) -> None:
        gigabytes = self.memory_per_candidate
        if gigabytes is None:
            return
        if not MIN_GIGABYTES <= gigabytes < math.inf:
            raise InvalidRequest(
                "memory_per_candidate", f"is a number of gigabytes, at least {MIN_GIGABYTES}", gigabytes
            )
        if sys.platform != "linux":
            raise InvalidRequest("memory_per_candidate", ": this system does not tell what a process holds; Linux does")

    @property
    def local_workers(self) -> int:
        """Number of workers of a local Ray: as requested, or as many as the machine's cores allow."""
        return self.workers or max(1, usable_cores() // self.cpus_per_candidate)


def usable_cores() -> int:
    """Return the number of cores that this process may use, by its affinity and by the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, math.floor(quota)))
